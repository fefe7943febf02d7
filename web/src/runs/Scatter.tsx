/** The rows of two runs as points: above the line the run has more, below it the baseline. */
import { useRef } from "react";

import type { Schemas } from "../api/client";
import { figure } from "../format/units";
import { ChartButtons } from "../parts/Download";

type Pair = Schemas["Pair"];
export type Bubble = { baseline: number; run: number; rows: number[] };
type Props = { pairs: Pair[]; score: string; isLess: boolean; chosen: number | undefined; onChoose: (row: number) => void };

const SIZE = 260;
const PAD = 16;
const STEPS = 40;

/** Rows with the same two values are one bubble; where there are many values, those that lie close together. */
export function bubbles(pairs: readonly Pair[], score: string): Bubble[] {
  const found = new Map<string, Bubble>();
  const [from, to] = extent(pairs, score);
  const near = (value: number) => Math.round(((value - from) / (to - from || 1)) * STEPS);
  for (const pair of pairs) {
    const baseline = pair.baseline_values[score];
    const run = pair.values[score];
    if (baseline === null || baseline === undefined || run === null || run === undefined) continue;
    const key = `${near(baseline)}/${near(run)}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { baseline, run, rows: [pair.row] });
    else known.rows.push(pair.row);
  }
  return [...found.values()].toSorted((a, b) => b.rows.length - a.rows.length);
}

/** From the least to the greatest value of both runs; 0 to 1 where all are within. */
export function extent(pairs: readonly Pair[], score: string): [number, number] {
  const values = pairs.flatMap((pair) => [pair.baseline_values[score], pair.values[score]]).filter((each) => each !== null && each !== undefined);
  const least = Math.min(0, ...values);
  const most = Math.max(...values, 0);
  return least >= 0 && most <= 1 ? [0, 1] : [least, most];
}

export function Scatter({ pairs, score, isLess, chosen, onChoose }: Props) {
  const box = useRef<SVGSVGElement>(null);
  const points = bubbles(pairs, score);
  const [from, to] = extent(pairs, score);
  const place = (value: number) => PAD + ((value - from) / (to - from || 1)) * (SIZE - 2 * PAD);
  const most = Math.max(1, ...points.map((each) => each.rows.length));
  return (
    <figure className="card px-3 pt-2 pb-1">
      <figcaption className="flex items-baseline gap-3 text-xs text-soft">
        <span className="text-sm font-medium text-ink">Rows; a large point is several</span>
        <span className="ml-auto text-faint">
          <ChartButtons
            name={`rows by ${score}`}
            columns={[
              { name: "baseline", of: (each) => each.baseline },
              { name: "run", of: (each) => each.run },
              { name: "rows", of: (each) => each.rows.join(" ") },
            ]}
            lines={points}
            svg={() => box.current}
          />
        </span>
      </figcaption>
      <svg ref={box} viewBox={`0 0 ${SIZE} ${SIZE}`} className="mx-auto mt-1 block size-[260px] max-w-full" role="img" aria-label={`Rows by ${score}: the baseline to the right, the run upwards`}>
        <rect x={PAD} y={PAD} width={SIZE - 2 * PAD} height={SIZE - 2 * PAD} fill="none" className="stroke-line" />
        <line x1={PAD} x2={SIZE - PAD} y1={SIZE - PAD} y2={PAD} className="stroke-edge" strokeDasharray="4 3" />
        {points.map((each) => {
          const isBetter = each.run !== each.baseline && each.run > each.baseline !== isLess;
          const tone = each.run === each.baseline ? "fill-bar" : isBetter ? "fill-good" : "fill-bad";
          const isChosen = chosen !== undefined && each.rows.includes(chosen);
          return (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the table beside it has the same rows
            <circle
              key={each.rows[0]}
              cx={place(each.baseline)}
              cy={SIZE - place(each.run)}
              r={3.5 + 9 * Math.sqrt((each.rows.length - 1) / Math.max(1, most))}
              className={`cursor-pointer ${tone} ${isChosen ? "stroke-ink" : "stroke-ground"}`}
              strokeWidth={isChosen ? 2 : 1}
              opacity={0.75}
              onClick={() => onChoose(each.rows[0]!)}
            >
              <title>{`${each.rows.length} ${each.rows.length === 1 ? "row" : "rows"}: baseline ${figure(each.baseline)}, run ${figure(each.run)}`}</title>
            </circle>
          );
        })}
      </svg>
      <p className="flex justify-between text-xs text-faint">
        <span>
          baseline → {figure(from)} to {figure(to)}
        </span>
        <span>run ↑, unchanged on the line</span>
      </p>
    </figure>
  );
}

/** How many rows became better, stayed, became worse. */
export function WinLoss({ difference }: { difference: Schemas["Difference"] }) {
  const parts: [string, number, string][] = [
    ["better", difference.better, "fill-good"],
    ["same", difference.same, "fill-bar"],
    ["worse", difference.worse, "fill-bad"],
  ];
  const all = Math.max(1, difference.better + difference.same + difference.worse);
  let at = 0;
  return (
    <div>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" className="block h-3 w-full" aria-hidden="true">
        {parts.map(([name, n, tone]) => {
          const x = at;
          at += (100 * n) / all;
          return n === 0 ? null : <rect key={name} x={x} width={(100 * n) / all} y={0} height={6} className={tone} />;
        })}
      </svg>
      <p className="mt-1 flex flex-wrap gap-x-3 text-xs text-soft">
        {parts.map(([name, n]) => (
          <span key={name}>
            {n} {name} ({((100 * n) / all).toFixed(0)} %)
          </span>
        ))}
      </p>
    </div>
  );
}
