/** Published datasets: their versions and rows. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get } from "../api/client";
import { Empty, Failed, Loading } from "../frame/states";
import { type Json, written } from "../format/json";
import { plural } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton, CsvLink } from "../parts/Download";
import { Moment } from "../parts/Moment";
import { datasets as route } from "../router";
import { preview } from "../runs/cells";
import { Lineage } from "./Lineage";

export function DatasetsPage() {
  const { name, version } = route.useSearch();
  const found = useQuery({ queryKey: ["datasets"], queryFn: ({ signal }) => get("/api/v1/datasets", {}, undefined, signal) });
  if (found.isPending) return <Loading what="datasets" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  if (found.data.items.length === 0) {
    return (
      <Empty title="No dataset was published yet">
        <p>A published dataset keeps its versions; evaluations say which one they used.</p>
        <pre className="card mx-auto mt-4 w-fit bg-panel px-5 py-3 text-left font-mono text-xs leading-5 text-ink">
          {`tracelm.Dataset.from_jsonl("questions.jsonl", name="questions").publish()`}
        </pre>
      </Empty>
    );
  }
  const chosen = name ?? found.data.items[0]!;
  return (
    <div className="grid grid-cols-[15rem_minmax(0,1fr)] gap-4 px-4 py-3 max-md:grid-cols-1">
      <nav aria-label="Datasets">
        <h1 className="mb-2 text-base font-semibold">Datasets</h1>
        <ul className="space-y-0.5">
          {found.data.items.map((each) => (
            <li key={each}>
              <Link
                to="/datasets"
                search={{ name: each }}
                aria-current={each === chosen ? "true" : undefined}
                className={`block truncate rounded-md px-2 py-1 ${each === chosen ? "bg-chosen font-medium text-accent" : "hover:bg-hover"}`}
              >
                {oneLine(each, 80)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Dataset name={chosen} version={version} />
    </div>
  );
}

function Dataset({ name, version }: { name: string; version: string | undefined }) {
  const found = useQuery({
    queryKey: ["versions", name],
    queryFn: ({ signal }) => get("/api/v1/datasets/{name}", {}, { name }, signal),
  });
  if (found.isPending) return <Loading what="versions" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const chosen = version ?? found.data.items[0]?.version;
  return (
    <section className="min-w-0 space-y-4" aria-label={oneLine(name, 100)}>
      <div className="card overflow-x-auto">
        <table className="w-full">
          <caption className="sr-only">Versions</caption>
          <thead>
            <tr className="h-8 bg-panel text-left">
              <th className="label px-3">
                Version
                <CsvLink
                  name={`versions of ${name}`}
                  columns={[
                    { name: "version", of: (each) => each.version },
                    { name: "aliases", of: (each) => each.aliases.join(" ") },
                    { name: "created_ns", of: (each) => each.created_ns },
                    { name: "digest", of: (each) => each.digest },
                    { name: "note", of: (each) => each.note },
                  ]}
                  lines={found.data.items}
                />
              </th>
              <th className="label px-2">Published</th>
              <th className="label px-2">Digest</th>
              <th className="label px-3">Note</th>
            </tr>
          </thead>
          <tbody>
            {found.data.items.map((each) => (
              <tr key={each.version} className={`border-t border-line ${each.version === chosen ? "bg-chosen" : "hover:bg-hover"}`}>
                <td className="px-3 py-1 font-medium">
                  <Link to="/datasets" search={{ name, version: each.version }} className="hover:text-accent">
                    {each.version}
                  </Link>
                  {each.aliases.map((alias) => (
                    <span key={alias} className="chip ml-2">
                      {oneLine(alias, 40)}
                    </span>
                  ))}
                </td>
                <td className="px-2 text-soft">
                  <Moment ns={each.created_ns} />
                </td>
                <td className="px-2 font-mono text-xs text-faint" title={each.digest}>
                  {each.digest.slice(0, 12)}
                </td>
                <td className="px-3 text-soft">{oneLine(each.note ?? "", 200)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Lineage name={name} versions={found.data.items} />
      {chosen !== undefined && <Rows name={name} version={chosen} />}
    </section>
  );
}

function Rows({ name, version }: { name: string; version: string }) {
  const found = useInfiniteQuery({
    queryKey: ["dataset-rows", name, version],
    queryFn: ({ pageParam, signal }) =>
      get("/api/v1/datasets/{name}/versions/{version}", { after: pageParam, limit: 100 }, { name, version }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.rows.next ?? undefined,
  });
  if (found.isPending) return <Loading what="rows" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const { columns, row_count: count } = found.data.pages[0]!;
  const rows = found.data.pages.flatMap((page) => page.rows.items);
  return (
    <>
      <div className="flex items-center">
        <h2 className="font-semibold">{plural(count, "row")}</h2>
        <span className="ml-auto">
          <CsvButton
            name={`${name} ${version}`}
            columns={columns.map((each) => ({
              name: each,
              of: (row: (typeof rows)[number]) => (typeof row.columns[each] === "string" ? row.columns[each] : written((row.columns[each] ?? null) as Json, 0)),
            }))}
            lines={rows}
          />
        </span>
      </div>
      <div className="card overflow-x-auto">
        <table className="w-full">
          <thead>
            <tr className="h-8 bg-panel text-left">
              <th className="label w-12 px-3 text-right">Row</th>
              {columns.map((each) => (
                <th key={each} className="label px-2">
                  {oneLine(each, 60)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.row} className="border-t border-line align-baseline hover:bg-hover">
                <td className="px-3 py-1 text-right text-faint">{row.row}</td>
                {columns.map((each) => (
                  <td key={each} className="max-w-96 px-2 py-1 font-mono text-xs [overflow-wrap:anywhere]">
                    <bdi>{row.columns[each] === undefined ? "" : preview(row.columns[each] as Json)}</bdi>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.hasNextPage && (
        <button type="button" className="button" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show more rows
        </button>
      )}
    </>
  );
}
