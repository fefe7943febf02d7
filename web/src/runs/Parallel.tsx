/** Runs as lines over axes. A drag on an axis keeps the runs that go through there; a click lets all through again. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";

import type { RunLine } from "../api/client";
import { figure } from "../format/units";
import { oneLine } from "../format/visible";
import { ChartButtons } from "../parts/Download";
import { axesOf, type Brush, within } from "./parallel";

const WIDTH = 1000;
const HEIGHT = 190;
const TOP = 10;
const BASE = 180;

export function Parallel({ runs }: { runs: readonly RunLine[] }) {
  const box = useRef<SVGSVGElement>(null);
  const navigate = useNavigate();
  const axes = useMemo(() => axesOf(runs, figure), [runs]);
  const [brushes, setBrushes] = useState<Record<string, Brush>>({});
  const [drag, setDrag] = useState<{ name: string; from: number } | null>(null);
  if (axes.length < 2) return null;
  const x = (n: number) => ((n + 0.5) * WIDTH) / axes.length;
  const y = (at: number) => BASE - at * (BASE - TOP);
  const heightOf = (event: React.PointerEvent) => {
    const rect = box.current!.getBoundingClientRect();
    const inside = ((event.clientY - rect.top) / rect.height) * HEIGHT;
    return Math.min(1, Math.max(0, (BASE - inside) / (BASE - TOP)));
  };
  const kept = runs.map((_, n) => within(axes, brushes, n));
  const n = kept.filter(Boolean).length;
  const hasBrush = Object.keys(brushes).length > 0;
  return (
    <figure className="card mb-3 min-w-0 px-3 pt-2 pb-1">
      <figcaption className="flex items-baseline gap-3">
        <span className="font-medium">Settings and scores of runs</span>
        <span className="text-xs text-faint">drag on an axis to keep some, click a line to open the run</span>
        <span className="ml-auto flex gap-3 text-xs text-faint">
          {hasBrush && (
            <button type="button" className="link" onClick={() => setBrushes({})}>
              {n} of {runs.length} runs; show all
            </button>
          )}
          <ChartButtons
            name="runs"
            columns={[{ name: "run_id", of: (k: number) => runs[k]!.run_id }, ...axes.map((each) => ({ name: each.name, of: (k: number) => each.at[k] }))]}
            lines={runs.map((_, k) => k).filter((k) => kept[k])}
            svg={() => box.current}
          />
        </span>
      </figcaption>
      <div className="overflow-x-auto">
        <div className="min-w-[40rem]">
          <div className="mt-1 flex text-center text-xs text-soft">
            {axes.map((each) => (
              <span key={each.name} className="min-w-0 flex-1 truncate px-1" title={oneLine(each.name, 200)}>
                {oneLine(each.name, 40)}
                <span className="block truncate text-faint">{each.ticks.length > 0 ? oneLine(each.ticks.at(-1)!, 30) : "–"}</span>
              </span>
            ))}
          </div>
          <svg
            ref={box}
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={`Settings and scores of ${n} of ${runs.length} runs`}
            className="block h-[190px] w-full touch-none select-none"
            onPointerMove={(event) => {
              if (drag === null) return;
              const to = heightOf(event);
              setBrushes((before) => ({ ...before, [drag.name]: { from: Math.min(drag.from, to), to: Math.max(drag.from, to) } }));
            }}
            onPointerUp={() => setDrag(null)}
            onPointerLeave={() => setDrag(null)}
          >
            {[false, true].flatMap((isKept) =>
              runs.flatMap((run, k) => {
                if (kept[k] !== isKept) return [];
                const points = axes.flatMap((each, at) => (each.at[k] === null || each.at[k] === undefined ? [] : [`${x(at)} ${y(each.at[k])}`]));
                return [
                  // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the table below has the same runs as links
                  <path
                    key={`${run.project}/${run.run_id}`}
                    d={`M${points.join("L")}`}
                    fill="none"
                    className={`cursor-pointer ${isKept ? "stroke-accent" : "stroke-line"}`}
                    strokeWidth={isKept ? 1.75 : 1}
                    opacity={0.8}
                    vectorEffect="non-scaling-stroke"
                    onClick={() => void navigate({ to: "/evaluations/$runId", params: { runId: run.run_id }, search: {} })}
                  >
                    <title>{`${oneLine(run.name ?? run.run_id, 60)} ${run.run_id}`}</title>
                  </path>,
                ];
              }),
            )}
            {axes.map((each, at) => {
              const brush = brushes[each.name];
              return (
                <g key={each.name}>
                  <line x1={x(at)} x2={x(at)} y1={TOP} y2={BASE} className="stroke-edge" strokeWidth={1} vectorEffect="non-scaling-stroke" />
                  {brush !== undefined && <rect x={x(at) - 7} width={14} y={y(brush.to)} height={Math.max(2, y(brush.from) - y(brush.to))} className="fill-accent" opacity={0.35} />}
                  <rect
                    data-axis={each.name}
                    x={x(at) - 12}
                    width={24}
                    y={0}
                    height={HEIGHT}
                    fill="transparent"
                    className="cursor-ns-resize"
                    onPointerDown={(event) => {
                      setDrag({ name: each.name, from: heightOf(event) });
                      setBrushes((before) => Object.fromEntries(Object.entries(before).filter(([name]) => name !== each.name)));
                    }}
                  />
                </g>
              );
            })}
          </svg>
          <div className="flex text-center text-xs text-faint">
            {axes.map((each) => (
              <span key={each.name} className="min-w-0 flex-1 truncate px-1">
                {each.ticks.length > 1 ? oneLine(each.ticks[0]!, 30) : ""}
              </span>
            ))}
          </div>
        </div>
      </div>
    </figure>
  );
}
