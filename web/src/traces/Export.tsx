/** What the list shows, as files: the lines that are loaded, or all that the filter finds. */
import { Popover } from "@base-ui/react/popover";
import { useMutation } from "@tanstack/react-query";

import { allows, get, type TraceLine } from "../api/client";
import { csv } from "../format/csv";
import { plural } from "../format/units";
import { CsvButton, save } from "../parts/Download";
import { type Column, fileColumns } from "./columns";

export type Asked = { where: string; project: string | undefined; since_ns: string | undefined; until_ns: string | undefined };
type Props = { asked: Asked; order: "-start" | "start" | "-latency" | "latency" | "-cost" | "cost" | "-tokens" | "tokens"; columns: readonly Column[]; lines: readonly TraceLine[]; hasMore: boolean };

export const MOST_LINES = 10_000;
const PAGE = 1_000;

/** The address of a file with the spans of all traces that a filter finds. */
export function exportAddress(asked: Asked): string {
  const given = Object.entries(asked).filter((each): each is [string, string] => each[1] !== undefined && each[1] !== "");
  return `/api/v1/export/spans.jsonl?${new URLSearchParams(given)}`;
}

/** The lines of all traces that a filter finds, page after page. */
async function allLines(asked: Asked, order: Props["order"]): Promise<TraceLine[]> {
  const found: TraceLine[] = [];
  let after: string | undefined;
  while (found.length < MOST_LINES) {
    // oxlint-disable-next-line no-await-in-loop -- each page begins behind the one before
    const page = await get("/api/v1/traces", { ...asked, order_by: order, after, limit: PAGE });
    found.push(...page.items);
    if (page.next === null) return found;
    after = page.next;
  }
  throw new Error(`more than ${MOST_LINES.toLocaleString("en-US")} traces match: take a shorter time or a narrower filter`);
}

export function Export({ asked, order, columns, lines, hasMore }: Props) {
  const table = useMutation({
    mutationFn: async () => save("traces.csv", new Blob([csv(fileColumns(columns), await allLines(asked, order))], { type: "text/csv" })),
  });
  const spans = useMutation({
    mutationFn: async () => {
      const address = exportAddress(asked);
      await allows(address); // what is refused shall be said here, not in a file
      const link = document.createElement("a");
      link.href = address;
      link.download = "spans.jsonl";
      link.click();
    },
  });
  const error = table.error ?? spans.error;
  return (
    <Popover.Root>
      <Popover.Trigger className="button max-md:hidden">Export</Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className="z-50" sideOffset={4} align="end">
          <Popover.Popup className="card w-80 space-y-2.5 p-3 shadow-lg" aria-label="Export">
            <div className="flex items-center gap-2">
              <CsvButton name="traces" columns={fileColumns(columns)} lines={lines} />
              <span className="text-soft">{hasMore ? `the ${plural(lines.length, "line")} that are loaded` : plural(lines.length, "line")}</span>
            </div>
            {hasMore && (
              <div className="flex items-center gap-2">
                <button type="button" className="button h-7 whitespace-nowrap" disabled={table.isPending} onClick={() => table.mutate()}>
                  {table.isPending ? "Reading …" : "CSV of all"}
                </button>
                <span className="text-soft">all that the filter finds</span>
              </div>
            )}
            <div className="flex items-center gap-2">
              <button type="button" className="button h-7 whitespace-nowrap" disabled={spans.isPending} onClick={() => spans.mutate()}>
                OTLP lines
              </button>
              <span className="text-soft">all spans of all that the filter finds, as `tracelm store import` and collectors read them</span>
            </div>
            <p className="text-xs text-faint">At most {MOST_LINES.toLocaleString("en-US")} traces at once.</p>
            {error !== null && (
              <p role="alert" className="text-bad">
                {error.message}
              </p>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
