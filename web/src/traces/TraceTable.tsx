/** The table of traces; only the lines that are seen are in the page. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";

import type { TraceLine } from "../api/client";
import { useKeys } from "../frame/keys";
import { oneLine } from "../format/visible";
import { StatusMark } from "../parts/Status";
import type { Column } from "./columns";
import { keepPlace, lastPlace } from "./last";

export type TableHandle = { scrolled: () => number; toTop: () => void };
type Props = {
  ref?: Ref<TableHandle>;
  /** What tells this list from others, to come back to its place. */
  list: string;
  lines: TraceLine[];
  columns: readonly Column[];
  marked: ReadonlySet<string>;
  onMark: (lines: readonly TraceLine[], isMarked: boolean) => void;
  sort: string;
  showProject: boolean;
  onSort: (sort: string) => void;
  hasMore: boolean;
  isFetchingMore: boolean;
  onMore: () => void;
};

const LINE_PX = 33;
const GRID = "grid grid-cols-(--columns) max-md:grid-cols-[6.5rem_minmax(8rem,1fr)_5rem] items-center gap-x-3 px-4";

/** What tells a trace from all others of the list. */
export function keyOf(line: TraceLine): string {
  return `${line.project}/${line.trace_id}`;
}

export function TraceTable({ ref, list, lines, columns, marked, onMark, sort, showProject, onSort, hasMore, isFetchingMore, onMore }: Props) {
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
    x: () => {
      const line = lines[at];
      if (line !== undefined) onMark([line], !marked.has(keyOf(line)));
    },
  });
  const tracks = { "--columns": `1rem ${columns.map((each) => each.width).join(" ")}` } as React.CSSProperties;

  return (
    <div ref={box} className="min-h-0 flex-1 overflow-auto">
      <div role="table" aria-label="Traces" aria-rowcount={hasMore ? -1 : lines.length + 1}>
        <div role="row" style={tracks} className={`${GRID} sticky top-0 z-10 h-8 border-b border-line bg-panel`}>
          <div role="columnheader" className="max-md:hidden">
            <input
              type="checkbox"
              className="accent-accent block"
              aria-label="Mark all that are loaded"
              checked={lines.every((line) => marked.has(keyOf(line)))}
              onChange={(event) => onMark(lines, event.target.checked)}
            />
          </div>
          {columns.map((each) => (
            <Heading key={each.id} column={each} sort={sort} onSort={onSort} />
          ))}
        </div>
        <div role="rowgroup" className="relative" style={{ height: rows.getTotalSize() }}>
          {shown.map((row) => {
            const line = lines[row.index]!;
            const isAt = row.index === at;
            return (
              // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the name in it is a link; keys move the mark
              <div
                key={keyOf(line)}
                role="row"
                aria-rowindex={row.index + 2}
                data-trace={line.trace_id}
                className={`${GRID} absolute inset-x-0 top-0 cursor-pointer border-b border-line/60 ${isAt ? "bg-chosen shadow-[inset_2px_0_0] shadow-accent" : "hover:bg-hover"}`}
                style={{ ...tracks, height: LINE_PX, transform: `translateY(${row.start}px)` }}
                onClick={(event) => {
                  if (!(event.target as HTMLElement).closest("a, label")) open(line);
                }}
              >
                <div role="cell" className="max-md:hidden">
                  <label className="-mx-2 block px-2 py-2">
                    <input type="checkbox" className="accent-accent block" aria-label={`Mark ${oneLine(line.name, 80)} ${line.trace_id.slice(0, 8)}`} checked={marked.has(keyOf(line))} onChange={(event) => onMark([line], event.target.checked)} />
                  </label>
                </div>
                {columns.map((each) => (
                  <div key={each.id} role="cell" className={`truncate ${each.isNumber ? "text-right whitespace-nowrap" : ""} ${each.isOnPhone ? "" : "max-md:hidden"}`}>
                    {each.id === "name" ? <Name line={line} showProject={showProject} /> : each.show(line)}
                  </div>
                ))}
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

function Name({ line, showProject }: { line: TraceLine; showProject: boolean }) {
  return (
    <div className="flex min-w-0 items-center gap-1.5">
      <StatusMark status={line.status} state={line.state} />
      <Link to="/traces/$traceId" params={{ traceId: line.trace_id }} search={{}} className="truncate font-medium hover:text-accent" title={oneLine(line.name, 1000)}>
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
  );
}

type HeadingProps = { column: Column; sort: string; onSort: (sort: string) => void };

function Heading({ column, sort, onSort }: HeadingProps) {
  const { name, order } = column;
  const place = `label ${column.isNumber ? "text-right" : ""} ${column.isOnPhone ? "" : "max-md:hidden"}`;
  if (order === undefined) {
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
