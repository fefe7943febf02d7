/** Figures over time: bars or lines in a small SVG. A click leads to what is behind a bar, a drag takes a range. */
import { useRef, useState } from "react";

import { exact, tick } from "../format/time";
import { ChartButtons } from "./Download";

type Series = { name: string; tone: string; dot: string; values: (number | null)[] };
type Props = {
  title: string;
  sum: string;
  starts: string[];
  bucketNs: number;
  series: Series[];
  kind: "bars" | "lines";
  show: (value: number | null) => string;
  onPick: (from: number, to: number) => void;
};

const WIDTH = 600;
const HEIGHT = 132;
const BASE = 112;
const TOP = 8;

/** A round number at or above the greatest value. */
export function nice(most: number): number {
  if (most <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((each) => each * unit).find((each) => each >= most * 0.999) ?? most;
}

export function Bars({ title, sum, starts, bucketNs, series, kind, show, onPick }: Props) {
  const box = useRef<SVGSVGElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [from, setFrom] = useState<number | null>(null);
  const n = starts.length;
  const step = WIDTH / Math.max(1, n);
  const total = (k: number) => series.reduce((all, each) => all + (each.values[k] ?? 0), 0);
  const most = nice(
    Math.max(
      0,
      ...starts.map((_, k) => (kind === "bars" ? total(k) : Math.max(0, ...series.map((each) => each.values[k] ?? 0)))),
    ),
  );
  const y = (value: number) => BASE - (value / most) * (BASE - TOP);
  const place = (event: React.PointerEvent) => {
    const rect = box.current!.getBoundingClientRect();
    return Math.min(n - 1, Math.max(0, Math.floor(((event.clientX - rect.left) / rect.width) * n)));
  };
  const low = from === null || at === null ? null : Math.min(from, at);
  const high = from === null || at === null ? null : Math.max(from, at);
  const whole = bucketNs * n;
  const isEmpty = series.every((each) => each.values.every((value) => value === null || value === 0));
  return (
    <figure className="card min-w-0 px-3 pt-2 pb-1">
      <figcaption className="flex items-baseline gap-3">
        <span className="font-medium">{title}</span>
        <span className="ml-auto flex flex-wrap justify-end gap-x-3 text-xs text-soft">
          {at === null ? (
            <span className="font-medium text-ink">{sum}</span>
          ) : (
            <>
              <span title={exact(starts[at]!)}>{tick(starts[at]!, whole)}</span>
              {series.map((each) => (
                <span key={each.name}>
                  {each.name} <span className="font-medium text-ink">{show(each.values[at] ?? null)}</span>
                </span>
              ))}
            </>
          )}
        </span>
      </figcaption>
      <svg
        ref={box}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${sum}`}
        className="mt-1 block h-[132px] w-full cursor-crosshair touch-none select-none"
        onPointerMove={(event) => setAt(place(event))}
        onPointerLeave={() => {
          setAt(null);
          setFrom(null);
        }}
        onPointerDown={(event) => setFrom(place(event))}
        onPointerUp={(event) => {
          const to = place(event);
          if (from !== null) onPick(Math.min(from, to), Math.max(from, to));
          setFrom(null);
        }}
      >
        {[0.5, 1].map((share) => (
          <line key={share} x1={0} x2={WIDTH} y1={y(most * share)} y2={y(most * share)} className="stroke-line" strokeWidth={1} vectorEffect="non-scaling-stroke" />
        ))}
        {at !== null && (
          <rect
            x={(low ?? at) * step}
            width={((high ?? at) - (low ?? at) + 1) * step}
            y={TOP}
            height={BASE - TOP}
            className="fill-chosen"
          />
        )}
        {kind === "bars"
          ? starts.map((start, k) => {
              let below = 0;
              return series.map((each) => {
                const value = each.values[k] ?? 0;
                if (value <= 0) return null;
                const bottom = y(below);
                below += value;
                const height = Math.max(1.5, bottom - y(below));
                return <rect key={`${start}${each.name}`} x={k * step + step * 0.1} width={step * 0.8} y={bottom - height} height={height} className={each.tone} />;
              });
            })
          : series.map((each) => <Line key={each.name} each={each} step={step} y={y} />)}
        <line x1={0} x2={WIDTH} y1={BASE} y2={BASE} className="stroke-edge" strokeWidth={1} vectorEffect="non-scaling-stroke" />
      </svg>
      <div className="-mt-4 flex justify-between text-xs text-faint" aria-hidden="true">
        {n > 0 && (
          <>
            <span>{tick(starts[0]!, whole)}</span>
            <span>{isEmpty ? "nothing in this time" : tick(starts[Math.floor(n / 2)]!, whole)}</span>
            <span>{tick(starts[n - 1]!, whole)}</span>
          </>
        )}
      </div>
      <div className="flex gap-3 pt-1 text-xs text-soft">
        {series.length > 1 &&
          series.map((each) => (
            <span key={each.name} className="flex items-center gap-1">
              <svg width={8} height={8} aria-hidden="true">
                <rect width={8} height={8} rx={2} className={each.dot} />
              </svg>
              {each.name}
            </span>
          ))}
        <span className="ml-auto flex gap-3 text-faint">
          <ChartButtons
            name={title}
            columns={[
              { name: "start_ns", of: (k) => starts[k] },
              ...series.map((each) => ({ name: each.name, of: (k: number) => each.values[k] })),
            ]}
            lines={starts.map((_, k) => k)}
            svg={() => box.current}
          />
          <span>top line: {show(most)}</span>
        </span>
      </div>
    </figure>
  );
}

/** A line through what is known; a value that stands alone is a dot. */
function Line({ each, step, y }: { each: Series; step: number; y: (value: number) => number }) {
  const points = each.values.flatMap((value, k) => (value === null ? [] : [{ k, x: (k + 0.5) * step, y: y(value) }]));
  const path = points.map((point, n) => `${n > 0 && points[n - 1]!.k === point.k - 1 ? "L" : "M"}${point.x} ${point.y}`).join("");
  return (
    <>
      <path d={path} fill="none" className={each.tone} strokeWidth={1.75} vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
      {points.map((point) => (
        <path key={point.k} d={`M${point.x} ${point.y}h0.01`} className={each.tone} strokeWidth={4} strokeLinecap="round" vectorEffect="non-scaling-stroke" />
      ))}
    </>
  );
}
