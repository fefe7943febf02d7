import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, test, vi } from "vitest";

import { Problem } from "../src/api/client";
import { asked } from "../src/frame/scope";
import { filled } from "../src/home/HomePage";
import { Bars, nice } from "../src/parts/Bars";
import { around, range } from "../src/parts/Interval";
import { apart, byDisagreement } from "../src/runs/Pairs";
import { said } from "../src/format/said";
import { codePoints, completed, FilterBar, utf16Offset } from "../src/traces/FilterBar";

describe("the filter bar", () => {
  test("counts characters as the server does", () => {
    expect([utf16Offset("👍a:b", 2), codePoints("👍a:b", 3)]).toEqual([3, 2]);
  });

  test("puts a completion into its place", () => {
    const choice = { text: "status:", start: 2, end: 6, kind: "field" as const, meaning: "" };
    expect(completed("👍 stat cost>1", choice)).toEqual({ text: "👍 status: cost>1", cursor: 10 });
  });

  afterEach(() => vi.unstubAllGlobals());

  const bar = (problem: Problem | null, onApply = vi.fn()) => {
    vi.stubGlobal("fetch", async () => new Response('{"items": []}'));
    render(
      <QueryClientProvider client={new QueryClient()}>
        <FilterBar value="👍 latenc>2s" project={undefined} problem={problem} onApply={onApply} />
      </QueryClientProvider>,
    );
    return onApply;
  };

  test("marks the bad spot, and says what is wrong", () => {
    bar(new Problem(400, "unknown field 'latenc': did you mean latency?", 2, 6));
    expect(screen.getByTestId("bad-spot").textContent).toBe("latenc");
    expect(screen.getByRole("alert").textContent).toContain("did you mean");
    expect(screen.getByRole("combobox").getAttribute("aria-invalid")).toBe("true");
  });

  test("says nothing of an old problem once the text is another", () => {
    bar(new Problem(400, "unknown field", 2, 6));
    fireEvent.change(screen.getByRole("combobox"), { target: { value: "latency>2s" } });
    expect(screen.queryByRole("alert")).toBeNull();
  });

  test("applies with Enter, and is cleared", () => {
    const onApply = bar(null);
    fireEvent.keyDown(screen.getByRole("combobox"), { key: "Enter" });
    expect(onApply).toHaveBeenLastCalledWith("👍 latenc>2s");
    fireEvent.click(screen.getByRole("button", { name: "Clear the filter" }));
    expect(onApply).toHaveBeenLastCalledWith("");
  });
});

describe("the time of a list", () => {
  const now = 1_795_669_633_547;

  test("a window slides in steps, so that a question stays the same for a while", () => {
    expect(asked({ within: "1h" }, "all", now)).toEqual(asked({ within: "1h" }, "all", now + 1_000));
    expect(asked({}, "all", now)).toEqual({ project: undefined });
  });

  test("a range beats a window; what is no number is left out", () => {
    const since = "1795669633547614249";
    expect(asked({ within: "1h", since, until: "x" }, "all", now)).toEqual({ project: undefined, since, until: undefined });
  });
});

describe("figures over time", () => {
  const line = (start: string, count: number) => ({
    start_ns: start, group: null, count, error_count: 0, input_tokens: null, output_tokens: null, cost_usd: null,
    p50_ns: null, p95_ns: null, p99_ns: null,
  }); // prettier-ignore

  test("have a place for each bucket, also where nothing began", () => {
    const table = { since_ns: "1795000000000000000", until_ns: "1795000000000000040", bucket_ns: 10 };
    const lines = filled({ ...table, items: [line("1795000000000000010", 3), line("1795000000000000030", 4)] });
    expect(lines.map((each) => each?.count ?? null)).toEqual([null, 3, null, 4]);
  });

  test("are drawn with a top that is a round number", () => {
    expect([0, 7, 12, 0.0031, 5].map(nice)).toEqual([1, 10, 20, 0.005, 5]);
    const starts = ["1795000000000000000", "1795000060000000000"];
    const values = { name: "all", tone: "fill-accent", dot: "fill-accent", values: [2, null] };
    const { container } = render(
      <Bars title="Traces" sum="2" starts={starts} bucketNs={60e9} series={[values]} kind="bars" show={String} onPick={vi.fn()} />,
    );
    expect(screen.getByRole("img", { name: "Traces: 2" })).toBeTruthy();
    expect(container.querySelectorAll("rect.fill-accent")).toHaveLength(1);
  });

  test("intervals share 0 to 1 where all lie in it, and differences are around 0", () => {
    expect(range([0.2, 0.9, null])).toEqual([0, 1]);
    expect(range([-2, 7])).toEqual([-2, 7]);
    const [low, high] = around([-0.3, 0.1]);
    expect(low).toBe(-high);
    expect(high).toBeGreaterThan(0.3);
  });
});

test("rows in which two runs are furthest apart come first; what has no score comes last", () => {
  const pair = (row: number, one: number | null, other: number) => ({
    row, baseline_row: row, values: { s: one }, baseline_values: { s: other },
  }); // prettier-ignore
  const pairs = [pair(0, 1, 0.5), pair(1, null, 1), pair(2, 0, 1), pair(3, 1, 1)];
  expect(byDisagreement(pairs, "s").map((each) => each.pair.row)).toEqual([2, 0, 1, 3]);
  expect(apart(pairs[1]!, "s")).toBeNull();
});

test("a preview shows what was said, not how it was passed", () => {
  expect(['"Hello"', '{"question": "Why?"}', '{"a": "x", "b": 1}', "plain", '{"cut": "o', '"cut \\"o'].map(said)).toEqual([
    "Hello", "Why?", '{"a": "x", "b": 1}', "plain", '{"cut": "o', 'cut \\"o',
  ]); // prettier-ignore
});
