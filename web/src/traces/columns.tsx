/** The columns that the list of traces may have, and those that it has. */
import { Popover } from "@base-ui/react/popover";
import type { ReactNode } from "react";

import type { TraceLine } from "../api/client";
import type { Cell } from "../format/csv";
import { said } from "../format/said";
import { cost, count, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";

export type Column = {
  id: string;
  name: string;
  /** Its place in a CSS grid. */
  width: string;
  /** By what the list is sorted at a click. */
  order?: string;
  isNumber?: boolean;
  isOnPhone?: boolean;
  show: (line: TraceLine) => ReactNode;
  cell: (line: TraceLine) => Cell;
};

function preview(text: string | null, isBad = false): ReactNode {
  return <bdi className={`font-mono text-xs ${isBad ? "text-bad" : "text-soft"}`}>{text === null ? "" : oneLine(said(text))}</bdi>;
}

function plain(text: string | null): ReactNode {
  return text === null ? <span className="text-faint">–</span> : <span className="text-soft">{oneLine(text, 200)}</span>;
}

export const COLUMNS: readonly Column[] = [
  { id: "start", name: "Began", width: "7.4rem", order: "start", isOnPhone: true, show: (line) => <span className="text-soft"><Moment ns={line.start_ns} /></span>, cell: (line) => line.start_ns },
  { id: "name", name: "Trace", width: "minmax(11rem,1.7fr)", isOnPhone: true, show: () => null, cell: (line) => line.name },
  { id: "input", name: "Input", width: "minmax(6rem,1.6fr)", show: (line) => preview(line.input_preview), cell: (line) => line.input_preview },
  {
    id: "output",
    name: "Output",
    width: "minmax(6rem,1.6fr)",
    show: (line) => preview(line.status === "error" && !line.output_preview ? line.status_message : line.output_preview, line.status === "error"),
    cell: (line) => line.output_preview ?? line.status_message,
  },
  { id: "project", name: "Project", width: "minmax(5rem,9rem)", show: (line) => plain(line.project), cell: (line) => line.project },
  { id: "session", name: "Session", width: "minmax(5rem,9rem)", show: (line) => plain(line.session_id), cell: (line) => line.session_id },
  { id: "user", name: "User", width: "minmax(4rem,7rem)", show: (line) => plain(line.user_id), cell: (line) => line.user_id },
  { id: "release", name: "Release", width: "minmax(4rem,7rem)", show: (line) => plain(line.release), cell: (line) => line.release },
  { id: "environment", name: "Environment", width: "minmax(4rem,7rem)", show: (line) => plain(line.environment), cell: (line) => line.environment },
  { id: "tags", name: "Tags", width: "minmax(4rem,9rem)", show: (line) => plain(line.tags.length === 0 ? null : line.tags.join(", ")), cell: (line) => line.tags.join(" ") },
  {
    id: "latency",
    name: "Duration",
    width: "5.2rem",
    order: "latency",
    isNumber: true,
    isOnPhone: true,
    show: (line) => (line.state === "ended" ? duration(line.duration_ns) : <span className="text-faint">{line.state}</span>),
    cell: (line) => line.duration_ns / 1e9,
  },
  { id: "spans", name: "Spans", width: "3.4rem", isNumber: true, show: (line) => count(line.span_count), cell: (line) => line.span_count },
  { id: "errors", name: "Errors", width: "3.4rem", isNumber: true, show: (line) => <span className={line.error_count > 0 ? "text-bad" : "text-faint"}>{count(line.error_count)}</span>, cell: (line) => line.error_count },
  { id: "tokens", name: "Tokens", width: "6.4rem", order: "tokens", isNumber: true, show: (line) => <Tokens input={line.input_tokens} output={line.output_tokens} />, cell: (line) => (line.input_tokens ?? 0) + (line.output_tokens ?? 0) },
  { id: "cost", name: "Cost", width: "5.6rem", order: "cost", isNumber: true, show: (line) => <span title={line.cost_usd === null ? "no price is known" : `$${line.cost_usd}`}>{cost(line.cost_usd)}</span>, cell: (line) => line.cost_usd },
];
const USUAL = ["start", "name", "input", "output", "latency", "spans", "tokens", "cost"];

/** The columns that an address names, in their usual order; the name is always there. */
export function columnsOf(text: string | undefined): Column[] {
  const wanted = text === undefined ? USUAL : text.split(",");
  return COLUMNS.filter((each) => each.id === "name" || wanted.includes(each.id));
}

/** What stands in the address for these columns; nothing for the usual ones. */
export function textOf(ids: readonly string[]): string | undefined {
  const text = COLUMNS.filter((each) => ids.includes(each.id)).map((each) => each.id).join(",");
  return text === USUAL.join(",") ? undefined : text;
}

/** What a file of traces has: the ids, then what is shown, in units that its names tell. */
export function fileColumns(columns: readonly Column[]): { name: string; of: (line: TraceLine) => Cell }[] {
  const units: Record<string, string> = { start: "start_ns", latency: "latency_s", cost: "cost_usd" };
  return [
    { name: "trace_id", of: (line) => line.trace_id },
    { name: "project", of: (line) => line.project },
    { name: "status", of: (line) => line.status },
    ...columns.filter((each) => each.id !== "project").map((each) => ({ name: units[each.id] ?? each.id, of: each.cell })),
  ];
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

/** A list of the columns, to choose from. */
export function ColumnChoice({ columns, onChange }: { columns: readonly Column[]; onChange: (text: string | undefined) => void }) {
  const shown = columns.map((each) => each.id);
  return (
    <Popover.Root>
      <Popover.Trigger className="button max-md:hidden">Columns</Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className="z-50" sideOffset={4} align="end">
          <Popover.Popup className="card w-44 p-2 shadow-lg" aria-label="Columns">
            {COLUMNS.filter((each) => each.id !== "name").map((each) => (
              <label key={each.id} className="flex cursor-pointer items-center gap-2 rounded px-1.5 py-0.5 hover:bg-hover">
                <input
                  type="checkbox"
                  className="accent-accent"
                  checked={shown.includes(each.id)}
                  onChange={(event) => onChange(textOf(event.target.checked ? [...shown, each.id] : shown.filter((id) => id !== each.id)))}
                />
                {each.name}
              </label>
            ))}
            <button type="button" className="link mt-1 px-1.5" onClick={() => onChange(undefined)}>
              The usual ones
            </button>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
