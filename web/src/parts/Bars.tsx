/** Figures over time: bars or lines in a small SVG. */
import { BASE, Level, OverTime, stepOf, TOP } from "./OverTime";

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

/** A round number at or above the greatest value. */
export function nice(most: number): number {
  if (most <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((each) => each * unit).find((each) => each >= most * 0.999) ?? most;
}

export function Bars({ title, sum, starts, bucketNs, series, kind, show, onPick }: Props) {
  const step = stepOf(starts);
  const total = (k: number) => series.reduce((all, each) => all + (each.values[k] ?? 0), 0);
  const most = nice(
    Math.max(
      0,
      ...starts.map((_, k) => (kind === "bars" ? total(k) : Math.max(0, ...series.map((each) => each.values[k] ?? 0)))),
    ),
  );
  const y = (value: number) => BASE - (value / most) * (BASE - TOP);
  const isEmpty = series.every((each) => each.values.every((value) => value === null || value === 0));
  return (
    <OverTime
      {...{ title, sum, starts, bucketNs, onPick }}
      nothing={isEmpty ? "nothing in this time" : undefined}
      read={(at) =>
        series.map((each) => (
          <span key={each.name}>
            {each.name} <span className="font-medium text-ink">{show(each.values[at] ?? null)}</span>
          </span>
        ))
      }
      grid={[0.5, 1].map((share) => (
        <Level key={share} y={y(most * share)} />
      ))}
      scale={`top line: ${show(most)}`}
      columns={[
        { name: "start_ns", of: (k) => starts[k] },
        ...series.map((each) => ({ name: each.name, of: (k: number) => each.values[k] })),
      ]}
      lines={starts.map((_, k) => k)}
      legend={
        series.length > 1 &&
        series.map((each) => (
          <span key={each.name} className="flex items-center gap-1">
            <svg width={8} height={8} aria-hidden="true">
              <rect width={8} height={8} rx={2} className={each.dot} />
            </svg>
            {each.name}
          </span>
        ))
      }
    >
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
      <Level y={BASE} isBase />
    </OverTime>
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
