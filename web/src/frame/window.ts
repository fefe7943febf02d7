/** The time that charts show. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { get } from "../api/client";
import { asked, type Span, useScope } from "./scope";

/** The window from where on something was recorded in it: what lies before would only be empty. */
export function useWindow(): { span: Span; isPending: boolean } {
  const span = asked(useScope(), "7d");
  const isRange = span.until !== undefined;
  const first = useQuery({
    queryKey: ["window", span.project, span.since],
    queryFn: async ({ signal }) => {
      const page = await get(
        "/api/v1/traces",
        { project: span.project, since_ns: span.since, order_by: "start", limit: 1 },
        undefined,
        signal,
      );
      const began = page.items[0]?.start_ns;
      if (began === undefined) return span.since ?? null;
      const from = BigInt(began) - (BigInt(Date.now()) * 1_000_000n - BigInt(began)) / 30n;
      return span.since !== undefined && from < BigInt(span.since) ? span.since : String(from - (from % 1_000_000_000n));
    },
    enabled: !isRange,
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });
  if (isRange) return { span, isPending: false };
  return { span: { ...span, since: first.data ?? span.since }, isPending: first.isPending };
}
