/** Keys that work all over a page. */
import { useEffect, useEffectEvent } from "react";

/** Whether a key goes into a field, or belongs to a shortcut of the browser. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || isInDialog(target);
}

function isInDialog(target: HTMLElement): boolean {
  return target.closest('[role="dialog"],[role="listbox"]') !== null;
}

/** Call what belongs to a key. On a button or link, Enter stays its own. */
export function useKeys(actions: Record<string, () => void>): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const action = actions[event.key];
    if (action === undefined || isTyping(event)) return;
    const target = event.target as HTMLElement;
    if (event.key === "Enter" && target.closest("a,button,summary") !== null) return;
    if (event.key.startsWith("Arrow") && target.closest('[role="tablist"]') !== null) return;
    event.preventDefault();
    action();
  });
  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
