/** The lines of a large trace: those that are seen are fetched, one request after the other. */
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";

import { get, type SpanLine } from "../api/client";
import { keyOf, type Place } from "./tree";

const AT_ONCE = 200;

type Lines = {
  lines: ReadonlyMap<string, SpanLine>;
  /** Say what is seen now. */
  see: (places: readonly Place[]) => void;
  error: Error | null;
  again: () => void;
};

/**
 * `known` are the lines that came with the trace. With another `version` what is seen is fetched anew, and shown as it
 * was until then.
 */
export function useLines(traceId: string, project: string | undefined, known: readonly SpanLine[], version: string): Lines {
  const [fetched, setFetched] = useState<ReadonlyMap<string, SpanLine>>(new Map());
  const [error, setError] = useState<Error | null>(null);
  const asked = useRef({ version, keys: new Set<string>() });
  const seen = useRef<readonly Place[]>([]);
  const isBusy = useRef(false);
  const lines = useMemo(() => new Map([...fetched, ...known.map((each) => [keyOf(each), each] as const)]), [fetched, known]);

  const work = useCallback(async () => {
    if (isBusy.current) return;
    isBusy.current = true;
    // What was scrolled past meanwhile is not fetched: one request at a time, for what is seen then.
    for (;;) {
      const missing = seen.current.filter((each) => !asked.current.keys.has(each.key)).slice(0, AT_ONCE);
      if (missing.length === 0) break;
      const { keys } = asked.current;
      for (const each of missing) keys.add(each.key);
      try {
        // oxlint-disable-next-line no-await-in-loop
        const { items } = await get("/api/v1/traces/{trace_id}/lines", { project, span: missing.map((each) => each.spanId) }, { trace_id: traceId });
        setFetched((before) => new Map([...before, ...items.map((each) => [keyOf(each), each] as const)]));
        setError(null);
      } catch (problem) {
        for (const each of missing) keys.delete(each.key);
        setError(problem as Error);
        break;
      }
    }
    isBusy.current = false;
  }, [traceId, project]);

  // Before the effects of the list, which says what is seen: what came with the trace is not asked for again.
  useLayoutEffect(() => {
    asked.current = { version, keys: new Set(known.map(keyOf)) };
    void work();
  }, [version, known, work]);
  const see = useCallback(
    (places: readonly Place[]) => {
      seen.current = places;
      void work();
    },
    [work],
  );
  return { lines, see, error, again: () => void work() };
}
