/** A text in which something was found: the places are marked. */
import { Text } from "./Text";

/** Where, in characters as Python counts them, and what. */
export type Found = { start: number; end: number; type: string };

/** Read what a scorer or guardrail says it found; anything of another form is left out. */
export function foundIn(details: unknown): Found[] {
  let listed = details;
  if (typeof listed === "string") {
    try {
      listed = JSON.parse(listed);
    } catch {
      return [];
    }
  }
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((each: unknown) => {
    const { start, end, type } = (each ?? {}) as Record<string, unknown>;
    const isPlace = Number.isInteger(start) && Number.isInteger(end) && (start as number) >= 0 && (end as number) > (start as number);
    return isPlace ? [{ start: start as number, end: end as number, type: typeof type === "string" ? type : "" }] : [];
  });
}

/** Divide a text at what was found; places that overlap become one. */
export function divided(text: string, found: readonly Found[]): { text: string; type: string | null }[] {
  const characters = Array.from(text);
  const sorted = found.filter((each) => each.end <= characters.length).toSorted((a, b) => a.start - b.start);
  const parts: { text: string; type: string | null }[] = [];
  let done = 0;
  for (const each of sorted) {
    if (each.start < done) continue;
    if (each.start > done) parts.push({ text: characters.slice(done, each.start).join(""), type: null });
    parts.push({ text: characters.slice(each.start, each.end).join(""), type: each.type });
    done = each.end;
  }
  if (done < characters.length) parts.push({ text: characters.slice(done).join(""), type: null });
  return parts;
}

export function Marked({ text, found }: { text: string; found: Found[] }) {
  return (
    <div className="whitespace-pre-wrap [overflow-wrap:anywhere]" dir="auto">
      {divided(text, found).map((part, n) =>
        part.type === null ? (
          // oxlint-disable-next-line react/no-array-index-key -- parts of one text, in order
          <Text key={n} value={part.text} />
        ) : (
          // oxlint-disable-next-line react/no-array-index-key
          <mark key={n} className="rounded-xs bg-warn-ground px-0.5 text-warn" title={part.type}>
            <Text value={part.text} /> <span className="text-[0.625rem] font-semibold">{part.type}</span>
          </mark>
        ),
      )}
    </div>
  );
}

/** What was found, where the text itself is not at hand. */
export function FoundChips({ found }: { found: Found[] }) {
  return (
    <span className="inline-flex flex-wrap gap-1">
      {found.map((each) => (
        <span key={`${each.start}-${each.end}-${each.type}`} className="chip bg-warn-ground text-warn" title="place in the text, in characters">
          {each.type || "found"} {each.start}–{each.end}
        </span>
      ))}
    </span>
  );
}
