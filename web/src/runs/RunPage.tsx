/** One evaluation run: its summary, its slices, and its rows. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { get, type Run, type Schemas } from "../api/client";
import { useScope } from "../frame/scope";
import { Failed, Loading } from "../frame/states";
import type { Json } from "../format/json";
import { between } from "../format/time";
import { cost, count, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { JsonTree } from "../parts/JsonTree";
import { Moment } from "../parts/Moment";
import { run as route } from "../router";
import { Fact } from "../trace/TracePage";
import { Outcomes, RowsCsv, RowsTable } from "./Rows";
import { SlicesView } from "./Slices";
import { SummaryTable } from "./Summary";
import { toTrace } from "./toTrace";

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
      <SummaryTable file={`scores of run ${found.data.run_id}`} summary={found.data.summary} />
      <BySlice run={found.data} />
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
        {run.model !== null && <Fact name="Model" value={<Trained model={run.model} />} />}
        <Fact name="Tokens" value={count(run.tokens)} />
        <Fact name="Cost" value={cost(run.cost_usd)} />
      </dl>
    </div>
  );
}

/** A model that was trained, with the way to its training. */
function Trained({ model }: { model: Schemas["ModelLine"] }) {
  const { training } = model;
  return (
    <>
      {oneLine(model.name, 60)} <span title={model.digest}>{oneLine(model.version, 20)}</span>
      {model.dataset !== null && (
        <>
          {" "}
          <span className="font-normal text-soft">trained on</span>{" "}
          <Link to="/datasets" search={{ name: model.dataset, version: model.dataset_version ?? undefined }} className="link">
            {oneLine(model.dataset, 60)} {model.dataset_version ?? ""}
          </Link>
        </>
      )}
      {training !== null && (
        <Link
          to="/traces/$traceId"
          params={{ traceId: training.trace_id }}
          search={{ span: `${training.project}/${training.span_id}` }}
          className="link ml-2 font-normal"
        >
          Open its training
        </Link>
      )}
    </>
  );
}

/** The run by columns of its dataset, where they divide it. */
function BySlice({ run }: { run: Run }) {
  const found = useQuery({
    queryKey: ["slices", run.run_id, run.project, run.done],
    queryFn: ({ signal }) => get("/api/v1/runs/{run_id}/slices", { project: run.project }, { run_id: run.run_id }, signal),
  });
  return found.data === undefined || found.data.length === 0 ? null : <SlicesView slices={found.data} />;
}

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
  return (
    <section>
      <div className="mb-2 flex flex-wrap items-center gap-1.5">
        <h2 className="mr-2 font-semibold">Rows</h2>
        <Outcomes
          outcomes={run.outcomes}
          chosen={outcome}
          onChoose={(chosen) => void navigate({ search: (now) => ({ ...now, outcome: chosen, row: undefined }) })}
        />
        <Link to="/annotate" search={{ run: run.run_id, judge: scores[0] }} className="link ml-auto">
          Judge them by hand
        </Link>
        <span className="ml-2">
          <RowsCsv runId={run.run_id} rows={rows} scores={scores} />
        </span>
      </div>
      {found.isPending ? (
        <Loading what="the rows" />
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <RowsTable
          rows={rows}
          scores={scores}
          hasTrials={(run.trials ?? 1) > 1}
          open={open}
          onOpen={(key) => void navigate({ search: (now) => ({ ...now, row: key }), replace: true })}
          toTrace={toTrace}
        />
      )}
      {found.hasNextPage && (
        <button type="button" className="button mt-3" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show more rows
        </button>
      )}
    </section>
  );
}
