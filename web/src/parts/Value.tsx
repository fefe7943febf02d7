/** One recorded value: as text or as a tree, whichever it is; what is large is fetched when it is asked for. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { getText, type Schemas } from "../api/client";
import { type Json, parseContainer, parseExact, written } from "../format/json";
import { size } from "../format/units";
import { Marked, type Found } from "./Marked";
import { JsonTree } from "./JsonTree";
import { Copy, LongText, Text } from "./Text";

type Large = Schemas["LargeValue"];

/** What a value is shown as: JSON text is read, also that of a plain text. */
export function read(value: Json, isJson: boolean): Json {
  if (typeof value !== "string") return value;
  const container = parseContainer(value);
  if (container !== undefined) return container;
  if (!isJson) return value;
  try {
    return parseExact(value);
  } catch {
    return value; // cut, or never was JSON
  }
}

/** A value, with its raw form at hand. */
export function Value({ value, isJson = false, found = [] }: { value: Json; isJson?: boolean; found?: Found[] }) {
  const [isRaw, setRaw] = useState(false);
  const shown = useMemo(() => read(value, isJson), [value, isJson]);
  const isTree = typeof shown === "object" && shown !== null;
  const raw = () => (typeof value === "string" ? value : written(value));
  return (
    <div className="group relative">
      <div className="absolute -top-7 right-0 flex gap-1.5">
        {isTree && (
          <button type="button" aria-pressed={isRaw} className="button h-6 px-1.5 text-xs text-soft" onClick={() => setRaw(!isRaw)}>
            {isRaw ? "Tree" : "Raw"}
          </button>
        )}
        <Copy text={() => (typeof shown === "string" ? shown : raw())} />
      </div>
      {isRaw ? (
        <LongText value={raw()} mono />
      ) : isTree ? (
        <JsonTree value={shown} />
      ) : typeof shown === "string" ? (
        found.length > 0 ? (
          <Marked text={shown} found={found} />
        ) : shown === "" ? (
          <span className="text-faint">an empty text</span>
        ) : (
          <LongText value={shown} />
        )
      ) : (
        <span className="font-mono text-accent">{String(shown)}</span>
      )}
    </div>
  );
}

/** What is not larger is fetched without asking. */
const FETCHED_AT_ONCE = 300_000;

/** A value that was not sent along: its beginning, and the whole on demand. */
export function LargeValue({ large, children }: { large: Large; children: (value: Json) => React.ReactNode }) {
  const [isWanted, setWanted] = useState(large.size_bytes <= FETCHED_AT_ONCE);
  const whole = useQuery({
    queryKey: ["value", large.href],
    queryFn: async ({ signal }) => parseExact(await getText(large.href, signal)),
    enabled: isWanted,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  if (whole.data !== undefined) return children(whole.data);
  return (
    <div>
      <div className="max-h-60 overflow-hidden font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere] text-soft">
        <Text value={`${large.beginning}…`} />
      </div>
      <button type="button" className="button mt-2" disabled={whole.isFetching} onClick={() => setWanted(true)}>
        {whole.isFetching ? "Loading …" : `Load all of it (${size(large.size_bytes)})`}
      </button>
      {whole.isError && (
        <p role="alert" className="mt-1 text-bad">
          {whole.error.message}
        </p>
      )}
    </div>
  );
}
