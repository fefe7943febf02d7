/** The spans of a trace: a tree and its time line in one list, of which only what is seen is in the page. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";

import type { DecisionLine, ScoreLine, SpanLine, TraceLine } from "../api/client";
import { useKeys } from "../frame/keys";
import { between } from "../format/time";
import { cost, count, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { StatusMark } from "../parts/Status";
import { progress } from "./TracePage";
import { closedBelow, type Kind, kindOf, open, parentOf, type Place, siblingOf } from "./tree";

type Props = {
  places: readonly Place[];
  /** The lines that are known, by the keys of their places. */
  lines: ReadonlyMap<string, SpanLine>;
  /** Told which places are seen. */
  onSee: (places: readonly Place[]) => void;
  total: number;
  trace: TraceLine;
  chosen: string;
  scores: ScoreLine[];
  decisions: DecisionLine[];
  onChoose: (key: string) => void;
};

const LINE_PX = 27;
const INDENT_PX = 14;
const DEEPEST = 14;
/** Per cent of the column that the time line takes; the rest is for the label of what ends last. */
const BAR_SHARE = 78;
const GRID = "grid grid-cols-[minmax(0,1.25fr)_minmax(0,1fr)]";
const KINDS: Record<Kind, [string, string, string]> = {
  model: ["model", "bg-accent", "text-accent"],
  tool: ["tool", "bg-warn/70", "text-warn"],
  agent: ["agent", "bg-bar", "text-soft"],
  retrieval: ["search", "bg-warn/45", "text-warn"],
  judge: ["judge", "bg-accent-weak", "text-accent"],
  op: ["op", "bg-bar", "text-faint"],
  other: ["span", "bg-bar", "text-faint"],
};

type Marks = { scores: number; failed: number; blocked: boolean; decisions: number };

function marksBySpan(scores: ScoreLine[], decisions: DecisionLine[]): Map<string, Marks> {
  const found = new Map<string, Marks>();
  const of = (line: { project: string; span_id: string | null }) => {
    const key = `${line.project}/${line.span_id ?? ""}`;
    const marks = found.get(key) ?? { scores: 0, failed: 0, blocked: false, decisions: 0 };
    found.set(key, marks);
    return marks;
  };
  for (const each of scores) {
    const marks = of(each);
    marks.scores += 1;
    if (each.passed === false || each.error_type !== null) marks.failed += 1;
  }
  for (const each of decisions) {
    const marks = of(each);
    marks.decisions += 1;
    if (each.taken !== "allow" && each.taken !== "warn") marks.blocked = true;
  }
  return found;
}

/** How long the time line is: the trace, or more while spans are known to end later. */
function lengthNs(lines: ReadonlyMap<string, SpanLine>, trace: TraceLine): number {
  let longest = Math.max(1, trace.duration_ns);
  for (const each of lines.values()) {
    if (each.state !== "ended") longest = Math.max(longest, between(trace.start_ns, each.start_ns) + each.duration_ns);
  }
  return longest;
}

export function Waterfall({ places, lines, onSee, total, trace, chosen, scores, decisions, onChoose }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const seen = useMemo(() => open(places, closed), [places, closed]);
  const whole = useMemo(() => lengthNs(lines, trace), [lines, trace]);
  const marks = useMemo(() => marksBySpan(scores, decisions), [scores, decisions]);
  const at = useMemo(() => seen.findIndex((each) => each.key === chosen), [seen, chosen]);
  const rows = useVirtualizer({
    count: seen.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 15,
  });
  const shown = rows.getVirtualItems();
  const [first, last] = [shown[0]?.index ?? 0, shown.at(-1)?.index ?? 0];
  useEffect(() => onSee(seen.slice(first, last + 1)), [onSee, seen, first, last]);

  const toggle = (key: string, isOpen: boolean) =>
    setClosed((before) => {
      const next = new Set(before);
      if (isOpen) next.delete(key);
      else next.add(key);
      return next;
    });
  const choose = (index: number) => {
    const next = seen[Math.min(seen.length - 1, Math.max(0, index))];
    if (next !== undefined) onChoose(next.key);
  };
  const narrow = () => {
    const here = seen[at];
    if (here === undefined) return;
    if (here.children > 0 && !closed.has(here.key)) toggle(here.key, false);
    else choose(Math.max(0, parentOf(seen, at)));
  };
  const widen = () => {
    const here = seen[at];
    if (here === undefined || here.children === 0) return;
    if (closed.has(here.key)) toggle(here.key, true);
    else choose(at + 1);
  };
  const chooseSibling = (step: 1 | -1) => {
    const next = siblingOf(seen, at, step);
    if (next >= 0) choose(next);
  };
  useKeys({
    J: () => chooseSibling(1),
    K: () => chooseSibling(-1),
    j: () => choose(at + 1),
    k: () => choose(at - 1),
    ArrowDown: () => choose(at + 1),
    ArrowUp: () => choose(at - 1),
    Home: () => choose(0),
    End: () => choose(seen.length - 1),
    h: narrow,
    ArrowLeft: narrow,
    l: widen,
    ArrowRight: widen,
  });
  const shownOnce = useRef(false);
  useEffect(() => {
    if (at < 0) return;
    rows.scrollToIndex(at, shownOnce.current ? {} : { align: "center" });
    shownOnce.current = true;
    // Only when another span is chosen: opening a span above must not move the list.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [chosen, at < 0]);

  const hasBranches = useMemo(() => places.some((each) => each.depth > 0 && each.children > 0), [places]);
  const areClosed = closed.size > 0;
  return (
    <section aria-label="Spans" className="flex min-h-0 flex-col border-r border-line">
      <div className={`${GRID} h-8 items-center border-b border-line bg-panel`}>
        <div className="flex items-center gap-2 pl-3">
          <span className="label" aria-live="polite">
            {progress(places.length, total)}
          </span>
          {hasBranches && (
            <button
              type="button"
              className="label rounded px-1 hover:text-accent"
              onClick={() => setClosed(areClosed ? new Set() : closedBelow(places, 1))}
            >
              {areClosed ? "open all" : "close all"}
            </button>
          )}
        </div>
        <Ticks whole={whole} />
      </div>
      <div ref={box} role="tree" aria-label="Spans of the trace" tabIndex={0} className="min-h-0 flex-1 overflow-auto -outline-offset-2">
        <div className="relative" role="presentation" style={{ height: rows.getTotalSize() }}>
          {shown.map((row) => {
            const each = seen[row.index]!;
            return (
              <Line
                key={each.key}
                each={each}
                line={lines.get(each.key)}
                traceStartNs={trace.start_ns}
                top={row.start}
                whole={whole}
                isChosen={row.index === at}
                isClosed={closed.has(each.key)}
                marks={marks.get(each.key)}
                onChoose={onChoose}
                onToggle={toggle}
              />
            );
          })}
        </div>
      </div>
    </section>
  );
}

function Ticks({ whole }: { whole: number }) {
  return (
    <div className="relative h-full border-l border-line text-faint" aria-hidden="true">
      {[0, 0.25, 0.5, 0.75].map((share) => (
        <span key={share} className={`absolute top-1.5 border-l border-line pl-1 text-xs ${share === 0 || share === 0.5 ? "" : "max-sm:hidden"}`} style={{ left: `${share * BAR_SHARE}%` }}>
          {share === 0 ? "0" : duration(whole * share)}
        </span>
      ))}
    </div>
  );
}

type LineProps = {
  each: Place;
  /** Undefined while it is fetched. */
  line: SpanLine | undefined;
  traceStartNs: string;
  top: number;
  whole: number;
  isChosen: boolean;
  isClosed: boolean;
  marks: Marks | undefined;
  onChoose: (key: string) => void;
  onToggle: (key: string, isOpen: boolean) => void;
};

function Line({ each, line, traceStartNs, top, whole, isChosen, isClosed, marks, onChoose, onToggle }: LineProps) {
  const indent = Math.min(each.depth, DEEPEST) * INDENT_PX;
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are the tree's
    <div
      role="treeitem"
      aria-level={each.depth + 1}
      aria-selected={isChosen}
      aria-expanded={each.children > 0 ? !isClosed : undefined}
      aria-busy={line === undefined}
      tabIndex={-1}
      data-span={each.spanId}
      className={`${GRID} absolute inset-x-0 top-0 cursor-pointer items-center ${isChosen ? "bg-chosen shadow-[inset_2px_0_0] shadow-accent" : "hover:bg-hover"}`}
      style={{ height: LINE_PX, transform: `translateY(${top}px)` }}
      onClick={() => onChoose(each.key)}
    >
      <div className="flex min-w-0 items-center gap-1 pr-2" style={{ paddingLeft: 6 + indent }}>
        {each.children > 0 ? (
          <button
            type="button"
            tabIndex={-1}
            aria-label={isClosed ? "Open" : "Close"}
            className="w-4 shrink-0 text-faint hover:text-ink"
            onClick={(event) => {
              event.stopPropagation();
              onToggle(each.key, isClosed);
            }}
          >
            {isClosed ? "▸" : "▾"}
          </button>
        ) : (
          <span className="w-4 shrink-0" />
        )}
        {each.depth > DEEPEST && <span className="chip">{each.depth}</span>}
        {line === undefined ? <span className="text-faint">…</span> : <Name line={line} />}
        {isClosed && <span className="chip">{count(each.children)}</span>}
        {marks && marks.decisions > 0 && (
          <span className={`chip ${marks.blocked ? "bg-bad-ground text-bad" : "bg-good-ground text-good"}`} title="a guardrail decided here">
            {marks.blocked ? "guarded" : "guard ✓"}
          </span>
        )}
        {marks && marks.scores > 0 && (
          <span className={`chip max-sm:hidden ${marks.failed > 0 ? "bg-bad-ground text-bad" : ""}`} title={`${marks.scores} scores, ${marks.failed} failed`}>
            {marks.scores} {marks.scores === 1 ? "score" : "scores"}
          </span>
        )}
        {line !== undefined && <Figures line={line} />}
      </div>
      {line === undefined ? <div className="h-full border-l border-line" /> : <Bar line={line} traceStartNs={traceStartNs} whole={whole} />}
    </div>
  );
}

function Name({ line }: { line: SpanLine }) {
  return (
    <>
      <StatusMark status={line.status} state={line.state} />
      <span className={`min-w-10 truncate ${line.status === "error" ? "text-bad" : ""}`} title={oneLine(line.name, 500)}>
        {oneLine(line.name) || "(no name)"}
      </span>
    </>
  );
}

function Figures({ line }: { line: SpanLine }) {
  const [word, , tone] = KINDS[kindOf(line)];
  const tokens = line.input_tokens === null && line.output_tokens === null ? null : (line.input_tokens ?? 0) + (line.output_tokens ?? 0);
  return (
    <span className="ml-auto flex shrink-0 gap-2 pl-1 text-xs text-faint">
      {tokens !== null && <span title="tokens" className="max-sm:hidden">{count(tokens)} tok</span>}
      {line.cost_usd !== null && <span title={`$${line.cost_usd}`} className="max-sm:hidden">{cost(line.cost_usd)}</span>}
      <span className={`w-9 text-right ${tone}`}>{word}</span>
    </span>
  );
}

function Bar({ line, traceStartNs, whole }: { line: SpanLine; traceStartNs: string; whole: number }) {
  const isOpen = line.state !== "ended";
  const tone = line.status === "error" ? "bg-bad" : KINDS[kindOf(line)][1];
  const tookNs = Math.max(0, line.duration_ns);
  const from = Math.min(BAR_SHARE, Math.max(0, (between(traceStartNs, line.start_ns) / whole) * BAR_SHARE));
  const width = isOpen ? BAR_SHARE - from : Math.min(BAR_SHARE - from, (tookNs / whole) * BAR_SHARE);
  const words = isOpen ? line.state : duration(tookNs);
  return (
    <div className="relative h-full border-l border-line">
      <div
        className={`absolute top-[9px] h-[9px] min-w-[2px] rounded-[2px] ${isOpen ? (line.state === "lost" ? "border border-dashed border-warn" : "border border-dashed border-accent bg-accent/20") : tone}`}
        style={{ left: `${from}%`, width: `${width}%` }}
      />
      <span
        className="pointer-events-none absolute top-[5px] pl-1 text-xs whitespace-nowrap text-soft"
        style={{ left: `${from + width}%` }}
      >
        {words}
      </span>
    </div>
  );
}
