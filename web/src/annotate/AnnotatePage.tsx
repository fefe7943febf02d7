/** A queue of traces, or of the rows of a run, that a person judges with the keyboard, and how far that agrees with a judge. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { get, Problem, type RunLine } from "../api/client";
import { asked, useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { moment } from "../format/time";
import { oneLine } from "../format/visible";
import { Choice } from "../parts/Choice";
import { annotate as route } from "../router";
import { FilterBar } from "../traces/FilterBar";
import { Agreement } from "./Agreement";
import { Item } from "./Item";
import { type Page, rowsToJudge, type Subject, tracesToJudge } from "./queue";
import { verdictsOf } from "./scale";

const SCALES: [string, string][] = [
  ["yes", "yes or no"],
  ["3", "1 to 3"],
  ["5", "1 to 5"],
  ["words", "words …"],
];

export type Said = { traceId: string; name: string; words: string; judge: string | null };

export function AnnotatePage() {
  const { where = "", score = "helpful", scale = "yes", judge = "", run = "" } = route.useSearch();
  const scope = useScope();
  const span = asked(scope, "all");
  const navigate = useNavigate({ from: "/annotate" });
  const change = (part: { where?: string; score?: string; scale?: string; judge?: string; run?: string }) =>
    void navigate({ search: (now) => ({ ...now, ...part }) });
  const names = useQuery({
    queryKey: ["score-names", scope.project],
    queryFn: ({ signal }) => get("/api/v1/scores/names", { project: scope.project }, undefined, signal),
  });
  const runs = useQuery({
    queryKey: ["runs", scope.project, "to judge"],
    queryFn: ({ signal }) => get("/api/v1/runs", { project: scope.project, limit: 50 }, undefined, signal),
  });
  const ofRun = useQuery({
    queryKey: ["run", run, scope.project],
    queryFn: ({ signal }) => get("/api/v1/runs/{run_id}", { project: scope.project }, { run_id: run }, signal),
    enabled: run !== "",
  });
  const chosenRun: RunLine | undefined = run === "" ? undefined : ofRun.data;
  // The queue is taken once: what is judged meanwhile must not move what comes next.
  const found = useInfiniteQuery<Page, Error, { pages: Page[] }, unknown[], string | undefined>({
    queryKey: ["queue", span.project, span.since, span.until, where, score, chosenRun?.run_id],
    queryFn: ({ pageParam, signal }) =>
      chosenRun === undefined
        ? tracesToJudge(where, score, { project: span.project, since_ns: span.since, until_ns: span.until }, pageParam, signal)
        : rowsToJudge(chosenRun, score, pageParam, signal),
    enabled: run === "" || chosenRun !== undefined,
    initialPageParam: undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: Infinity,
    gcTime: 0,
    refetchOnMount: false,
    refetchOnReconnect: false,
  });
  const problem = found.error instanceof Problem && found.error.status === 400 && found.error.position !== null ? found.error : null;
  const isOfWords = !["yes", "3", "5"].includes(scale);
  const listed = names.data?.items ?? [];
  return (
    <div className="flex min-h-full flex-col">
      <h1 className="sr-only">Annotate</h1>
      <div className="flex flex-wrap items-start gap-2 border-b border-line px-4 py-2">
        <div className="flex min-w-64 flex-1 max-sm:basis-full">
          {run === "" ? (
            <FilterBar value={where} project={scope.project} problem={inWhere(problem, where)} onApply={(next) => change({ where: next })} />
          ) : (
            <p className="py-1.5 text-soft">The rows of the run that have an output, in the order of the dataset.</p>
          )}
        </div>
        <Choice label="Queue" value={run} options={queues(runs.data?.items ?? [], chosenRun)} onChange={(next) => change({ run: next })} />
        <Setting label="What is judged" value={score} onApply={(next) => change({ score: next })} />
        <Choice
          label="Scale"
          value={isOfWords ? "words" : scale}
          options={SCALES}
          onChange={(next) => change({ scale: next === "words" ? "good, fair, bad" : next })}
        />
        {isOfWords && <Setting label="Words, with commas between" value={scale} onApply={(next) => change({ scale: next })} />}
        <Choice
          label="Judge to compare with"
          value={judge}
          options={[["", "no judge"], ...listed.map((each) => [each, `judge: ${each}`] as [string, string])]}
          onChange={(next) => change({ judge: next })}
        />
      </div>
      {ofRun.isError ? (
        <Failed error={ofRun.error} again={() => void ofRun.refetch()} />
      ) : found.isPending ? (
        <Loading what="the queue" />
      ) : problem !== null ? (
        <Empty title="The filter cannot be read">The spot is marked above.</Empty>
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <Queue
          key={`${where}\n${score}\n${scale}\n${span.project}\n${run}`}
          subjects={found.data.pages.flatMap((page) => page.subjects)}
          hasMore={found.hasNextPage}
          onMore={() => {
            if (!found.isFetchingNextPage) void found.fetchNextPage();
          }}
          onAgain={() => void found.refetch()}
          score={score}
          scale={scale}
          judge={judge}
          project={scope.project}
          run={chosenRun?.run_id}
        />
      )}
    </div>
  );
}

/** The queues that there are: one of traces, and one a run. */
function queues(listed: readonly RunLine[], chosen: RunLine | undefined): [string, string][] {
  const all = chosen === undefined || listed.some((each) => each.run_id === chosen.run_id) ? listed : [chosen, ...listed];
  return [["", "traces"], ...all.map((each) => [each.run_id, `rows: ${oneLine(each.name ?? each.dataset ?? "run", 40)}, ${moment(each.start_ns)}`] as [string, string])];
}

/** The place of a bad spot in what was typed: the queue's filter has a parenthesis before it. */
function inWhere(problem: Problem | null, where: string): Problem | null {
  if (problem === null || problem.position === null || where === "") return problem;
  return new Problem(problem.status, problem.detail, Math.min(problem.position - 1, where.length), problem.length);
}

function Setting({ label, value, onApply }: { label: string; value: string; onApply: (value: string) => void }) {
  const [text, setText] = useState(value);
  const apply = () => {
    if (text.trim() !== "" && text.trim() !== value) onApply(text.trim());
    else setText(value);
  };
  return (
    <input
      aria-label={label}
      title={label}
      className="field w-40"
      maxLength={200}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={apply}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
      }}
    />
  );
}

type QueueProps = {
  subjects: Subject[];
  hasMore: boolean;
  onMore: () => void;
  onAgain: () => void;
  score: string;
  scale: string;
  judge: string;
  project: string | undefined;
  run: string | undefined;
};

function Queue({ subjects, hasMore, onMore, onAgain, score, scale, judge, project, run }: QueueProps) {
  const [at, setAt] = useState(0);
  const [said, setSaid] = useState<Said[]>([]);
  const subject = subjects[at];
  const go = (next: number) => {
    setAt(Math.max(0, next));
    if (hasMore && next >= subjects.length - 20) onMore();
  };
  const isEmptyPage = subject === undefined && hasMore;
  useEffect(() => {
    if (isEmptyPage) onMore();
  });
  return (
    <div className="grid flex-1 grid-cols-[minmax(0,1fr)_24rem] gap-4 px-4 py-3 max-lg:grid-cols-1">
      {isEmptyPage ? (
        <Loading what="the queue" />
      ) : subject === undefined ? (
        <Empty title={said.length > 0 ? "The queue is done" : "Nothing waits to be judged"}>
          <p>
            {said.length > 0 ? `You judged ${said.length}. ` : ""}
            {run === undefined
              ? `A trace that has a score “${score}” is not in the queue. Take another filter, or look for what is new.`
              : `A row that somebody gave a score “${score}”, or that has no output, is not in the queue. Take another run, or another score.`}
          </p>
          <button
            type="button"
            className="button mt-4"
            onClick={() => {
              setAt(0);
              onAgain();
            }}
          >
            Look for new ones
          </button>
        </Empty>
      ) : (
        <Item
          key={subject.key}
          subject={subject}
          score={score}
          verdicts={verdictsOf(scale)}
          judge={judge}
          place={`${at + 1} of ${subjects.length}${hasMore ? " or more" : ""}`}
          onSaid={(one) => {
            setSaid((before) => [one, ...before.filter((each) => each.traceId !== one.traceId)]);
            go(at + 1);
          }}
          onSkip={() => go(at + 1)}
          onBack={() => go(at - 1)}
        />
      )}
      <aside className="min-w-0 space-y-4">
        <Agreement said={said} name={score} judge={judge} project={project} run={run} />
      </aside>
    </div>
  );
}
