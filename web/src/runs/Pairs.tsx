/** The rows of two runs, those in which they disagree most first. */
import { type ReactNode, useMemo, useState } from "react";

import type { Schemas } from "../api/client";
import { figure, signed } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton } from "../parts/Download";
import { Scatter, WinLoss } from "./Scatter";

type Difference = Schemas["Difference"];
type Pair = Schemas["Pair"];

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

type Props = {
  comparison: Schemas["Comparison"];
  /** The score by which rows are sorted; that in which most changed where there is none. */
  score: string | undefined;
  onScore: (score: string) => void;
  /** The row that is open. */
  row: string | undefined;
  onRow: (row: number) => void;
  /** What is shown of the row that is open. */
  children: (pair: Pair) => ReactNode;
};

export function Pairs({ comparison, score: asked, onScore, row, onRow, children }: Props) {
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
            onClick={() => onScore(name)}
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
        <Scatter pairs={pairs} score={score} isLess={isLess} chosen={open?.row} onChoose={onRow} />
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
                    onClick={() => onRow(pair.row)}
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
        {open !== undefined && children(open)}
      </div>
    </section>
  );
}
