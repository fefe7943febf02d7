/** How the values of a score are spread, as a small picture. */
import type { Schemas } from "../api/client";
import { figure } from "../format/units";

type Bin = Schemas["Bin"];

const WIDTH = 120;
const HEIGHT = 20;

/** What a bar stands for. */
export function told(bin: Bin): string {
  return `${bin.low === bin.high ? figure(bin.low) : `${figure(bin.low)} to ${figure(bin.high)}`}: ${bin.n}`;
}

/** Draw a bar a bin. Bars stand by their order: the words on each say where it lies. */
export function Distribution({ bins }: { bins: Bin[] }) {
  if (bins.length === 0) return <span className="text-faint">–</span>;
  const most = Math.max(...bins.map((each) => each.n));
  const step = Math.min(WIDTH / bins.length, 24);
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`values: ${bins.map(told).join(", ")}`} className="inline-block align-middle">
      <line x1={0} x2={step * bins.length} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} className="stroke-edge" strokeWidth={1} />
      {bins.map((each, n) => {
        const height = each.n === 0 ? 0 : Math.max(1.5, (each.n / most) * (HEIGHT - 2));
        return (
          <g key={each.low}>
            <title>{told(each)}</title>
            <rect x={n * step} width={step} y={0} height={HEIGHT} fill="transparent" />
            <rect x={n * step + 1} width={step - 2} y={HEIGHT - 1 - height} height={height} className="fill-bar" />
          </g>
        );
      })}
    </svg>
  );
}
