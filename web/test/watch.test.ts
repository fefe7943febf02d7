import { expect, test } from "vitest";

import { subjectOf } from "../src/annotate/queue";
import type { RunRow, Schemas } from "../src/api/client";
import { linesOf } from "../src/home/Scores";
import { exportAddress } from "../src/traces/Export";
import { episodesOf, failing, timeOf, told } from "../src/watch/episodes";

type Notice = Schemas["NoticeLine"];

/** A notice, of an hour that counts in seconds since some day. */
function notice(kind: Notice["kind"], atS: number, sinceS: number, more: Partial<Notice> = {}): Notice {
  const ns = (s: number) => String(1_795_000_000_000_000_000n + BigInt(s) * 1_000_000_000n);
  return {
    uid: `${kind} ${atS}`, monitor: "answers", alert: "low", condition: "pass_rate < 0.9", score: "polite", kind, severity: "critical",
    time_ns: ns(atS), since_ns: ns(sinceS), window_s: 60, value: 0.5, low: 0.4, high: 0.6, n: 50, deliveries: {}, ...more,
  }; // prettier-ignore
}

test("notices become episodes: each from where it was raised to where it was over, the newest first", () => {
  const said = [
    notice("firing", 900, 900),
    notice("resolved", 500, 100, { deliveries: { mail: null } }),
    notice("still", 300, 100, { deliveries: { mail: null, hook: "refused" } }),
    notice("firing", 250, 250, { score: "other" }),
    notice("firing", 100, 100, { deliveries: { mail: "waiting" } }),
  ];
  const found = episodesOf(said);
  expect(found.map((each) => [each.score, each.raisedNs.slice(-12, -9), each.overNs?.slice(-12, -9) ?? null, each.notices.length])).toEqual([
    ["polite", "900", null, 1],
    ["polite", "100", "500", 3],
    ["other", "250", null, 1],
  ]);
  expect(told(found[1]!)).toEqual([["mail", null], ["hook", "refused"]]); // prettier-ignore
});

test("an episode that turns into another one without a word of its end is over there", () => {
  const found = episodesOf([notice("no data", 700, 700), notice("firing", 100, 100)]);
  expect(found.map((each) => [each.kind, each.overNs?.slice(-12, -9) ?? null])).toEqual([
    ["no data", null],
    ["firing", "700"],
  ]);
});

test("what failed in an episode lies in its windows, and never in the future", () => {
  const [open] = episodesOf([notice("firing", 100, 100)]);
  const now = 1_795_000_000_000_000_000n + 200_000_000_000n;
  expect(timeOf(open!, now, 0)).toEqual({ since: "1795000040000000000", until: String(now) });
  expect(timeOf(open!, now, 1).until).toBe(String(now));
  expect(["pass_rate < 0.9", "error_rate > 5%", "mean < 3", "n < 10", "burn_rate > 6"].map((condition) => failing({ score: "a b", condition }))).toEqual([
    'score."a b":failed', 'score."a b":error', 'has:score."a b"', 'has:score."a b"', 'score."a b":failed',
  ]); // prettier-ignore
});

test("a row is judged where it has an output, and once", () => {
  const row = { row: 3, trial: 1, trace_id: "t", outcome: "scored" } as RunRow;
  const names = (each: RunRow, judged: string[] = [], trials = 1) => subjectOf(each, { project: "p", trials }, new Set(judged)).map((found) => found.name);
  expect([names(row), names(row, [], 2), names(row, ["t"])]).toEqual([["row 3"], ["row 3, trial 1"], []]);
  expect([{ ...row, outcome: "task_error" }, { ...row, trace_id: null }].map((each) => names(each))).toEqual([[], []]);
});

test("a file of all that a filter finds is asked for with what was given", () => {
  const asked = { where: "name:a b", project: "p", since_ns: undefined, until_ns: "7" };
  expect(exportAddress(asked)).toBe("/api/v1/export/spans.jsonl?where=name%3Aa+b&project=p&until_ns=7");
  expect(exportAddress({ where: "", project: undefined, since_ns: undefined, until_ns: undefined })).toBe("/api/v1/export/spans.jsonl?");
});

test("scores over time have a place for each bucket, and count by what passes where a line is drawn", () => {
  const interval = (mean: number) => ({ mean, low: null, high: null, n: 1 });
  const at = (start: number, name: string, pass: number | null, mean: number | null) => ({
    start_ns: String(start), name, n: 2, errors: 1, pass_rate: pass === null ? null : interval(pass), mean: mean === null ? null : interval(mean),
  }); // prettier-ignore
  const items = [at(100, "tone", null, 3), at(120, "tone", null, 4), at(110, "polite", 0.5, 0.5), at(100, "word", null, null)];
  const { starts, lines } = linesOf({ since_ns: "100", until_ns: "125", bucket_ns: 10, items });
  expect(starts).toEqual(["100", "110", "120"]);
  expect(lines.map((line) => [line.name, line.kind, line.n, line.errors, line.points.map((point) => point?.mean ?? null)])).toEqual([
    ["tone", "mean", 4, 2, [3, null, 4]],
    ["polite", "pass_rate", 2, 1, [null, 0.5, null]],
  ]);
});
