import { fireEvent, render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import type { RunRow, SummaryLine } from "../src/api/client";
import { embedded, type Report } from "../src/report/document";
import { ReportPage } from "../src/report/ReportPage";
import { told } from "../src/runs/Distribution";

const score: SummaryLine = {
  score: "right", n: 300, scored: 299, errors: 1, mean: 0.5, se: 0.03, low: 0.44, high: 0.56, lower_is_better: false,
  bins: [{ low: 0, high: 0, n: 150 }, { low: 1, high: 1, n: 149 }],
}; // prettier-ignore

const row = (number: number): RunRow => ({
  row: number, trial: 0, row_digest: null, outcome: number === 9 ? "task_error" : "scored", error: number === 9 ? "<b>no</b>" : null,
  inputs: { question: `q${number}` }, output: `answer ${number}`, latency_s: 0.5, cost_usd: null, trace_id: "ab".repeat(16),
  scores: { right: { value: number % 2 === 0, passed: null, explanation: `because ${number}` } },
}); // prettier-ignore

const report = (change: Partial<Report> = {}): Report => ({
  title: "nightly", run_id: "r1", facts: ["300 trials"], conditions: null, summary: [score], slices: [], slice_differences: [],
  trials: 250, rows: [9, ...Array.from({ length: 249 }, (_, n) => (n < 9 ? n : n + 1))].map(row), comparison: null, baseline_rows: [], ...change,
}); // prettier-ignore

const numbers = () => screen.getAllByRole("button", { name: /^\d+$/ }).map((each) => Number(each.textContent.match(/\d+/)![0]));

test("the worst row is first, the rows come in parts, and one opens to what it gave", () => {
  render(<ReportPage report={report()} />);
  expect(numbers().slice(0, 3)).toEqual([9, 0, 1]);
  expect(numbers()).toHaveLength(100);
  fireEvent.click(screen.getByRole("button", { name: "Show more rows (150)" }));
  expect(numbers()).toHaveLength(200);
  fireEvent.click(screen.getByRole("button", { name: "As in the dataset" }));
  expect(numbers().slice(8, 11)).toEqual([8, 9, 10]);
  fireEvent.click(screen.getByRole("button", { name: "4" }));
  expect(screen.getByText("because 4")).toBeTruthy();
  expect(screen.getByTitle(`tracelm show ${"ab".repeat(16)}`)).toBeTruthy();
});

test("an outcome keeps its rows, and what is not in the file is told", () => {
  render(<ReportPage report={report({ trials: 5000 })} />);
  expect(screen.getByText(/This file has the worst 250 of 5,000 trials/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "task failed 1" }));
  expect(numbers()).toEqual([9]);
  expect(screen.getByText("<b>no</b>")).toBeTruthy();
});

test("a slice is a button a column, and small ones say how many rows they have", () => {
  const slice = (name: string, rows: number) => ({ name, rows, summary: [{ ...score, mean: 0.25 }] });
  const slices = [{ column: "lang", slices: [slice("de", 200), slice("en", 4)] }, { column: "kind", slices: [slice("", 250)] }];
  render(<ReportPage report={report({ slices })} />);
  expect(within(screen.getByRole("table", { name: "Scores by lang" })).getByText("4 rows")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "kind" }));
  expect(screen.getByText("(empty)")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "kind" }));
  expect(screen.queryByRole("table", { name: "Scores by kind" })).toBeNull();
});

test("a pair whose outputs are not in the file says so", () => {
  const difference = {
    name: "right", n: 1, unscored: 0, mean: 1, baseline_mean: 0, difference: 1, se: null, low: null, high: null, p_value: null,
    p_adjusted: null, effect_size: null, detectable: null, difference_if_failed: null, not_worse: null, margin: null, better: 2,
    worse: 0, same: 0, lower_is_better: false, verdict: "better", why: "more than chance gives",
  }; // prettier-ignore
  const pair = (number: number) => ({ row: number, baseline_row: number, values: { right: 1 }, baseline_values: { right: 0 } });
  const comparison = {
    run_id: "r1", baseline_run_id: "r0", differences: [difference], pairs: [pair(2), pair(7777)], only_in_run: [], only_in_baseline: [], left_out: {},
  }; // prettier-ignore
  render(<ReportPage report={report({ comparison, baseline_rows: [row(2)] })} />);
  expect(screen.getByText("Baseline", { selector: "h3" })).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "7777" }));
  expect(screen.getByText(/row 7777 is not among them/)).toBeTruthy();
});

test("the report is read out of the page, large integers with all their digits", () => {
  const page = new DOMParser().parseFromString(
    '<script type="application/json" id="report">{"title": "\\u003cb>", "rows": [{"output": 12345678901234567890}]}</script>',
    "text/html",
  );
  const found = embedded(page);
  expect([found.title, found.rows[0]!.output]).toEqual(["<b>", 12345678901234567890n]);
});

test("a bar of a distribution says what it stands for", () => {
  expect([told({ low: 1, high: 1, n: 3 }), told({ low: 0, high: 0.5, n: 0 })]).toEqual(["1: 3", "0 to 0.500: 0"]);
});
