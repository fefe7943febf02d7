import { expect, test } from "vitest";

import { queueFilter, verdictsOf } from "../src/annotate/scale";
import { csv } from "../src/format/csv";
import { came } from "../src/watch/Guardrails";
import { kindOf, linesOf, startsOf } from "../src/watch/windows";

const none = { n: 1, spans: 1, errors: 0, mean: null, pass_rate: null };
const rate = (mean: number) => ({ mean, low: null, high: null, n: 1 });

test("a cell is never a formula, and quotes, commas and lines stay in it", () => {
  const columns = [
    { name: "text", of: (each: string) => each },
    { name: "length", of: (each: string) => each.length },
  ];
  const table = csv(columns, ["=1+1", "@SUM(A1)", "-5", 'a "b", c', "two\nlines"]);
  expect(table).toBe('text,length\r\n\'=1+1,4\r\n\'@SUM(A1),8\r\n-5,2\r\n"a ""b"", c",8\r\n"two\nlines",9\r\n');
});

test("windows without a verdict have their place, and two versions are never one line", () => {
  const starts = startsOf("1500", "4100", 1000);
  expect(starts).toEqual(["1000", "2000", "3000", "4000"]);
  const windows = [
    { ...none, score: "polite", version: "b", start_ns: "3000", end_ns: "4000", pass_rate: rate(1) },
    { ...none, score: "polite", version: "a", start_ns: "1000", end_ns: "2000", pass_rate: rate(0) },
    { ...none, score: "length", version: "a", start_ns: "1000", end_ns: "2000", mean: rate(7) },
  ];
  expect(linesOf(windows, "polite", "pass_rate", starts)).toEqual([
    { version: "a", points: [rate(0), null, null, null] },
    { version: "b", points: [null, null, rate(1), null] },
  ]);
  expect([kindOf(windows, "polite"), kindOf(windows, "length")]).toEqual(["pass_rate", "mean"]);
});

test("a decision is told by what came of it", () => {
  const kinds = [
    ["allow", "allow", "enforced"],
    ["block", "block", "enforced"],
    ["replace", "replace", "enforced"],
    ["allow", "block", "shadow"],
    ["block", "block", "failed_closed"],
  ].map(([taken, intended, outcome]) => came({ taken: taken!, intended: intended!, outcome: outcome! }));
  expect(kinds).toEqual(["passed", "stopped", "rewritten", "would have acted", "failed"]);
});

test("a scale is yes or no, steps, or words; each has a key", () => {
  expect(verdictsOf("yes").map((each) => [each.key, each.value])).toEqual([
    ["y", true],
    ["n", false],
  ]);
  expect(verdictsOf("3").map((each) => each.value)).toEqual([1, 2, 3]);
  expect(verdictsOf(" good, bad ,good").map((each) => [each.key, each.value])).toEqual([
    ["1", "good"],
    ["2", "bad"],
  ]);
});

test("the queue leaves out what has the score, whatever the filter is", () => {
  expect(queueFilter("", "helpful")).toBe("-has:score.helpful");
  expect(queueFilter("a OR b", 'so "good"')).toBe('(a OR b) -has:score."so \\"good\\""');
});
