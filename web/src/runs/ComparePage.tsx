/** A run beside its baseline: what became better, what worse, and what nobody can tell. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { get, type Run, type Schemas } from "../api/client";
import { useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { figure, mean, plural, signed } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton } from "../parts/Download";
import { around, Interval } from "../parts/Interval";
import { Moment } from "../parts/Moment";
import { compare as route } from "../router";
import { PairDetail } from "./PairDetail";
import { Scatter, WinLoss } from "./Scatter";

type Difference = Schemas["Difference"];
type Pair = Schemas["Pair"];

const VERDICTS: Record<string, [string, string]> = {
  better: ["better", "bg-good-ground text-good"],
  worse: ["worse", "bg-bad-ground text-bad"],
  equivalent: ["equivalent", "bg-chosen text-accent"],
  "no evidence": ["no evidence", ""],
  underpowered: ["too few rows to tell", "bg-warn-ground text-warn"],
};
const TONES: Record<string, string> = { better: "text-good", worse: "text-bad" };

export function ComparePage() {
  const { run: runId, baseline: baselineId } = route.useSearch();
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
          <Pairs comparison={comparison} runs={both} project={project} />
        </>
      )}
    </div>
  );
}

function chance(p: number | null): string {
  return p !== null && p < 0.001 ? "< 0.001" : figure(p);
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

function Differences({ differences }: { differences: Difference[] }) {
  return (
    <div className="card overflow-x-auto">
      <table className="w-full">
        <caption className="sr-only">Paired differences, score by score</caption>
        <thead>
          <tr className="h-8 bg-panel text-left">
            <th className="label px-3">Score</th>
            <th className="label px-2">Verdict</th>
            <th className="label px-2 text-right">Baseline</th>
            <th className="label px-2 text-right">Run</th>
            <th className="label px-2 text-right">Difference</th>
            <th className="label px-2" colSpan={2}>
              95 % interval of the difference
            </th>
            <th className="label px-2 text-right">Better / worse / same</th>
            <th className="label px-3 text-right" title="adjusted for all scores together">
              p
            </th>
          </tr>
        </thead>
        <tbody>
          {differences.map((each) => {
            const [from, to] = around([each.low, each.high, each.difference]);
            const [words, tone] = VERDICTS[each.verdict] ?? [each.verdict, ""];
            return (
              <tr key={each.name} className="border-t border-line">
                <td className="px-3 py-1 font-medium">
                  {oneLine(each.name, 100)}
                  {each.lower_is_better && <span className="chip ml-2">less is better</span>}
                </td>
                <td className="px-2">
                  <span className={`chip font-semibold ${tone}`} title={each.why}>
                    {words}
                  </span>
                </td>
                <td className="px-2 text-right">{mean(each.baseline_mean)}</td>
                <td className="px-2 text-right">{mean(each.mean)}</td>
                <td className="px-2 text-right font-semibold">{signed(each.difference)}</td>
                <td className="w-[200px] px-2">
                  <Interval mean={each.difference} low={each.low} high={each.high} from={from} to={to} zero={0} width={180} tone={TONES[each.verdict] ?? "text-soft"} />
                </td>
                <td className="px-2 whitespace-nowrap text-soft">
                  {each.low === null || each.high === null ? "–" : `${signed(each.low)} to ${signed(each.high)}`}
                </td>
                <td className="px-2 text-right whitespace-nowrap">
                  <span className="text-good">{each.better}</span> / <span className="text-bad">{each.worse}</span> / {each.same}
                </td>
                <td className="px-3 text-right">{chance(each.p_adjusted ?? each.p_value)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div className="flex items-start border-t border-line bg-panel">
      <ul className="px-3 py-1.5 text-soft">
        {differences.map((each) => (
          <li key={each.name}>
            <span className="font-medium">{oneLine(each.name, 100)}</span>: {oneLine(each.why, 400)}
          </li>
        ))}
      </ul>
        <span className="ml-auto p-1.5">
          <CsvButton
            name="differences"
            columns={[
              { name: "score", of: (each) => each.name },
              { name: "verdict", of: (each) => each.verdict },
              { name: "baseline_mean", of: (each) => each.baseline_mean },
              { name: "mean", of: (each) => each.mean },
              { name: "difference", of: (each) => each.difference },
              { name: "low", of: (each) => each.low },
              { name: "high", of: (each) => each.high },
              { name: "better", of: (each) => each.better },
              { name: "worse", of: (each) => each.worse },
              { name: "same", of: (each) => each.same },
              { name: "p", of: (each) => each.p_value },
              { name: "p_adjusted", of: (each) => each.p_adjusted },
            ]}
            lines={differences}
          />
        </span>
      </div>
    </div>
  );
}

function LeftOut({ reasons }: { reasons: Record<string, string> }) {
  const listed = Object.entries(reasons);
  if (listed.length === 0) return null;
  return (
    <p className="text-faint">
      Not compared: {listed.map(([name, why]) => `${oneLine(name, 60)} (${oneLine(why, 160)})`).join("; ")}
    </p>
  );
}

/** How far apart the two runs are in a row. */
export function apart(pair: Pair, score: string): number | null {
  const one = pair.values[score];
  const other = pair.baseline_values[score];
  return one === null || one === undefined || other === null || other === undefined ? null : one - other;
}

/** The score in which most rows changed. */
function mostMoved(differences: Difference[]): string {
  return differences.toSorted((a, b) => b.better + b.worse - a.better - a.worse)[0]!.name;
}

/** The rows in which the runs are furthest apart first. */
export function byDisagreement(pairs: Pair[], score: string): { pair: Pair; difference: number | null }[] {
  return pairs
    .map((pair) => ({ pair, difference: apart(pair, score) }))
    .toSorted((a, b) => Math.abs(b.difference ?? 0) - Math.abs(a.difference ?? 0) || a.pair.row - b.pair.row);
}

type PairsProps = {
  comparison: Schemas["Comparison"];
  runs: readonly [Run | undefined, Run | undefined];
  project: string | undefined;
};

function Pairs({ comparison, runs, project }: PairsProps) {
  const { score: asked, row } = route.useSearch();
  const navigate = useNavigate({ from: "/evaluations/compare" });
  const [shown, setShown] = useState(100);
  const names = comparison.differences.map((each) => each.name);
  const score = asked !== undefined && names.includes(asked) ? asked : mostMoved(comparison.differences);
  const { pairs } = comparison;
  const sorted = useMemo(() => byDisagreement(pairs, score), [pairs, score]);
  const isLess = comparison.differences.find((each) => each.name === score)?.lower_is_better ?? false;
  const open = sorted.find((each) => String(each.pair.row) === row)?.pair ?? sorted[0]?.pair;
  return (
    <section>
      <div className="mb-2 flex flex-wrap items-center gap-1.5">
        <h2 className="mr-2 font-semibold">Rows, the greatest disagreement first, by</h2>
        {names.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === score}
            className={`button h-7 ${name === score ? "border-accent text-accent" : ""}`}
            onClick={() => void navigate({ search: (now) => ({ ...now, score: name, row: undefined }) })}
          >
            {oneLine(name, 60)}
          </button>
        ))}
        <span className="ml-auto">
          <CsvButton
            name={`rows by ${score}`}
            columns={[
              { name: "row", of: (each) => each.pair.row },
              { name: "baseline", of: (each) => each.pair.baseline_values[score] },
              { name: "run", of: (each) => each.pair.values[score] },
              { name: "difference", of: (each) => each.difference },
            ]}
            lines={sorted}
          />
        </span>
      </div>
      <div className="grid grid-cols-[19rem_minmax(0,1fr)] gap-4 max-lg:grid-cols-1">
        <div className="space-y-3">
        <div className="card px-3 py-2">
          <WinLoss difference={comparison.differences.find((each) => each.name === score)!} />
        </div>
        <Scatter
          pairs={pairs}
          score={score}
          isLess={isLess}
          chosen={open?.row}
          onChoose={(next) => void navigate({ search: (now) => ({ ...now, row: String(next) }), replace: true })}
        />
        <div className="card max-h-[34rem] overflow-auto">
          <table className="w-full">
            <thead className="sticky top-0">
              <tr className="h-8 bg-panel text-right">
                <th className="label px-3 text-left">Row</th>
                <th className="label px-2">Baseline</th>
                <th className="label px-2">Run</th>
                <th className="label px-3">Difference</th>
              </tr>
            </thead>
            <tbody>
              {sorted.slice(0, shown).map(({ pair, difference }) => {
                const isBetter = difference !== null && difference !== 0 && difference > 0 !== isLess;
                const tone = difference === null || difference === 0 ? "text-faint" : isBetter ? "text-good" : "text-bad";
                return (
                  <tr
                    key={pair.row}
                    aria-selected={pair === open}
                    className={`cursor-pointer border-t border-line text-right ${pair === open ? "bg-chosen" : "hover:bg-hover"}`}
                    onClick={() => void navigate({ search: (now) => ({ ...now, row: String(pair.row) }), replace: true })}
                  >
                    <td className="px-3 py-1 text-left">
                      <button type="button" className="rounded">
                        {pair.row}
                      </button>
                    </td>
                    <td className="px-2">{figure(pair.baseline_values[score])}</td>
                    <td className="px-2">{figure(pair.values[score])}</td>
                    <td className={`px-3 font-semibold ${tone}`}>{signed(difference)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          {sorted.length > shown && (
            <button type="button" className="link px-3 py-1.5" onClick={() => setShown(shown + 500)}>
              Show more ({sorted.length - shown})
            </button>
          )}
        </div>
        </div>
        {open !== undefined && (
          <PairDetail key={open.row} pair={open} runId={comparison.run_id} baselineId={comparison.baseline_run_id} projects={[runs[0]?.project ?? project, runs[1]?.project ?? project]} />
        )}
      </div>
    </section>
  );
}
