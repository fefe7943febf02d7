/** Where a dataset led to, to be walked in both directions. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { get, type Schemas } from "../api/client";
import { Failed, Loading } from "../frame/states";
import { oneLine } from "../format/visible";
import { connected, graphOf, type Node } from "./graph";

const COLUMN_PX = 250;
const NODE_PX = 200;
const ROW_PX = 52;

export function Lineage({ name, versions }: { name: string; versions: readonly Schemas["VersionLine"][] }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const found = useQuery({
    queryKey: ["lineage", name],
    queryFn: ({ signal }) => get("/api/v1/datasets/{name}/lineage", {}, { name }, signal),
  });
  const graph = useMemo(() => graphOf(name, versions, found.data?.runs ?? [], found.data?.models ?? []), [name, versions, found.data]);
  const lit = useMemo(() => (chosen === null ? null : connected(graph, chosen)), [graph, chosen]);
  if (found.isPending) return <Loading what="the lineage" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const place = new Map(graph.nodes.map((each) => [each.id, each]));
  const x = (node: Node) => node.column * COLUMN_PX;
  const width = (graph.heads.length - 1) * COLUMN_PX + NODE_PX;
  const y = (node: Node) => node.row * ROW_PX + ROW_PX / 2;
  return (
    <section className="card" aria-label="Lineage">
      <h2 className="label flex h-8 items-center border-b border-line bg-panel px-3">
        Lineage
        {found.data.is_cut && <span className="ml-2 font-normal">of the newest 200 runs</span>}
        {chosen !== null && (
          <button type="button" className="ml-auto rounded font-normal hover:text-accent" onClick={() => setChosen(null)}>
            show all
          </button>
        )}
      </h2>
      {found.data.runs.length === 0 && found.data.models.length === 0 ? (
        <p className="px-3 py-3 text-faint">No run has used this dataset yet, and no model that was published was trained on it.</p>
      ) : (
        <div className="max-h-[30rem] overflow-auto p-3">
          <div className="flex text-xs text-faint" style={{ width }}>
            {graph.heads.map((each) => (
              <span key={each} className="shrink-0" style={{ width: COLUMN_PX }}>
                {each}
              </span>
            ))}
          </div>
          <div className="relative" style={{ width, height: graph.rows * ROW_PX }}>
            <svg className="absolute inset-0 size-full" aria-hidden="true">
              {graph.edges.map((edge, n) => {
                const [from, to] = [place.get(edge.from)!, place.get(edge.to)!];
                const isLit = lit === null || lit.edges.has(n);
                const [x1, x2] = [x(from) + NODE_PX, x(to)];
                const middle = (x1 + x2) / 2;
                return (
                  <path
                    key={`${edge.run} ${edge.from}→${edge.to}`}
                    d={`M${x1} ${y(from)}C${middle} ${y(from)} ${middle} ${y(to)} ${x2} ${y(to)}`}
                    fill="none"
                    className={isLit ? (lit === null ? "stroke-edge" : "stroke-accent") : "stroke-line"}
                    strokeWidth={1.25}
                  />
                );
              })}
            </svg>
            {graph.nodes.map((node) => (
              <div
                key={node.id}
                className={`absolute flex items-center gap-1 rounded-md border px-2 ${chosen === node.id ? "border-accent bg-chosen" : "border-line bg-raised"} ${lit !== null && !lit.nodes.has(node.id) ? "opacity-45" : ""}`}
                style={{ left: x(node), top: node.row * ROW_PX + 4, width: NODE_PX, height: ROW_PX - 8 }}
              >
                <button
                  type="button"
                  aria-pressed={chosen === node.id}
                  className="min-w-0 flex-1 text-left"
                  title="what leads here, and what it leads to"
                  onClick={() => setChosen(chosen === node.id ? null : node.id)}
                >
                  <span className="block truncate font-medium">{oneLine(node.words, 60)}</span>
                  <span className="block truncate font-mono text-xs text-faint">{oneLine(node.detail, 60)}</span>
                </button>
                <Open node={node} dataset={name} />
              </div>
            ))}
          </div>
        </div>
      )}
    </section>
  );
}

function Open({ node, dataset }: { node: Node; dataset: string }) {
  const { search } = node;
  const look = "link px-1";
  const words = `Open ${oneLine(node.words, 60)} ${oneLine(node.detail, 20)}`;
  if (search === null) return null;
  if (search.to === "version") {
    return (
      <Link to="/datasets" search={{ name: dataset, version: search.version }} className={look} aria-label={words}>
        →
      </Link>
    );
  }
  if (search.to === "run") {
    return (
      <Link to="/evaluations/$runId" params={{ runId: search.runId }} search={{}} className={look} aria-label={words}>
        →
      </Link>
    );
  }
  if (search.to === "training") {
    return (
      <Link to="/traces/$traceId" params={{ traceId: search.traceId }} search={{ span: search.span }} className={look} aria-label={`${words}: its training`}>
        →
      </Link>
    );
  }
  return (
    <Link to="/traces" search={{ where: search.where }} className={look} aria-label={words}>
      →
    </Link>
  );
}
