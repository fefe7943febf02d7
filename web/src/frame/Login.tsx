/** Where a key is needed, and none was shown. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { keepCsrfToken, type Schemas, send } from "../api/client";

/** Ask for an API key; the server answers with a cookie that no script can read. */
export function Login() {
  const [key, setKey] = useState("");
  const client = useQueryClient();
  const login = useMutation({
    mutationFn: () => send<Schemas["Session"]>("POST", "/api/v1/session", { key: key.trim() }),
    onSuccess: (session) => {
      keepCsrfToken(session?.csrf_token ?? null);
      client.setQueryData(["session"], session);
    },
  });
  return (
    <main className="grid h-full place-items-center bg-panel p-6">
      <form
        className="card w-96 max-w-full p-6"
        onSubmit={(event) => {
          event.preventDefault();
          login.mutate();
        }}
      >
        <div className="flex items-center gap-2 text-base font-semibold">
          <img src="/icon.svg" alt="" className="size-6" /> tracelm
        </div>
        <p className="mt-2 text-soft">
          This server asks for an API key with the right to read. <code className="font-mono text-xs">tracelm keys create</code> makes
          one.
        </p>
        <label className="label mt-4 block" htmlFor="key">
          API key
        </label>
        <input
          id="key"
          type="password"
          autoComplete="current-password"
          className="field mt-1 w-full font-mono"
          value={key}
          onChange={(event) => setKey(event.target.value)}
        />
        {login.isError && (
          <p role="alert" className="mt-2 text-bad">
            {login.error.message}
          </p>
        )}
        <button type="submit" className="button button-main mt-4" disabled={key.trim() === "" || login.isPending}>
          Log in
        </button>
      </form>
    </main>
  );
}
