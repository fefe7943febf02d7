/** What guardrails did: over time, each of them, and the newest of what they stopped or rewrote. */
import { Link, useNavigate } from "@tanstack/react-router";

import type { DecisionLine, Schemas } from "../api/client";
import { useSetScope } from "../frame/scope";
import { buckets } from "../format/time";
import { count, duration, plural } from "../format/units";
import { oneLine } from "../format/visible";
import { Bars } from "../parts/Bars";
import { CsvButton, CsvLink } from "../parts/Download";
import { foundIn } from "../parts/Marked";
import { Moment } from "../parts/Moment";

type Found = Schemas["Guardrails"];
type Rail = Schemas["RailLine"];
type Count = Schemas["DecisionCount"];

/** What a decision came to. */
export type Came = "passed" | "stopped" | "rewritten" | "would have acted" | "failed";

export function came(decision: Pick<Count, "taken" | "intended" | "outcome">): Came {
  if (decision.outcome.startsWith("failed")) return "failed";
  if (decision.taken === "replace") return "rewritten";
  if (["block", "fallback", "retry"].includes(decision.taken)) return "stopped";
  return decision.intended !== "allow" ? "would have acted" : "passed";
}

const TONES: [Came, string][] = [
  ["stopped", "fill-bad"],
  ["failed", "fill-warn"],
  ["rewritten", "fill-accent"],
  ["would have acted", "fill-bar"],
  ["passed", "fill-accent-weak"],
];
const CHIPS: Record<Came, string> = {
  stopped: "bg-bad-ground text-bad",
  failed: "bg-warn-ground text-warn",
  rewritten: "bg-chosen text-accent",
  "would have acted": "",
  passed: "bg-good-ground text-good",
};

function sum(rail: Rail, of: Came | null): number {
  return rail.counts.reduce((all, each) => all + (of === null || came(each) === of ? each.n : 0), 0);
}

export function Guardrails({ found }: { found: Found }) {
  const navigate = useNavigate();
  const setScope = useSetScope();
  if (found.rails.length === 0) {
    return (
      <section aria-labelledby="guardrails-title">
        <h2 id="guardrails-title" className="text-base font-semibold">
          Guardrails
        </h2>
        <p className="mt-1 text-soft">
          None decided anything in this time. <code className="font-mono text-xs">@tracelm.guard(tracelm.Guardrail(PII(), action=&quot;block&quot;))</code> makes one.
        </p>
      </section>
    );
  }
  const bucket = BigInt(found.bucket_ns);
  const starts = buckets(found.since_ns, found.until_ns, found.bucket_ns);
  const counts = found.rails.flatMap((rail) => rail.counts);
  const all = counts.reduce((total, each) => total + each.n, 0);
  const values = new Map<Came, number[]>(TONES.map(([name]) => [name, starts.map(() => 0)]));
  for (const each of counts) values.get(came(each))![Number((BigInt(each.start_ns) - BigInt(found.since_ns)) / bucket)]! += each.n;
  const pick = (from: number, to: number) => {
    const since = starts[from]!;
    const until = String(BigInt(starts[to]!) + bucket);
    if (from === to) void navigate({ to: "/traces", search: { since, until, within: undefined } as never });
    else setScope({ since, until, within: undefined });
  };
  const passed = values.get("passed")!.reduce((total, each) => total + each, 0);
  return (
    <section aria-labelledby="guardrails-title" className="space-y-3">
      <h2 id="guardrails-title" className="text-base font-semibold">
        Guardrails
      </h2>
      <div className="grid grid-cols-2 gap-3 max-xl:grid-cols-1">
        <Bars
          title="Decisions"
          sum={`${plural(all, "decision")}, ${((100 * passed) / Math.max(1, all)).toFixed(1)} % passed`}
          kind="bars"
          show={count}
          starts={starts}
          bucketNs={found.bucket_ns}
          onPick={pick}
          series={TONES.map(([name, tone]) => ({ name, tone, dot: tone, values: values.get(name)! }))}
        />
        <Rails rails={found.rails} />
      </div>
      {found.is_cut && <p className="text-warn">There were more decisions in this time than are read at once: the newest 20,000 are shown.</p>}
      <Interventions decisions={found.interventions} />
    </section>
  );
}

function Rails({ rails }: { rails: Rail[] }) {
  return (
    <div className="card min-w-0 self-start overflow-x-auto">
      <table className="w-full">
        <thead>
          <tr className="h-8 border-b border-line bg-panel text-right">
            <th className="label px-3 text-left">
              Guardrail
              <CsvLink
                name="guardrails"
                columns={[
                  { name: "guardrail", of: (each) => each.guardrail },
                  { name: "policy", of: (each) => each.policy },
                  { name: "version", of: (each) => each.version },
                  { name: "decisions", of: (each) => sum(each, null) },
                  ...TONES.map(([name]) => ({ name: name.replaceAll(" ", "_"), of: (each: Rail) => sum(each, name) })),
                  { name: "p95_s", of: (each) => each.p95_s },
                ]}
                lines={rails}
              />
            </th>
            <th className="label px-1.5">Decisions</th>
            {TONES.map(([name]) => (
              <th key={name} className="label px-1.5">
                {name}
              </th>
            ))}
            <th className="label px-3">95 % within</th>
          </tr>
        </thead>
        <tbody>
          {rails.map((rail) => (
            <tr key={`${rail.guardrail}/${rail.policy}/${rail.version}`} className="border-b border-line/60 text-right last:border-0">
              <td className="max-w-56 px-3 py-1 text-left">
                <div className="truncate font-medium">{oneLine(rail.guardrail, 100)}</div>
                {rail.policy !== null && (
                  <div className="truncate text-xs text-faint">
                    policy {oneLine(rail.policy, 60)} {oneLine(rail.version ?? "", 40)}
                  </div>
                )}
              </td>
              <td className="px-1.5">{count(sum(rail, null))}</td>
              {TONES.map(([name]) => {
                const value = sum(rail, name);
                return (
                  <td key={name} className={`px-1.5 ${value === 0 ? "text-faint" : name === "stopped" ? "text-bad" : name === "failed" ? "text-warn" : ""}`}>
                    {count(value)}
                  </td>
                );
              })}
              <td className="px-3 whitespace-nowrap">{rail.p95_s === null ? "–" : duration(rail.p95_s * 1e9)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Interventions({ decisions }: { decisions: DecisionLine[] }) {
  if (decisions.length === 0) return null;
  return (
    <div className="card overflow-x-auto">
      <table className="w-full">
        <caption className="sr-only">Where guardrails acted last</caption>
        <thead>
          <tr className="h-8 border-b border-line bg-panel text-left">
            <th className="label px-3">Acted last</th>
            <th className="label px-2">Guardrail</th>
            <th className="label px-2">Decision</th>
            <th className="label px-2">Found</th>
            <th className="label px-2">Trace</th>
            <th className="label px-3 text-right">
              <CsvButton
                name="guardrail decisions"
                className="label rounded hover:text-accent"
                columns={[
                  { name: "time_ns", of: (each) => each.time_ns },
                  { name: "guardrail", of: (each) => each.guardrail },
                  { name: "intended", of: (each) => each.intended },
                  { name: "taken", of: (each) => each.taken },
                  { name: "outcome", of: (each) => each.outcome },
                  { name: "latency_s", of: (each) => each.latency_s },
                  { name: "trace_id", of: (each) => each.trace_id },
                  { name: "span_id", of: (each) => each.span_id },
                  { name: "project", of: (each) => each.project },
                ]}
                lines={decisions}
              />
            </th>
          </tr>
        </thead>
        <tbody>
          {decisions.map((each) => {
            const kind = came({ taken: each.taken ?? "", intended: each.intended ?? "", outcome: each.outcome ?? "" });
            return (
              <tr key={each.uid} className="border-b border-line/60 last:border-0 hover:bg-hover">
                <td className="px-3 py-1 whitespace-nowrap text-soft">
                  <Moment ns={each.time_ns} />
                </td>
                <td className="px-2 font-medium">{oneLine(each.guardrail ?? "", 80)}</td>
                <td className="px-2 whitespace-nowrap">
                  <span className={`chip ${CHIPS[kind]}`}>{kind}</span>{" "}
                  <span className="text-soft">{kind === "would have acted" ? `${oneLine(each.intended ?? "", 20)}, only recorded` : oneLine(each.taken ?? "", 20)}</span>
                </td>
                <td className="px-2 text-soft">{foundWords(each)}</td>
                <td className="px-2" colSpan={2}>
                  {each.trace_id !== null && (
                    <Link
                      to="/traces/$traceId"
                      params={{ traceId: each.trace_id }}
                      search={{ span: each.span_id === null ? undefined : `${each.project}/${each.span_id}`, tab: "verdicts" }}
                      className="link font-mono text-xs"
                    >
                      {each.trace_id.slice(0, 8)}
                    </Link>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** What kinds of text were found, not the text: that is recorded nowhere. */
function foundWords(decision: DecisionLine): string {
  const error = decision.attributes["error.type"];
  if (typeof error === "string") return oneLine(error, 120);
  const kinds = foundIn(decision.attributes["tracelm.guardrail.spans"]).map((each) => each.type);
  return oneLine([...new Set(kinds)].join(", "), 120);
}
