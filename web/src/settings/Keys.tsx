/** API keys: listed, made and revoked by whoever may. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";

import { get, type Schemas, send, sendTo } from "../api/client";
import { Failed, Loading } from "../frame/states";
import { oneLine } from "../format/visible";
import { CsvLink } from "../parts/Download";
import { Moment } from "../parts/Moment";
import { Popup } from "../parts/Popup";
import { Copy } from "../parts/Text";

type Key = Schemas["KeyLine"];
type Right = Key["rights"][number];

const RIGHTS: [Right, string][] = [
  ["ingest", "send records and scores"],
  ["read", "see what was recorded"],
  ["admin", "make and revoke keys"],
];

export function Keys({ isAdmin }: { isAdmin: boolean }) {
  return (
    <section className="card min-w-0" aria-labelledby="keys-title">
      <h2 id="keys-title" className="label flex h-8 items-center border-b border-line bg-panel px-3">
        API keys
      </h2>
      {isAdmin ? (
        <List />
      ) : (
        <p className="px-3 py-2 text-soft">
          They are shown to whoever logs in with a key that has the right <em>admin</em> for all projects. The first one is made on the command line:{" "}
          <code className="font-mono text-xs">tracelm keys create --name me --admin</code>
        </p>
      )}
    </section>
  );
}

function List() {
  const client = useQueryClient();
  const [revoking, setRevoking] = useState<Key | null>(null);
  const found = useQuery({ queryKey: ["keys"], queryFn: ({ signal }) => get("/api/v1/keys", {}, undefined, signal) });
  const revoke = useMutation({
    mutationFn: (key: Key) => sendTo("DELETE", "/api/v1/keys/{key_id}", { key_id: key.id }),
    onSuccess: async () => {
      setRevoking(null);
      await client.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  if (found.isPending) return <Loading what="keys" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  return (
    <>
      <div className="overflow-x-auto">
        <table className="w-full">
          <thead>
            <tr className="h-8 text-left">
              <th className="label px-3">
                Name
                <CsvLink
                  name="keys"
                  columns={[
                    { name: "name", of: (each) => each.name },
                    { name: "id", of: (each) => each.id },
                    { name: "rights", of: (each) => each.rights.join(" ") },
                    { name: "projects", of: (each) => (each.projects === null ? "all" : each.projects.join(" ")) },
                    { name: "created_ns", of: (each) => each.created_ns },
                    { name: "revoked_ns", of: (each) => each.revoked_ns },
                  ]}
                  lines={found.data.items}
                />
              </th>
              <th className="label px-2">Id</th>
              <th className="label px-2">May</th>
              <th className="label px-2">Projects</th>
              <th className="label px-2">Made</th>
              <th className="label px-3">
                <span className="sr-only">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.data.items.map((key) => (
              <tr key={key.id} className={`border-t border-line/60 ${key.revoked_ns === null ? "" : "text-faint"}`}>
                <td className="px-3 py-1 font-medium">{oneLine(key.name, 80)}</td>
                <td className="px-2 font-mono text-xs">{key.id}</td>
                <td className="px-2">{key.rights.join(", ")}</td>
                <td className="max-w-56 truncate px-2">{key.projects === null ? "all" : oneLine(key.projects.join(", "), 200)}</td>
                <td className="px-2 whitespace-nowrap text-soft">
                  <Moment ns={key.created_ns} />
                </td>
                <td className="px-3 text-right whitespace-nowrap">
                  {key.revoked_ns === null ? (
                    <button type="button" className="button h-7" aria-label={`Revoke ${oneLine(key.name, 60)}`} onClick={() => setRevoking(key)}>
                      Revoke
                    </button>
                  ) : (
                    <>
                      revoked <Moment ns={key.revoked_ns} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <NewKey />
      <Popup title="Revoke this key?" isOpen={revoking !== null} onOpen={(isOpen) => isOpen || setRevoking(null)}>
        <p>
          Programs and browsers that use <strong>{oneLine(revoking?.name ?? "", 80)}</strong> are refused from the next second on. A revoked key does not come back.
        </p>
        {revoke.isError && (
          <p role="alert" className="mt-2 text-bad">
            {revoke.error.message}
          </p>
        )}
        <button type="button" className="button button-main mt-3" disabled={revoke.isPending} onClick={() => revoking !== null && revoke.mutate(revoking)}>
          Revoke it
        </button>
      </Popup>
    </>
  );
}

function NewKey() {
  const id = useId();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [rights, setRights] = useState<Right[]>(["ingest"]);
  const [projects, setProjects] = useState("");
  const listed = projects.split(",").map((each) => each.trim()).filter((each) => each !== "");
  const make = useMutation({
    mutationFn: () => send<Schemas["MadeKey"]>("POST", "/api/v1/keys", { name: name.trim(), rights, projects: listed.length === 0 ? null : listed }),
    onSuccess: async () => {
      setName("");
      await client.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  const key = make.data?.key;
  return (
    <form
      aria-label="Make a key"
      className="space-y-2 border-t border-line bg-panel px-3 py-3"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <div className="flex flex-wrap items-end gap-3">
        <label className="block" htmlFor={`${id}-name`}>
          <span className="label block">Name</span>
          <input id={`${id}-name`} className="field w-44" maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <fieldset className="flex flex-wrap gap-x-3">
          <legend className="label">May</legend>
          {RIGHTS.map(([right, words]) => (
            <label key={right} className="flex h-[1.875rem] items-center gap-1.5" title={words}>
              <input
                type="checkbox"
                className="accent-accent"
                checked={rights.includes(right)}
                onChange={(event) => setRights(event.target.checked ? [...rights, right] : rights.filter((each) => each !== right))}
              />
              {right}
            </label>
          ))}
        </fieldset>
        <label className="block" htmlFor={`${id}-projects`}>
          <span className="label block">Projects, with commas between; empty: all</span>
          <input id={`${id}-projects`} className="field w-64 max-w-full" value={projects} onChange={(event) => setProjects(event.target.value)} />
        </label>
        <button type="submit" className="button button-main" disabled={name.trim() === "" || rights.length === 0 || make.isPending}>
          Make a key
        </button>
      </div>
      <div aria-live="polite">
        {key !== undefined && (
          <p className="rounded-md bg-good-ground px-3 py-2">
            Nobody can read this key a second time: <code className="font-mono text-xs [overflow-wrap:anywhere]">{key}</code> <Copy text={() => key} label="Copy the key" />
          </p>
        )}
        {make.isError && <p className="text-bad">{make.error.message}</p>}
      </div>
    </form>
  );
}
