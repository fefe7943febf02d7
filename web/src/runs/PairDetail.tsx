/** One row of two runs, fetched when it is opened. */
import { useQuery } from "@tanstack/react-query";

import { get, type Schemas } from "../api/client";
import { Failed, Loading } from "../frame/states";
import { PairView } from "./PairView";
import { toTrace } from "./toTrace";

type Props = {
  pair: Schemas["Pair"];
  runId: string;
  baselineId: string;
  projects: [string | undefined, string | undefined];
};

function useRows(runId: string, row: number, project: string | undefined) {
  return useQuery({
    queryKey: ["row", runId, row, project],
    queryFn: ({ signal }) => get("/api/v1/runs/{run_id}/rows", { project, row, limit: 50 }, { run_id: runId }, signal),
    staleTime: Infinity,
  });
}

export function PairDetail({ pair, runId, baselineId, projects }: Props) {
  const run = useRows(runId, pair.row, projects[0]);
  const baseline = useRows(baselineId, pair.baseline_row, projects[1]);
  if (run.isPending || baseline.isPending) return <Loading what="both outputs" />;
  if (run.isError) return <Failed error={run.error} again={() => void run.refetch()} />;
  if (baseline.isError) return <Failed error={baseline.error} again={() => void baseline.refetch()} />;
  return <PairView pair={pair} run={run.data.items} baseline={baseline.data.items} toTrace={toTrace} />;
}
