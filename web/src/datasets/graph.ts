/** The lineage of a dataset as a graph of four columns: version → run → task and scorer versions → traces. */
import type { Schemas } from "../api/client";

type Use = Schemas["RunOfDatasetLine"];
type Version = Schemas["VersionLine"];

export type Node = { id: string; column: number; row: number; words: string; detail: string; search: NodeLink };
export type NodeLink =
  | { to: "version"; version: string }
  | { to: "run"; runId: string }
  | { to: "traces"; where: string }
  | null;
/** A step of the way of one run. */
export type Edge = { from: string; to: string; run: string };
export type Graph = { nodes: Node[]; edges: Edge[]; rows: number };

/** Build the graph; each column from the newest to the oldest. */
export function graphOf(versions: readonly Version[], runs: readonly Use[]): Graph {
  const nodes = new Map<string, Node>();
  const edges: Edge[] = [];
  const counts = [0, 0, 0, 0];
  const add = (id: string, column: number, words: string, detail: string, search: NodeLink) => {
    if (!nodes.has(id)) nodes.set(id, { id, column, row: counts[column]!++, words, detail, search });
    return id;
  };
  for (const each of versions) add(`v:${each.digest}`, 0, each.version, each.digest.slice(0, 12), { to: "version", version: each.version });
  for (const run of runs) {
    const digest = run.dataset_digest ?? "unknown";
    const version = add(`v:${digest}`, 0, "not published", digest.slice(0, 12), null);
    const here = add(`r:${run.project}/${run.run_id}`, 1, run.name ?? "not finished", run.run_id.slice(0, 12), { to: "run", runId: run.run_id });
    const join = (from: string, to: string) => edges.push({ from, to, run: here });
    join(version, here);
    const made = [
      ...(run.task === null ? [] : [add(`t:${run.task}/${run.task_version}`, 2, run.task, `task ${run.task_version ?? "of unknown version"}`, null)]),
      ...run.scorers.map((each) => add(`s:${each.name}/${each.version}`, 2, each.name, `scorer ${each.version ?? "of unknown version"}`, null)),
    ];
    const traces = add(`x:${run.project}/${run.run_id}`, 3, `${run.traces} traces`, run.run_id.slice(0, 12), { to: "traces", where: `run:"${run.run_id}"` });
    for (const each of made) {
      join(here, each);
      join(each, traces);
    }
    if (made.length === 0) join(here, traces);
  }
  return { nodes: [...nodes.values()], edges, rows: Math.max(1, ...counts) };
}

/** What leads to a node and what it leads to: nodes, and the edges between them, by their place in the graph. */
export function connected(graph: Graph, id: string): { nodes: ReadonlySet<string>; edges: ReadonlySet<number> } {
  const runs = new Set(graph.edges.filter((edge) => edge.from === id || edge.to === id).map((edge) => edge.run));
  const isPart = id.startsWith("t:") || id.startsWith("s:");
  const nodes = new Set([id]);
  const edges = new Set<number>();
  for (const [n, edge] of graph.edges.entries()) {
    // Of a run that has the chosen task or scorer, the others are not on the way.
    const isOnTheWay = !isPart || edge.from === id || edge.to === id || edge.from.startsWith("v:");
    if (!runs.has(edge.run) || !isOnTheWay) continue;
    edges.add(n);
    nodes.add(edge.from).add(edge.to);
  }
  return { nodes, edges };
}
