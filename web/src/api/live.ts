/** Live events of the server: which spans and scores are new. */
import { useEffect, useRef, useState } from "react";

export type LiveState = "off" | "connecting" | "on" | "broken";
export type LiveEvent = { kind: "span" | "score" | "reset"; traceId: string | null };

/** Call `onEvents` with what is new, at most once a `pauseMs`; `isOn` pauses. The browser connects again by itself. */
export function useLive(
  project: string | undefined,
  isOn: boolean,
  onEvents: (events: LiveEvent[]) => void,
  pauseMs = 700,
): LiveState {
  const [state, setState] = useState<LiveState>("off");
  const held = useRef(onEvents);
  held.current = onEvents;
  useEffect(() => {
    if (!isOn) {
      setState("off");
      return undefined;
    }
    setState("connecting");
    const source = new EventSource(`/api/v1/live${project === undefined ? "" : `?project=${encodeURIComponent(project)}`}`);
    let waiting: LiveEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const found = waiting;
      waiting = [];
      held.current(found);
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
    };
  }, [project, isOn, pauseMs]);
  return state;
}
