/** What happened within a span, and the spans it points to. */
import { Link } from "@tanstack/react-router";

import type { Schemas, SpanDetail } from "../api/client";
import type { Json } from "../format/json";
import { between } from "../format/time";
import { duration, size } from "../format/units";
import { oneLine } from "../format/visible";
import { Moment } from "../parts/Moment";
import { Copy, LongText, Text } from "../parts/Text";
import { LargeValue, Value } from "../parts/Value";
import { Table } from "./Attributes";

type Event = Schemas["Event"];

export function Events({ span }: { span: SpanDetail }) {
  return (
    <div className="space-y-4">
      {span.events.map((event, n) => (
        // oxlint-disable-next-line react/no-array-index-key -- events have their place only
        <section key={n} className="card px-3 py-2">
          <header className="mb-1 flex items-center gap-2">
            <h3 className="font-medium">{oneLine(event.name, 200)}</h3>
            <span className="ml-auto text-faint">
              <Moment ns={event.time_ns} /> +{duration(Math.max(0, between(span.start_ns, event.time_ns)))}
            </span>
          </header>
          {event.name === "exception" ? <Exception event={event} /> : <Table entries={Object.entries(event.attributes as Record<string, Json>)} />}
          {span.large
            .filter((each) => each.event === n)
            .map((each) => (
              <div key={each.key} className="mt-2">
                <h4 className="label">
                  <Text value={each.key} /> ({size(each.size_bytes)})
                </h4>
                <LargeValue large={each}>{(value) => <Value value={value} />}</LargeValue>
              </div>
            ))}
          {event.dropped_attributes > 0 && <p className="text-warn">{event.dropped_attributes} attributes were dropped.</p>}
        </section>
      ))}
      {span.dropped_events > 0 && <p className="text-warn">{span.dropped_events} more events were dropped by the sender&apos;s limits.</p>}
      {span.links.length > 0 && (
        <section>
          <h3 className="label mb-1">Links to other spans</h3>
          <ul>
            {span.links.map((link) => (
              <li key={`${link.trace_id}${link.span_id}`} className="border-t border-line py-1">
                <Link
                  to="/traces/$traceId"
                  params={{ traceId: link.trace_id }}
                  search={{}}
                  className="link font-mono text-xs"
                >
                  {oneLine(link.trace_id, 40)} / {oneLine(link.span_id, 20)}
                </Link>
                {Object.keys(link.attributes).length > 0 && <Table entries={Object.entries(link.attributes as Record<string, Json>)} />}
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Exception({ event }: { event: Event }) {
  const text = (key: string) => (typeof event.attributes[key] === "string" ? event.attributes[key] : "");
  const stack = text("exception.stacktrace");
  const known = ["exception.type", "exception.message", "exception.stacktrace"];
  const rest = Object.entries(event.attributes as Record<string, Json>).filter(([key]) => !known.includes(key));
  return (
    <>
      <p className="font-mono text-xs font-semibold text-bad">
        <Text value={text("exception.type")} />
      </p>
      <LongText value={text("exception.message")} />
      {stack !== "" && (
        <div className="relative mt-2 overflow-x-auto rounded bg-panel px-2.5 py-1.5">
          <div className="absolute top-1 right-1">
            <Copy text={() => stack} />
          </div>
          <LongText value={stack} mono />
        </div>
      )}
      {rest.length > 0 && <Table entries={rest} />}
    </>
  );
}
