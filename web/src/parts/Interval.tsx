/** A mean with its interval, as a small picture. */

type Props = {
  mean: number | null;
  low: number | null;
  high: number | null;
  from: number;
  to: number;
  zero?: number | undefined;
  tone?: string;
  width?: number;
};

const HEIGHT = 16;

/** Draw the interval on a line from `from` to `to`; `zero` gets a mark. */
export function Interval({ mean, low, high, from, to, zero, tone = "text-accent", width = 130 }: Props) {
  const whole = to - from || 1;
  const x = (value: number) => 5 + Math.min(1, Math.max(0, (value - from) / whole)) * (width - 10);
  return (
    <svg width={width} height={HEIGHT} className={`${tone} inline-block align-middle`} aria-hidden="true">
      <line x1={5} x2={width - 5} y1={8} y2={8} className="stroke-line" strokeWidth={1} />
      {zero !== undefined && <line x1={x(zero)} x2={x(zero)} y1={2} y2={14} className="stroke-edge" strokeWidth={1} />}
      {low !== null && high !== null && (
        <>
          <line x1={x(low)} x2={x(high)} y1={8} y2={8} stroke="currentColor" strokeWidth={3} strokeLinecap="round" opacity={0.45} />
          <line x1={x(low)} x2={x(low)} y1={4.5} y2={11.5} stroke="currentColor" strokeWidth={1.25} />
          <line x1={x(high)} x2={x(high)} y1={4.5} y2={11.5} stroke="currentColor" strokeWidth={1.25} />
        </>
      )}
      {mean !== null && <circle cx={x(mean)} cy={8} r={3.5} fill="currentColor" />}
    </svg>
  );
}

/** A range that holds 0 to 1 where all values do, else all of them. */
export function range(values: (number | null)[]): [number, number] {
  const known = values.filter((each) => each !== null);
  const low = Math.min(0, ...known);
  const high = Math.max(...known, 0);
  return low >= 0 && high <= 1 ? [0, 1] : [low, high];
}

/** A range around 0 that is as wide on both sides. */
export function around(values: (number | null)[]): [number, number] {
  const most = Math.max(0.05, ...values.map((each) => Math.abs(each ?? 0)));
  return [-most * 1.1, most * 1.1];
}
