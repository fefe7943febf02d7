/** Views under a name: the filter, order and columns of the list, kept in this browser. */
import { Popover } from "@base-ui/react/popover";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { keep, kept } from "../frame/kept";
import { oneLine } from "../format/visible";

export type ViewSearch = { where?: string | undefined; sort?: string | undefined; columns?: string | undefined };
export type View = { name: string; search: ViewSearch };

const KEY = "tracelm.views";

/** Read the views that were kept; what is not of their form is left out. */
export function readViews(text: string | null): View[] {
  try {
    const listed: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(listed)) return [];
    return listed.flatMap((each: unknown) => {
      const { name, search } = (each ?? {}) as Record<string, unknown>;
      if (typeof name !== "string" || typeof search !== "object" || search === null) return [];
      const found: ViewSearch = {};
      for (const part of ["where", "sort", "columns"] as const) {
        const value = (search as Record<string, unknown>)[part];
        if (typeof value === "string") found[part] = value;
      }
      return [{ name, search: found }];
    });
  } catch {
    return [];
  }
}

export function Views({ search }: { search: ViewSearch }) {
  const [views, setViews] = useState(() => readViews(kept(KEY)));
  const [name, setName] = useState("");
  const change = (next: View[]) => {
    setViews(next);
    keep(KEY, JSON.stringify(next));
  };
  return (
    <Popover.Root>
      <Popover.Trigger className="button max-md:hidden">Views</Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className="z-50" sideOffset={4} align="end">
          <Popover.Popup className="card w-72 p-3 shadow-lg" aria-label="Views">
            {views.length === 0 && <p className="text-faint">None has a name yet.</p>}
            <ul>
              {views.map((each) => (
                <li key={each.name} className="flex items-center gap-2 rounded px-1 hover:bg-hover">
                  <Link
                    to="/traces"
                    search={{ where: undefined, sort: undefined, columns: undefined, ...each.search } as never}
                    className="min-w-0 flex-1 truncate py-0.5 hover:text-accent"
                    title={oneLine(each.search.where ?? "no filter", 300)}
                  >
                    {oneLine(each.name, 60)}
                  </Link>
                  <button type="button" className="text-faint hover:text-bad" aria-label={`Forget ${oneLine(each.name, 60)}`} onClick={() => change(views.filter((other) => other !== each))}>
                    ✕
                  </button>
                </li>
              ))}
            </ul>
            <form
              className="mt-2 flex gap-1.5 border-t border-line pt-2"
              onSubmit={(event) => {
                event.preventDefault();
                change([...views.filter((each) => each.name !== name.trim()), { name: name.trim(), search }]);
                setName("");
              }}
            >
              <input className="field min-w-0 flex-1" aria-label="Name of this view" placeholder="Name of this view" maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
              <button type="submit" className="button" disabled={name.trim() === ""}>
                Save
              </button>
            </form>
            <p className="mt-2 text-xs text-faint">Filter, order and columns; kept in this browser. To share a view, send its address.</p>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
