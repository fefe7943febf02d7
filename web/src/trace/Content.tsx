/** What went into a span and what came out. */
import type { SpanDetail } from "../api/client";
import type { Json } from "../format/json";
import { type Found, foundIn } from "../parts/Marked";
import { LargeValue, Value } from "../parts/Value";
import { Chat } from "./Chat";
import { readInstructions, readMessages } from "./messages";

type Form = "messages" | "instructions" | "input" | "output" | "json" | "text";
type Section = { key: string; title: string; form: Form };

const SECTIONS: Section[] = [
  { key: "gen_ai.system_instructions", title: "Instructions", form: "instructions" },
  { key: "gen_ai.input.messages", title: "Messages", form: "messages" },
  { key: "gen_ai.retrieval.query.text", title: "Query", form: "text" },
  { key: "gen_ai.tool.call.arguments", title: "Arguments", form: "json" },
  { key: "input.value", title: "Input", form: "input" },
  { key: "gen_ai.output.messages", title: "Answer", form: "messages" },
  { key: "gen_ai.retrieval.documents", title: "Documents", form: "json" },
  { key: "gen_ai.tool.call.result", title: "Result", form: "json" },
  { key: "output.value", title: "Output", form: "output" },
  { key: "gen_ai.tool.definitions", title: "Tools that were offered", form: "json" },
];

/** The attributes that this view shows; the others stand under Attributes. */
export const CONTENT_KEYS: ReadonlySet<string> = new Set(SECTIONS.map((section) => section.key));

/** A value of a span, wherever it is: sent along, or to be fetched. */
function SectionOf({ span, section }: { span: SpanDetail; section: Section }) {
  const value = (span.attributes as Record<string, Json>)[section.key];
  const large = span.large.find((each) => each.key === section.key && each.event === null);
  if (value === undefined && large === undefined) return null;
  const show = (each: Json) => <Shown value={each} form={section.form} span={span} />;
  return (
    <section className="mb-4">
      <h3 className="label mb-1.5 flex h-6 items-center">{section.title}</h3>
      {large === undefined ? show(value!) : <LargeValue large={large}>{show}</LargeValue>}
    </section>
  );
}

function Shown({ value, form, span }: { value: Json; form: Form; span: SpanDetail }) {
  if (form === "messages" || form === "instructions") {
    const messages = form === "messages" ? readMessages(value) : readInstructions(value);
    return messages === undefined ? <Value value={value} isJson /> : <Chat messages={messages} />;
  }
  const isJson = form === "json" || span.attributes[`${form}.mime_type`] === "application/json";
  return <Value value={value} isJson={isJson} found={form === "output" ? foundInOutput(span) : []} />;
}

/** What was found in the output, as far as that is recorded as it was judged: neither refused nor replaced. */
function foundInOutput(span: SpanDetail): Found[] {
  const byScorers = span.scores.filter((each) => each.source !== "guardrail").map((each) => each.details.spans);
  const byGuardrails = span.decisions
    .filter((each) => each.attributes["tracelm.guardrail.side"] !== "input" && ["allow", "warn"].includes(each.taken ?? ""))
    .map((each) => each.attributes["tracelm.guardrail.spans"]);
  return [...byScorers, ...byGuardrails].flatMap(foundIn);
}

export function Content({ span }: { span: SpanDetail }) {
  const keys = new Set([...Object.keys(span.attributes), ...span.large.map((each) => each.key)]);
  if (!SECTIONS.some((section) => keys.has(section.key))) {
    return <p className="text-faint">No content was recorded for this span. Its attributes say what else is known.</p>;
  }
  return SECTIONS.map((section) => <SectionOf key={section.key} span={span} section={section} />);
}
