/** The frame of a chart over time: what is read where the pointer is, a place to draw, the times below. A click leads to what is behind a place, a drag takes a range. */
import { useRef, useState, type ReactNode } from "react";

import type { Column } from "../format/csv";
import { exact, tick } from "../format/time";
import { ChartButtons } from "./Download";

type Props<Row> = {
  title: string;
  /** What stands in the corner while nothing is pointed at. */
  sum: string;
  starts: string[];
  bucketNs: number;
  onPick: (from: number, to: number) => void;
  /** What is read of one place. */
  read: (at: number) => ReactNode;
  /** Drawn below what marks the place. */
  grid: ReactNode;
  children: ReactNode;
  /** Stands for the time in the middle where there is nothing to see. */
  nothing?: string | undefined;
  legend: ReactNode;
  /** What the lines across stand for. */
  scale: ReactNode;
  /** What is written as CSV. */
  columns: Column<Row>[];
  lines: Row[];
};

export const WIDTH = 600;
export const BASE = 112;
export const TOP = 8;
const HEIGHT = 132;

/** How wide one place is. */
export const stepOf = (starts: string[]) => WIDTH / Math.max(1, starts.length);

export function OverTime<Row>(props: Props<Row>) {
  const { title, sum, starts, bucketNs, onPick, read, grid, children, nothing, legend, scale, columns, lines } = props;
  const box = useRef<SVGSVGElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [from, setFrom] = useState<number | null>(null);
  const n = starts.length;
  const step = stepOf(starts);
  const whole = bucketNs * n;
  const place = (event: React.PointerEvent) => {
    const rect = box.current!.getBoundingClientRect();
    return Math.min(n - 1, Math.max(0, Math.floor(((event.clientX - rect.left) / rect.width) * n)));
  };
  return (
    <figure className="card min-w-0 px-3 pt-2 pb-1">
      <figcaption className="flex items-baseline gap-3">
        <span className="min-w-0 shrink-[1000] truncate font-medium">{title}</span>
        <span className="ml-auto flex flex-wrap justify-end gap-x-3 text-xs text-soft">
          {at === null ? (
            <span className="font-medium text-ink">{sum}</span>
          ) : (
            <>
              <span title={exact(starts[at]!)}>{tick(starts[at]!, whole)}</span>
              {read(at)}
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
        {grid}
        {at !== null && (
          <rect x={Math.min(from ?? at, at) * step} width={(Math.abs((from ?? at) - at) + 1) * step} y={TOP} height={BASE - TOP} className="fill-chosen" />
        )}
        {children}
      </svg>
      <div className="-mt-4 flex justify-between text-xs text-faint" aria-hidden="true">
        {n > 0 && (
          <>
            <span>{tick(starts[0]!, whole)}</span>
            <span>{nothing ?? tick(starts[Math.floor(n / 2)]!, whole)}</span>
            <span>{tick(starts[n - 1]!, whole)}</span>
          </>
        )}
      </div>
      <div className="flex flex-wrap gap-x-3 pt-1 text-xs text-soft">
        {legend}
        <span className="ml-auto flex gap-3 text-faint">
          <ChartButtons name={title} columns={columns} lines={lines} svg={() => box.current} />
          <span>{scale}</span>
        </span>
      </div>
    </figure>
  );
}

/** A line across the chart. */
export const Level = ({ y, isBase = false }: { y: number; isBase?: boolean }) => (
  <line x1={0} x2={WIDTH} y1={y} y2={y} className={isBase ? "stroke-edge" : "stroke-line"} strokeWidth={1} vectorEffect="non-scaling-stroke" />
);
