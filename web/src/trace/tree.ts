/** A trace as lines: where each span stands in the tree. What a line shows is fetched when it is seen. */
import type { Schemas, SpanLine, TreeLine } from "../api/client";

/** Where a span stands. */
export type Place = { key: string; spanId: string; depth: number; children: number };

/** What tells a span from all others of a trace, which may run through several projects. */
export function keyOf(line: { project: string; span_id: string }): string {
  return `${line.project}/${line.span_id}`;
}

/** The places of lines that came in the order of the tree. */
export function placesOf(lines: readonly TreeLine[]): Place[] {
  return lines.map((each) => ({ key: keyOf(each), spanId: each.span_id, depth: each.depth, children: each.child_count }));
}

/** The places of all spans of a trace. */
export function placesIn(outline: Schemas["Outline"]): Place[] {
  const { projects, owners, depths, child_counts: children } = outline;
  return outline.span_ids.map((spanId, n) => ({
    key: `${projects[owners[n] ?? 0]}/${spanId}`,
    spanId,
    depth: depths[n]!,
    children: children[n]!,
  }));
}

/** The lines that are seen: those below a closed span are left out. */
export function open(places: readonly Place[], closed: ReadonlySet<string>): readonly Place[] {
  if (closed.size === 0) return places;
  const seen: Place[] = [];
  let hiddenBelow = Infinity;
  for (const each of places) {
    if (each.depth > hiddenBelow) continue;
    hiddenBelow = closed.has(each.key) ? each.depth : Infinity;
    seen.push(each);
  }
  return seen;
}

/** The line in which a line stands; -1 for a root, or where it is not there. */
export function parentOf(places: readonly Place[], index: number): number {
  const depth = places[index]?.depth ?? 0;
  for (let n = index - 1; n >= 0; n--) {
    if (places[n]!.depth < depth) return n;
  }
  return -1;
}

/** The next line, or with a step of -1 the one before, that stands in the same one; -1 where there is none. */
export function siblingOf(places: readonly Place[], index: number, step: 1 | -1): number {
  const depth = places[index]?.depth ?? 0;
  for (let n = index + step; n >= 0 && n < places.length; n += step) {
    if (places[n]!.depth < depth) return -1;
    if (places[n]!.depth === depth) return n;
  }
  return -1;
}

/** Spans to close so that only those above `depth` are seen. */
export function closedBelow(places: readonly Place[], depth: number): Set<string> {
  return new Set(places.filter((each) => each.depth >= depth && each.children > 0).map((each) => each.key));
}

export type Kind = "model" | "tool" | "agent" | "retrieval" | "judge" | "op" | "other";

/** What sort of work a span is. */
export function kindOf(line: Pick<SpanLine, "operation" | "op" | "name">): Kind {
  switch (line.operation) {
    case "chat":
    case "text_completion":
    case "generate_content":
    case "embeddings":
      return "model";
    case "execute_tool":
      return "tool";
    case "invoke_agent":
    case "create_agent":
    case "invoke_workflow":
      return "agent";
    case "retrieval":
      return "retrieval";
    default:
      if (line.name.startsWith("judge ")) return "judge";
      return line.op === null ? "other" : "op";
  }
}
