/** A run, or two beside each other, in one file: what the pages of evaluations show, without a server. */
import { useState } from "react";

import type { RunRow, Schemas } from "../api/client";
import { plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Copy } from "../parts/Text";
import { Differences, LeftOut } from "../runs/Differences";
import { Pairs } from "../runs/Pairs";
import { PairView } from "../runs/PairView";
import { Outcomes, RowsCsv, RowsTable } from "../runs/Rows";
import { SlicesView } from "../runs/Slices";
import { SummaryTable } from "../runs/Summary";
import { Conditions } from "./Conditions";
import type { Report } from "./document";

/** A trace is where the run was recorded; the file has its name. */
const toTrace = (traceId: string) => (
  <span className="flex items-center gap-1.5 text-faint">
    trace <span className="font-mono text-xs">{traceId.slice(0, 8)}</span>
    <Copy text={() => `tracelm show ${traceId}`} label="Copy the command" title={`tracelm show ${traceId}`} />
  </span>
);

export function ReportPage({ report }: { report: Report }) {
  const { comparison } = report;
  return (
    <main className="mx-auto max-w-[90rem] space-y-4 px-4 py-4">
      <header>
        <h1 className="text-base font-semibold [overflow-wrap:anywhere]">{oneLine(report.title, 300)}</h1>
        <ul className="mt-1 text-soft">
          {report.facts.map((each) => (
            <li key={each}>{oneLine(each, 400)}</li>
          ))}
        </ul>
      </header>
      {report.conditions !== null && <Conditions conditions={report.conditions} />}
      <section>
        <h2 className="mb-2 font-semibold">Scores</h2>
        <SummaryTable file={`scores of run ${report.run_id}`} summary={report.summary} />
      </section>
      {report.slices.length > 0 && <SlicesView slices={report.slices} isOpen />}
      {comparison !== null && <Compared report={report} comparison={comparison} />}
      <Rows report={report} />
    </main>
  );
}

function Compared({ report, comparison }: { report: Report; comparison: Schemas["Comparison"] }) {
  const [score, setScore] = useState<string>();
  const [row, setRow] = useState<string>();
  const trials = (rows: RunRow[], number: number) => rows.filter((each) => each.row === number);
  return (
    <section className="space-y-4">
      <h2 className="font-semibold">Beside the baseline, run {comparison.baseline_run_id}</h2>
      {comparison.differences.length > 0 && <Differences differences={comparison.differences} />}
      <LeftOut reasons={comparison.left_out} />
      {report.slice_differences.map(({ column, slices }) => {
        const lines = Object.entries(slices).flatMap(([name, found]) => found.map((each) => ({ name, each })));
        return <Differences key={column} differences={lines.map(({ each }) => each)} slices={{ column, names: lines.map(({ name }) => name) }} />;
      })}
      {comparison.differences.length > 0 && (
        <Pairs
          comparison={comparison}
          score={score}
          onScore={(next) => {
            setScore(next);
            setRow(undefined);
          }}
          row={row}
          onRow={(next) => setRow(String(next))}
        >
          {(pair) => {
            const run = trials(report.rows, pair.row);
            const baseline = trials(report.baseline_rows, pair.baseline_row);
            return run.length === 0 ? (
              <p className="text-faint">This file has the outputs of the worst {plural(report.rows.length, "trial")}; row {pair.row} is not among them.</p>
            ) : (
              <PairView key={pair.row} pair={pair} run={run} baseline={baseline} toTrace={toTrace} />
            );
          }}
        </Pairs>
      )}
    </section>
  );
}

const STEP = 100;

function Rows({ report }: { report: Report }) {
  const { rows, trials } = report;
  const [outcome, setOutcome] = useState<string>();
  const [open, setOpen] = useState<string>();
  const [shown, setShown] = useState(STEP);
  const outcomes: Record<string, number> = {};
  for (const each of rows) outcomes[each.outcome] = (outcomes[each.outcome] ?? 0) + 1;
  const [isInOrder, setInOrder] = useState(false);
  const kept = outcome === undefined ? rows : rows.filter((each) => each.outcome === outcome);
  const chosen = isInOrder ? kept.toSorted((a, b) => a.row - b.row || a.trial - b.trial) : kept;
  const scores = report.summary.map((each) => each.score);
  return (
    <section>
      <div className="mb-2 flex flex-wrap items-center gap-1.5">
        <h2 className="mr-2 font-semibold">Rows{isInOrder ? "" : ", the worst first"}</h2>
        <Outcomes
          outcomes={outcomes}
          chosen={outcome}
          onChoose={(next) => {
            setOutcome(next);
            setOpen(undefined);
            setShown(STEP);
          }}
        />
        <button type="button" aria-pressed={isInOrder} className="button ml-auto h-7" onClick={() => setInOrder(!isInOrder)}>
          {isInOrder ? "The worst first" : "As in the dataset"}
        </button>
        <span className="ml-2">
          <RowsCsv runId={report.run_id} rows={chosen} scores={scores} />
        </span>
      </div>
      {rows.length < trials && (
        <p className="mb-2 text-warn">
          This file has the worst {rows.length} of {plural(trials, "trial")}; the scores above are of all.
        </p>
      )}
      <RowsTable rows={chosen.slice(0, shown)} scores={scores} hasTrials={rows.some((each) => each.trial > 0)} open={open} onOpen={setOpen} toTrace={toTrace} />
      {chosen.length > shown && (
        <button type="button" className="button mt-3" onClick={() => setShown(shown + STEP)}>
          Show more rows ({chosen.length - shown})
        </button>
      )}
    </section>
  );
}
