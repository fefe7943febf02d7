/** Conversations, the newest first. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get } from "../api/client";
import { asked, useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { between } from "../format/time";
import { cost, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton } from "../parts/Download";
import { Moment } from "../parts/Moment";
import { Tokens } from "../traces/columns";

export function SessionsPage() {
  const span = asked(useScope(), "7d");
  const since = span.since ?? "0";
  const found = useInfiniteQuery({
    queryKey: ["sessions", span],
    queryFn: ({ pageParam, signal }) =>
      get(
        "/api/v1/sessions",
        { project: span.project, since_ns: since, until_ns: span.until, after: pageParam, limit: 100 },
        undefined,
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  if (found.isPending) return <Loading what="sessions" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const lines = found.data.pages.flatMap((page) => page.items);
  if (lines.length === 0) {
    return (
      <Empty title="No sessions in this time">
        <p>A session holds the turns of a conversation together:</p>
        <pre className="card mx-auto mt-4 w-fit bg-panel px-5 py-3 text-left font-mono text-xs leading-5 text-ink">
          {`with tracelm.session(conversation_id, user_id=user.id):
    reply = answer(message)`}
        </pre>
      </Empty>
    );
  }
  return (
    <div className="px-4 py-3">
      <div className="mb-2 flex items-center">
        <h1 className="text-base font-semibold">Sessions</h1>
        <span className="ml-auto">
          <CsvButton
            name="sessions"
            columns={[
              { name: "session_id", of: (each) => each.session_id },
              { name: "project", of: (each) => each.project },
              { name: "user_id", of: (each) => each.user_id },
              { name: "start_ns", of: (each) => each.start_ns },
              { name: "end_ns", of: (each) => each.end_ns },
              { name: "traces", of: (each) => each.trace_count },
              { name: "failed", of: (each) => each.error_count },
              { name: "input_tokens", of: (each) => each.input_tokens },
              { name: "output_tokens", of: (each) => each.output_tokens },
              { name: "cost_usd", of: (each) => each.cost_usd },
            ]}
            lines={lines}
          />
        </span>
      </div>
      <div className="card overflow-x-auto">
        <table className="w-full">
          <thead>
            <tr className="h-8 bg-panel text-left">
              <th className="label px-3">Session</th>
              <th className="label px-2">User</th>
              <th className="label px-2">Project</th>
              <th className="label px-2">Began</th>
              <th className="label px-2 text-right">Lasted</th>
              <th className="label px-2 text-right">Traces</th>
              <th className="label px-2 text-right">Failed</th>
              <th className="label px-2 text-right">Tokens</th>
              <th className="label px-3 text-right">Cost</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={`${line.project}/${line.session_id}`} className="border-t border-line hover:bg-hover">
                <td className="max-w-72 truncate px-3 py-1 font-medium">
                  <Link to="/sessions/$sessionId" params={{ sessionId: line.session_id }} search={{}} className="hover:text-accent">
                    {oneLine(line.session_id, 120)}
                  </Link>
                </td>
                <td className="max-w-48 truncate px-2">{oneLine(line.user_id ?? "–", 80)}</td>
                <td className="max-w-48 truncate px-2 text-soft">{oneLine(line.project, 80)}</td>
                <td className="px-2 whitespace-nowrap text-soft">
                  <Moment ns={line.start_ns} />
                </td>
                <td className="px-2 text-right whitespace-nowrap">{duration(Math.max(0, between(line.start_ns, line.end_ns)))}</td>
                <td className="px-2 text-right">{line.trace_count}</td>
                <td className={`px-2 text-right ${line.error_count > 0 ? "text-bad" : "text-faint"}`}>{line.error_count}</td>
                <td className="px-2 text-right whitespace-nowrap">
                  <Tokens input={line.input_tokens} output={line.output_tokens} />
                </td>
                <td className="px-3 text-right">{cost(line.cost_usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.hasNextPage && (
        <button type="button" className="button mt-3" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show older sessions
        </button>
      )}
    </div>
  );
}
