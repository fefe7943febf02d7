/** The scores of an evaluation from run to run; where the task has another version, the line breaks. */
import { useQueries } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { get, type Run, type RunLine } from "../api/client";
import { mean, plural } from "../format/units";
import { range } from "../parts/Interval";
import { type Line, Trend } from "../parts/Trend";

const MOST_RUNS = 40;
const MOST_SCORES = 4;

/** One line a version of the task, in the order in which the versions came into use. */
export function linesOf(runs: readonly Pick<Run, "task_version" | "summary">[], score: string): Line[] {
  const lines = new Map<string, Line["points"]>();
  for (const [k, run] of runs.entries()) {
    const found = run.summary.find((each) => each.score === score);
    if (found === undefined) continue;
    const version = run.task_version ?? "unknown";
    let points = lines.get(version);
    if (points === undefined) lines.set(version, (points = runs.map(() => null)));
    points[k] = { mean: found.mean, low: found.low, high: found.high, n: found.scored };
  }
  return [...lines].map(([version, points]) => ({ version, points }));
}

export function OverTime({ lines }: { lines: readonly RunLine[] }) {
  const navigate = useNavigate();
  const newest = lines.slice(0, MOST_RUNS);
  const runs = useQueries({
    queries: newest.map((line) => ({
      queryKey: ["run", line.run_id, line.project],
      queryFn: ({ signal }: { signal: AbortSignal }) => get("/api/v1/runs/{run_id}", { project: line.project }, { run_id: line.run_id }, signal),
      staleTime: line.end_ns === null ? 5_000 : Infinity,
    })),
    combine: (all) => all.flatMap((each) => (each.data === undefined ? [] : [each.data])).toReversed(),
  });
  if (runs.length < 2) return null;
  const scores = [...new Set(runs.flatMap((run) => run.summary.map((each) => each.score)))].slice(0, MOST_SCORES);
  const starts = runs.map((run) => run.start_ns);
  const whole = Number(BigInt(starts.at(-1)!) - BigInt(starts[0]!));
  return (
    <div className="mb-3 grid grid-cols-2 gap-3 max-lg:grid-cols-1">
      {scores.map((score) => {
        const found = linesOf(runs, score);
        const values = found.flatMap((line) => line.points.flatMap((point) => (point === null ? [] : [point.mean, point.low, point.high])));
        return (
          <Trend
            key={score}
            of="task"
            title={score}
            sum={plural(runs.length, "run")}
            starts={starts}
            bucketNs={whole / runs.length}
            lines={found}
            range={range(values)}
            show={mean}
            onPick={(_, k) => void navigate({ to: "/evaluations/$runId", params: { runId: runs[k]!.run_id }, search: {} })}
          />
        );
      })}
    </div>
  );
}
