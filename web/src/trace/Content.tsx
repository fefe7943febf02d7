/** What went into a span and what came out. */
import type { ReactNode } from "react";

import type { SpanDetail } from "../api/client";
import type { Json } from "../format/json";
import { type Found, foundIn } from "../parts/Marked";
import { JsonTree } from "../parts/JsonTree";
import { LargeValue, read, Value } from "../parts/Value";
import { Chat } from "./Chat";
import { readInstructions, readMessages } from "./messages";

/** The attributes that this view shows; the others stand under Attributes. */
export const CONTENT_KEYS: ReadonlySet<string> = new Set([
  "input.value",
  "output.value",
  "gen_ai.system_instructions",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.tool.definitions",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.retrieval.query.text",
  "gen_ai.retrieval.documents",
]);

type Section = { key: string; title: string; show: (value: Json) => ReactNode };

/** A value of a span, wherever it is: sent along, or to be fetched. */
function SectionOf({ span, section }: { span: SpanDetail; section: Section }) {
  const value = (span.attributes as Record<string, Json>)[section.key];
  const large = span.large.find((each) => each.key === section.key && each.event === null);
  if (value === undefined && large === undefined) return null;
  return (
    <section className="mb-4">
      <h3 className="label mb-1.5 flex h-6 items-center">{section.title}</h3>
      {large === undefined ? section.show(value!) : <LargeValue large={large}>{section.show}</LargeValue>}
    </section>
  );
}

function asMessages(value: Json): ReactNode {
  const messages = readMessages(value);
  return messages === undefined ? <Value value={value} isJson /> : <Chat messages={messages} />;
}

function asInstructions(value: Json): ReactNode {
  const messages = readInstructions(value);
  return messages === undefined ? <Value value={value} isJson /> : <Chat messages={messages} />;
}

/** The places that scorers found in the output, as far as it is recorded as it was judged. */
function foundInOutput(span: SpanDetail): Found[] {
  return span.scores.flatMap((each) => (each.source === "guardrail" ? [] : foundIn(each.details.spans)));
}

export function Content({ span }: { span: SpanDetail }) {
  const attributes = span.attributes as Record<string, Json>;
  const isJson = (side: string) => attributes[`${side}.mime_type`] === "application/json";
  const found = foundInOutput(span);
  const sections: Section[] = [
    { key: "gen_ai.system_instructions", title: "Instructions", show: asInstructions },
    { key: "gen_ai.input.messages", title: "Messages", show: asMessages },
    { key: "gen_ai.retrieval.query.text", title: "Query", show: (value) => <Value value={value} /> },
    { key: "gen_ai.tool.call.arguments", title: "Arguments", show: (value) => <Value value={value} isJson /> },
    { key: "input.value", title: "Input", show: (value) => <Value value={value} isJson={isJson("input")} /> },
    { key: "gen_ai.output.messages", title: "Answer", show: asMessages },
    { key: "gen_ai.retrieval.documents", title: "Documents", show: (value) => <Value value={value} isJson /> },
    { key: "gen_ai.tool.call.result", title: "Result", show: (value) => <Value value={value} isJson /> },
    { key: "output.value", title: "Output", show: (value) => <Value value={value} isJson={isJson("output")} found={found} /> },
    { key: "gen_ai.tool.definitions", title: "Tools that were offered", show: (value) => <ToolDefinitions value={value} /> },
  ];
  const keys = new Set([...Object.keys(attributes), ...span.large.map((each) => each.key)]);
  if (!sections.some((section) => keys.has(section.key))) {
    return <p className="text-faint">No content was recorded for this span. Its attributes say what else is known.</p>;
  }
  return (
    <>
      {sections.map((section) => (
        <SectionOf key={section.key} span={span} section={section} />
      ))}
    </>
  );
}

function ToolDefinitions({ value }: { value: Json }) {
  const shown = read(value, true);
  return typeof shown === "object" && shown !== null ? <JsonTree value={shown} /> : <Value value={value} />;
}
