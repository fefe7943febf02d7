/** The alerts of a monitor: where they stand, and what they have said, episode by episode. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get, Problem, type Schemas } from "../api/client";
import { type Span, useScope } from "../frame/scope";
import { Failed } from "../frame/states";
import { between } from "../format/time";
import { count, duration, figure } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton, CsvLink } from "../parts/Download";
import { Moment } from "../parts/Moment";
import { type Episode, episodesOf, failing, timeOf, told } from "./episodes";

type Standing = Schemas["AlertLine"];
type Figures = Pick<Standing, "value" | "low" | "high" | "n">;

const STATUS: Record<Standing["status"], [string, string]> = {
  ok: ["● ok", "bg-good-ground text-good"],
  firing: ["▲ firing", "bg-bad-ground text-bad"],
  "no data": ["◌ no data", "bg-warn-ground text-warn"],
};

export function Alerts({ monitor, span }: { monitor: string; span: Span }) {
  const standing = useQuery({
    queryKey: ["alerts", monitor, "standing"],
    queryFn: ({ signal }) => get("/api/v1/alerts/standing", { monitor }, undefined, signal),
  });
  const history = useInfiniteQuery({
    queryKey: ["alerts", monitor, span.since, span.until],
    queryFn: ({ pageParam, signal }) =>
      get("/api/v1/alerts", { monitor, since_ns: span.since, until_ns: span.until, after: pageParam, limit: 200 }, undefined, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  const error = standing.error ?? history.error;
  if (error instanceof Problem && error.status === 403) {
    return <p className="text-faint">Alerts belong to no project: a key for all projects shows them.</p>;
  }
  if (error !== null) {
    return (
      <Failed
        error={error}
        again={() => {
          void standing.refetch();
          void history.refetch();
        }}
      />
    );
  }
  if (standing.data === undefined || history.data === undefined) return null;
  const episodes = episodesOf(history.data.pages.flatMap((page) => page.items));
  if (standing.data.items.length === 0 && episodes.length === 0) {
    return (
      <p className="text-faint">
        This monitor has no alert. <code className="font-mono text-xs">alerts=[tracelm.Alert(&quot;pass_rate &lt; 95%&quot;, window=&quot;1h&quot;)]</code> makes one.
      </p>
    );
  }
  return (
    <section aria-labelledby="alerts-title" className="space-y-3">
      <h2 id="alerts-title" className="text-base font-semibold">
        Alerts
      </h2>
      {standing.data.items.length > 0 && <StandingTable lines={standing.data.items} />}
      {/* While the answer before still stands for the next one, that one has no time yet: then that of the other question. */}
      <History monitor={monitor} episodes={episodes} nowNs={BigInt(history.dataUpdatedAt || standing.dataUpdatedAt) * 1_000_000n} />
      {history.hasNextPage && (
        <button type="button" className="button" disabled={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
          Show earlier ones
        </button>
      )}
    </section>
  );
}

function figures(of: Figures): string {
  if (of.value === null) return `no figure from ${count(of.n)}`;
  const ends = of.low === null || of.high === null ? "" : ` (${figure(of.low)} to ${figure(of.high)})`;
  return `${figure(of.value)}${ends} from ${count(of.n)}`;
}

function StandingTable({ lines }: { lines: Standing[] }) {
  return (
    <div className="card overflow-x-auto">
      <table className="w-full">
        <caption className="sr-only">Where the alerts stand</caption>
        <thead>
          <tr className="h-8 border-b border-line bg-panel text-left">
            <th className="label px-3">
              Alert
              <CsvLink
                name={`${lines[0]!.monitor} standing`}
                columns={[
                  { name: "alert", of: (each) => each.alert },
                  { name: "condition", of: (each) => each.condition },
                  { name: "severity", of: (each) => each.severity },
                  { name: "score", of: (each) => each.score },
                  { name: "status", of: (each) => each.status },
                  { name: "since_ns", of: (each) => each.since_ns },
                  { name: "looked_ns", of: (each) => each.looked_ns },
                  { name: "value", of: (each) => each.value },
                  { name: "low", of: (each) => each.low },
                  { name: "high", of: (each) => each.high },
                  { name: "n", of: (each) => each.n },
                ]}
                lines={lines}
              />
            </th>
            <th className="label px-2">Score</th>
            <th className="label px-2">Stands</th>
            <th className="label px-2">Since</th>
            <th className="label px-2">Figure, its interval, and of how many verdicts</th>
            <th className="label px-3">Looked at</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((each) => {
            const [words, tone] = STATUS[each.status];
            return (
              <tr key={`${each.alert}/${each.score}`} className="border-b border-line/60 last:border-0">
                <td className="px-3 py-1">
                  <Name of={each} />
                </td>
                <td className="px-2 text-soft">{oneLine(each.score, 60)}</td>
                <td className="px-2 whitespace-nowrap">
                  <span className={`chip ${tone}`}>{words}</span>
                </td>
                <td className="px-2 whitespace-nowrap text-soft">
                  <Moment ns={each.since_ns} />
                </td>
                <td className="px-2 whitespace-nowrap">{figures(each)}</td>
                <td className="px-3 whitespace-nowrap text-soft">
                  <Moment ns={each.looked_ns} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Name({ of }: { of: Pick<Standing, "alert" | "condition" | "severity"> }) {
  return (
    <>
      <span className={`chip mr-1.5 ${of.severity === "critical" ? "bg-bad-ground text-bad" : "bg-warn-ground text-warn"}`}>{of.severity}</span>
      <span className="font-medium">{oneLine(of.alert, 80)}</span>
      {of.alert !== of.condition && <span className="ml-1.5 font-mono text-xs text-soft">{oneLine(of.condition, 120)}</span>}
    </>
  );
}

function History({ monitor, episodes, nowNs }: { monitor: string; episodes: Episode[]; nowNs: bigint }) {
  if (episodes.length === 0) return <p className="text-faint">No alert was raised in this time.</p>;
  return (
    <div className="card overflow-x-auto">
      <table className="w-full">
        <caption className="sr-only">What alerts have said</caption>
        <thead>
          <tr className="h-8 border-b border-line bg-panel text-left">
            <th className="label px-3">Raised</th>
            <th className="label px-2">Over</th>
            <th className="label px-2">Alert</th>
            <th className="label px-2">Score</th>
            <th className="label px-2">Figure then</th>
            <th className="label px-2">Told</th>
            <th className="label px-3 text-right">
              <CsvButton
                name={`${monitor} alerts`}
                className="label rounded hover:text-accent"
                columns={[
                  { name: "raised_ns", of: (each) => each.raisedNs },
                  { name: "over_ns", of: (each) => each.overNs },
                  { name: "kind", of: (each) => each.kind },
                  { name: "severity", of: (each) => each.severity },
                  { name: "alert", of: (each) => each.alert },
                  { name: "condition", of: (each) => each.condition },
                  { name: "score", of: (each) => each.score },
                  { name: "value", of: (each) => each.notices.at(-1)!.value },
                  { name: "low", of: (each) => each.notices.at(-1)!.low },
                  { name: "high", of: (each) => each.notices.at(-1)!.high },
                  { name: "n", of: (each) => each.notices.at(-1)!.n },
                  { name: "told", of: (each) => told(each).map(([sink, problem]) => (problem === null ? sink : `${sink}: ${problem}`)).join("; ") },
                ]}
                lines={episodes}
              />
            </th>
          </tr>
        </thead>
        <tbody>
          {episodes.map((each) => (
            <EpisodeLine key={each.key} episode={each} nowNs={nowNs} />
          ))}
        </tbody>
      </table>
      <NotThere episodes={episodes} />
    </div>
  );
}

/** What helps where somebody was not told. */
function NotThere({ episodes }: { episodes: Episode[] }) {
  const all = episodes.flatMap(told);
  const isWaiting = all.some(([, problem]) => problem === "waiting");
  const failed = new Map(all.filter(([, problem]) => problem !== null && problem !== "waiting"));
  if (failed.size === 0 && !isWaiting) return null;
  return (
    <div role="note" className="border-t border-line bg-panel px-3 py-1.5 text-soft">
      {failed.size > 0 && (
        <>
          <p>A notice that did not arrive is not sent again; the next one goes there anew. See that these can be reached from where the monitor runs:</p>
          <ul>
            {[...failed].map(([sink, problem]) => (
              <li key={sink}>
                <span className="font-medium text-bad">{oneLine(sink, 40)}</span>: {oneLine(problem!, 300)}
              </li>
            ))}
          </ul>
        </>
      )}
      {isWaiting && (
        <p>
          What waits goes out when <code className="font-mono text-xs">tracelm monitor run</code> looks next: see that it runs.
        </p>
      )}
    </div>
  );
}

function EpisodeLine({ episode, nowNs }: { episode: Episode; nowNs: bigint }) {
  const { project } = useScope();
  const shared = { project, within: undefined };
  const chart = { name: episode.monitor, ...shared, ...timeOf(episode, nowNs, 3) };
  const rows = { where: failing(episode), ...shared, ...timeOf(episode, nowNs, 0) };
  const still = episode.notices.filter((each) => each.kind === "still").length;
  return (
    <tr className="border-b border-line/60 last:border-0 hover:bg-hover">
      <td className="px-3 py-1 whitespace-nowrap">
        <Moment ns={episode.raisedNs} />
      </td>
      <td className="px-2 whitespace-nowrap">
        {episode.overNs === null ? (
          <span className="chip bg-bad-ground text-bad">▲ goes on</span>
        ) : (
          <>
            <span className="chip bg-good-ground text-good">● over</span> <Moment ns={episode.overNs} /> <span className="text-faint">after {duration(between(episode.raisedNs, episode.overNs))}</span>
          </>
        )}
      </td>
      <td className="px-2">
        <Name of={episode} />
        {episode.kind === "no data" && <span className="chip ml-1.5">no data</span>}
        {still > 0 && <span className="chip ml-1.5" title="how often it was told again that it goes on">told {still + 1} times</span>}
      </td>
      <td className="px-2 text-soft">{oneLine(episode.score, 60)}</td>
      <td className="px-2 whitespace-nowrap">{figures(episode.notices.at(-1)!)}</td>
      <td className="px-2">
        {told(episode).map(([sink, problem]) => (
          <span key={sink} className={`chip mr-1 ${problem === null ? "text-good" : problem === "waiting" ? "text-warn" : "bg-bad-ground text-bad"}`} title={problem === null ? "arrived" : oneLine(problem, 500)}>
            {oneLine(sink, 40)} {problem === null ? "✓" : problem === "waiting" ? "waits" : `✕ ${oneLine(problem, 60)}`}
          </span>
        ))}
      </td>
      <td className="px-3 text-right whitespace-nowrap">
        <Link to="/monitors" search={chart as never} className="link mr-3">
          Chart
        </Link>
        <Link to="/traces" search={rows as never} className="link">
          {/^(mean|n)\b/.test(episode.condition) ? "Traces" : "Failed traces"}
        </Link>
      </td>
    </tr>
  );
}
