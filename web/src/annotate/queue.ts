/** What a person judges, one after the other: traces that a filter finds, or the rows of an evaluation run. */
import { get, type RunLine, type RunRow, type ScoreLine, type SpanDetail, type TraceLine } from "../api/client";
import { queueFilter } from "./scale";

/** One of them. A row is judged by what the run recorded of it, a trace by its root. */
export type Subject = { key: string; traceId: string; project: string; name: string } & ({ line: TraceLine; row: null } | { line: null; row: RunRow });
export type Page = { subjects: Subject[]; next: string | null };
export type Looked = {
  span: SpanDetail | null;
  /** Of all who judged it, the earliest first. */
  scores: readonly ScoreLine[];
  /** What a verdict is given to: where the scorers of the run gave theirs; null for the root. */
  spanId: string | null;
};

const WITHOUT_OUTPUT: ReadonlySet<string> = new Set(["task_error", "timeout", "not_run"]);
const MOST_PAGES = 20;

type Window = { project: string | undefined; since_ns: string | undefined; until_ns: string | undefined };

/** A page of the traces that nobody has judged yet. */
export async function tracesToJudge(where: string, score: string, window: Window, after: string | undefined, signal: AbortSignal): Promise<Page> {
  const page = await get("/api/v1/traces", { where: queueFilter(where, score), ...window, after, limit: 100 }, undefined, signal);
  return {
    subjects: page.items.map((line) => ({ key: `${line.project}/${line.trace_id}`, traceId: line.trace_id, project: line.project, name: line.name, line, row: null })),
    next: page.next,
  };
}

/** A page of the rows of a run that have an output, and that nobody has judged yet. */
export async function rowsToJudge(run: RunLine, score: string, after: string | undefined, signal: AbortSignal): Promise<Page> {
  const { run_id, project } = run;
  const [page, judged] = await Promise.all([
    get("/api/v1/runs/{run_id}/rows", { project, after, limit: 100 }, { run_id }, signal),
    judgedByPeople(score, run, signal),
  ]);
  return { subjects: page.items.flatMap((row) => subjectOf(row, run, judged)), next: page.next };
}

/** A row as something to judge; nothing where there is no output, or where somebody has judged it. */
export function subjectOf(row: RunRow, run: Pick<RunLine, "project" | "trials">, judged: ReadonlySet<string>): Subject[] {
  if (row.trace_id === null || WITHOUT_OUTPUT.has(row.outcome) || judged.has(row.trace_id)) return [];
  const name = (run.trials ?? 1) > 1 ? `row ${row.row}, trial ${row.trial}` : `row ${row.row}`;
  return [{ key: `${run.project}/${row.trace_id}`, traceId: row.trace_id, project: run.project, name, line: null, row }];
}

async function judgedByPeople(name: string, run: RunLine, signal: AbortSignal): Promise<Set<string>> {
  const found = new Set<string>();
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query = { name, source: "human", project: run.project, since_ns: run.start_ns, after, limit: 1000 };
    // oxlint-disable-next-line no-await-in-loop -- each page begins behind the one before
    const { items, next } = await get("/api/v1/scores", query, undefined, signal);
    for (const each of items) if (each.trace_id !== null) found.add(each.trace_id);
    if (next === null) break;
    after = next;
  }
  return found;
}

/** What is to be known of a subject to judge it. */
export async function look(subject: Subject, signal: AbortSignal): Promise<Looked> {
  const { traceId: trace_id, project } = subject;
  if (subject.line !== null) {
    const span = await get("/api/v1/traces/{trace_id}/spans/{span_id}", { project }, { trace_id, span_id: subject.line.root_span_id }, signal);
    return { span, scores: span.scores, spanId: span.span_id };
  }
  const { items } = await get("/api/v1/scores", { project, trace_id, limit: 1000 }, undefined, signal);
  const ofRun = items.find((each) => each.row_index !== null && each.source !== "human");
  return { span: null, scores: items.toReversed(), spanId: ofRun?.span_id ?? null };
}
