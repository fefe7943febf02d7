/** Chat messages as OpenTelemetry's GenAI conventions have them; read with care, as a trace may hold anything. */
import { type Json, parseContainer } from "../format/json";

export type Part =
  | { type: "text" | "reasoning" | "refusal"; content: string }
  | { type: "tool_call"; id: string | null; name: string; args: Json }
  | { type: "tool_response"; id: string | null; response: Json }
  | { type: "media"; modality: string; mimeType: string | null; base64: string }
  | { type: "reference"; modality: string; words: string }
  | { type: "other"; value: Json };
export type Message = { role: string; name: string | null; finish: string | null; parts: Part[] };

type Dict = { [key: string]: Json };

function isDict(value: Json | undefined): value is Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function part(value: Json): Part {
  if (typeof value === "string") return { type: "text", content: value };
  if (!isDict(value)) return { type: "other", value };
  const content = text(value.content);
  switch (value.type) {
    case "text":
    case "reasoning":
    case "refusal":
      return content === null ? { type: "other", value } : { type: value.type, content };
    case "tool_call":
    case "server_tool_call":
      return {
        type: "tool_call",
        id: text(value.id),
        name: text(value.name) ?? "tool",
        args: value.arguments ?? value.server_tool_call ?? null,
      };
    case "tool_call_response":
    case "server_tool_call_response":
      return {
        type: "tool_response",
        id: text(value.id),
        response: value.response ?? value.result ?? value.server_tool_call_response ?? null,
      };
    case "blob":
      return content === null
        ? { type: "other", value }
        : { type: "media", modality: text(value.modality) ?? "file", mimeType: text(value.mime_type), base64: content };
    case "uri":
      return { type: "reference", modality: text(value.modality) ?? "file", words: text(value.uri) ?? "" };
    case "file":
      return { type: "reference", modality: text(value.modality) ?? "file", words: text(value.file_id) ?? "" };
    default:
      return { type: "other", value };
  }
}

function message(value: Json): Message | null {
  if (!isDict(value)) return null;
  const listed = Array.isArray(value.parts) ? value.parts : value.content === undefined ? [] : [value.content];
  return {
    role: text(value.role) ?? "message",
    name: text(value.name),
    finish: text(value.finish_reason),
    parts: (listed as Json[]).map(part),
  };
}

/** Read messages; undefined where the value is none. */
export function readMessages(value: Json): Message[] | undefined {
  const listed = typeof value === "string" ? parseContainer(value) : value;
  if (!Array.isArray(listed)) return undefined;
  const found = listed.map(message);
  return found.every((each) => each !== null) ? found : undefined;
}

/** Read instructions that stand beside the messages: parts without a role. */
export function readInstructions(value: Json): Message[] | undefined {
  const listed = typeof value === "string" ? (parseContainer(value) ?? [value]) : value;
  if (!Array.isArray(listed)) return undefined;
  return [{ role: "system", name: null, finish: null, parts: (listed as Json[]).map(part) }];
}

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const SOUNDS = new Set(["audio/wav", "audio/mpeg", "audio/mp3", "audio/ogg", "audio/webm"]);

/** A data URL of an inline image or sound; null for anything that might be more than pixels or sound, such as SVG. */
export function dataUrl(media: { mimeType: string | null; base64: string }): { kind: "image" | "audio"; url: string } | null {
  const kind = media.mimeType?.toLowerCase() ?? "";
  const isInline = /^[A-Za-z0-9+/]+={0,2}$/.test(media.base64) && media.base64.length < 20_000_000;
  if (!isInline) return null;
  if (IMAGES.has(kind)) return { kind: "image", url: `data:${kind};base64,${media.base64}` };
  return SOUNDS.has(kind) ? { kind: "audio", url: `data:${kind};base64,${media.base64}` } : null;
}
