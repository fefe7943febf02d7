/** Spans group by group: how many, how slow, how dear. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get } from "../api/client";
import { quoted } from "../format/filter";
import type { Span } from "../frame/scope";
import { cost, count, duration } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton } from "../parts/Download";

type Props = { title: string; by: "model" | "op"; field: string; span: Span };

export function Groups({ title, by, field, span }: Props) {
  const found = useQuery({
    queryKey: ["groups", by, span],
    queryFn: ({ signal }) =>
      get("/api/v1/stats", { project: span.project, since_ns: span.since, until_ns: span.until, by, limit: 8 }, undefined, signal),
    placeholderData: keepPreviousData,
  });
  const lines = found.data?.items ?? [];
  const most = Math.max(1, ...lines.map((each) => each.count));
  return (
    <section className="card min-w-0 overflow-hidden">
      <table className="w-full table-fixed">
        <thead>
          <tr className="h-8 border-b border-line bg-panel text-right">
            <th className="label px-3 text-left">
              {title}
              <CsvButton
                name={title}
                className="ml-3 rounded font-normal hover:text-accent"
                columns={[
                  { name: by, of: (each) => each.group },
                  { name: "spans", of: (each) => each.count },
                  { name: "failed", of: (each) => each.error_count },
                  { name: "input_tokens", of: (each) => each.input_tokens },
                  { name: "output_tokens", of: (each) => each.output_tokens },
                  { name: "p50_ns", of: (each) => each.p50_ns },
                  { name: "p95_ns", of: (each) => each.p95_ns },
                  { name: "cost_usd", of: (each) => each.cost_usd },
                ]}
                lines={lines}
              />
            </th>
            <th className="label w-12 px-1">Spans</th>
            <th className="label w-12 px-1">Failed</th>
            <th className="label w-20 px-1">Median</th>
            <th className="label w-24 px-3">Cost</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((each) => (
            <tr key={each.group} className="border-b border-line/60 text-right last:border-0">
              <td className="relative px-3 py-1 text-left">
                <div aria-hidden="true" className="absolute inset-y-0.5 left-0 rounded-r bg-chosen" style={{ width: `${(100 * each.count) / most}%` }} />
                <Link
                  to="/traces"
                  search={{ where: `${field}:${quoted(each.group ?? "")}` }}
                  className="relative block truncate hover:text-accent"
                  title={oneLine(each.group ?? "", 300)}
                >
                  {oneLine(each.group ?? "", 80)}
                </Link>
              </td>
              <td className="px-1">{count(each.count)}</td>
              <td className={`px-1 ${each.error_count > 0 ? "text-bad" : "text-faint"}`}>{count(each.error_count)}</td>
              <td className="px-1 whitespace-nowrap">{each.p50_ns === null ? "–" : duration(each.p50_ns)}</td>
              <td className="px-3">{cost(each.cost_usd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.isPending && <p className="px-3 py-3 text-faint">Loading …</p>}
      {found.isError && <p className="px-3 py-3 text-bad">{found.error.message}</p>}
      {found.isSuccess && lines.length === 0 && <p className="px-3 py-3 text-faint">None in this time.</p>}
    </section>
  );
}
