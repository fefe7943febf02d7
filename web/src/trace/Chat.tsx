/** Messages as a conversation. */
import { useState } from "react";

import { size } from "../format/units";
import { oneLine } from "../format/visible";
import { JsonTree } from "../parts/JsonTree";
import { Copy, LongText, Text } from "../parts/Text";
import { read } from "../parts/Value";
import { dataUrl, type Message, type Part } from "./messages";

const TONES: Record<string, string> = {
  system: "border-l-edge bg-panel",
  developer: "border-l-edge bg-panel",
  user: "border-l-bar bg-raised",
  assistant: "border-l-accent bg-raised",
  tool: "border-l-warn bg-raised",
};

export function Chat({ messages }: { messages: Message[] }) {
  const [shown, setShown] = useState(60);
  const hidden = Math.max(0, messages.length - shown);
  return (
    <div className="space-y-1.5">
      {hidden > 0 && (
        <button type="button" className="button" onClick={() => setShown(shown + 200)}>
          Show earlier messages ({hidden.toLocaleString("en-US")})
        </button>
      )}
      {messages.slice(hidden).map((message, n) => (
        <article
          // oxlint-disable-next-line react/no-array-index-key -- messages have their place only
          key={hidden + n}
          className={`rounded-md border border-l-[3px] border-line px-3 py-1.5 ${TONES[message.role] ?? "bg-raised"}`}
        >
          <header className="flex items-center gap-2">
            <span className="label">{oneLine(message.role, 40)}</span>
            {message.name !== null && <span className="chip">{oneLine(message.name, 60)}</span>}
            {message.finish !== null && message.finish !== "stop" && (
              <span className={`chip ${message.finish === "length" || message.finish === "content_filter" ? "bg-warn-ground text-warn" : ""}`}>
                ended by: {oneLine(message.finish, 40)}
              </span>
            )}
          </header>
          {message.parts.length === 0 && <p className="text-faint">no content was recorded</p>}
          {message.parts.map((part, m) => (
            // oxlint-disable-next-line react/no-array-index-key
            <div key={m} className="mt-0.5 mb-1">
              <PartOf part={part} />
            </div>
          ))}
        </article>
      ))}
    </div>
  );
}

function PartOf({ part }: { part: Part }) {
  switch (part.type) {
    case "text":
      return <LongText value={part.content} />;
    case "refusal":
      return (
        <div className="text-warn">
          <span className="label text-warn">refused</span> <LongText value={part.content} />
        </div>
      );
    case "reasoning":
      return (
        <details className="rounded border border-dashed border-edge px-2 py-1">
          <summary className="cursor-pointer text-soft">Reasoning ({part.content.length.toLocaleString("en-US")} characters)</summary>
          <div className="mt-1 text-soft italic">
            <LongText value={part.content} />
          </div>
        </details>
      );
    case "tool_call":
      return (
        <div className="rounded border border-line bg-panel px-2 py-1">
          <div className="flex items-center gap-2">
            <span className="label">calls</span>
            <span className="font-mono text-xs font-semibold">
              <Text value={part.name} />
            </span>
            {part.id !== null && <span className="ml-auto truncate font-mono text-xs text-faint">{oneLine(part.id, 60)}</span>}
          </div>
          <Args value={part.args} />
        </div>
      );
    case "tool_response":
      return (
        <div className="rounded border border-line bg-panel px-2 py-1">
          <div className="flex items-center gap-2">
            <span className="label">result</span>
            {part.id !== null && <span className="ml-auto truncate font-mono text-xs text-faint">{oneLine(part.id, 60)}</span>}
          </div>
          <Args value={part.response} />
        </div>
      );
    case "media":
      return <Media part={part} />;
    case "reference":
      return (
        <div className="flex items-center gap-2 rounded border border-dashed border-edge px-2 py-1">
          <span className="label">{oneLine(part.modality, 20)} kept elsewhere</span>
          <span className="min-w-0 truncate font-mono text-xs">
            <Text value={oneLine(part.words, 300)} />
          </span>
          <Copy text={() => part.words} />
        </div>
      );
    case "other":
      return <JsonTree value={part.value} />;
  }
}

function Args({ value }: { value: import("../format/json").Json }) {
  const shown = read(value, false);
  if (typeof shown === "object" && shown !== null) return <JsonTree value={shown} />;
  if (shown === null) return null;
  return typeof shown === "string" ? <LongText value={shown} /> : <span className="font-mono">{String(shown)}</span>;
}

function Media({ part }: { part: Extract<Part, { type: "media" }> }) {
  const found = dataUrl(part);
  const words = `${part.modality}, ${part.mimeType ?? "of an unknown type"}, ${size(Math.floor((part.base64.length * 3) / 4))}`;
  if (found?.kind === "image") {
    return <img src={found.url} alt={oneLine(words, 200)} title={oneLine(words, 200)} className="max-h-80 max-w-full rounded border border-line" />;
  }
  if (found?.kind === "audio") {
    // oxlint-disable-next-line jsx-a11y/media-has-caption -- a recording has none
    return <audio controls preload="none" src={found.url} />;
  }
  return (
    <div className="flex items-center gap-2 rounded border border-dashed border-edge px-2 py-1">
      <span className="label">not shown</span> <Text value={words} /> <Copy text={() => part.base64} label="Copy base64" />
    </div>
  );
}
