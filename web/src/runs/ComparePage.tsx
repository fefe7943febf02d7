/** A run beside its baseline: what became better, what worse, and what nobody can tell. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { get, type Run } from "../api/client";
import { useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";
import { compare as route } from "../router";
import { Differences, LeftOut } from "./Differences";
import { PairDetail } from "./PairDetail";
import { Pairs } from "./Pairs";

export function ComparePage() {
  const { run: runId, baseline: baselineId, score, row } = route.useSearch();
  const { project } = useScope();
  const isAsked = runId !== undefined && baselineId !== undefined;
  const found = useQuery({
    queryKey: ["compare", runId, baselineId, project],
    queryFn: ({ signal }) =>
      get(
        "/api/v1/runs/{run_id}/compare/{baseline_id}",
        { project },
        { run_id: runId!, baseline_id: baselineId! },
        signal,
      ),
    enabled: isAsked,
  });
  const both = [useRun(runId, project), useRun(baselineId, project)] as const;
  const navigate = useNavigate({ from: "/evaluations/compare" });
  if (!isAsked) {
    return (
      <Empty title="Choose two runs">
        Mark two in the{" "}
        <Link to="/evaluations" search={{}} className="link">
          list of runs
        </Link>
        , then press Compare.
      </Empty>
    );
  }
  if (found.isPending) return <Loading what="the comparison" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const comparison = found.data;
  return (
    <div className="space-y-4 px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Link to="/evaluations" search={{}} className="text-faint hover:text-accent">
          Evaluations
        </Link>
        <span className="text-faint" aria-hidden="true">
          /
        </span>
        <h1 className="text-base font-semibold">Compare</h1>
        <RunChip run={both[0]} id={runId} of="run" />
        <span className="text-faint">with the baseline</span>
        <RunChip run={both[1]} id={baselineId} of="baseline" />
        <button
          type="button"
          className="button h-7"
          onClick={() => void navigate({ search: (now) => ({ ...now, run: baselineId, baseline: runId, row: undefined }) })}
        >
          Swap
        </button>
        <span className="ml-auto text-soft">
          {plural(comparison.pairs.length, "row")} in both
          {comparison.only_in_run.length > 0 && `, ${comparison.only_in_run.length} only in the run`}
          {comparison.only_in_baseline.length > 0 && `, ${comparison.only_in_baseline.length} only in the baseline`}
        </span>
      </div>
      {comparison.differences.length === 0 ? (
        <Empty title="No score can be compared">{Object.values(comparison.left_out).join("; ")}</Empty>
      ) : (
        <>
          <Differences differences={comparison.differences} />
          <LeftOut reasons={comparison.left_out} />
          <Pairs
            comparison={comparison}
            score={score}
            onScore={(next) => void navigate({ search: (now) => ({ ...now, score: next, row: undefined }) })}
            row={row}
            onRow={(next) => void navigate({ search: (now) => ({ ...now, row: String(next) }), replace: true })}
          >
            {(pair) => (
              <PairDetail
                key={pair.row}
                pair={pair}
                runId={comparison.run_id}
                baselineId={comparison.baseline_run_id}
                projects={[both[0]?.project ?? project, both[1]?.project ?? project]}
              />
            )}
          </Pairs>
        </>
      )}
    </div>
  );
}

function useRun(runId: string | undefined, project: string | undefined): Run | undefined {
  return useQuery({
    queryKey: ["run", runId, project],
    queryFn: ({ signal }) => get("/api/v1/runs/{run_id}", { project }, { run_id: runId! }, signal),
    enabled: runId !== undefined,
  }).data;
}

function RunChip({ run, id, of }: { run: Run | undefined; id: string; of: string }) {
  return (
    <Link to="/evaluations/$runId" params={{ runId: id }} search={{}} className="card flex items-baseline gap-2 px-2 py-1 hover:border-accent" title={`the ${of}`}>
      <span className="font-medium">{oneLine(run?.name ?? id, 60)}</span>
      <span className="font-mono text-xs text-faint">{id.slice(0, 8)}</span>
      {run?.task_version && <span className="font-mono text-xs text-soft">task {run.task_version.slice(0, 6)}</span>}
      {run && (
        <span className="text-xs text-soft">
          <Moment ns={run.start_ns} />
        </span>
      )}
    </Link>
  );
}
