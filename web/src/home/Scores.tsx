/** Scores over time: those that were given most, each with its interval. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { get, type Schemas } from "../api/client";
import { scoreName } from "../format/filter";
import { type Span, useSetScope } from "../frame/scope";
import { buckets } from "../format/time";
import { mean, plural, share } from "../format/units";
import { range } from "../parts/Interval";
import { type Point, Trend } from "../parts/Trend";

type Table = Schemas["ScoreStatsTable"];
export type ScoreLine = { name: string; kind: "pass_rate" | "mean"; n: number; errors: number; points: (Point | null)[] };

/** One line a score, with a place for each bucket; a score that draws a line between good and bad counts by its share that passes. */
export function linesOf(table: Table): { starts: string[]; lines: ScoreLine[] } {
  const [since, bucket] = [BigInt(table.since_ns), BigInt(table.bucket_ns)];
  const starts = buckets(table.since_ns, table.until_ns, table.bucket_ns);
  const lines = new Map<string, ScoreLine>();
  const passes = new Set(table.items.filter((each) => each.pass_rate !== null).map((each) => each.name));
  for (const each of table.items) {
    const kind = passes.has(each.name) ? "pass_rate" : "mean";
    const line = lines.get(each.name) ?? { name: each.name, kind, n: 0, errors: 0, points: starts.map(() => null) };
    lines.set(each.name, line);
    line.n += each.n;
    line.errors += each.errors;
    line.points[Number((BigInt(each.start_ns) - since) / bucket)] = each[kind];
  }
  return { starts, lines: [...lines.values()].filter((line) => line.points.some((point) => point !== null)) };
}

export function Scores({ span }: { span: Span }) {
  const navigate = useNavigate();
  const setScope = useSetScope();
  const found = useQuery({
    queryKey: ["score-stats", span],
    queryFn: ({ signal }) => get("/api/v1/stats/scores", { project: span.project, since_ns: span.since, until_ns: span.until, buckets: 60 }, undefined, signal),
    placeholderData: keepPreviousData,
  });
  if (found.isError) {
    return (
      <p role="alert" className="text-bad">
        {found.error.message}
      </p>
    );
  }
  if (found.data === undefined || found.data.items.length === 0) return null;
  const { starts, lines } = linesOf(found.data);
  const bucketNs = found.data.bucket_ns;
  const pick = (line: ScoreLine, from: number, to: number) => {
    const since = starts[from]!;
    const until = String(BigInt(starts[to]!) + BigInt(bucketNs));
    if (from !== to) setScope({ since, until, within: undefined });
    else {
      const where = line.kind === "pass_rate" ? `score.${scoreName(line.name)}:failed` : `has:score.${scoreName(line.name)}`;
      void navigate({ to: "/traces", search: { where, within: undefined } as never });
    }
  };
  return (
    <section aria-labelledby="scores-title" className="space-y-2">
      <h2 id="scores-title" className="label" title="by when they were given; those of evaluation runs stand under Evaluations">
        Scores over time, without those of evaluation runs
      </h2>
      <div className="grid grid-cols-3 gap-3 max-xl:grid-cols-2 max-sm:grid-cols-1">
        {lines.map((line) => (
          <Trend
            key={line.name}
            title={line.kind === "pass_rate" ? `${line.name}, share that passes` : `${line.name}, mean`}
            sum={`${plural(line.n, "score")}${line.errors > 0 ? `, ${line.errors} failed to judge` : ""}`}
            starts={starts}
            bucketNs={bucketNs}
            lines={[{ version: "", points: line.points }]}
            range={line.kind === "pass_rate" ? [0, 1] : range(line.points.flatMap((point) => (point === null ? [] : [point.mean, point.low, point.high])))}
            show={line.kind === "pass_rate" ? share : mean}
            onPick={(from, to) => pick(line, from, to)}
          />
        ))}
      </div>
    </section>
  );
}
