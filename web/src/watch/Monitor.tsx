/** How one monitor does: its figures over time, by model, op and release, and what fails most. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { get, type Schemas } from "../api/client";
import { quoted, scoreName } from "../format/filter";
import { said } from "../format/said";
import { type Span, useSetScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { count, mean, plural, share } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton, CsvLink } from "../parts/Download";
import { Interval, range } from "../parts/Interval";
import { Trend } from "../parts/Trend";
import { kindOf, linesOf, startsOf } from "./windows";

type Report = Schemas["MonitorReport"];
type Group = Schemas["GroupLine"];

export function Monitor({ name, span }: { name: string; span: Span }) {
  const found = useQuery({
    queryKey: ["monitor", name, span],
    queryFn: ({ signal }) =>
      get("/api/v1/monitors/{name}", { project: span.project, since_ns: span.since, until_ns: span.until, buckets: 48 }, { name }, signal),
    placeholderData: keepPreviousData,
  });
  if (found.isPending) return <Loading what="the monitor" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const report = found.data;
  if (report.windows.length === 0) {
    return <Empty title="No verdict in this time">Choose a longer time at the top right, or see whether `tracelm monitor run` is running.</Empty>;
  }
  const scores = [...new Set(report.windows.map((each) => each.score))];
  return (
    <div className="space-y-3">
      <div className={`grid gap-3 max-lg:grid-cols-1 ${scores.length > 1 ? "grid-cols-2" : ""}`}>
        {scores.map((score) => (
          <ScoreOverTime key={score} report={report} score={score} />
        ))}
      </div>
      <p className="text-xs text-faint">
        The bars are 95 % intervals; a dashed line is where another version of the scorer begins. Click a window to see the traces that failed in it; drag
        over several to look closer.
      </p>
      <div className="grid grid-cols-[minmax(0,3fr)_minmax(0,2fr)] gap-3 max-xl:grid-cols-1">
        <Failing report={report} />
        <div className="space-y-3">
          <By monitor={name} title="By model" field="model" groups={report.models} />
          <By monitor={name} title="By release" field="release" groups={report.releases} />
          <By monitor={name} title="By op" field="op" groups={report.ops} />
        </div>
      </div>
    </div>
  );
}

function ScoreOverTime({ report, score }: { report: Report; score: string }) {
  const navigate = useNavigate();
  const setScope = useSetScope();
  const starts = startsOf(report.since_ns, report.until_ns, report.window_ns);
  const kind = kindOf(report.windows, score);
  const lines = linesOf(report.windows, score, kind, starts);
  const mine = report.windows.filter((each) => each.score === score);
  const failed = mine.reduce((all, each) => all + each.errors, 0);
  const values = lines.flatMap((line) => line.points.flatMap((point) => (point === null ? [] : [point.mean, point.low, point.high])));
  const pick = (from: number, to: number) => {
    const since = starts[from]!;
    const until = String(BigInt(starts[to]!) + BigInt(report.window_ns));
    if (from !== to) setScope({ since, until, within: undefined });
    else {
      const where = kind === "pass_rate" ? `score.${scoreName(score)}:failed` : `has:score.${scoreName(score)}`;
      void navigate({ to: "/traces", search: { where, since, until, within: undefined } as never });
    }
  };
  return (
    <Trend
      title={kind === "pass_rate" ? `${score}, share that passes` : `${score}, mean`}
      sum={`${plural(mine.reduce((all, each) => all + each.n, 0), "verdict")}${failed > 0 ? `, ${failed} failed to judge` : ""}`}
      starts={starts}
      bucketNs={report.window_ns}
      lines={lines}
      range={kind === "pass_rate" ? [0, 1] : range(values)}
      show={kind === "pass_rate" ? share : mean}
      onPick={pick}
    />
  );
}

function Failing({ report }: { report: Report }) {
  return (
    <section className="card min-w-0 self-start">
      <header className="flex h-8 items-center border-b border-line bg-panel px-3">
        <h2 className="label">Inputs that fail most</h2>
        <span className="ml-auto">
          <CsvButton
            name={`${report.name} failing inputs`}
            className="label rounded hover:text-accent"
            columns={[
              { name: "input", of: (each) => each.input },
              { name: "verdicts", of: (each) => each.n },
              { name: "spans", of: (each) => each.spans },
              { name: "scores", of: (each) => each.scores.join(" ") },
              { name: "traces", of: (each) => each.trace_ids.join(" ") },
            ]}
            lines={report.failing}
          />
        </span>
      </header>
      {report.failing.length === 0 && <p className="px-3 py-3 text-faint">Nothing failed in this time.</p>}
      <ul>
        {report.failing.map((each) => (
          <li key={each.trace_ids.join()} className="border-b border-line/60 px-3 py-1.5 last:border-0">
            <p className="truncate" title={oneLine(each.input ?? "", 600)}>
              {each.input === null ? <span className="text-faint">the input was not recorded</span> : <bdi>{oneLine(said(each.input), 300)}</bdi>}
            </p>
            <p className="flex flex-wrap gap-x-3 text-xs text-soft">
              <span className="text-bad">{plural(each.n, "failure")}</span>
              {each.spans > each.n && <span title="weighted: sampled spans stand for others">stands for {count(Math.round(each.spans))} spans</span>}
              {each.scores.map((score) => (
                <span key={score}>{oneLine(score, 60)}</span>
              ))}
              <span className="ml-auto flex gap-2">
                {each.trace_ids.map((id) => (
                  <Link key={id} to="/traces/$traceId" params={{ traceId: id }} search={{ tab: "verdicts" }} className="link font-mono">
                    {id.slice(0, 8)}
                  </Link>
                ))}
              </span>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function By({ monitor, title, field, groups }: { monitor: string; title: string; field: string; groups: Group[] }) {
  if (groups.every((each) => each.key === null)) return null;
  return (
    <section className="card min-w-0 overflow-x-auto">
      <table className="w-full">
        <thead>
          <tr className="h-8 border-b border-line bg-panel text-left">
            <th className="label px-3 whitespace-nowrap">
              {title}
              <CsvLink
                name={`${monitor} ${title}`}
                columns={[
                  { name: field, of: (each) => each.key },
                  { name: "score", of: (each) => each.score },
                  { name: "version", of: (each) => each.version },
                  { name: "n", of: (each) => each.n },
                  { name: "pass_rate", of: (each) => each.pass_rate?.mean },
                  { name: "mean", of: (each) => each.mean?.mean },
                  { name: "low", of: (each) => (each.pass_rate ?? each.mean)?.low },
                  { name: "high", of: (each) => (each.pass_rate ?? each.mean)?.high },
                ]}
                lines={groups}
              />
            </th>
            <th className="label px-2">Score</th>
            <th className="label px-2 text-right">n</th>
            <th className="label px-3" colSpan={2}>
              Pass rate, or mean
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((each) => {
            const found = each.pass_rate ?? each.mean;
            const [from, to] = range([found?.mean ?? null, found?.low ?? null, found?.high ?? null]);
            return (
              <tr key={`${each.key}/${each.score}/${each.version}`} className="border-b border-line/60 last:border-0">
                <td className="max-w-40 truncate px-3 py-1">
                  {each.key === null ? (
                    <span className="text-faint">none</span>
                  ) : (
                    <Link to="/traces" search={{ where: `${field}:${quoted(each.key)}` }} className="hover:text-accent" title={oneLine(each.key, 200)}>
                      {oneLine(each.key, 60)}
                    </Link>
                  )}
                </td>
                <td className="max-w-40 truncate px-2 text-soft" title={`version ${oneLine(each.version, 80)}`}>
                  {oneLine(each.score, 60)}
                </td>
                <td className="px-2 text-right">{count(each.n)}</td>
                <td className="px-2 text-right font-medium whitespace-nowrap">{each.pass_rate === null ? mean(found?.mean) : share(each.pass_rate.mean)}</td>
                <td className="px-3">
                  <Interval mean={found?.mean ?? null} low={found?.low ?? null} high={found?.high ?? null} from={from} to={to} width={90} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
