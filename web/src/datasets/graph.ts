/** The lineage of a dataset as a graph: version → model trained on it → run → task and scorer versions → traces. */
import type { Schemas } from "../api/client";

type Use = Schemas["RunOfDatasetLine"];
type Version = Schemas["VersionLine"];
type Trained = Schemas["ModelLine"];

export type Node = { id: string; column: number; row: number; words: string; detail: string; search: NodeLink };
export type NodeLink =
  | { to: "version"; version: string }
  | { to: "run"; runId: string }
  | { to: "traces"; where: string }
  | { to: "training"; traceId: string; span: string }
  | null;
/** A step of the way of one run, or of the training of a model. */
export type Edge = { from: string; to: string; run: string };
export type Graph = { heads: string[]; nodes: Node[]; edges: Edge[]; rows: number };

/** The way to the training of a model. */
export function trainingOf(model: Trained): NodeLink {
  const { training } = model;
  return training === null ? null : { to: "training", traceId: training.trace_id, span: `${training.project}/${training.span_id}` };
}

/** Build the graph; each column from the newest to the oldest. The models have a column where there are any. */
export function graphOf(dataset: string, versions: readonly Version[], runs: readonly Use[], models: readonly Trained[]): Graph {
  const hasModels = models.length > 0 || runs.some((each) => each.model !== null);
  const heads = ["Dataset version", ...(hasModels ? ["Model"] : []), "Run", "Task and scorers", "Traces"];
  const [ofRuns, ofParts, ofTraces] = hasModels ? [2, 3, 4] : [1, 2, 3];
  const nodes = new Map<string, Node>();
  const edges: Edge[] = [];
  const counts = heads.map(() => 0);
  const add = (id: string, column: number, words: string, detail: string, search: NodeLink) => {
    if (!nodes.has(id)) nodes.set(id, { id, column, row: counts[column]!++, words, detail, search });
    return id;
  };
  const addModel = (model: Trained) => {
    const id = `m:${model.name}/${model.digest}`;
    if (nodes.has(id)) return id;
    const from = model.dataset === null || model.dataset === dataset ? "" : `, trained on ${model.dataset}`;
    add(id, 1, model.name, `model ${model.version}${from}`, trainingOf(model));
    const version = versions.find((each) => model.dataset === dataset && each.version === model.dataset_version);
    if (version !== undefined) edges.push({ from: `v:${version.digest}`, to: id, run: id });
    return id;
  };
  for (const each of versions) add(`v:${each.digest}`, 0, each.version, each.digest.slice(0, 12), { to: "version", version: each.version });
  for (const each of models) addModel(each);
  for (const run of runs) {
    const digest = run.dataset_digest ?? "unknown";
    const version = add(`v:${digest}`, 0, "not published", digest.slice(0, 12), null);
    const here = add(`r:${run.project}/${run.run_id}`, ofRuns!, run.name ?? "not finished", run.run_id.slice(0, 12), { to: "run", runId: run.run_id });
    const join = (from: string, to: string) => edges.push({ from, to, run: here });
    join(version, here);
    if (run.model !== null) join(addModel(run.model), here);
    const made = [
      ...(run.task === null ? [] : [add(`t:${run.task}/${run.task_version}`, ofParts!, run.task, `task ${run.task_version ?? "of unknown version"}`, null)]),
      ...run.scorers.map((each) => add(`s:${each.name}/${each.version}`, ofParts!, each.name, `scorer ${each.version ?? "of unknown version"}`, null)),
    ];
    const traces = add(`x:${run.project}/${run.run_id}`, ofTraces!, `${run.traces} traces`, run.run_id.slice(0, 12), { to: "traces", where: `run:"${run.run_id}"` });
    for (const each of made) {
      join(here, each);
      join(each, traces);
    }
    if (made.length === 0) join(here, traces);
  }
  return { heads, nodes: [...nodes.values()], edges, rows: Math.max(1, ...counts) };
}

/** What leads to a node and what it leads to: nodes, and the edges between them, by their place in the graph. */
export function connected(graph: Graph, id: string): { nodes: ReadonlySet<string>; edges: ReadonlySet<number> } {
  const near = new Set(graph.edges.filter((edge) => edge.from === id || edge.to === id).map((edge) => edge.run));
  const runs = new Set(near);
  for (const edge of graph.edges) {
    if (!edge.from.startsWith("m:")) continue;
    if (near.has(edge.run)) runs.add(edge.from); // from a run back to the training of its model
    if (near.has(edge.from)) runs.add(edge.run); // from a version on to the runs of the models that were trained on it
  }
  const isPart = id.startsWith("t:") || id.startsWith("s:");
  const nodes = new Set([id]);
  const edges = new Set<number>();
  for (const [n, edge] of graph.edges.entries()) {
    // Of a run that has the chosen task or scorer, the others are not on the way.
    const isOnTheWay = !isPart || edge.from === id || edge.to === id || /^[vm]:/.test(edge.from);
    if (!runs.has(edge.run) || !isOnTheWay) continue;
    edges.add(n);
    nodes.add(edge.from).add(edge.to);
  }
  return { nodes, edges };
}
