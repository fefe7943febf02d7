/** Live events of the server: which spans and scores are new. */
import { useEffect, useEffectEvent, useState, useSyncExternalStore } from "react";

export type LiveState = "off" | "connecting" | "on" | "broken";
export type LiveEvent = { kind: "span" | "score" | "reset"; traceId: string | null };

/** Call `onEvents` with what is new, at most once a `pauseMs`; `isOn` pauses. The browser connects again by itself. */
export function useLive(
  project: string | undefined,
  isOn: boolean,
  onEvents: (events: LiveEvent[]) => void,
  pauseMs = 700,
): LiveState {
  const [state, setState] = useState<LiveState>("connecting");
  const isSeen = useIsSeen();
  const tell = useEffectEvent(onEvents);
  useEffect(() => {
    if (!isOn || !isSeen) return undefined;
    const source = new EventSource(`/api/v1/live${project === undefined ? "" : `?project=${encodeURIComponent(project)}`}`);
    let waiting: LiveEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const found = waiting;
      waiting = [];
      tell(found);
    };
    const take = (event: MessageEvent<string>) => {
      const told = JSON.parse(event.data) as { trace_id?: string | null };
      waiting.push({ kind: event.type as LiveEvent["kind"], traceId: told.trace_id ?? null });
      timer ??= setTimeout(flush, pauseMs);
    };
    for (const kind of ["span", "score", "reset"]) source.addEventListener(kind, take as EventListener);
    source.addEventListener("open", () => setState("on"));
    source.addEventListener("error", () => setState("broken"));
    return () => {
      source.close();
      clearTimeout(timer);
      setState("connecting");
    };
  }, [project, isOn, isSeen, pauseMs]);
  const catchUp = useEffectEvent(() => {
    if (isOn) onEvents([{ kind: "reset", traceId: null }]);
  });
  useEffect(() => {
    if (isSeen) return undefined;
    return catchUp; // seen again: what came meanwhile was not told
  }, [isSeen]);
  return isOn ? state : "off";
}

/** Whether the page is seen. A hidden one gives its connection back: a browser has six for one server. */
function useIsSeen(): boolean {
  return useSyncExternalStore(
    (changed) => {
      document.addEventListener("visibilitychange", changed);
      return () => document.removeEventListener("visibilitychange", changed);
    },
    () => document.visibilityState !== "hidden",
  );
}
