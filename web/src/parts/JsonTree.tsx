/** Any JSON value as a tree that opens on demand, and can be searched. */
import { useMemo, useState } from "react";

import { type Json, search, written } from "../format/json";
import { plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Copy, LongText, Text } from "./Text";

const AT_ONCE = 100;
const SHORT_STRING = 400;
const MOST_FOUND = 200;
const DEEPEST_INDENT = 24;

/** The tree, with a search above it where the value is large. */
export function JsonTree({ value }: { value: Json }) {
  const [wanted, setWanted] = useState("");
  const isLarge = useMemo(() => isLargerThan(value, 12), [value]);
  return (
    <div>
      {isLarge && (
        <div className="mb-1.5 flex items-center gap-2">
          <input
            type="search"
            aria-label="Search in this value"
            placeholder="Search keys and values"
            className="field h-6 w-56 text-xs"
            value={wanted}
            onChange={(event) => setWanted(event.target.value)}
          />
          <Copy text={() => written(value)} label="Copy JSON" />
        </div>
      )}
      {wanted === "" ? (
        <div className="font-mono text-xs leading-5">
          <Node value={value} name={null} depth={0} />
        </div>
      ) : (
        <Matches value={value} wanted={wanted} />
      )}
    </div>
  );
}

/** Whether a value has more than `most` members, without walking through all of it. */
function isLargerThan(value: Json, most: number): boolean {
  let left = most;
  const open: Json[] = [value];
  while (open.length > 0) {
    const next = open.pop()!;
    if (typeof next !== "object" || next === null) continue;
    const children = Array.isArray(next) ? next : Object.values(next);
    left -= children.length;
    if (left < 0) return true;
    open.push(...children);
  }
  return false;
}

function Matches({ value, wanted }: { value: Json; wanted: string }) {
  const found = useMemo(() => search(value, wanted, MOST_FOUND), [value, wanted]);
  return (
    <div className="font-mono text-xs leading-5" aria-live="polite">
      <p className="font-sans text-faint">
        {found.length === 0 ? "Nothing has this" : found.length === MOST_FOUND ? `The first ${MOST_FOUND}` : plural(found.length, "match", "matches")}
      </p>
      {found.map((each) => (
        <div key={each.path} className="flex gap-2 border-b border-line/60 py-0.5">
          <span className="max-w-[50%] shrink-0 truncate text-faint" title={oneLine(each.path, 500)}>
            {oneLine(each.path, 200)}
          </span>
          <span className="min-w-0 [overflow-wrap:anywhere]">
            <Highlighted text={each.text.slice(0, SHORT_STRING)} wanted={wanted} />
          </span>
        </div>
      ))}
    </div>
  );
}

function Highlighted({ text, wanted }: { text: string; wanted: string }) {
  const at = text.toLowerCase().indexOf(wanted.toLowerCase());
  if (at < 0) return <Text value={text} />;
  return (
    <>
      <Text value={text.slice(0, at)} />
      <mark className="rounded-xs bg-warn-ground text-warn">
        <Text value={text.slice(at, at + wanted.length)} />
      </mark>
      <Text value={text.slice(at + wanted.length)} />
    </>
  );
}

type NodeProps = { value: Json; name: string | null; depth: number };

function Node({ value, name, depth }: NodeProps) {
  const isContainer = typeof value === "object" && value !== null;
  if (!isContainer) {
    return (
      <div className="flex" style={{ paddingLeft: 14 }}>
        <Key name={name} />
        <Plain value={value} />
      </div>
    );
  }
  return <Container value={value} name={name} depth={depth} />;
}

function Container({ value, name, depth }: { value: Json[] | { [key: string]: Json }; name: string | null; depth: number }) {
  const entries = useMemo<[string, Json][]>(
    () => (Array.isArray(value) ? value.map((each, n) => [String(n), each]) : Object.entries(value)),
    [value],
  );
  const [isOpen, setOpen] = useState(depth < 2 && entries.length <= 50);
  const [shown, setShown] = useState(AT_ONCE);
  const isList = Array.isArray(value);
  const words = isList ? plural(entries.length, "item") : plural(entries.length, "member");
  if (entries.length === 0) {
    return (
      <div className="flex" style={{ paddingLeft: 14 }}>
        <Key name={name} />
        <span className="text-faint">{isList ? "[]" : "{}"}</span>
      </div>
    );
  }
  return (
    <div>
      <button type="button" aria-expanded={isOpen} className="flex rounded text-left hover:bg-hover" onClick={() => setOpen(!isOpen)}>
        <span aria-hidden="true" className="w-3.5 shrink-0 text-faint">
          {isOpen ? "▾" : "▸"}
        </span>
        <Key name={name} />
        <span className="text-faint">
          {isList ? "[" : "{"} {words} {isList ? "]" : "}"}
        </span>
      </button>
      {isOpen && (
        <div className="ml-[5px] border-l border-line" style={{ paddingLeft: depth < DEEPEST_INDENT ? 9 : 0 }}>
          {entries.slice(0, shown).map(([key, each]) => (
            <Node key={key} value={each} name={key} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className="link ml-3.5 font-sans" onClick={() => setShown(shown + 5 * AT_ONCE)}>
              Show more ({(entries.length - shown).toLocaleString("en-US")} left)
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Key({ name }: { name: string | null }) {
  if (name === null) return null;
  return (
    <span className="mr-2 max-w-80 shrink-0 [overflow-wrap:anywhere] text-soft">
      <Text value={name} />:
    </span>
  );
}

function Plain({ value }: { value: Exclude<Json, object> | null }) {
  const [isWhole, setWhole] = useState(false);
  if (value === null) return <span className="text-faint">null</span>;
  if (typeof value === "boolean") return <span className="text-warn">{String(value)}</span>;
  if (typeof value !== "string") return <span className="text-accent">{String(value)}</span>;
  if (value.length <= SHORT_STRING) {
    return (
      <span className="min-w-0 whitespace-pre-wrap [overflow-wrap:anywhere]">
        <Text value={value} />
      </span>
    );
  }
  return (
    <div className="min-w-0">
      {isWhole ? <LongText value={value} mono /> : <Text value={`${value.slice(0, SHORT_STRING)}…`} />}{" "}
      <button type="button" className="link font-sans" onClick={() => setWhole(!isWhole)}>
        {isWhole ? "less" : `all ${value.length.toLocaleString("en-US")} characters`}
      </button>
    </div>
  );
}
