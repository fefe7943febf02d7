/** What happened, how much it cost, how long it took, and what is failing. */
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { get, type StatsLine, type StatsTable } from "../api/client";
import { useLive } from "../api/live";
import { type Span, useScope, useSetScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { useWindow } from "../frame/window";
import { buckets } from "../format/time";
import { cost, count, duration, plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Bars } from "../parts/Bars";
import { Moment } from "../parts/Moment";
import { StatusMark } from "../parts/Status";
import { Groups } from "./Groups";
import { Scores } from "./Scores";

const BUCKETS = 60;

function startsOf(table: StatsTable): string[] {
  return buckets(table.since_ns, table.until_ns, table.bucket_ns ?? 1);
}

/** One line a bucket, with those in which nothing began. */
export function filled(table: StatsTable): (StatsLine | null)[] {
  const bucket = BigInt(table.bucket_ns ?? 1);
  const since = BigInt(table.since_ns);
  const lines: (StatsLine | null)[] = startsOf(table).map(() => null);
  for (const each of table.items) {
    if (each.start_ns !== null) lines[Number((BigInt(each.start_ns) - since) / bucket)] = each;
  }
  return lines;
}

export function HomePage() {
  const { span, isPending } = useWindow();
  const scope = useScope();
  const navigate = useNavigate();
  const setScope = useSetScope();
  const client = useQueryClient();
  const window = { project: span.project, since_ns: span.since, until_ns: span.until };
  const stats = useQuery({
    queryKey: ["stats", window],
    queryFn: ({ signal }) => get("/api/v1/stats", { ...window, buckets: BUCKETS }, undefined, signal),
    enabled: !isPending,
    placeholderData: keepPreviousData,
  });
  const whole = useQuery({
    queryKey: ["whole", window],
    queryFn: ({ signal }) => get("/api/v1/stats", { ...window, buckets: 1 }, undefined, signal),
    enabled: !isPending,
    placeholderData: keepPreviousData,
  });
  useLive(
    scope.project,
    scope.until === undefined,
    () => {
      for (const key of ["stats", "whole", "score-stats", "groups", "failing"]) void client.invalidateQueries({ queryKey: [key] });
    },
    5_000,
  );
  if (isPending || stats.isPending) return <Loading what="figures" />;
  if (stats.isError) return <Failed error={stats.error} again={() => void stats.refetch()} />;
  const table = stats.data;
  const lines = filled(table);
  const starts = startsOf(table);
  const sum = whole.data?.items[0];
  if (sum === undefined && table.items.length === 0) return <NothingYet isNarrowed={scope.within !== "all"} />;

  const pick = (from: number, to: number) => {
    const since = starts[from]!;
    const until = String(BigInt(starts[to]!) + BigInt(table.bucket_ns ?? 1));
    if (from === to) void navigate({ to: "/traces", search: { since, until, within: undefined } as never });
    else setScope({ since, until, within: undefined });
  };
  const common = { starts, bucketNs: table.bucket_ns ?? 1, onPick: pick };
  const of = (take: (line: StatsLine) => number | null) => lines.map((line) => (line === null ? null : take(line)));
  const errors = sum?.error_count ?? 0;
  const all = sum?.count ?? 0;
  return (
    <div className="space-y-3 px-4 py-3">
      <h1 className="sr-only">Home</h1>
      <div className="grid grid-cols-2 gap-3 max-lg:grid-cols-1">
        <Bars
          {...common}
          title="Traces"
          sum={`${plural(all, "trace")}, ${errors} failed${all > 0 ? ` (${((100 * errors) / all).toFixed(errors * 10 < all ? 1 : 0)} %)` : ""}`}
          kind="bars"
          show={count}
          series={[
            { name: "failed", tone: "fill-bad", dot: "fill-bad", values: of((line) => line.error_count) },
            { name: "others", tone: "fill-accent-weak", dot: "fill-accent-weak", values: of((line) => line.count - line.error_count) },
          ]}
        />
        <Bars
          {...common}
          title="Latency"
          sum={`median ${sum?.p50_ns == null ? "–" : duration(sum.p50_ns)}, 95 % within ${sum?.p95_ns == null ? "–" : duration(sum.p95_ns)}`}
          kind="lines"
          show={(value) => (value === null ? "–" : duration(value))}
          series={[
            { name: "median", tone: "stroke-accent", dot: "fill-accent", values: of((line) => line.p50_ns) },
            { name: "95 % within", tone: "stroke-bar", dot: "fill-bar", values: of((line) => line.p95_ns) },
          ]}
        />
        <Bars
          {...common}
          title="Cost"
          sum={cost(sum?.cost_usd)}
          kind="bars"
          show={cost}
          series={[{ name: "cost", tone: "fill-accent", dot: "fill-accent", values: of((line) => line.cost_usd) }]}
        />
        <Bars
          {...common}
          title="Tokens"
          sum={`${count(sum?.input_tokens)} in, ${count(sum?.output_tokens)} out`}
          kind="bars"
          show={count}
          series={[
            { name: "in", tone: "fill-accent-weak", dot: "fill-accent-weak", values: of((line) => line.input_tokens) },
            { name: "out", tone: "fill-accent", dot: "fill-accent", values: of((line) => line.output_tokens) },
          ]}
        />
      </div>
      <p className="text-xs text-faint">Click a bar to see its traces; drag over several to look closer.</p>
      <div className="grid grid-cols-3 gap-3 max-xl:grid-cols-1">
        <Groups title="By model" by="model" field="model" span={span} />
        <Groups title="By op" by="op" field="op" span={span} />
        <Failing span={span} />
      </div>
      <Scores span={span} />
    </div>
  );
}

function Failing({ span }: { span: Span }) {
  const found = useQuery({
    queryKey: ["failing", span],
    queryFn: ({ signal }) =>
      get(
        "/api/v1/traces",
        { project: span.project, since_ns: span.since, until_ns: span.until, where: "errors>0", limit: 8 },
        undefined,
        signal,
      ),
  });
  const lines = found.data?.items ?? [];
  return (
    <section className="card min-w-0">
      <header className="flex h-8 items-center border-b border-line bg-panel px-3">
        <h2 className="label">Failed last</h2>
        {lines.length > 0 && (
          <Link to="/traces" search={{ where: "errors>0" }} className="link ml-auto text-xs">
            all
          </Link>
        )}
      </header>
      {found.isPending && <p className="px-3 py-3 text-faint">Loading …</p>}
      {found.isError && <p className="px-3 py-3 text-bad">{found.error.message}</p>}
      {found.isSuccess && lines.length === 0 && <p className="px-3 py-3 text-faint">Nothing failed in this time.</p>}
      <ul>
        {lines.map((line) => (
          <li key={`${line.project}${line.trace_id}`} className="flex items-center gap-2 border-b border-line/60 px-3 py-1 last:border-0">
            <StatusMark status="error" state={line.state} />
            <Link to="/traces/$traceId" params={{ traceId: line.trace_id }} search={{}} className="max-w-[60%] min-w-0 shrink-0 truncate font-medium hover:text-accent">
              {oneLine(line.name, 60) || "(no name)"}
            </Link>
            <span className="min-w-0 truncate text-xs text-soft">{oneLine(line.status_message ?? plural(line.error_count, "failed span"), 200)}</span>
            <span className="ml-auto shrink-0 text-xs text-faint">
              <Moment ns={line.start_ns} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function NothingYet({ isNarrowed }: { isNarrowed: boolean }) {
  return (
    <Empty title={isNarrowed ? "Nothing was recorded in this time" : "Nothing was recorded yet"}>
      {isNarrowed && <p>Choose a longer time at the top right.</p>}
      <p>
        <Link to="/traces" search={{}} className="link">
          The traces
        </Link>{" "}
        page says how to record the first one.
      </p>
    </Empty>
  );
}
