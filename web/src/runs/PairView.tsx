/** One row of two runs side by side: input, outputs with what differs marked, scores. */
import type { RunRow, Schemas } from "../api/client";
import { diff, type Word } from "../format/diff";
import { type Json, written } from "../format/json";
import { cost, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { LongText, Text } from "../parts/Text";
import { Value } from "../parts/Value";
import { ScoreCell } from "./cells";
import type { ToTrace } from "./Rows";

function text(row: RunRow | undefined): string {
  if (row === undefined) return "";
  if (row.error !== null) return row.error;
  return typeof row.output === "string" ? row.output : written(row.output as Json);
}

type Props = { pair: Schemas["Pair"]; run: RunRow[]; baseline: RunRow[]; toTrace: ToTrace };

/** The trials of a row, each beside that of the baseline. */
export function PairView({ pair, run, baseline, toTrace }: Props) {
  const trials = Math.max(run.length, baseline.length);
  const input = (run[0] ?? baseline[0])?.inputs as Json | undefined;
  return (
    <div className="min-w-0 space-y-3">
      {input !== undefined && input !== null && (
        <section className="card px-3 py-2">
          <h3 className="label mb-1 flex h-6 items-center">Row {pair.row}</h3>
          <Value value={input} />
        </section>
      )}
      {Array.from({ length: trials }, (_, n) => (
        <Trial key={n} n={trials > 1 ? n : null} baseline={baseline[n]} run={run[n]} toTrace={toTrace} />
      ))}
    </div>
  );
}

type TrialProps = { n: number | null; baseline: RunRow | undefined; run: RunRow | undefined; toTrace: ToTrace };

function Trial({ n, baseline, run, toTrace }: TrialProps) {
  const found = diff(text(baseline), text(run));
  return (
    <section className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
      <Side title={n === null ? "Baseline" : `Baseline, trial ${n}`} row={baseline} words={found?.left} tone="bg-bad-ground" toTrace={toTrace} />
      <Side title={n === null ? "Run" : `Run, trial ${n}`} row={run} words={found?.right} tone="bg-good-ground" toTrace={toTrace} />
    </section>
  );
}

type SideProps = { title: string; row: RunRow | undefined; words: Word[] | undefined; tone: string; toTrace: ToTrace };

function Side({ title, row, words, tone, toTrace }: SideProps) {
  return (
    <div className="card flex min-w-0 flex-col px-3 py-2">
      <header className="mb-1 flex items-center gap-2">
        <h3 className="label">{title}</h3>
        {row?.trace_id && <span className="ml-auto">{toTrace(row.trace_id)}</span>}
      </header>
      {row === undefined ? (
        <p className="text-faint">not run</p>
      ) : (
        <>
          <div className={`grow whitespace-pre-wrap [overflow-wrap:anywhere] ${row.error === null ? "" : "text-bad"}`} dir="auto">
            {words === undefined ? (
              <LongText value={text(row)} />
            ) : (
              words.map((each, n) =>
                each.isOwn ? (
                  // oxlint-disable-next-line react/no-array-index-key -- words of one text, in order
                  <mark key={n} className={`rounded-xs text-inherit ${tone}`}>
                    <Text value={each.text} />
                  </mark>
                ) : (
                  // oxlint-disable-next-line react/no-array-index-key
                  <Text key={n} value={each.text} />
                ),
              )
            )}
          </div>
          <div className="mt-2 flex border-t border-line pt-1.5">
            <dl className="flex flex-wrap gap-x-4">
            {Object.entries(row.scores).map(([name, score]) => (
              <div key={name} className="flex gap-1.5">
                <dt className="text-soft">{oneLine(name, 60)}</dt>
                <dd>
                  <ScoreCell score={score} />
                </dd>
              </div>
            ))}
            </dl>
            <div className="ml-auto whitespace-nowrap text-faint">
              {row.latency_s !== null && duration(row.latency_s * 1e9)} {row.cost_usd !== null && cost(row.cost_usd)}
            </div>
          </div>
        </>
      )}
    </div>
  );
}
