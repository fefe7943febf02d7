/** What a monitor found, put on a time line. */
import type { Schemas } from "../api/client";
import type { Line, Point } from "../parts/Trend";

type Window = Schemas["WindowLine"];
export type Kind = "pass_rate" | "mean";

/** The beginnings of all windows of a time, those without verdicts too. */
export function startsOf(sinceNs: string, untilNs: string, widthNs: number): string[] {
  const width = BigInt(widthNs);
  const starts: string[] = [];
  for (let at = (BigInt(sinceNs) / width) * width; at < BigInt(untilNs); at += width) starts.push(String(at));
  return starts;
}

/** One line a version of the scorer, in the order in which they came into use. */
export function linesOf(windows: readonly Window[], score: string, kind: Kind, starts: readonly string[]): Line[] {
  const place = new Map(starts.map((start, k) => [start, k]));
  const lines = new Map<string, (Point | null)[]>();
  const sorted = windows.filter((each) => each.score === score).toSorted((a, b) => (BigInt(a.start_ns) < BigInt(b.start_ns) ? -1 : 1));
  for (const each of sorted) {
    const at = place.get(each.start_ns);
    const found = each[kind];
    if (at === undefined || found === null) continue;
    let points = lines.get(each.version);
    if (points === undefined) lines.set(each.version, (points = starts.map(() => null)));
    points[at] = found;
  }
  return [...lines].map(([version, points]) => ({ version, points }));
}

/** Whether a score draws a line between good and bad: then its pass rate is what counts, else its mean. */
export function kindOf(windows: readonly Window[], score: string): Kind {
  return windows.some((each) => each.score === score && each.pass_rate !== null) ? "pass_rate" : "mean";
}
