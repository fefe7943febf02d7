/** The list of traces: filtered, sorted, live. */
import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { get, Problem, type Schemas, type TraceLine } from "../api/client";
import { type LiveEvent, useLive } from "../api/live";
import { useKeys } from "../frame/keys";
import { asked, useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { plural } from "../format/units";
import { traces } from "../router";
import { ColumnChoice, columnsOf } from "./columns";
import { Export } from "./Export";
import { FilterBar, FilterExamples } from "./FilterBar";
import { keepList } from "./last";
import { LiveButton } from "./LiveButton";
import { Marked } from "./Marked";
import { keyOf, type TableHandle, TraceTable } from "./TraceTable";
import { Views } from "./views";

type Pages = InfiniteData<Schemas["Page_TraceLine_"], string | undefined>;
type Order = "-start" | "start" | "-latency" | "latency" | "-cost" | "cost" | "-tokens" | "tokens";
const ORDERS: readonly string[] = ["-start", "start", "-latency", "latency", "-cost", "cost", "-tokens", "tokens"];

export function TracesPage() {
  const search = traces.useSearch();
  const { where = "", sort = "-start", live } = search;
  const columns = useMemo(() => columnsOf(search.columns), [search.columns]);
  const [marked, setMarked] = useState<ReadonlyMap<string, TraceLine>>(new Map());
  useEffect(() => keepList({ where: search.where, sort: search.sort, live: search.live, columns: search.columns }), [search]);
  const order = (ORDERS.includes(sort) ? sort : "-start") as Order;
  const scope = useScope();
  const navigate = useNavigate({ from: "/traces" });
  const client = useQueryClient();
  const table = useRef<TableHandle>(null);
  const [newTraces, setNewTraces] = useState<ReadonlySet<string>>(new Set());

  const span = asked(scope, "all");
  const key = useMemo(
    () => ["traces", span.project, where, span.since, span.until, order] as const,
    [span.project, where, span.since, span.until, order],
  );
  const found = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      get(
        "/api/v1/traces",
        {
          where,
          project: span.project,
          since_ns: span.since,
          until_ns: span.until,
          order_by: order,
          after: pageParam,
          limit: 100,
        },
        undefined,
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: (before, query) => (query?.queryKey[2] === where ? before : undefined),
  });
  const lines = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);

  /** Load the first page anew; what was scrolled to is fetched again when it is scrolled to. */
  const refresh = useCallback(() => {
    setNewTraces(new Set());
    client.setQueryData<Pages>(key, (data) =>
      data === undefined ? data : { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) },
    );
    void client.invalidateQueries({ queryKey: key });
  }, [client, key]);

  const isLive = live !== "off";
  const onEvents = (events: LiveEvent[]) => {
    const isAtTop = (table.current?.scrolled() ?? 0) < 8;
    if (order === "-start" && isAtTop) {
      refresh();
      return;
    }
    const ids = events.map((each) => each.traceId ?? "?");
    setNewTraces((before) => new Set([...before, ...ids]));
  };
  const state = useLive(scope.project, isLive, onEvents);
  const change = (part: { where?: string | undefined; sort?: string | undefined; live?: string | undefined; columns?: string | undefined }) =>
    void navigate({ search: (now) => ({ ...now, ...part }) });
  const toggleLive = () => {
    if (!isLive) refresh();
    change({ live: isLive ? "off" : undefined });
  };
  useKeys({ p: toggleLive });
  const mark = (some: readonly TraceLine[], isMarked: boolean) =>
    setMarked((before) => {
      const next = new Map(before);
      for (const line of some) {
        if (isMarked) next.set(keyOf(line), line);
        else next.delete(keyOf(line));
      }
      return next;
    });
  const markedKeys = useMemo(() => new Set(marked.keys()), [marked]);

  const error = found.error;
  const isFilterProblem = error instanceof Problem && error.status === 400 && error.position !== null;
  const isNarrowed = where !== "" || span.since !== undefined || span.until !== undefined || span.project !== undefined;
  return (
    <div className="flex h-full flex-col">
      <h1 className="sr-only">Traces</h1>
      <div className="flex items-start gap-2 border-b border-line px-4 py-2">
        <FilterBar
          value={where}
          project={scope.project}
          problem={isFilterProblem ? error : null}
          onApply={(next) => change({ where: next || undefined })}
        />
        {newTraces.size > 0 && (
          <button
            type="button"
            className="button border-accent text-accent"
            onClick={() => {
              table.current?.toTop();
              refresh();
            }}
          >
            {newTraces.has("?") ? "Much is new" : `${plural(newTraces.size, "trace")} changed`}: show
          </button>
        )}
        <Views search={{ where: search.where, sort: search.sort, columns: search.columns }} />
        <ColumnChoice columns={columns} onChange={(next) => change({ columns: next })} />
        <Export
          asked={{ where, project: span.project, since_ns: span.since, until_ns: span.until }}
          order={order}
          columns={columns}
          lines={lines}
          hasMore={found.hasNextPage}
        />
        <LiveButton state={state} onToggle={toggleLive} />
      </div>
      {marked.size > 0 && <Marked lines={[...marked.values()]} columns={columns} onClear={() => setMarked(new Map())} />}
      {found.isPending && !found.isError ? (
        <Loading what="traces" />
      ) : isFilterProblem ? (
        <Empty title="The filter cannot be read">
          The spot is marked above. Some that can be: <br />
          <span className="mt-2 inline-block">
            <FilterExamples onApply={(next) => change({ where: next })} />
          </span>
        </Empty>
      ) : found.isError && lines.length === 0 ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : lines.length === 0 && isNarrowed ? (
        <Empty title="No trace matches">
          <p>Take a longer time or another project, or remove a part of the filter.</p>
          <button
            type="button"
            className="button mt-4"
            onClick={() =>
              void navigate({
                search: { project: undefined, within: undefined, since: undefined, until: undefined } as never,
              })
            }
          >
            Show all traces
          </button>
        </Empty>
      ) : lines.length === 0 ? (
        <Newcomer />
      ) : (
        <TraceTable
          ref={table}
          key={key.join("\n")}
          list={key.join("\n")}
          lines={lines}
          columns={columns}
          marked={markedKeys}
          onMark={mark}
          sort={order}
          showProject={!columns.some((each) => each.id === "project") && new Set(lines.map((line) => line.project)).size > 1}
          onSort={(next) => change({ sort: next === "-start" ? undefined : next })}
          hasMore={found.hasNextPage}
          isFetchingMore={found.isFetchingNextPage}
          onMore={() => void found.fetchNextPage()}
        />
      )}
    </div>
  );
}

function Newcomer() {
  const lines = [
    "import tracelm",
    "",
    'tracelm.init("my-project")',
    "",
    "@tracelm.op",
    "def answer(question: str) -> str:",
    '    return f"You asked: {question}"',
    "",
    'answer("Does it work?")',
  ];
  return (
    <Empty title="No traces yet">
      <p>Run this on the same machine. The trace appears here while it runs.</p>
      <pre className="card mx-auto mt-4 w-fit bg-panel px-5 py-3 text-left font-mono text-xs leading-5 text-ink">{lines.join("\n")}</pre>
      <p className="mt-4">
        Programs in other languages: set <code className="font-mono text-xs">OTEL_EXPORTER_OTLP_ENDPOINT={location.origin}</code>
      </p>
    </Empty>
  );
}
