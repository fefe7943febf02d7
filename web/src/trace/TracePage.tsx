/** One trace: its spans as tree and time line, and the span that is chosen beside it. */
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { get, type TraceLine, type TreeLine } from "../api/client";
import { useLive } from "../api/live";
import { AddRows } from "../datasets/AddRows";
import { useKeys } from "../frame/keys";
import { useScope } from "../frame/scope";
import { Empty, Failed, Loading } from "../frame/states";
import { cost, duration, plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";
import { Popup } from "../parts/Popup";
import { kindOf as statusOf, StatusMark } from "../parts/Status";
import { Copy, Text } from "../parts/Text";
import { trace as route } from "../router";
import { lastList } from "../traces/last";
import { Tokens } from "../traces/columns";
import { useLines } from "./lines";
import { type Scored, ScoreForm } from "./ScoreForm";
import { SpanPanel } from "./SpanPanel";
import { placesIn, placesOf } from "./tree";
import { Waterfall } from "./Waterfall";

/** So many lines come with the trace: more than a screen has. Of what lies behind them the outline tells the places. */
const FIRST = 100;
const RELOADS_BY_ITSELF = 2_000;
const NONE: readonly TreeLine[] = [];

/** The query of a trace: the router asks it before the page is there. */
export function traceQuery(traceId: string, project: string | undefined) {
  return queryOptions({
    queryKey: ["trace", traceId, project],
    queryFn: ({ signal }) => get("/api/v1/traces/{trace_id}", { project, limit: FIRST }, { trace_id: traceId }, signal),
  });
}

export function TracePage() {
  const { traceId } = route.useParams();
  const { project } = useScope();
  return <OneTrace key={`${traceId} ${project}`} traceId={traceId} wanted={project} />;
}

function OneTrace({ traceId, wanted }: { traceId: string; wanted: string | undefined }) {
  const { span: asked, tab } = route.useSearch();
  const navigate = useNavigate({ from: "/traces/$traceId" });
  const client = useQueryClient();
  const [isChanged, setChanged] = useState(false);
  const found = useQuery(traceQuery(traceId, wanted));
  const summary = found.data?.trace;
  const fullId = summary?.trace_id ?? traceId;
  const outline = useQuery({
    queryKey: ["trace", traceId, wanted, "outline"],
    queryFn: ({ signal }) => get("/api/v1/traces/{trace_id}/outline", { project: wanted }, { trace_id: fullId }, signal),
    enabled: found.data !== undefined && found.data.next !== null,
  });
  const places = useMemo(
    () => (outline.data !== undefined ? placesIn(outline.data) : placesOf(found.data?.spans ?? [])),
    [outline.data, found.data],
  );
  const { lines, see, error, again } = useLines(fullId, wanted, found.data?.spans ?? NONE, `${found.dataUpdatedAt} ${outline.dataUpdatedAt}`);
  const reload = () => {
    setChanged(false);
    void client.invalidateQueries({ queryKey: ["trace", traceId] });
    void client.invalidateQueries({ queryKey: ["span", traceId] });
  };
  useLive(wanted, true, (events) => {
    if (!events.some((each) => each.kind === "reset" || each.traceId === fullId)) return;
    if ((summary?.span_count ?? 0) > RELOADS_BY_ITSELF) setChanged(true);
    else reload();
  });
  useKeys({ Escape: () => void navigate({ to: "/traces", search: lastList() }) });

  if (found.isPending) return <Loading what="the trace" />;
  if (summary === undefined) return <Failed error={found.error!} again={() => void found.refetch()} />;
  if (places.length === 0) {
    return (
      <Empty title="This trace has no spans">
        They may have been deleted by retention.{" "}
        <Link to="/traces" search={{}} className="link">
          Back to the traces
        </Link>
      </Empty>
    );
  }
  const chosen = asked ?? places[0]!.key;
  const at = chosen.lastIndexOf("/");
  const problem = found.error ?? outline.error ?? error;
  return (
    <div className="flex h-full flex-col">
      <Summary trace={summary} />
      {isChanged && (
        <div className="border-b border-line bg-chosen px-4 py-1">
          This trace has changed.{" "}
          <button type="button" className="link" onClick={reload}>
            Load it again
          </button>
        </div>
      )}
      {problem !== null && (
        <Failed
          error={problem}
          again={() => {
            reload();
            again();
          }}
        />
      )}
      <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1.08fr)_minmax(0,1fr)] max-lg:grid-cols-1 max-lg:grid-rows-[45%_55%]">
        <Waterfall
          places={places}
          lines={lines}
          onSee={see}
          total={Math.max(summary.span_count, places.length)}
          trace={summary}
          chosen={chosen}
          scores={found.data!.scores}
          decisions={found.data!.decisions}
          onChoose={(next) => void navigate({ search: (now) => ({ ...now, span: next }), replace: true })}
        />
        <SpanPanel
          key={chosen}
          traceId={fullId}
          project={chosen.slice(0, at)}
          spanId={chosen.slice(at + 1)}
          traceStartNs={summary.start_ns}
          tab={tab}
          onTab={(next) => void navigate({ search: (now) => ({ ...now, tab: next }), replace: true })}
        />
      </div>
    </div>
  );
}

function Summary({ trace }: { trace: TraceLine }) {
  const status = statusOf(trace.status, trace.state);
  const [open, setOpen] = useState<"" | "add" | "score">("");
  const root: Scored = { traceId: trace.trace_id, spanId: trace.root_span_id, project: trace.project };
  return (
    <div className="border-b border-line px-4 py-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Link to="/traces" search={lastList()} className="text-faint hover:text-accent" title="Back to the traces (Escape)">
          Traces
        </Link>
        <span className="text-faint" aria-hidden="true">
          /
        </span>
        <h1 className="flex min-w-0 items-center gap-1.5 text-base font-semibold">
          <StatusMark status={trace.status} state={trace.state} />
          <span className="truncate" title={oneLine(trace.name, 1000)}>
            {oneLine(trace.name) || "(no name)"}
          </span>
        </h1>
        {trace.state !== "ended" && <span className={`chip ${status.tone}`}>{status.words}</span>}
        <span className="font-mono text-xs text-faint" title={trace.trace_id}>
          {trace.trace_id.slice(0, 8)}…
        </span>
        <Copy text={() => trace.trace_id} label="Copy id" />
        <button type="button" className="button h-6 px-1.5 text-xs text-soft" disabled={trace.state !== "ended"} onClick={() => setOpen("add")}>
          Add to a dataset
        </button>
        <button type="button" className="button h-6 px-1.5 text-xs text-soft" onClick={() => setOpen("score")}>
          Score the trace
        </button>
        <AddRows calls={[root]} isOpen={open === "add"} onOpen={(isOpen) => setOpen(isOpen ? "add" : "")} />
        <Popup title="Score the trace" isOpen={open === "score"} onOpen={(isOpen) => setOpen(isOpen ? "score" : "")}>
          <p className="mb-2 text-soft">The score goes to its root.</p>
          <ScoreForm targets={[root]} />
        </Popup>
      </div>
      <div className="mt-1 flex flex-wrap items-center gap-x-5 gap-y-1">
        <Whose trace={trace} />
        <dl className="ml-auto flex flex-wrap gap-x-5 gap-y-0.5">
          <Fact name="Began" value={<Moment ns={trace.start_ns} />} />
          <Fact name="Duration" value={trace.state === "ended" ? duration(trace.duration_ns) : trace.state} />
          <Fact name="Spans" value={trace.span_count.toLocaleString("en-US")} />
          {trace.error_count > 0 && <Fact name="Errors" value={<span className="text-bad">{trace.error_count}</span>} />}
          <Fact name="Tokens" value={<Tokens input={trace.input_tokens} output={trace.output_tokens} />} />
          <Fact name="Cost" value={cost(trace.cost_usd)} />
        </dl>
      </div>
    </div>
  );
}

function Whose({ trace }: { trace: TraceLine }) {
  const plain: [string, string | null][] = [
    ["project", trace.project],
    ["user", trace.user_id],
    ["release", trace.release],
    ["environment", trace.environment],
  ];
  return (
    <div className="flex flex-wrap gap-1.5">
      {plain.map(([name, value]) =>
        value === null ? null : (
          <span key={name} className="chip max-w-72">
            <span className="text-faint">{name}</span>
            <span className="truncate">{oneLine(value, 120)}</span>
          </span>
        ),
      )}
      {trace.session_id !== null && (
        <Link to="/sessions/$sessionId" params={{ sessionId: trace.session_id }} search={{}} className="chip max-w-72 hover:text-accent">
          <span className="text-faint">session</span>
          <span className="truncate">{oneLine(trace.session_id, 120)}</span>
        </Link>
      )}
      {trace.run_id !== null && (
        <Link to="/evaluations/$runId" params={{ runId: trace.run_id }} search={{}} className="chip hover:text-accent">
          <span className="text-faint">run</span>
          <span className="font-mono">{oneLine(trace.run_id, 40)}</span>
        </Link>
      )}
      {trace.tags.map((tag) => (
        <span key={tag} className="chip">
          <Text value={oneLine(tag, 60)} />
        </span>
      ))}
    </div>
  );
}

/** A figure with its name. */
export function Fact({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="label">{name}</dt>
      <dd className="font-medium">{value}</dd>
    </div>
  );
}

/** How many of a trace's spans are here. */
export function progress(here: number, total: number): string {
  return here < total ? `${here.toLocaleString("en-US")} of ${plural(total, "span")}` : plural(total, "span");
}
