/** One conversation: its traces in order, each with what was said. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get, type TraceLine } from "../api/client";
import { useLive } from "../api/live";
import { useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { quoted } from "../format/filter";
import { said } from "../format/said";
import { cost, duration, plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";
import { StatusMark } from "../parts/Status";
import { Text } from "../parts/Text";
import { session as route } from "../router";

export function SessionPage() {
  const { sessionId } = route.useParams();
  const { project } = useScope();
  const where = `session:${quoted(sessionId)}`;
  const found = useInfiniteQuery({
    queryKey: ["session-traces", sessionId, project],
    queryFn: ({ pageParam, signal }) =>
      get("/api/v1/traces", { project, where, order_by: "start", after: pageParam, limit: 100 }, undefined, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  useLive(project, true, () => void found.refetch(), 2_000);
  if (found.isPending) return <Loading what="the session" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const turns = found.data.pages.flatMap((page) => page.items);
  if (turns.length === 0) {
    return (
      <Empty title="No trace belongs to this session">
        <Link to="/sessions" search={{}} className="link">
          Back to the sessions
        </Link>
      </Empty>
    );
  }
  const user = turns.find((each) => each.user_id !== null)?.user_id;
  return (
    <div className="mx-auto max-w-4xl px-4 py-3">
      <div className="mb-3 flex flex-wrap items-baseline gap-3">
        <Link to="/sessions" search={{}} className="text-faint hover:text-accent">
          Sessions
        </Link>
        <span className="text-faint" aria-hidden="true">
          /
        </span>
        <h1 className="text-base font-semibold">{oneLine(sessionId, 120)}</h1>
        {user != null && <span className="chip">user {oneLine(user, 80)}</span>}
        <Link to="/traces" search={{ where }} className="link ml-auto">
          {plural(turns.length, "trace")}
          {found.hasNextPage ? " and more" : ""}
        </Link>
      </div>
      <ol className="space-y-3">
        {turns.map((turn) => (
          <Turn key={`${turn.project}${turn.trace_id}`} turn={turn} />
        ))}
      </ol>
      {found.hasNextPage && (
        <button type="button" className="button mt-3" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show later turns
        </button>
      )}
    </div>
  );
}

function Turn({ turn }: { turn: TraceLine }) {
  return (
    <li className="card overflow-hidden">
      <header className="flex items-center gap-2 border-b border-line bg-panel px-3 py-1">
        <StatusMark status={turn.status} state={turn.state} />
        <Link to="/traces/$traceId" params={{ traceId: turn.trace_id }} search={{}} className="font-medium hover:text-accent">
          {oneLine(turn.name, 100) || "(no name)"}
        </Link>
        <span className="ml-auto flex gap-3 text-xs text-soft">
          <span>{turn.state === "ended" ? duration(turn.duration_ns) : turn.state}</span>
          <span>{cost(turn.cost_usd)}</span>
          <Moment ns={turn.start_ns} />
        </span>
      </header>
      <Said who="in" text={turn.input_preview} />
      <Said who="out" text={turn.status === "error" ? (turn.status_message ?? turn.output_preview) : turn.output_preview} isBad={turn.status === "error"} />
    </li>
  );
}

function Said({ who, text, isBad = false }: { who: string; text: string | null; isBad?: boolean }) {
  if (text === null || text === "") return null;
  return (
    <div className={`grid grid-cols-[2.5rem_1fr] gap-2 px-3 py-1.5 ${who === "out" ? "border-t border-line/60" : ""}`}>
      <span className="label pt-px">{who}</span>
      <span className={`line-clamp-6 whitespace-pre-wrap [overflow-wrap:anywhere] ${isBad ? "text-bad" : ""}`}>
        <Text value={said(text)} />
      </span>
    </div>
  );
}
