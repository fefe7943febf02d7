/** A figure with its interval over time; where a version begins, the line breaks. */
import { tick } from "../format/time";
import { oneLine } from "../format/visible";
import { BASE, Level, OverTime, stepOf, TOP } from "./OverTime";

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

const WIDEST = 18;

export function Trend({ title, sum, starts, bucketNs, lines, range, show, onPick, of = "scorer" }: Props) {
  const step = stepOf(starts);
  const [least, most] = range;
  const x = (k: number) => (k + 0.5) * step;
  const y = (value: number) => BASE - ((value - least) / (most - least || 1)) * (BASE - TOP);
  const breaks = lines.flatMap((line, number) => {
    const first = line.points.findIndex((point) => point !== null);
    return number > 0 && first >= 0 ? [{ version: line.version, k: first }] : [];
  });
  const read = (at: number) => {
    const here = lines.flatMap((line) => (line.points[at] ? [{ version: line.version, point: line.points[at] }] : []));
    if (here.length === 0) return <span>nothing</span>;
    return here.map(({ version, point }) => (
      <span key={version}>
        {lines.length > 1 && <span className="font-mono">{version.slice(0, 6)} </span>}
        <span className="font-medium text-ink">{show(point.mean)}</span>
        {point.low !== null && point.high !== null && ` (${show(point.low)} to ${show(point.high)})`}, n = {point.n}
      </span>
    ));
  };
  return (
    <OverTime
      {...{ sum, starts, bucketNs, onPick, read }}
      title={oneLine(title, 120)}
      grid={[0, 0.5, 1].map((share) => (
        <Level key={share} y={y(least + (most - least) * share)} isBase={share === 0} />
      ))}
      scale={`${show(least)} to ${show(most)}`}
      columns={[
        { name: "start_ns", of: (each) => starts[each.k] },
        { name: "version", of: (each) => each.version },
        { name: "mean", of: (each) => each.point.mean },
        { name: "low", of: (each) => each.point.low },
        { name: "high", of: (each) => each.point.high },
        { name: "n", of: (each) => each.point.n },
      ]}
      lines={lines.flatMap((line) => line.points.flatMap((point, k) => (point === null ? [] : [{ k, version: line.version, point }])))}
      legend={breaks.map((each) => (
        <span key={each.version} title={`the ${of}'s version ${oneLine(each.version, 80)}`}>
          <span className="text-warn">┆</span> {of} version <span className="font-mono">{oneLine(each.version, 80).slice(0, 6)}</span> from{" "}
          {tick(starts[each.k]!, bucketNs * starts.length)}
        </span>
      ))}
    >
      {breaks.map((each) => (
        <line key={each.version} x1={each.k * step} x2={each.k * step} y1={TOP} y2={BASE} className="stroke-warn" strokeWidth={1} strokeDasharray="4 3" vectorEffect="non-scaling-stroke" />
      ))}
      {lines.map((line, number) => (
        <VersionLine key={line.version} points={line.points} x={x} y={y} step={step} isNewest={number === lines.length - 1} />
      ))}
    </OverTime>
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
