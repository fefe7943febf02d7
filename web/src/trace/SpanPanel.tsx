/** All that is known of the span that is chosen. */
import { Tabs } from "@base-ui/react/tabs";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { get, getText, type SpanDetail } from "../api/client";
import { AddRows } from "../datasets/AddRows";
import { Failed, Loading } from "../frame/states";
import { type Json, parseExact } from "../format/json";
import { between } from "../format/time";
import { cost, count, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";
import { kindOf, StatusMark } from "../parts/Status";
import { Copy, Text } from "../parts/Text";
import { Attributes as AttributesTab } from "./Attributes";
import { Content } from "./Content";
import { CostTable } from "./CostTable";
import { Events } from "./Events";
import { Raw } from "./Raw";
import { replay, toFetch } from "./replay";
import { Verdicts } from "./Verdicts";

type Props = {
  traceId: string;
  project: string;
  spanId: string;
  traceStartNs: string;
  tab: string | undefined;
  onTab: (tab: string | undefined) => void;
};

export function SpanPanel({ traceId, project, spanId, traceStartNs, tab, onTab }: Props) {
  const found = useQuery({
    queryKey: ["span", traceId, project, spanId],
    queryFn: ({ signal }) =>
      get("/api/v1/traces/{trace_id}/spans/{span_id}", { project }, { trace_id: traceId, span_id: spanId }, signal),
  });
  return (
    <section aria-label="The chosen span" className="min-h-0 overflow-auto bg-ground">
      {found.isPending ? (
        <Loading what="the span" />
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <Detail span={found.data} traceStartNs={traceStartNs} tab={tab} onTab={onTab} />
      )}
    </section>
  );
}

type DetailProps = { span: SpanDetail; traceStartNs: string; tab: string | undefined; onTab: (tab: string | undefined) => void };

function Detail({ span, traceStartNs, tab, onTab }: DetailProps) {
  const [isAdding, setAdding] = useState(false);
  const isReplayable = useMemo(() => toFetch(span).length > 0 || replay(span, span.attributes as Attributes) !== null, [span]);
  const verdicts = span.scores.length + span.decisions.length;
  const hasCost = span.cost_usd !== null || span.input_tokens !== null || span.output_tokens !== null;
  const tabs: [string, string, boolean][] = [
    ["content", "Content", true],
    ["verdicts", verdicts > 0 ? `Scores ${verdicts}` : "Scores", true],
    ["cost", "Cost", hasCost],
    ["attributes", "Attributes", true],
    ["events", `Events ${span.events.length + span.links.length}`, span.events.length + span.links.length > 0],
    ["raw", "Raw", true],
  ];
  const shown = tabs.filter(([, , isThere]) => isThere);
  const chosen = shown.some(([name]) => name === tab) ? tab! : "content";
  return (
    <Tabs.Root value={chosen} onValueChange={(next) => onTab(next === "content" ? undefined : String(next))}>
      <div className="sticky top-0 z-10 border-b border-line bg-ground px-4 pt-2">
        <div className="flex items-center gap-1.5">
          <StatusMark status={span.status} state={span.state} />
          <h2 className="min-w-0 truncate font-semibold" title={oneLine(span.name, 1000)}>
            {oneLine(span.name) || "(no name)"}
          </h2>
          <span className="ml-auto font-mono text-xs text-faint max-xl:hidden">{span.span_id}</span>
          <Copy text={() => span.span_id} label="Copy id" />
          {isReplayable && <Copy text={() => python(span)} label="Copy as Python" title="Python that makes this call again" />}
          {span.op !== null && span.state === "ended" && (
            <button type="button" className="button h-6 px-1.5 text-xs text-soft" onClick={() => setAdding(true)}>
              Add to a dataset
            </button>
          )}
          <AddRows calls={[{ traceId: span.trace_id, spanId: span.span_id, project: span.project }]} isOpen={isAdding} onOpen={setAdding} />
        </div>
        <Facts span={span} traceStartNs={traceStartNs} />
        <Tabs.List className="mt-1.5 flex gap-0.5" aria-label="Of the span">
          {shown.map(([name, words]) => (
            <Tabs.Tab
              key={name}
              value={name}
              className="-mb-px border-b-2 border-transparent px-2.5 py-1.5 text-soft hover:text-ink data-active:border-accent data-active:font-medium data-active:text-accent"
            >
              {words}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </div>
      <div className="px-4 py-3">
        <Tabs.Panel value="content" tabIndex={-1}>
          <Problem span={span} />
          <Content span={span} />
        </Tabs.Panel>
        <Tabs.Panel value="verdicts" tabIndex={-1}>
          <Verdicts span={span} />
        </Tabs.Panel>
        <Tabs.Panel value="cost" tabIndex={-1}>
          <CostTable span={span} />
        </Tabs.Panel>
        <Tabs.Panel value="attributes" tabIndex={-1}>
          <AttributesTab span={span} />
        </Tabs.Panel>
        <Tabs.Panel value="events" tabIndex={-1}>
          <Events span={span} />
        </Tabs.Panel>
        <Tabs.Panel value="raw" tabIndex={-1}>
          <Raw span={span} />
        </Tabs.Panel>
      </div>
    </Tabs.Root>
  );
}

type Attributes = { [key: string]: Json };

/** The call as Python, with its large values fetched. */
async function python(span: SpanDetail): Promise<string> {
  const fetched = await Promise.all(toFetch(span).map(async (each) => [each.key, parseExact(await getText(each.href))] as const));
  const code = replay(span, { ...(span.attributes as Attributes), ...Object.fromEntries(fetched) });
  if (code === null) throw new Error("the span does not tell enough");
  return code;
}

function Facts({ span, traceStartNs }: { span: SpanDetail; traceStartNs: string }) {
  const facts: [string, React.ReactNode][] = [
    ["took", span.state === "ended" ? duration(span.duration_ns) : kindOf(span.status, span.state).words],
    ["began", <Began key="began" ns={span.start_ns} behindNs={between(traceStartNs, span.start_ns)} />],
  ];
  if (span.model !== null) facts.push(["model", oneLine(span.model, 80)]);
  if (span.provider !== null) facts.push(["provider", oneLine(span.provider, 40)]);
  if (span.input_tokens !== null || span.output_tokens !== null) {
    facts.push(["tokens", `${count(span.input_tokens ?? 0)} → ${count(span.output_tokens ?? 0)}`]);
  }
  if (span.cost_usd !== null) facts.push(["cost", <span key="cost" title={`$${span.cost_usd}`}>{cost(span.cost_usd)}</span>]);
  return (
    <dl className="mt-1 flex flex-wrap gap-x-4 gap-y-0.5">
      {facts.map(([name, value]) => (
        <div key={name} className="flex items-baseline gap-1.5">
          <dt className="label">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Began({ ns, behindNs }: { ns: string; behindNs: number }) {
  return (
    <>
      <Moment ns={ns} />
      {behindNs > 0 && (
        <span className="text-faint" title="behind the beginning of the trace">
          {" "}
          +{duration(behindNs)}
        </span>
      )}
    </>
  );
}

/** Why the span failed, or why its end is not known. */
function Problem({ span }: { span: SpanDetail }) {
  if (span.state === "in flight") {
    return (
      <p className="mb-3 rounded-md border border-accent-weak px-3 py-2 text-soft">
        This span has not ended. What it returns appears here when it has.
      </p>
    );
  }
  if (span.state === "lost") {
    return (
      <p className="mb-3 rounded-md bg-warn-ground px-3 py-2 text-warn">
        The process died before this span ended. What is shown is what was known when it began.
      </p>
    );
  }
  if (span.status !== "error") return null;
  return (
    <div className="mb-3 rounded-md bg-bad-ground px-3 py-2">
      <p className="font-mono text-xs font-semibold text-bad">{oneLine(span.error_type ?? "error", 200)}</p>
      {span.status_message !== null && span.status_message !== "" && (
        <p className="mt-0.5 whitespace-pre-wrap [overflow-wrap:anywhere]">
          <Text value={span.status_message} />
        </p>
      )}
    </div>
  );
}
