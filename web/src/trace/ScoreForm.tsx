/** Feedback of a person: a score like any other, with an author. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";

import { send } from "../api/client";
import { keep, kept } from "../frame/kept";

/** What is scored: a span, or the root of a trace. */
export type Scored = { traceId: string; spanId: string | null; project: string };
type Props = { targets: readonly Scored[]; onDone?: () => void };
type Form = "yes" | "number" | "label";

export const AUTHOR = "tracelm.author";

export function ScoreForm({ targets, onDone }: Props) {
  const id = useId();
  const client = useQueryClient();
  const [name, setName] = useState("helpful");
  const [form, setForm] = useState<Form>("yes");
  const [isYes, setYes] = useState<boolean | null>(null);
  const [text, setText] = useState("");
  const [explanation, setExplanation] = useState("");
  const [author, setAuthor] = useState(() => kept(AUTHOR) ?? "");
  const number = Number(text.replace(",", "."));
  const value = form === "yes" ? isYes : form === "number" ? (text.trim() === "" || !Number.isFinite(number) ? null : number) : text.trim() || null;
  const give = useMutation({
    mutationFn: async () => {
      for (const each of targets) {
        // One after the other: a score that is refused stops those that would be refused too.
        // oxlint-disable-next-line no-await-in-loop
        await send("POST", "/api/v1/scores", {
          trace_id: each.traceId,
          span_id: each.spanId,
          project: each.project,
          name: name.trim(),
          value,
          explanation: explanation.trim() || null,
          author: author.trim() || null,
        });
      }
    },
    onSuccess: async () => {
      keep(AUTHOR, author.trim());
      setYes(null);
      setText("");
      setExplanation("");
      for (const key of ["span", "trace"]) await client.invalidateQueries({ queryKey: [key] });
      onDone?.();
    },
  });
  return (
    <form
      aria-label="Score it"
      className="card bg-panel px-3 py-2.5"
      onSubmit={(event) => {
        event.preventDefault();
        give.mutate();
      }}
    >
      <h3 className="font-semibold">Score it</h3>
      <div className="mt-2 grid grid-cols-2 gap-x-3 gap-y-2 max-sm:grid-cols-1">
        <label className="block" htmlFor={`${id}-name`}>
          <span className="label">What is judged</span>
          <input id={`${id}-name`} className="field w-full" value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="block" htmlFor={`${id}-author`}>
          <span className="label">Author</span>
          <input id={`${id}-author`} className="field w-full" value={author} maxLength={200} autoComplete="name" onChange={(event) => setAuthor(event.target.value)} />
        </label>
        <div className="col-span-full flex flex-wrap items-end gap-2">
          <fieldset>
            <legend className="label">Verdict</legend>
            <div className="flex gap-1">
              {(["yes", "number", "label"] as const).map((each) => (
                <button key={each} type="button" aria-pressed={form === each} className={`button ${form === each ? "border-accent text-accent" : ""}`} onClick={() => setForm(each)}>
                  {each === "yes" ? "yes or no" : each === "number" ? "a number" : "a word"}
                </button>
              ))}
            </div>
          </fieldset>
          {form === "yes" ? (
            <div className="flex gap-1" role="group" aria-label="Yes or no">
              {[true, false].map((each) => (
                <button key={String(each)} type="button" aria-pressed={isYes === each} className={`button w-14 justify-center ${isYes === each ? (each ? "border-good bg-good-ground text-good" : "border-bad bg-bad-ground text-bad") : ""}`} onClick={() => setYes(each)}>
                  {each ? "yes" : "no"}
                </button>
              ))}
            </div>
          ) : (
            <input aria-label={form === "number" ? "A number" : "A word"} inputMode={form === "number" ? "decimal" : "text"} className="field w-36" value={text} maxLength={1000} onChange={(event) => setText(event.target.value)} />
          )}
        </div>
        <label className="col-span-full block" htmlFor={`${id}-why`}>
          <span className="label">Why (may be left out)</span>
          <textarea id={`${id}-why`} rows={2} className="field h-auto w-full py-1" value={explanation} onChange={(event) => setExplanation(event.target.value)} />
        </label>
      </div>
      <div className="mt-2 flex items-center gap-3">
        <button type="submit" className="button button-main" disabled={value === null || name.trim() === "" || give.isPending}>
          {targets.length === 1 ? "Save the score" : `Save ${targets.length} scores`}
        </button>
        <span aria-live="polite">
          {give.isSuccess && value === null && <span className="text-good">Saved.</span>}
          {give.isError && <span className="text-bad">{give.error.message}</span>}
        </span>
      </div>
    </form>
  );
}
