/** One evaluation run: its summary, and its rows. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Fragment } from "react";

import { get, type Run, type RunRow } from "../api/client";
import { useScope } from "../frame/scope";
import { Failed, Loading } from "../frame/states";
import { type Json, written } from "../format/json";
import { between } from "../format/time";
import { cost, count, duration, mean } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton, CsvLink } from "../parts/Download";
import { Interval, range } from "../parts/Interval";
import { JsonTree } from "../parts/JsonTree";
import { Moment } from "../parts/Moment";
import { Text } from "../parts/Text";
import { Value } from "../parts/Value";
import { run as route } from "../router";
import { Fact } from "../trace/TracePage";
import { preview, ScoreCell } from "./cells";

export function RunPage() {
  const { runId } = route.useParams();
  const { project } = useScope();
  const found = useQuery({
    queryKey: ["run", runId, project],
    queryFn: ({ signal }) => get("/api/v1/runs/{run_id}", { project }, { run_id: runId }, signal),
    refetchInterval: (query) => (query.state.data?.end_ns === null ? 3_000 : false),
  });
  if (found.isPending) return <Loading what="the run" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  return (
    <div className="space-y-4 px-4 py-3">
      <Head run={found.data} />
      <SummaryTable run={found.data} />
      <Rows run={found.data} />
      <details className="card px-3 py-2">
        <summary className="cursor-pointer font-medium">What the run was made of</summary>
        <div className="mt-2">
          <JsonTree value={found.data.provenance as Json} />
        </div>
      </details>
    </div>
  );
}

function Head({ run }: { run: Run }) {
  return (
    <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
      <Link to="/evaluations" search={{}} className="text-faint hover:text-accent">
        Evaluations
      </Link>
      <span className="text-faint" aria-hidden="true">
        /
      </span>
      <h1 className="text-base font-semibold">{oneLine(run.name ?? run.dataset ?? run.run_id, 120)}</h1>
      <span className="font-mono text-xs text-faint">{run.run_id}</span>
      {run.end_ns === null && <span className="chip text-accent">not finished</span>}
      {run.stopped !== null && <span className="chip bg-warn-ground text-warn">stopped: {oneLine(run.stopped, 60)}</span>}
      {run.status === "error" && <span className="chip bg-bad-ground text-bad">{oneLine(run.status_message ?? "failed", 200)}</span>}
      <dl className="flex w-full flex-wrap gap-x-5">
        <Fact name="Began" value={<Moment ns={run.start_ns} />} />
        {run.end_ns !== null && <Fact name="Took" value={duration(between(run.start_ns, run.end_ns))} />}
        <Fact name="Task" value={`${oneLine(run.task ?? "–", 60)} ${run.task_version ?? ""}`} />
        <Fact name="Dataset" value={`${oneLine(run.dataset ?? "–", 60)} ${run.dataset_version ?? run.dataset_digest?.slice(0, 8) ?? ""}`} />
        <Fact name="Tokens" value={count(run.tokens)} />
        <Fact name="Cost" value={cost(run.cost_usd)} />
      </dl>
    </div>
  );
}

function SummaryTable({ run }: { run: Run }) {
  if (run.summary.length === 0) return <p className="text-faint">No score was given in this run.</p>;
  return (
    <div className="card overflow-x-auto">
      <table className="w-full">
        <caption className="sr-only">Scores of the run</caption>
        <thead>
          <tr className="h-8 bg-panel text-left">
            <th className="label px-3">
              Score
              <CsvLink
                name={`scores of run ${run.run_id}`}
                columns={[
                  { name: "score", of: (each) => each.score },
                  ...(["mean", "se", "low", "high", "n", "scored", "errors"] as const).map((name) => ({ name, of: (each: Run["summary"][number]) => each[name] })),
                ]}
                lines={run.summary}
              />
            </th>
            <th className="label px-2 text-right">Mean</th>
            <th className="label px-2" colSpan={2}>
              95 % interval
            </th>
            <th className="label px-2 text-right" title="rows and trials that have this score, of those that should">
              Scored
            </th>
            <th className="label px-3 text-right">Scorer failed</th>
          </tr>
        </thead>
        <tbody>
          {run.summary.map((each) => {
            const [from, to] = range([each.mean, each.low, each.high]);
            return (
              <tr key={each.score} className="border-t border-line">
                <td className="px-3 py-1 font-medium">
                  {oneLine(each.score, 120)}
                  {each.lower_is_better && <span className="chip ml-2">less is better</span>}
                </td>
                <td className="px-2 text-right font-semibold">{mean(each.mean)}</td>
                <td className="w-[220px] px-2">
                  <Interval mean={each.mean} low={each.low} high={each.high} from={from} to={to} width={200} />
                </td>
                <td className="px-2 whitespace-nowrap text-soft">
                  {each.low === null || each.high === null ? "too few values" : `${mean(each.low)} to ${mean(each.high)}`}
                </td>
                <td className="px-2 text-right">
                  {each.scored} of {each.n}
                </td>
                <td className={`px-3 text-right ${each.errors > 0 ? "text-bad" : "text-faint"}`}>{each.errors}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const OUTCOMES: Record<string, string> = {
  scored: "scored",
  task_error: "task failed",
  scorer_error: "scorer failed",
  timeout: "timed out",
  refused_to_score: "not scored",
  not_run: "not run",
};

function Rows({ run }: { run: Run }) {
  const { outcome, row: open } = route.useSearch();
  const navigate = useNavigate({ from: "/evaluations/$runId" });
  const found = useInfiniteQuery({
    queryKey: ["rows", run.run_id, run.project, outcome, run.done],
    queryFn: ({ pageParam, signal }) =>
      get(
        "/api/v1/runs/{run_id}/rows",
        { project: run.project, outcome, after: pageParam, limit: 100 },
        { run_id: run.run_id },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const rows = found.data?.pages.flatMap((page) => page.items) ?? [];
  const scores = run.summary.map((each) => each.score);
  const hasTrials = (run.trials ?? 1) > 1;
  const all = Object.values(run.outcomes).reduce((sum, each) => sum + each, 0);
  return (
    <section>
      <div className="mb-2 flex flex-wrap items-center gap-1.5">
        <h2 className="mr-2 font-semibold">Rows</h2>
        {[["", "all", all] as const, ...Object.entries(run.outcomes).map(([name, n]) => [name, OUTCOMES[name] ?? name, n] as const)].map(
          ([name, words, n]) => (
            <button
              key={name}
              type="button"
              aria-pressed={(outcome ?? "") === name}
              className={`button h-7 ${(outcome ?? "") === name ? "border-accent text-accent" : ""}`}
              onClick={() => void navigate({ search: (now) => ({ ...now, outcome: name || undefined, row: undefined }) })}
            >
              {words} <span className="text-faint">{n}</span>
            </button>
          ),
        )}
        <Link to="/annotate" search={{ run: run.run_id, judge: scores[0] }} className="link ml-auto">
          Judge them by hand
        </Link>
        <span className="ml-2">
          <CsvButton
            name={`rows of run ${run.run_id}`}
            columns={[
              { name: "row", of: (each) => each.row },
              { name: "trial", of: (each) => each.trial },
              { name: "outcome", of: (each) => each.outcome },
              { name: "inputs", of: (each) => written(each.inputs as Json, 0) },
              { name: "output", of: (each) => (typeof each.output === "string" ? each.output : written(each.output as Json, 0)) },
              { name: "error", of: (each) => each.error },
              ...scores.map((score) => ({ name: score, of: (each: RunRow) => each.scores[score]?.value })),
              { name: "latency_s", of: (each) => each.latency_s },
              { name: "cost_usd", of: (each) => each.cost_usd },
              { name: "trace_id", of: (each) => each.trace_id },
            ]}
            lines={rows}
          />
        </span>
      </div>
      {found.isPending ? (
        <Loading what="the rows" />
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <div className="card overflow-x-auto">
          <table className="w-full min-w-[44rem] table-fixed">
            <thead>
              <tr className="h-8 bg-panel text-left">
                <th className="label w-16 px-3 text-right">Row</th>
                <th className="label px-2">Input</th>
                <th className="label px-2">Output</th>
                {scores.slice(0, 6).map((each) => (
                  <th key={each} className="label w-28 truncate px-2" title={oneLine(each, 200)}>
                    {oneLine(each.split(".").at(-1) ?? each, 40)}
                  </th>
                ))}
                <th className="label w-20 px-2 text-right">Took</th>
                <th className="label w-24 px-3 text-right">Cost</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((each) => {
                const key = `${each.row}.${each.trial}`;
                const isOpen = open === key;
                return (
                  <Fragment key={key}>
                    <tr
                      className={`cursor-pointer border-t border-line ${isOpen ? "bg-chosen" : "hover:bg-hover"}`}
                      onClick={() => void navigate({ search: (now) => ({ ...now, row: isOpen ? undefined : key }), replace: true })}
                    >
                      <td className="px-3 py-1 text-right">
                        <button type="button" aria-expanded={isOpen} className="rounded text-soft">
                          <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {each.row}
                          {hasTrials && <span className="text-faint">·{each.trial}</span>}
                        </button>
                      </td>
                      <td className="truncate px-2 font-mono text-xs text-soft">
                        <bdi>{preview(each.inputs as Json)}</bdi>
                      </td>
                      <td className={`truncate px-2 font-mono text-xs ${each.error === null ? "" : "text-bad"}`}>
                        <bdi>{each.error === null ? preview(each.output as Json) : oneLine(each.error, 200)}</bdi>
                      </td>
                      {scores.slice(0, 6).map((score) => (
                        <td key={score} className="truncate px-2">
                          <ScoreCell score={each.scores[score]} />
                        </td>
                      ))}
                      <td className="px-2 text-right whitespace-nowrap">{each.latency_s === null ? "–" : duration(each.latency_s * 1e9)}</td>
                      <td className="px-3 text-right">{cost(each.cost_usd)}</td>
                    </tr>
                    {isOpen && (
                      <tr className="border-t border-line bg-panel">
                        <td colSpan={5 + Math.min(6, scores.length)} className="px-4 py-3">
                          <RowDetail row={each} />
                        </td>
                      </tr>
                    )}
                  </Fragment>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {found.hasNextPage && (
        <button type="button" className="button mt-3" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show more rows
        </button>
      )}
    </section>
  );
}

function RowDetail({ row }: { row: RunRow }) {
  return (
    <div className="grid grid-cols-2 gap-x-6 gap-y-4 max-lg:grid-cols-1">
      <section>
        <h3 className="label mb-1.5 flex h-6 items-center">Row</h3>
        <Value value={row.inputs as Json} />
      </section>
      <section>
        <h3 className="label mb-1.5 flex h-6 items-center">Output</h3>
        {row.error === null ? (
          <Value value={row.output as Json} />
        ) : (
          <p className="whitespace-pre-wrap text-bad">
            <Text value={row.error} />
          </p>
        )}
      </section>
      <section className="col-span-full">
        <div className="mb-1 flex items-center gap-3">
          <h3 className="label">Scores</h3>
          {row.trace_id !== null && (
            <Link to="/traces/$traceId" params={{ traceId: row.trace_id }} search={{}} className="link">
              Open the trace
            </Link>
          )}
        </div>
        <dl className="divide-y divide-line border-y border-line">
          {Object.entries(row.scores).map(([name, score]) => (
            <div key={name} className="grid grid-cols-[14rem_8rem_1fr] gap-3 py-1">
              <dt>{oneLine(name, 100)}</dt>
              <dd>
                <ScoreCell score={score} />
              </dd>
              <dd className="text-soft">{score.explanation !== null && <Text value={score.explanation} />}</dd>
            </div>
          ))}
        </dl>
      </section>
    </div>
  );
}
