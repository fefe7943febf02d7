import { expect, test } from "vitest";

import { queueFilter, verdictsOf } from "../src/annotate/scale";
import { connected, graphOf } from "../src/datasets/graph";
import { csv } from "../src/format/csv";
import { linesOf as runLines } from "../src/runs/OverTime";
import { axesOf, within } from "../src/runs/parallel";
import { bubbles, extent } from "../src/runs/Scatter";
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

const pair = (row: number, baseline: number | null, run: number | null) => ({
  row,
  baseline_row: row,
  values: { right: run },
  baseline_values: { right: baseline },
});

test("rows with the same two values are one point, and one without a value is none", () => {
  const pairs = [pair(0, 0, 1), pair(1, 0, 1), pair(2, 1, 1), pair(3, null, 1)];
  expect(bubbles(pairs, "right")).toEqual([
    { baseline: 0, run: 1, rows: [0, 1] },
    { baseline: 1, run: 1, rows: [2] },
  ]);
  expect(extent(pairs, "right")).toEqual([0, 1]);
  expect(extent([pair(0, -2, 7)], "right")).toEqual([-2, 7]);
});

test("the runs of two versions of a task are two lines over the same runs", () => {
  const run = (task_version: string | null, mean: number) => ({
    task_version,
    summary: [{ score: "right", mean, low: null, high: null, n: 3, scored: 3, errors: 0, se: null, lower_is_better: false, bins: [] }],
  });
  const lines = runLines([run("a", 0.5), run("a", 0.6), run("b", 0.9)], "right");
  expect(lines.map((line) => [line.version, line.points.map((point) => point?.mean ?? null)])).toEqual([
    ["a", [0.5, 0.6, null]],
    ["b", [null, null, 0.9]],
  ]);
});

test("a lineage is walked along runs: a scorer that two runs share does not join them", () => {
  const use = (run_id: string, version: string | null, digest: string) => ({
    project: "p",
    run_id,
    name: "e",
    start_ns: "1",
    dataset_digest: digest,
    dataset_version: version,
    task: "answer",
    task_version: run_id,
    traces: 2,
    scorers: [{ name: "right", version: "1", n: 2 }],
    model: null,
  });
  const known = { name: "d", version: "v0", digest: "aa", created_ns: "1", note: null, aliases: [] };
  const graph = graphOf("d", [known], [use("one", "v0", "aa"), use("two", null, "bb")], []);
  expect(graph.nodes.filter((each) => each.column === 0).map((each) => each.words)).toEqual(["v0", "not published"]);
  expect([...connected(graph, "r:p/one").nodes].toSorted()).toEqual(["r:p/one", "s:right/1", "t:answer/one", "v:aa", "x:p/one"]);
  const shared = connected(graph, "s:right/1").nodes;
  expect([...shared].toSorted()).toEqual(["r:p/one", "r:p/two", "s:right/1", "v:aa", "v:bb", "x:p/one", "x:p/two"]);

  const model = (name: string, dataset: string) => ({
    name, version: "v3", digest: "cc", dataset, dataset_version: "v0", training: { id: "e1", project: "p", trace_id: "ab", span_id: "cd" },
  }); // prettier-ignore
  const trained = [{ ...use("one", "v0", "aa"), model: model("tuned", "d") }, { ...use("two", "v0", "aa"), model: model("tuned", "d") }, { ...use("three", "v0", "aa"), model: model("bought", "e") }];
  const models = graphOf("d", [known], trained, [model("tuned", "d")]);
  expect(models.nodes.filter((each) => each.column === 1).map((each) => `${each.words}, ${each.detail}`)).toEqual(["tuned, model v3", "bought, model v3, trained on e"]);
  const back = connected(models, "r:p/one").nodes;
  expect(["m:tuned/cc", "v:aa"].every((each) => back.has(each))).toBe(true);
  expect(["r:p/two", "m:bought/cc"].some((each) => back.has(each))).toBe(false);
  const on = connected(models, "m:tuned/cc").nodes;
  expect([...on].filter((each) => /^[vmr]:/.test(each)).toSorted()).toEqual(["m:tuned/cc", "r:p/one", "r:p/two", "v:aa"]);
});

test("runs are lines over the axes on which they differ, and a brush keeps those that go through it", () => {
  const run = (task: string, concurrency: number, right: number | undefined) =>
    ({ task, task_version: "abcdef123", dataset_version: "v0", trials: 1, row_errors: 0, cost_usd: null, means: right === undefined ? {} : { right }, provenance: { settings: { concurrency } } }) as never;
  const axes = axesOf([run("brief", 1, 0.2), run("careful", 1, 0.8), run("careful", 4, undefined)], String);
  expect(axes).toEqual([
    { name: "task", ticks: ["brief abcdef", "careful abcdef"], at: [0, 1, 1] },
    { name: "concurrency", ticks: ["1", "4"], at: [0, 0, 1] },
    { name: "right", ticks: ["0.2", "0.8"], at: [0, expect.closeTo(1), null] },
  ]);
  const kept = (brushes: Record<string, { from: number; to: number }>) => [0, 1, 2].filter((n) => within(axes, brushes, n));
  expect(kept({})).toEqual([0, 1, 2]);
  expect(kept({ task: { from: 0.5, to: 1 } })).toEqual([1, 2]);
  expect(kept({ task: { from: 0.5, to: 1 }, right: { from: 0, to: 1 } })).toEqual([1]);
});
