/** A figure with its interval over time; where a version begins, the line breaks. A click leads to what is behind it. */
import { useRef, useState } from "react";

import { exact, tick } from "../format/time";
import { oneLine } from "../format/visible";
import { ChartButtons } from "./Download";

export type Point = { mean: number | null; low: number | null; high: number | null; n: number };
export type Line = { version: string; points: (Point | null)[] };
type Props = {
  title: string;
  sum: string;
  starts: string[];
  bucketNs: number;
  lines: Line[];
  range: [number, number];
  show: (value: number | null) => string;
  onPick: (from: number, to: number) => void;
  /** Whose versions the lines are of. */
  of?: "scorer" | "task";
};

const WIDTH = 600;
const HEIGHT = 132;
const BASE = 112;
const TOP = 8;
const WIDEST = 18;

export function Trend({ title, sum, starts, bucketNs, lines, range, show, onPick, of = "scorer" }: Props) {
  const box = useRef<SVGSVGElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [from, setFrom] = useState<number | null>(null);
  const n = starts.length;
  const step = WIDTH / Math.max(1, n);
  const [least, most] = range;
  const x = (k: number) => (k + 0.5) * step;
  const y = (value: number) => BASE - ((value - least) / (most - least || 1)) * (BASE - TOP);
  const place = (event: React.PointerEvent) => {
    const rect = box.current!.getBoundingClientRect();
    return Math.min(n - 1, Math.max(0, Math.floor(((event.clientX - rect.left) / rect.width) * n)));
  };
  const whole = bucketNs * n;
  const breaks = lines.flatMap((line, number) => {
    const first = line.points.findIndex((point) => point !== null);
    return number > 0 && first >= 0 ? [{ version: line.version, k: first }] : [];
  });
  const here = at === null ? [] : lines.flatMap((line) => (line.points[at] ? [{ version: line.version, point: line.points[at] }] : []));
  return (
    <figure className="card min-w-0 px-3 pt-2 pb-1">
      <figcaption className="flex items-baseline gap-3">
        <span className="min-w-0 truncate font-medium">{oneLine(title, 120)}</span>
        <span className="ml-auto flex shrink-0 flex-wrap justify-end gap-x-3 text-xs text-soft">
          {at === null ? (
            <span className="font-medium text-ink">{sum}</span>
          ) : (
            <>
              <span title={exact(starts[at]!)}>{tick(starts[at]!, whole)}</span>
              {here.length === 0 && <span>nothing</span>}
              {here.map(({ version, point }) => (
                <span key={version}>
                  {lines.length > 1 && <span className="font-mono">{version.slice(0, 6)} </span>}
                  <span className="font-medium text-ink">{show(point.mean)}</span>
                  {point.low !== null && point.high !== null && ` (${show(point.low)} to ${show(point.high)})`}, n = {point.n}
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
        aria-label={`${oneLine(title, 120)}: ${sum}`}
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
        {[0, 0.5, 1].map((share) => (
          <line key={share} x1={0} x2={WIDTH} y1={y(least + (most - least) * share)} y2={y(least + (most - least) * share)} className={share === 0 ? "stroke-edge" : "stroke-line"} strokeWidth={1} vectorEffect="non-scaling-stroke" />
        ))}
        {at !== null && (
          <rect x={Math.min(from ?? at, at) * step} width={(Math.abs((from ?? at) - at) + 1) * step} y={TOP} height={BASE - TOP} className="fill-chosen" />
        )}
        {breaks.map((each) => (
          <line key={each.version} x1={each.k * step} x2={each.k * step} y1={TOP} y2={BASE} className="stroke-warn" strokeWidth={1} strokeDasharray="4 3" vectorEffect="non-scaling-stroke" />
        ))}
        {lines.map((line, number) => (
          <VersionLine key={line.version} points={line.points} x={x} y={y} step={step} isNewest={number === lines.length - 1} />
        ))}
      </svg>
      <div className="-mt-4 flex justify-between text-xs text-faint" aria-hidden="true">
        {n > 0 && (
          <>
            <span>{tick(starts[0]!, whole)}</span>
            <span>{tick(starts[Math.floor(n / 2)]!, whole)}</span>
            <span>{tick(starts[n - 1]!, whole)}</span>
          </>
        )}
      </div>
      <div className="flex flex-wrap gap-x-3 pt-1 text-xs text-soft">
        {breaks.map((each) => (
          <span key={each.version} title={`the ${of}'s version ${oneLine(each.version, 80)}`}>
            <span className="text-warn">┆</span> {of} version <span className="font-mono">{oneLine(each.version, 80).slice(0, 6)}</span> from{" "}
            {tick(starts[each.k]!, whole)}
          </span>
        ))}
        <span className="ml-auto flex gap-3 text-faint">
          <ChartButtons
            name={title}
            columns={[
              { name: "start_ns", of: (each) => starts[each.k] },
              { name: "version", of: (each) => each.version },
              { name: "mean", of: (each) => each.point.mean },
              { name: "low", of: (each) => each.point.low },
              { name: "high", of: (each) => each.point.high },
              { name: "n", of: (each) => each.point.n },
            ]}
            lines={lines.flatMap((line) => line.points.flatMap((point, k) => (point === null ? [] : [{ k, version: line.version, point }])))}
            svg={() => box.current}
          />
          <span>
            {show(least)} to {show(most)}
          </span>
        </span>
      </div>
    </figure>
  );
}

type LineProps = { points: (Point | null)[]; x: (k: number) => number; y: (value: number) => number; step: number; isNewest: boolean };

/** The means of one version, each with its interval as a bar behind it. */
function VersionLine({ points, x, y, step, isNewest }: LineProps) {
  const wide = Math.min(WIDEST, step * 0.7);
  const tone = isNewest ? "stroke-accent" : "stroke-bar";
  const known = points.flatMap((point, k) => (point === null || point.mean === null ? [] : [{ k, mean: point.mean, low: point.low, high: point.high }]));
  const path = known.map((each, at) => `${at === 0 ? "M" : "L"}${x(each.k)} ${y(each.mean)}`).join("");
  return (
    <>
      {known.map(
        (each) =>
          each.low !== null &&
          each.high !== null && (
            <rect
              key={each.k}
              x={x(each.k) - wide / 2}
              width={wide}
              y={y(each.high)}
              height={Math.max(1, y(each.low) - y(each.high))}
              className={isNewest ? "fill-accent-weak" : "fill-bar"}
              opacity={0.45}
            />
          ),
      )}
      <path d={path} fill="none" className={tone} strokeWidth={1.75} vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
      {known.map((each) => (
        <path key={each.k} d={`M${x(each.k)} ${y(each.mean)}h0.01`} className={tone} strokeWidth={5} strokeLinecap="round" vectorEffect="non-scaling-stroke" />
      ))}
    </>
  );
}
