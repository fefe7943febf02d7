/** Who asks, the keys, and how this server was started. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { get, Problem, type Schemas, send } from "../api/client";
import { Failed, Loading } from "../frame/states";
import { count, size } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvLink } from "../parts/Download";
import { Moment } from "../parts/Moment";
import { Keys } from "./Keys";

export function SettingsPage() {
  const session = useQuery({ queryKey: ["session"], queryFn: () => get("/api/v1/session", {}), staleTime: 300_000 });
  if (session.isPending) return <Loading what="settings" />;
  if (session.isError) return <Failed error={session.error} again={() => void session.refetch()} />;
  return (
    <div className="mx-auto max-w-5xl space-y-4 px-4 py-3">
      <h1 className="text-base font-semibold">Settings</h1>
      <div className="grid grid-cols-2 gap-4 max-md:grid-cols-1">
        <Me session={session.data} />
        <About />
      </div>
      <Keys isAdmin={session.data.rights.includes("admin") && session.data.projects === null} />
      <Prices />
    </div>
  );
}

function Card({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="card min-w-0">
      <h2 className="label flex h-8 items-center border-b border-line bg-panel px-3">{title}</h2>
      {children}
    </section>
  );
}

function Facts({ facts }: { facts: [string, React.ReactNode][] }) {
  return (
    <dl className="divide-y divide-line/60">
      {facts.map(([name, value]) => (
        <div key={name} className="flex gap-3 px-3 py-1">
          <dt className="w-32 shrink-0 text-soft">{name}</dt>
          <dd className="min-w-0 [overflow-wrap:anywhere]">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Me({ session }: { session: Schemas["Session"] }) {
  const client = useQueryClient();
  const logOut = useMutation({
    mutationFn: () => send("DELETE", "/api/v1/session"),
    onSuccess: () => client.invalidateQueries(),
  });
  return (
    <Card title="You">
      <Facts
        facts={[
          ["Name", session.csrf_token === null ? "a program on this machine, without a key" : oneLine(session.name, 200)],
          ["May", session.rights.join(", ")],
          ["Projects", session.projects === null ? "all" : oneLine(session.projects.join(", "), 500)],
        ]}
      />
      {session.csrf_token !== null && (
        <div className="border-t border-line px-3 py-2">
          <button type="button" className="button" disabled={logOut.isPending} onClick={() => logOut.mutate()}>
            Log out
          </button>
        </div>
      )}
    </Card>
  );
}

function About() {
  const found = useQuery({ queryKey: ["about"], queryFn: ({ signal }) => get("/api/v1/about", {}, undefined, signal) });
  if (found.isPending) return <Loading what="the server" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const about = found.data;
  return (
    <Card title="This server">
      <Facts
        facts={[
          ["Version", `tracelm ${about.version}`],
          ["Store", about.store === "sqlite" ? "SQLite" : "PostgreSQL"],
          ["Kept", about.retain === null ? <Everything /> : oneLine(about.retain, 300)],
          ["Reached from", about.is_loopback ? "this machine only" : "other machines, with a key"],
          ["Largest request", size(about.max_body_bytes)],
        ]}
      />
    </Card>
  );
}

const Everything = () => (
  <>
    everything: <code className="font-mono text-xs">tracelm serve --retain</code> says otherwise
  </>
);

function Prices() {
  const found = useQuery({ queryKey: ["prices"], queryFn: ({ signal }) => get("/api/v1/prices", {}, undefined, signal) });
  if (found.isPending) return <Loading what="prices" />;
  if (found.isError) {
    if (found.error instanceof Problem && found.error.status === 403) return null;
    return <Failed error={found.error} again={() => void found.refetch()} />;
  }
  const { list_version: version, unpriced } = found.data;
  return (
    <Card title="Prices">
      <p className="px-3 py-2">
        Costs are computed where a call is recorded, from the public list (here {oneLine(version, 60)}) and from prices of one&apos;s own: <code className="font-mono text-xs">tracelm.init(prices=…)</code>
      </p>
      {unpriced.length === 0 ? (
        <p className="border-t border-line px-3 py-2 text-good">Every model that was called in the last 30 days has a price.</p>
      ) : (
        <div className="overflow-x-auto border-t border-line">
          <table className="w-full">
            <caption className="px-3 py-1 text-left text-warn">
              Calls without a cost in the last 30 days; <code className="font-mono text-xs">tracelm reprice</code> computes them once there is a price
            </caption>
            <thead>
              <tr className="h-8 text-left">
                <th className="label px-3">
                  Model
                  <CsvLink
                    name="models without a price"
                    columns={[
                      { name: "model", of: (each) => each.model },
                      { name: "provider", of: (each) => each.provider },
                      { name: "calls", of: (each) => each.calls },
                      { name: "last_start_ns", of: (each) => each.last_start_ns },
                    ]}
                    lines={unpriced}
                  />
                </th>
                <th className="label px-2">Provider</th>
                <th className="label px-2 text-right">Calls</th>
                <th className="label px-3">The last one</th>
              </tr>
            </thead>
            <tbody>
              {unpriced.map((each) => (
                <tr key={`${each.provider}/${each.model}`} className="border-t border-line/60">
                  <td className="px-3 py-1 font-medium">{oneLine(each.model ?? "unknown", 100)}</td>
                  <td className="px-2 text-soft">{oneLine(each.provider ?? "–", 60)}</td>
                  <td className="px-2 text-right">{count(each.calls)}</td>
                  <td className="px-3 text-soft">
                    <Moment ns={each.last_start_ns} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
