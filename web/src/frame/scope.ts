/** Of which project and time the pages speak: part of the address of each page. */
import { useNavigate, useSearch } from "@tanstack/react-router";

import type { Scope } from "../router";

export const WINDOWS = [
  ["15m", "15 minutes", 900],
  ["1h", "hour", 3_600],
  ["24h", "24 hours", 86_400],
  ["7d", "7 days", 7 * 86_400],
  ["30d", "30 days", 30 * 86_400],
  ["all", "all time", null],
] as const;

export type Span = { since?: string | undefined; until?: string | undefined; project?: string | undefined };

/** The part of the address that all pages share. */
export function useScope(): Scope {
  return useSearch({ strict: false });
}

/** What a list is asked for. The start of a sliding window is rounded, so that the same question stays the same. */
export function asked(scope: Scope, otherwise: string, nowMs = Date.now()): Span {
  if (scope.since !== undefined || scope.until !== undefined) {
    return { project: scope.project, since: digits(scope.since), until: digits(scope.until) };
  }
  const found = WINDOWS.find(([name]) => name === (scope.within ?? otherwise));
  const seconds = found?.[2] ?? null;
  if (seconds === null) return { project: scope.project };
  const step = Math.max(15, Math.round(seconds / 240));
  const since = (Math.floor(nowMs / 1000 / step) - Math.round(seconds / step)) * step;
  return { project: scope.project, since: `${since}000000000` };
}

function digits(given: string | undefined): string | undefined {
  return given !== undefined && /^\d{1,19}$/.test(given) ? given : undefined;
}

/** Change the scope, on this page. */
export function useSetScope(): (change: { [K in keyof Scope]: Scope[K] | undefined }) => void {
  const navigate = useNavigate();
  return (change) =>
    void navigate({ to: ".", search: (now: Record<string, unknown>) => ({ ...now, ...change }) as never });
}
