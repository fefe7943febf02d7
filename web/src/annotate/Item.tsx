/** One item of the queue: what went in, what came out, and a verdict at a key. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { type RunRow, type ScoreLine, send } from "../api/client";
import { keep, kept } from "../frame/kept";
import { useKeys } from "../frame/keys";
import { Failed, Loading } from "../frame/states";
import type { Json } from "../format/json";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";
import { StatusMark } from "../parts/Status";
import { Value } from "../parts/Value";
import { Content } from "../trace/Content";
import { AUTHOR } from "../trace/ScoreForm";
import { shown } from "../trace/Verdicts";
import type { Said } from "./AnnotatePage";
import { look, type Subject } from "./queue";
import type { Verdict } from "./scale";

type Props = {
  subject: Subject;
  score: string;
  verdicts: Verdict[];
  judge: string;
  place: string;
  onSaid: (said: Said) => void;
  onSkip: () => void;
  onBack: () => void;
};

/** The newest verdict of the judge; the API sends the earliest first. */
function ofJudge(scores: readonly ScoreLine[], judge: string): string | null {
  const found = scores.findLast((each) => each.name === judge && each.source !== "human");
  return found === undefined ? null : shown(found);
}

export function Item({ subject, score, verdicts, judge, place, onSaid, onSkip, onBack }: Props) {
  const { traceId, project, name, line, row } = subject;
  const [why, setWhy] = useState("");
  const [author, setAuthor] = useState(() => kept(AUTHOR) ?? "");
  const reason = useRef<HTMLTextAreaElement>(null);
  const found = useQuery({ queryKey: ["subject", subject.key, row === null], queryFn: ({ signal }) => look(subject, signal) });
  const give = useMutation({
    mutationFn: (verdict: Verdict) =>
      send("POST", "/api/v1/scores", {
        trace_id: traceId,
        span_id: found.data?.spanId ?? null,
        project,
        name: score,
        value: verdict.value,
        explanation: why.trim() || null,
        author: author.trim() || null,
      }),
    onSuccess: (_, verdict) => onSaid({ traceId, name, words: verdict.words, judge: judge === "" ? null : ofJudge(found.data?.scores ?? [], judge) }),
  });
  const say = (verdict: Verdict) => {
    if (!give.isPending && found.isSuccess) give.mutate(verdict);
  };
  useKeys({
    ...Object.fromEntries(verdicts.map((each) => [each.key, () => say(each)])),
    s: onSkip,
    b: onBack,
    e: () => reason.current?.focus(),
  });
  return (
    <section aria-label="The item" className="min-w-0 space-y-3">
      <div className="sticky top-0 z-10 -mx-1 space-y-2 bg-ground px-1 pb-2">
        <div className="flex flex-wrap items-center gap-2">
          {line !== null && <StatusMark status={line.status} state={line.state} />}
          <Link to="/traces/$traceId" params={{ traceId }} search={{}} className="min-w-0 truncate font-semibold hover:text-accent" title="open the trace">
            {oneLine(name, 200) || "(no name)"}
          </Link>
          {line !== null && (
            <span className="text-soft">
              <Moment ns={line.start_ns} />
            </span>
          )}
          <span className="ml-auto text-faint" aria-live="polite">
            {place}
          </span>
        </div>
        <div className="flex flex-wrap items-center gap-1.5" role="group" aria-label={`Verdict: ${oneLine(score, 60)}`}>
          <span className="mr-1 font-medium">{oneLine(score, 60)}</span>
          {verdicts.map((each) => (
            <button
              key={each.key}
              type="button"
              disabled={give.isPending || !found.isSuccess}
              className={`button ${each.tone === "good" ? "hover:border-good hover:text-good" : each.tone === "bad" ? "hover:border-bad hover:text-bad" : "hover:border-accent"}`}
              onClick={() => say(each)}
            >
              {oneLine(each.words, 40)} {each.words !== each.key && <Key name={each.key} />}
            </button>
          ))}
          <button type="button" className="button ml-auto" onClick={onBack}>
            Back <Key name="b" />
          </button>
          <button type="button" className="button" onClick={onSkip}>
            Skip <Key name="s" />
          </button>
        </div>
        <div className="flex gap-2 max-sm:flex-col">
          <textarea
            ref={reason}
            rows={1}
            aria-label="Why (may be left out)"
            placeholder="Why (may be left out) — press e to come here, Escape to leave"
            className="field h-auto min-h-[1.875rem] min-w-0 flex-1 py-1"
            value={why}
            onChange={(event) => setWhy(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.blur();
            }}
          />
          <input
            aria-label="Author"
            placeholder="Author"
            className="field w-36 max-sm:w-full"
            autoComplete="name"
            maxLength={200}
            value={author}
            onChange={(event) => setAuthor(event.target.value)}
            onBlur={() => keep(AUTHOR, author.trim())}
          />
        </div>
        {give.isError && (
          <p role="alert" className="text-bad">
            {give.error.message}
          </p>
        )}
      </div>
      {found.isPending ? (
        <Loading what="the item" />
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <div className="card px-4 py-3">
          {row !== null ? <Row row={row} /> : <Content span={found.data.span!} />}
        </div>
      )}
    </section>
  );
}

/** A row of a run: what the dataset has, and what the task made of it. The scorers' verdicts are not shown before one's own. */
function Row({ row }: { row: RunRow }) {
  return (
    <>
      <h3 className="label mb-1.5 flex h-6 items-center">Row</h3>
      <Value value={row.inputs as Json} />
      <h3 className="label mt-4 mb-1.5 flex h-6 items-center">Output</h3>
      <Value value={row.output as Json} />
    </>
  );
}

function Key({ name }: { name: string }) {
  return (
    <kbd className="rounded border border-edge bg-panel px-1 font-mono text-xs text-faint" aria-hidden="true">
      {name}
    </kbd>
  );
}
