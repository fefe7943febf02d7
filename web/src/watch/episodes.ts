/** What alerts have said, as episodes: each from where it was raised to where it was over. */
import type { Schemas } from "../api/client";
import { scoreName } from "../format/filter";

type Notice = Schemas["NoticeLine"];

export type Episode = {
  key: string;
  monitor: string;
  alert: string;
  score: string;
  condition: string;
  severity: Notice["severity"];
  /** Whether it was about figures, or about having none. */
  kind: "firing" | "no data";
  raisedNs: string;
  /** Null while it goes on. */
  overNs: string | null;
  windowS: number;
  /** All that was said, the newest first. */
  notices: Notice[];
};

/** Put notices that are sorted, the newest first, together. */
export function episodesOf(notices: readonly Notice[]): Episode[] {
  const found = new Map<string, Notice[]>();
  for (const each of notices) {
    const key = [each.monitor, each.alert, each.score, each.since_ns].join("\n");
    const known = found.get(key);
    if (known === undefined) found.set(key, [each]);
    else known.push(each);
  }
  /** Of each alert, where the next episode begins: one that becomes another without a word of its end is over there. */
  const next = new Map<string, string>();
  return [...found].map(([key, said]) => {
    const newest = said[0]!;
    const of = [newest.monitor, newest.alert, newest.score].join("\n");
    const overNs = said.find((each) => each.kind === "resolved")?.time_ns ?? next.get(of) ?? null;
    next.set(of, newest.since_ns);
    return {
      key,
      monitor: newest.monitor,
      alert: newest.alert,
      score: newest.score,
      condition: newest.condition,
      severity: newest.severity,
      kind: said.some((each) => each.kind === "no data") ? "no data" : "firing",
      raisedNs: newest.since_ns,
      overNs,
      windowS: newest.window_s,
      notices: said,
    };
  });
}

/** The time that an episode is about, a window before it and what `marginWindows` adds on both sides. */
export function timeOf(episode: Episode, nowNs: bigint, marginWindows: number): { since: string; until: string } {
  const windowNs = BigInt(episode.windowS) * 1_000_000_000n;
  const margin = windowNs * BigInt(marginWindows);
  const until = BigInt(episode.overNs ?? nowNs) + margin;
  return { since: String(BigInt(episode.raisedNs) - windowNs - margin), until: String(until > nowNs ? nowNs : until) };
}

/** The filter of the traces that an alert is about: those that failed, or whose scorer did, where it counts these. */
export function failing(episode: Pick<Episode, "score" | "condition">): string {
  const name = scoreName(episode.score);
  if (/^error_rate\b/.test(episode.condition)) return `score.${name}:error`;
  return /^(mean|n)\b/.test(episode.condition) ? `has:score.${name}` : `score.${name}:failed`;
}

/** Where an episode was told: of each sink, what kept the newest notice from there. */
export function told(episode: Episode): [string, string | null][] {
  const found = new Map<string, string | null>();
  for (const each of episode.notices.toReversed()) {
    for (const [sink, problem] of Object.entries(each.deliveries)) found.set(sink, problem ?? null);
  }
  return [...found];
}
