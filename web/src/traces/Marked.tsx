/** What can be done with the traces that are marked. */
import { useState } from "react";

import type { TraceLine } from "../api/client";
import { AddRows } from "../datasets/AddRows";
import { plural } from "../format/units";
import { CsvButton } from "../parts/Download";
import { Popup } from "../parts/Popup";
import { type Scored, ScoreForm } from "../trace/ScoreForm";
import { type Column, fileColumns } from "./columns";

/** So many ids an address takes; `Export` takes all that a filter finds. */
const MOST_EXPORTED = 1_000;

type Props = { lines: readonly TraceLine[]; columns: readonly Column[]; onClear: () => void };

/** The address of a file with the spans of traces. */
function exportAddress(lines: readonly TraceLine[], project: string | undefined): string {
  const query = new URLSearchParams(lines.map((line) => ["trace", line.trace_id]));
  if (project !== undefined) query.set("project", project);
  return `/api/v1/export/spans.jsonl?${query}`;
}

export function Marked({ lines, columns, onClear }: Props) {
  const [open, setOpen] = useState<"" | "add" | "score">("");
  const targets: Scored[] = lines.map((line) => ({ traceId: line.trace_id, spanId: null, project: line.project }));
  const projects = new Set(lines.map((line) => line.project));
  const isTooMany = lines.length > MOST_EXPORTED;
  return (
    <div role="toolbar" aria-label="Marked traces" className="flex flex-wrap items-center gap-2 border-b border-line bg-chosen px-4 py-1.5">
      <span className="mr-1 font-medium">{plural(lines.length, "trace")} marked</span>
      <button type="button" className="button h-7" onClick={() => setOpen("add")}>
        Add to a dataset
      </button>
      <button type="button" className="button h-7" onClick={() => setOpen("score")}>
        Score
      </button>
      {isTooMany ? (
        <button type="button" className="button h-7" disabled title={`at most ${MOST_EXPORTED} at once; Export above takes all that the filter finds`}>
          OTLP lines
        </button>
      ) : (
        <a className="button h-7" href={exportAddress(lines, projects.size === 1 ? lines[0]!.project : undefined)} download="spans.jsonl" title="all their spans, as `tracelm store import` and collectors read them">
          OTLP lines
        </a>
      )}
      <CsvButton name="traces" columns={fileColumns(columns)} lines={lines} />
      <button type="button" className="link ml-auto" onClick={onClear}>
        Clear the marks
      </button>
      <AddRows calls={targets} isOpen={open === "add"} onOpen={(isOpen) => setOpen(isOpen ? "add" : "")} />
      <Popup title={`Score ${plural(lines.length, "trace")}`} isOpen={open === "score"} onOpen={(isOpen) => setOpen(isOpen ? "score" : "")}>
        <p className="mb-2 text-soft">The score goes to the root of each.</p>
        <ScoreForm targets={targets} />
      </Popup>
    </div>
  );
}
