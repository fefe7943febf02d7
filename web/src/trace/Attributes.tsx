/** The attributes of a span, and of the process and library that made it. */
import { useState } from "react";

import type { SpanDetail } from "../api/client";
import type { Json } from "../format/json";
import { size } from "../format/units";
import { JsonTree } from "../parts/JsonTree";
import { LongText, Text } from "../parts/Text";
import { LargeValue, read, Value } from "../parts/Value";
import { CONTENT_KEYS } from "./Content";

export function Attributes({ span }: { span: SpanDetail }) {
  const [wanted, setWanted] = useState("");
  const needle = wanted.toLowerCase();
  const all = Object.entries(span.attributes as Record<string, Json>).filter(([key]) => !CONTENT_KEYS.has(key));
  const shown = all.filter(
    ([key, value]) => needle === "" || key.toLowerCase().includes(needle) || String(value).toLowerCase().includes(needle),
  );
  const large = span.large.filter((each) => each.event === null && !CONTENT_KEYS.has(each.key));
  return (
    <>
      {all.length > 8 && (
        <input
          type="search"
          aria-label="Search the attributes"
          placeholder="Search names and values"
          className="field mb-2 w-64"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      )}
      <Table entries={shown} />
      {large.map((each) => (
        <section key={each.key} className="mt-3">
          <h3 className="mb-1 font-mono text-xs text-soft">
            <Text value={each.key} /> <span className="chip">{size(each.size_bytes)}</span>
          </h3>
          <LargeValue large={each}>{(value) => <Value value={value} isJson />}</LargeValue>
        </section>
      ))}
      {span.dropped_attributes > 0 && (
        <p className="mt-2 text-warn">{span.dropped_attributes} more were dropped by the sender&apos;s limits.</p>
      )}
      <h3 className="label mt-5 mb-1">Process</h3>
      <Table entries={Object.entries(span.resource.attributes as Record<string, Json>)} />
      <h3 className="label mt-5 mb-1">Library</h3>
      <Table
        entries={[
          ["name", span.scope.name],
          ["version", span.scope.version],
          ...Object.entries(span.scope.attributes as Record<string, Json>),
        ]}
      />
    </>
  );
}

/** Names and values, one a line. */
export function Table({ entries }: { entries: [string, Json][] }) {
  if (entries.length === 0) return <p className="text-faint">none</p>;
  return (
    <dl className="border-t border-line">
      {entries.map(([key, value]) => {
        const shown = typeof value === "string" ? read(value, false) : value;
        return (
          <div key={key} className="grid grid-cols-[minmax(9rem,2fr)_3fr] gap-3 border-b border-line py-1">
            <dt className="font-mono text-xs [overflow-wrap:anywhere] text-soft">
              <Text value={key} />
            </dt>
            <dd className="min-w-0 font-mono text-xs">
              {typeof shown === "object" && shown !== null ? <JsonTree value={shown} /> : <LongText value={String(shown)} mono />}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
