/** Runs as lines over axes: what they were made of on the left, what came out on the right. */
import type { RunLine } from "../api/client";

type Value = number | string | null;
export type Axis = { name: string; ticks: string[]; at: (number | null)[] };
export type Brush = { from: number; to: number };

const MOST_AXES = 10;

/** The axes on which runs differ, and each score; a run's place on an axis is from 0 (below) to 1 (above). */
export function axesOf(runs: readonly RunLine[], show: (value: number) => string): Axis[] {
  const settings = (run: RunLine) => (run.provenance.settings ?? {}) as Record<string, unknown>;
  const made: [string, (run: RunLine) => Value][] = [
    ["task", (run) => (run.task === null ? null : `${run.task} ${run.task_version?.slice(0, 6) ?? ""}`)],
    ["dataset", (run) => run.dataset_version ?? run.dataset_digest?.slice(0, 6) ?? null],
    ["trials", (run) => run.trials],
    ...[...new Set(runs.flatMap((run) => Object.keys(settings(run))))].map((key): [string, (run: RunLine) => Value] => [key, (run) => plain(settings(run)[key])]),
  ];
  const came: [string, (run: RunLine) => Value][] = [
    ...[...new Set(runs.flatMap((run) => Object.keys(run.means)))].map((score): [string, (run: RunLine) => Value] => [score, (run) => run.means[score] ?? null]),
    ["failed", (run) => run.row_errors],
    ["cost, USD", (run) => run.cost_usd],
  ];
  const differs = ([, of]: [string, (run: RunLine) => Value]) => new Set(runs.map((run) => of(run))).size > 1;
  return [...made.filter(differs), ...came.filter((each, n) => n < came.length - 2 || differs(each))]
    .slice(0, MOST_AXES)
    .map(([name, of]) => axis(name, runs.map((run) => of(run)), show));
}

function plain(value: unknown): Value {
  if (typeof value === "number" || typeof value === "string") return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function axis(name: string, values: Value[], show: (value: number) => string): Axis {
  const numbers = values.filter((each) => typeof each === "number");
  if (numbers.length === values.filter((each) => each !== null).length && numbers.length > 0) {
    const least = Math.min(...numbers);
    const most = Math.max(...numbers);
    const at = values.map((each) => (each === null ? null : most === least ? 0.5 : ((each as number) - least) / (most - least)));
    return { name, ticks: most === least ? [show(least)] : [show(least), show(most)], at };
  }
  const words = [...new Set(values.filter((each) => each !== null).map(String))];
  const at = values.map((each) => (each === null ? null : words.length === 1 ? 0.5 : words.indexOf(String(each)) / (words.length - 1)));
  return { name, ticks: words, at };
}

/** Which runs lie in all brushes. */
export function within(axes: readonly Axis[], brushes: Readonly<Record<string, Brush>>, run: number): boolean {
  return axes.every((each) => {
    const brush = brushes[each.name];
    const at = each.at[run] ?? null;
    return brush === undefined || (at !== null && at >= brush.from && at <= brush.to);
  });
}
