/** Rows and trials of a run as a table; one opens to its input, output and scores. */
import { Fragment, type ReactNode } from "react";

import type { RunRow } from "../api/client";
import { type Json, written } from "../format/json";
import { cost, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton } from "../parts/Download";
import { Text } from "../parts/Text";
import { Value } from "../parts/Value";
import { preview, ScoreCell } from "./cells";

/** The way to a trace, from where the table stands. */
export type ToTrace = (traceId: string) => ReactNode;

const OUTCOMES: Record<string, string> = {
  scored: "scored",
  task_error: "task failed",
  scorer_error: "scorer failed",
  timeout: "timed out",
  refused_to_score: "not scored",
  not_run: "not run",
};

type OutcomesProps = { outcomes: Record<string, number>; chosen: string | undefined; onChoose: (outcome: string | undefined) => void };

/** Buttons that keep the rows with one outcome. */
export function Outcomes({ outcomes, chosen, onChoose }: OutcomesProps) {
  const all = Object.values(outcomes).reduce((sum, each) => sum + each, 0);
  return [["", "all", all] as const, ...Object.entries(outcomes).map(([name, n]) => [name, OUTCOMES[name] ?? name, n] as const)].map(
    ([name, words, n]) => (
      <button
        key={name}
        type="button"
        aria-pressed={(chosen ?? "") === name}
        className={`button h-7 ${(chosen ?? "") === name ? "border-accent text-accent" : ""}`}
        onClick={() => onChoose(name || undefined)}
      >
        {words} <span className="text-faint">{n}</span>
      </button>
    ),
  );
}

/** The rows as CSV. */
export function RowsCsv({ runId, rows, scores }: { runId: string; rows: RunRow[]; scores: string[] }) {
  return (
    <CsvButton
      name={`rows of run ${runId}`}
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
  );
}

type TableProps = {
  rows: RunRow[];
  scores: string[];
  hasTrials: boolean;
  /** Row and trial of what is open, as `row.trial`. */
  open: string | undefined;
  onOpen: (key: string | undefined) => void;
  toTrace: ToTrace;
};

export function RowsTable({ rows, scores, hasTrials, open, onOpen, toTrace }: TableProps) {
  return (
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
            <th className="label w-28 px-3 text-right">Cost</th>
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
                  onClick={() => onOpen(isOpen ? undefined : key)}
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
                      <RowDetail row={each} toTrace={toTrace} />
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function RowDetail({ row, toTrace }: { row: RunRow; toTrace: ToTrace }) {
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
          {row.trace_id !== null && toTrace(row.trace_id)}
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
