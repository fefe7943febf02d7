/** A trace as lines: the API sends spans in the order of the tree, each with its depth. */
import type { TreeLine } from "../api/client";
import { between } from "../format/time";

/** A span in its place, with times relative to the beginning of the trace. */
export type Place = { line: TreeLine; key: string; fromNs: number; toNs: number };

const cache = new WeakMap<TreeLine, Place>();

/** What tells a span from all others of a trace, which may run through several projects. */
export function keyOf(line: { project: string; span_id: string }): string {
  return `${line.project}/${line.span_id}`;
}

/** Put a span on the time line of its trace. */
export function place(line: TreeLine, traceStartNs: string): Place {
  const known = cache.get(line);
  if (known !== undefined) return known;
  const fromNs = between(traceStartNs, line.start_ns);
  const made = { line, key: keyOf(line), fromNs, toNs: fromNs + Math.max(0, line.duration_ns) };
  cache.set(line, made);
  return made;
}

/** The lines that are seen: those below a closed span are left out. */
export function open(places: readonly Place[], closed: ReadonlySet<string>): Place[] {
  if (closed.size === 0) return [...places];
  const seen: Place[] = [];
  let hiddenBelow = Infinity;
  for (const each of places) {
    if (each.line.depth > hiddenBelow) continue;
    hiddenBelow = closed.has(each.key) ? each.line.depth : Infinity;
    seen.push(each);
  }
  return seen;
}

/** The line in which a line stands; -1 for a root, or where it is not there. */
export function parentOf(places: readonly Place[], index: number): number {
  const depth = places[index]?.line.depth ?? 0;
  for (let n = index - 1; n >= 0; n--) {
    if (places[n]!.line.depth < depth) return n;
  }
  return -1;
}

/** Spans to close so that only those above `depth` are seen. */
export function closedBelow(places: readonly Place[], depth: number): Set<string> {
  return new Set(places.filter((each) => each.line.depth >= depth && each.line.child_count > 0).map((each) => each.key));
}

/** How long the time line is: the trace, or more while spans are known to end later. */
export function lengthNs(places: readonly Place[], traceNs: number): number {
  let longest = traceNs;
  for (const each of places) longest = Math.max(longest, each.toNs);
  return Math.max(1, longest);
}

export type Kind = "model" | "tool" | "agent" | "retrieval" | "judge" | "op" | "other";

/** What sort of work a span is. */
export function kindOf(line: Pick<TreeLine, "operation" | "op" | "name">): Kind {
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
