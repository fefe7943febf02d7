/** Recorded calls become rows of a dataset. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";

import { get, type Schemas, sendTo } from "../api/client";
import { plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Popup } from "../parts/Popup";
import type { Scored } from "../trace/ScoreForm";

type Props = { calls: readonly Scored[]; isOpen: boolean; onOpen: (isOpen: boolean) => void };

export function AddRows({ calls, isOpen, onOpen }: Props) {
  return (
    <Popup title={calls.length === 1 ? "Add to a dataset" : `Add ${calls.length} calls to a dataset`} isOpen={isOpen} onOpen={onOpen}>
      <AddForm calls={calls} />
    </Popup>
  );
}

function AddForm({ calls }: { calls: readonly Scored[] }) {
  const id = useId();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [withOutput, setWithOutput] = useState(true);
  const [note, setNote] = useState("");
  const known = useQuery({ queryKey: ["datasets"], queryFn: ({ signal }) => get("/api/v1/datasets", {}, undefined, signal) });
  const add = useMutation({
    mutationFn: () =>
      sendTo<Schemas["AddedRows"]>("POST", "/api/v1/datasets/{name}/rows", { name: name.trim() }, {
        calls: calls.map((each) => ({ trace_id: each.traceId, span_id: each.spanId, project: each.project })),
        with_output: withOutput,
        note: note.trim() || null,
      }),
    onSuccess: async () => {
      for (const key of ["datasets", "versions", "version"]) await client.invalidateQueries({ queryKey: [key] });
    },
  });
  const made = add.data;
  return (
    <form
      aria-label="Add to a dataset"
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <label className="block" htmlFor={`${id}-name`}>
        <span className="label">Dataset: one that is there, or a new name</span>
        <input id={`${id}-name`} className="field w-full" list={`${id}-known`} maxLength={500} value={name} onChange={(event) => setName(event.target.value)} />
        <datalist id={`${id}-known`}>
          {known.data?.items.map((each) => (
            <option key={each} value={each}>
              {oneLine(each, 100)}
            </option>
          ))}
        </datalist>
      </label>
      <label className="flex items-center gap-2">
        <input type="checkbox" className="accent-accent" checked={withOutput} onChange={(event) => setWithOutput(event.target.checked)} />
        What the call returned is what is expected
      </label>
      <label className="block" htmlFor={`${id}-note`}>
        <span className="label">Note on the new version (may be left out)</span>
        <input id={`${id}-note`} className="field w-full" maxLength={2000} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      <p className="text-xs text-faint">The arguments of a call become the columns. The dataset gets a new version; earlier ones stay as they are.</p>
      <div className="flex flex-wrap items-center gap-3">
        <button type="submit" className="button button-main" disabled={name.trim() === "" || add.isPending}>
          Add
        </button>
        <span aria-live="polite">
          {made && (
            <>
              <span className="text-good">
                {plural(made.added, "row")} added{made.known > 0 && `, ${made.known} were there`}
                {made.without_inputs > 0 && `, ${made.without_inputs} had no arguments`}.
              </span>{" "}
              <Link to="/datasets" search={{ name: made.version.name, version: made.version.version }} className="link">
                {oneLine(made.version.name, 60)} {made.version.version}
              </Link>
            </>
          )}
          {add.isError && <span className="text-bad">{add.error.message}</span>}
        </span>
      </div>
    </form>
  );
}
