/** What is watched in production: monitors, which judge afterwards, and guardrails, which stand in the way. */
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { get } from "../api/client";
import { useLive } from "../api/live";
import { useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { useWindow } from "../frame/window";
import { oneLine } from "../format/visible";
import { monitors as route } from "../router";
import { Alerts } from "./Alerts";
import { Guardrails } from "./Guardrails";
import { Monitor } from "./Monitor";

export function MonitorsPage() {
  const { name } = route.useSearch();
  const scope = useScope();
  const client = useQueryClient();
  const navigate = useNavigate({ from: "/monitors" });
  const { span, isPending } = useWindow();
  const names = useQuery({
    queryKey: ["monitors", scope.project],
    queryFn: ({ signal }) => get("/api/v1/monitors", { project: scope.project }, undefined, signal),
  });
  const guardrails = useQuery({
    queryKey: ["guardrails", span],
    queryFn: ({ signal }) =>
      get("/api/v1/guardrails", { project: span.project, since_ns: span.since, until_ns: span.until, buckets: 60 }, undefined, signal),
    enabled: !isPending,
    placeholderData: keepPreviousData,
  });
  useLive(
    scope.project,
    scope.until === undefined,
    () => {
      for (const key of ["monitors", "monitor", "alerts", "guardrails"]) void client.invalidateQueries({ queryKey: [key] });
    },
    5_000,
  );
  if (names.isError) return <Failed error={names.error} again={() => void names.refetch()} />;
  if (guardrails.isError) return <Failed error={guardrails.error} again={() => void guardrails.refetch()} />;
  if (isPending || names.isPending || guardrails.isPending) return <Loading what="monitors and guardrails" />;
  const known = names.data.items;
  const chosen = name ?? known[0];
  if (chosen === undefined && guardrails.data.rails.length === 0) return <NothingWatched isNarrowed={scope.within !== "all"} />;
  return (
    <div className="space-y-5 px-4 py-3">
      <section aria-labelledby="monitors-title" className="space-y-3">
        <div className="flex min-h-8 flex-wrap items-center gap-1.5">
          <h1 id="monitors-title" className="mr-2 text-base font-semibold">
            Monitors
          </h1>
          {known.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === chosen}
              className={`button h-7 ${each === chosen ? "border-accent text-accent" : ""}`}
              onClick={() => void navigate({ search: (now) => ({ ...now, name: each }) })}
            >
              {oneLine(each, 60)}
            </button>
          ))}
        </div>
        {chosen === undefined ? (
          <p className="text-soft">
            No monitor has run. One judges a sample of what is recorded, outside of the program: <code className="font-mono text-xs">tracelm monitor run MODULE</code>
          </p>
        ) : (
          <Monitor key={chosen} name={chosen} span={span} />
        )}
      </section>
      {chosen !== undefined && <Alerts key={chosen} monitor={chosen} span={span} />}
      <Guardrails found={guardrails.data} />
    </div>
  );
}

function NothingWatched({ isNarrowed }: { isNarrowed: boolean }) {
  return (
    <Empty title={isNarrowed ? "Nothing was watched in this time" : "Nothing is watched yet"}>
      {isNarrowed && <p>Choose a longer time at the top right.</p>}
      <p>A guardrail stands in the way of an output; a monitor judges a sample of outputs afterwards.</p>
      <pre className="card mx-auto mt-4 w-fit bg-panel px-5 py-3 text-left font-mono text-xs leading-5 text-ink">
        {`@tracelm.guard(tracelm.Guardrail(PII(), action="block"))
@tracelm.op
def answer(question: str) -> str: ...

answers = tracelm.Monitor(name="answers", scorers=[PII()], where="op:answer")
# tracelm monitor run MODULE`}
      </pre>
    </Empty>
  );
}
