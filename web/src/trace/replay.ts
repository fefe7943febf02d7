/** A recorded call as Python that makes it again. Recorded text goes into it as literals, never as code. */
import type { SpanDetail } from "../api/client";
import { type Json, parseContainer } from "../format/json";
import { type Message, type Part, readInstructions, readMessages } from "./messages";

type Dict = { [key: string]: Json };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const OPTIONS: [string, string][] = [
  ["gen_ai.request.temperature", "temperature"],
  ["gen_ai.request.top_p", "top_p"],
  ["gen_ai.request.max_tokens", "max_tokens"],
  ["gen_ai.request.seed", "seed"],
  ["gen_ai.request.stop_sequences", "stop"],
  ["gen_ai.request.frequency_penalty", "frequency_penalty"],
  ["gen_ai.request.presence_penalty", "presence_penalty"],
];
const KEYWORDS = new Set(
  "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield".split(" "),
);

function isDict(value: Json | undefined): value is Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(text: string): boolean {
  return NAME.test(text) && !KEYWORDS.has(text);
}

/** A value as a Python literal. */
export function literal(value: Json, indent = ""): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return String(value);
  const deeper = `${indent}    `;
  const parts = Array.isArray(value)
    ? value.map((each) => literal(each, deeper))
    : Object.entries(value).map(([key, each]) => `${quoted(key)}: ${literal(each, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const line = `${open}${parts.join(", ")}${close}`;
  if (line.length + indent.length < 88 && !line.includes("\n")) return line;
  return `${open}\n${parts.map((each) => `${deeper}${each},\n`).join("")}${indent}${close}`;
}

/** JSON's escapes are Python's; characters that hide or turn others around are escaped too, so that code reads as it runs. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu, (each) => {
    const code = each.codePointAt(0)!;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

const NEEDED = new Set(["gen_ai.input.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions", "input.value"]);

/** The values that the code needs and that were not sent along. */
export function toFetch(span: SpanDetail): SpanDetail["large"] {
  return span.large.filter((each) => each.event === null && NEEDED.has(each.key));
}

/** The code, or null where the span does not tell enough. */
export function replay(span: Pick<SpanDetail, "operation" | "op">, attributes: Dict): string | null {
  if (span.operation === "chat") return chat(attributes);
  const given = attributes["input.value"];
  const name = attributes["code.function.name"];
  const path = attributes["code.file.path"];
  const inputs = typeof given === "string" ? parseContainer(given) : given;
  if (span.op === null || typeof name !== "string" || typeof path !== "string" || !isDict(inputs)) return null;
  const module = path.split(/[\\/]/).at(-1)!.replace(/\.py$/, "");
  const short = name.split(".").at(-1)!;
  if (!isName(module) || !isName(short) || !Object.keys(inputs).every(isName)) return null;
  const args = Object.entries(inputs).map(([key, value]) => `    ${key}=${literal(value, "    ")},\n`);
  return `from ${module} import ${short}\n\n${short}(\n${args.join("")})\n`;
}

function chat(attributes: Dict): string | null {
  const model = attributes["gen_ai.request.model"];
  const messages = readMessages(attributes["gen_ai.input.messages"] ?? null);
  if (typeof model !== "string" || messages === undefined) return null;
  const system = attributes["gen_ai.system_instructions"] === undefined ? [] : (readInstructions(attributes["gen_ai.system_instructions"]) ?? []);
  const args = [`model=${literal(model)}`, `messages=${literal([...system, ...messages].flatMap(openai), "    ")}`];
  for (const [key, name] of OPTIONS) {
    const value = attributes[key];
    if (value !== undefined && value !== null) args.push(`${name}=${literal(value, "    ")}`);
  }
  const tools = attributes["gen_ai.tool.definitions"];
  const listed = typeof tools === "string" ? parseContainer(tools) : tools;
  if (Array.isArray(listed) && listed.length > 0) args.push(`tools=${literal(listed.map(tool), "    ")}`);
  const host = attributes["server.address"];
  const port = attributes["server.port"];
  const isElsewhere = typeof host === "string" && host !== "api.openai.com";
  const scheme = port === 443 || port === undefined ? "https" : "http";
  const base = isElsewhere ? `base_url=${literal(`${scheme}://${host}${port === undefined ? "" : `:${String(port)}`}/v1`)}` : "";
  return `import openai\n\nclient = openai.OpenAI(${base})\nreply = client.chat.completions.create(\n${args.map((each) => `    ${each},\n`).join("")})\nprint(reply.choices[0].message)\n`;
}

function tool(value: Json): Json {
  return isDict(value) && value.function === undefined ? { type: "function", function: without(value, "type") } : value;
}

function without(value: Dict, key: string): Dict {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

/** A message in the form that OpenAI's chat completions take; reasoning is not sent back. */
function openai(message: Message): Dict[] {
  const answers = message.parts.filter((part) => part.type === "tool_response");
  if (answers.length > 0) {
    return answers.map((part) => ({ role: "tool", tool_call_id: part.id ?? "", content: typeof part.response === "string" ? part.response : JSON.stringify(part.response) }));
  }
  const calls = message.parts.filter((part) => part.type === "tool_call");
  const content = message.parts.flatMap(contentOf);
  const texts = content.flatMap((each) => (each.type === "text" ? [each.text as string] : []));
  const found: Dict = { role: message.role, content: content.length === texts.length ? texts.join("\n") || null : content };
  if (message.name !== null) found.name = message.name;
  if (calls.length > 0) {
    found.tool_calls = calls.map((part) => ({
      id: part.id ?? "",
      type: "function",
      function: { name: part.name, arguments: typeof part.args === "string" ? part.args : JSON.stringify(part.args) },
    }));
  }
  return [found];
}

function contentOf(part: Part): Dict[] {
  if (part.type === "text" || part.type === "refusal") return [{ type: "text", text: part.content }];
  if (part.type === "media" && part.modality === "image") {
    return [{ type: "image_url", image_url: { url: `data:${part.mimeType ?? "image/png"};base64,${part.base64}` } }];
  }
  if (part.type === "reference" && part.modality === "image") return [{ type: "image_url", image_url: { url: part.words } }];
  return [];
}
