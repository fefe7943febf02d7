/** The table of traces; only the lines that are seen are in the page. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";

import type { TraceLine } from "../api/client";
import { useKeys } from "../frame/keys";
import { said } from "../format/said";
import { cost, count, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";
import { StatusMark } from "../parts/Status";
import { keepPlace, lastPlace } from "./last";

export type TableHandle = { scrolled: () => number; toTop: () => void };
type Props = {
  ref?: Ref<TableHandle>;
  /** What tells this list from others, to come back to its place. */
  list: string;
  lines: TraceLine[];
  sort: string;
  showProject: boolean;
  onSort: (sort: string) => void;
  hasMore: boolean;
  isFetchingMore: boolean;
  onMore: () => void;
};

const LINE_PX = 33;
const COLUMNS = [
  ["start", "Began"],
  [null, "Trace"],
  [null, "Input"],
  [null, "Output"],
  ["latency", "Duration"],
  [null, "Spans"],
  ["tokens", "Tokens"],
  ["cost", "Cost"],
] as const;
const GRID =
  "grid grid-cols-[7.4rem_minmax(11rem,1.7fr)_minmax(6rem,1.6fr)_minmax(6rem,1.6fr)_5.2rem_3.4rem_6.4rem_5.6rem] max-md:grid-cols-[6.5rem_minmax(8rem,1fr)_5rem] items-center gap-x-3 px-4";
const WIDE = "max-md:hidden";

export function TraceTable({ ref, list, lines, sort, showProject, onSort, hasMore, isFetchingMore, onMore }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(() => lastPlace(list).at);
  const navigate = useNavigate();
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 12,
    initialOffset: () => lastPlace(list).top,
  });
  const leave = useEffectEvent(() => keepPlace(list, { top: rows.scrollOffset ?? 0, at }));
  useLayoutEffect(() => {
    box.current?.scrollTo({ top: lastPlace(list).top });
    return leave;
  }, [list]);
  useImperativeHandle(ref, () => ({
    scrolled: () => box.current?.scrollTop ?? 0,
    toTop: () => box.current?.scrollTo({ top: 0 }),
  }));
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isFetchingMore && last >= lines.length - 25) onMore();
  }, [last, lines.length, hasMore, isFetchingMore, onMore]);

  const open = (line: TraceLine | undefined) => {
    if (line !== undefined) void navigate({ to: "/traces/$traceId", params: { traceId: line.trace_id }, search: {} });
  };
  const move = (step: number) => {
    const next = Math.min(lines.length - 1, Math.max(0, at + step));
    setAt(next);
    rows.scrollToIndex(next);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => open(lines[at]),
  });

  return (
    <div ref={box} className="min-h-0 flex-1 overflow-auto">
      <div role="table" aria-label="Traces" aria-rowcount={hasMore ? -1 : lines.length + 1}>
        <div role="row" className={`${GRID} sticky top-0 z-10 h-8 border-b border-line bg-panel`}>
          {COLUMNS.map(([order, name]) => (
            <Heading key={name} name={name} order={order} sort={sort} onSort={onSort} />
          ))}
        </div>
        <div role="rowgroup" className="relative" style={{ height: rows.getTotalSize() }}>
          {shown.map((row) => {
            const line = lines[row.index]!;
            const isAt = row.index === at;
            return (
              // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the name in it is a link; keys move the mark
              <div
                key={`${line.project}/${line.trace_id}`}
                role="row"
                aria-rowindex={row.index + 2}
                data-trace={line.trace_id}
                className={`${GRID} absolute inset-x-0 top-0 cursor-pointer border-b border-line/60 ${isAt ? "bg-chosen shadow-[inset_2px_0_0] shadow-accent" : "hover:bg-hover"}`}
                style={{ height: LINE_PX, transform: `translateY(${row.start}px)` }}
                onClick={(event) => {
                  if (!(event.target as HTMLElement).closest("a")) open(line);
                }}
              >
                <div role="cell" className="whitespace-nowrap text-soft">
                  <Moment ns={line.start_ns} />
                </div>
                <div role="cell" className="flex min-w-0 items-center gap-1.5">
                  <StatusMark status={line.status} state={line.state} />
                  <Link
                    to="/traces/$traceId"
                    params={{ traceId: line.trace_id }}
                    search={{}}
                    className="truncate font-medium hover:text-accent"
                    title={oneLine(line.name, 1000)}
                  >
                    {oneLine(line.name) || "(no name)"}
                  </Link>
                  {line.status !== "error" && line.error_count > 0 && (
                    <span className="chip bg-bad-ground text-bad" title={`${line.error_count} of its spans failed`}>
                      {line.error_count}
                    </span>
                  )}
                  {showProject && (
                    <span className="chip max-w-28 min-w-8 shrink-10 truncate max-lg:hidden" title={`project ${oneLine(line.project, 200)}`}>
                      <span className="truncate">{oneLine(line.project, 60)}</span>
                    </span>
                  )}
                </div>
                <Preview text={line.input_preview} />
                <Preview text={line.status === "error" && !line.output_preview ? line.status_message : line.output_preview} isBad={line.status === "error"} />
                <div role="cell" className="text-right whitespace-nowrap">
                  {line.state === "ended" ? duration(line.duration_ns) : <span className="text-faint">{line.state}</span>}
                </div>
                <div role="cell" className={`text-right ${WIDE}`}>{count(line.span_count)}</div>
                <div role="cell" className={`text-right whitespace-nowrap ${WIDE}`}>
                  <Tokens input={line.input_tokens} output={line.output_tokens} />
                </div>
                <div role="cell" className={`text-right whitespace-nowrap ${WIDE}`} title={line.cost_usd === null ? "no price is known" : `$${line.cost_usd}`}>
                  {cost(line.cost_usd)}
                </div>
              </div>
            );
          })}
        </div>
      </div>
      <p className="px-4 py-2 text-faint" aria-live="polite">
        {isFetchingMore ? "Loading more …" : hasMore ? "" : `${lines.length.toLocaleString("en-US")} in all`}
      </p>
    </div>
  );
}

function Preview({ text, isBad = false }: { text: string | null; isBad?: boolean }) {
  return (
    <div role="cell" className={`truncate font-mono text-xs ${isBad ? "text-bad" : "text-soft"} ${WIDE}`}>
      <bdi>{text === null ? "" : oneLine(said(text))}</bdi>
    </div>
  );
}

/** Tokens in and out. */
export function Tokens({ input, output }: { input: number | null; output: number | null }) {
  if (input === null && output === null) return <span className="text-faint">–</span>;
  return (
    <span title={`${input ?? 0} tokens in, ${output ?? 0} out`}>
      {count(input ?? 0)} <span className="text-faint">→</span> {count(output ?? 0)}
    </span>
  );
}

type HeadingProps = { name: string; order: string | null; sort: string; onSort: (sort: string) => void };

function Heading({ name, order, sort, onSort }: HeadingProps) {
  const isNumber = ["Duration", "Spans", "Tokens", "Cost"].includes(name);
  const place = `label ${isNumber ? "text-right" : ""} ${name === "Began" || name === "Trace" || name === "Duration" ? "" : WIDE}`;
  if (order === null) {
    return (
      <div role="columnheader" className={place}>
        {name}
      </div>
    );
  }
  const isDown = sort === `-${order}`;
  const isUp = sort === order;
  return (
    <div role="columnheader" aria-sort={isDown ? "descending" : isUp ? "ascending" : "none"} className={place}>
      <button type="button" className={`rounded hover:text-ink ${isDown || isUp ? "text-ink" : ""}`} onClick={() => onSort(isDown ? order : `-${order}`)}>
        {name} <span aria-hidden="true">{isDown ? "↓" : isUp ? "↑" : ""}</span>
      </button>
    </div>
  );
}
