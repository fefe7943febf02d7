/** Evaluation runs, the newest first; two of them can be compared. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { get, type RunLine } from "../api/client";
import { asked, useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { cost, mean, plural } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton } from "../parts/Download";
import { Interval, range } from "../parts/Interval";
import { Moment } from "../parts/Moment";
import { Choice } from "../parts/Choice";
import { runs as route } from "../router";
import { OverTime } from "./OverTime";
import { Parallel } from "./Parallel";

export function RunsPage() {
  const { name } = route.useSearch();
  const scope = useScope();
  const span = asked(scope, "all");
  const navigate = useNavigate({ from: "/evaluations" });
  const [marked, setMarked] = useState<RunLine[]>([]);
  const found = useInfiniteQuery({
    queryKey: ["runs", span, name],
    queryFn: ({ pageParam, signal }) =>
      get(
        "/api/v1/runs",
        { project: span.project, since_ns: span.since, until_ns: span.until, name, after: pageParam, limit: 50 },
        undefined,
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  if (found.isPending) return <Loading what="evaluation runs" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const lines = found.data.pages.flatMap((page) => page.items);
  if (lines.length === 0) return <NoRuns isNarrowed={name !== undefined || span.since !== undefined || span.project !== undefined} />;
  const mark = (line: RunLine) =>
    setMarked((before) =>
      before.some((each) => each.run_id === line.run_id)
        ? before.filter((each) => each.run_id !== line.run_id)
        : [...before.slice(-1), line],
    );
  const names = [...new Set([...(name === undefined ? [] : [name]), ...lines.flatMap((each) => (each.name === null ? [] : [each.name]))])];
  const isOne = lines.every((each) => each.name === lines[0]!.name);
  const [older, newer] = marked.toSorted((a, b) => (BigInt(a.start_ns) < BigInt(b.start_ns) ? -1 : 1));
  return (
    <div className="px-4 py-3">
      <div className="mb-2 flex min-h-8 flex-wrap items-center gap-3">
        <h1 className="text-base font-semibold">Evaluation runs</h1>
        <Choice
          label="Evaluation"
          value={name ?? ""}
          options={[["", "All evaluations"], ...names.map((each) => [each, oneLine(each, 60)] as [string, string])]}
          onChange={(next) => void navigate({ search: (now) => ({ ...now, name: next || undefined }) })}
        />
        <span className="ml-auto text-faint">
          {marked.length === 0 ? "Mark two runs to compare them" : marked.length === 1 ? "Mark one more" : ""}
        </span>
        <CsvButton
          name="runs"
          className="button"
          columns={[
            { name: "run_id", of: (each) => each.run_id },
            { name: "project", of: (each) => each.project },
            { name: "name", of: (each) => each.name },
            { name: "dataset", of: (each) => each.dataset },
            { name: "start_ns", of: (each) => each.start_ns },
            { name: "task", of: (each) => each.task },
            { name: "task_version", of: (each) => each.task_version },
            { name: "trials", of: (each) => each.done },
            ...[...new Set(lines.flatMap((each) => Object.keys(each.means)))].map((score) => ({ name: `mean ${score}`, of: (each: RunLine) => each.means[score] })),
            { name: "cost_usd", of: (each) => each.cost_usd },
          ]}
          lines={lines}
        />
        <button
          type="button"
          className="button button-main"
          disabled={newer === undefined}
          onClick={() =>
            void navigate({ to: "/evaluations/compare", search: { run: newer!.run_id, baseline: older!.run_id } as never })
          }
        >
          Compare
        </button>
      </div>
      {isOne && <OverTime lines={lines} />}
      {lines.length > 1 && (
        <details className="mb-3">
          <summary className="w-fit cursor-pointer text-soft hover:text-accent">Settings and scores of these runs, side by side</summary>
          <div className="mt-2">
            <Parallel runs={lines} />
          </div>
        </details>
      )}
      <div className="card overflow-x-auto">
        <table className="w-full">
          <thead>
            <tr className="h-8 bg-panel text-left">
              <th className="w-8 pl-3">
                <span className="sr-only">Mark</span>
              </th>
              <th className="label px-2">Evaluation</th>
              <th className="label px-2">Began</th>
              <th className="label px-2">Task</th>
              <th className="label px-2 text-right">Trials</th>
              <th className="label px-2">Scores, with 95 % intervals</th>
              <th className="label px-3 text-right">Cost</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <Row key={line.run_id} line={line} isMarked={marked.some((each) => each.run_id === line.run_id)} onMark={() => mark(line)} />
            ))}
          </tbody>
        </table>
      </div>
      {found.hasNextPage && (
        <button type="button" className="button mt-3" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show older runs
        </button>
      )}
    </div>
  );
}

function Row({ line, isMarked, onMark }: { line: RunLine; isMarked: boolean; onMark: () => void }) {
  const isDone = line.end_ns !== null;
  const detail = useQuery({
    queryKey: ["run", line.run_id, line.project],
    queryFn: ({ signal }) => get("/api/v1/runs/{run_id}", { project: line.project }, { run_id: line.run_id }, signal),
    staleTime: isDone ? Infinity : 5_000,
  });
  const planned = (line.rows ?? 0) * (line.trials ?? 1);
  return (
    <tr className={`border-t border-line align-top ${isMarked ? "bg-chosen" : "hover:bg-hover"}`}>
      <td className="pt-2 pl-3">
        <input type="checkbox" className="accent-accent" aria-label={`Mark the run of ${oneLine(line.name ?? line.run_id, 80)} ${line.run_id}`} checked={isMarked} onChange={onMark} />
      </td>
      <td className="px-2 py-1.5">
        <Link to="/evaluations/$runId" params={{ runId: line.run_id }} search={{}} className="font-medium hover:text-accent">
          {oneLine(line.name ?? line.dataset ?? line.run_id, 100)}
        </Link>
        <div className="text-xs text-faint">
          <span className="font-mono">{line.run_id}</span>
          {line.dataset !== null && line.dataset !== line.name && <> over {oneLine(line.dataset, 60)}</>}
        </div>
      </td>
      <td className="px-2 py-1.5 whitespace-nowrap text-soft">
        <Moment ns={line.start_ns} />
        <div className="text-xs">
          {!isDone && <span className="text-accent">not finished</span>}
          {line.stopped !== null && <span className="text-warn">stopped: {oneLine(line.stopped, 40)}</span>}
          {line.status === "error" && <span className="text-bad">failed</span>}
        </div>
      </td>
      <td className="px-2 py-1.5">
        {oneLine(line.task ?? "", 60)}
        {line.task_version !== null && <div className="font-mono text-xs text-faint">{line.task_version}</div>}
      </td>
      <td className="px-2 py-1.5 text-right whitespace-nowrap">
        {line.done === planned || planned === 0 ? line.done : `${line.done} of ${planned}`}
        {line.row_errors > 0 && <div className="text-xs text-bad">{plural(line.row_errors, "failed", "failed")}</div>}
      </td>
      <td className="px-2 py-1.5">
        <Scores line={line} summary={detail.data?.summary} />
      </td>
      <td className="px-3 py-1.5 text-right">{cost(line.cost_usd)}</td>
    </tr>
  );
}

type Summary = { score: string; mean: number | null; low: number | null; high: number | null }[];

function Scores({ line, summary }: { line: RunLine; summary: Summary | undefined }) {
  const known: Summary = summary ?? Object.entries(line.means).map(([score, value]) => ({ score, mean: value, low: null, high: null }));
  if (known.length === 0) return <span className="text-faint">none</span>;
  return (
    <table>
      <tbody>
        {known.slice(0, 5).map((each) => {
          const [from, to] = range([each.mean, each.low, each.high]);
          return (
            <tr key={each.score}>
              <td className="max-w-56 truncate pr-3 text-soft" title={oneLine(each.score, 200)}>
                {oneLine(each.score, 60)}
              </td>
              <td className="pr-2 text-right font-medium">{mean(each.mean)}</td>
              <td className="pr-2">
                <Interval mean={each.mean} low={each.low} high={each.high} from={from} to={to} />
              </td>
              <td className="text-xs whitespace-nowrap text-faint">
                {each.low === null || each.high === null ? "" : `${mean(each.low)} to ${mean(each.high)}`}
              </td>
            </tr>
          );
        })}
        {known.length > 5 && (
          <tr>
            <td colSpan={4} className="text-faint">
              and {known.length - 5} more
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function NoRuns({ isNarrowed }: { isNarrowed: boolean }) {
  if (isNarrowed) {
    return <Empty title="No evaluation run here">Take another project or a longer time: both are chosen at the top.</Empty>;
  }
  return (
    <Empty title="No evaluation runs yet">
      <p>An evaluation calls your function for each row of a dataset and scores what it returns.</p>
      <pre className="card mx-auto mt-4 w-fit bg-panel px-5 py-3 text-left font-mono text-xs leading-5 text-ink">
        {`dataset = tracelm.Dataset(name="questions", rows=[{"question": "2 + 2", "expected": "4"}])
evaluation = tracelm.Evaluation(dataset=dataset, scorers=[tracelm.scorers.ExactMatch()])
evaluation.run(answer)`}
      </pre>
    </Empty>
  );
}
