/** What stands where there is nothing, not yet anything, or something went wrong; each says what to do next. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { Problem } from "../api/client";
import { Text } from "../parts/Text";

/** Nothing is here, and why. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mx-auto max-w-2xl px-6 py-14 text-center">
      <h2 className="text-base font-semibold">{title}</h2>
      <div className="mt-2 text-soft">{children}</div>
    </div>
  );
}

/** Something is being fetched. Shown only when it takes a moment, so that nothing flickers. */
export function Loading({ what }: { what: string }) {
  return (
    <output className="block animate-[appear_0s_250ms_both] px-6 py-14 text-center text-faint" aria-live="polite">
      Loading {what} …
    </output>
  );
}

/** A request failed. */
export function Failed({ error, again }: { error: Error; again?: () => void }) {
  const isRefused = error instanceof Problem && (error.status === 401 || error.status === 403);
  return (
    <div role="alert" className="mx-auto my-10 max-w-2xl rounded-lg border border-bad/40 bg-bad-ground px-5 py-4">
      <h2 className="font-semibold text-bad">{isRefused ? "This key may not see that" : "That did not work"}</h2>
      <p className="mt-1 [overflow-wrap:anywhere]">
        <Text value={error.message} />
      </p>
      {again && !isRefused && (
        <button type="button" className="button mt-3" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** No page has this address. */
export function NothingHere() {
  return (
    <Empty title="No page has this address">
      <Link to="/traces" className="link">
        Go to the traces
      </Link>
    </Empty>
  );
}
