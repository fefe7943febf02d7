/** What a report holds: `Document` in `tracelm.evals.html`, of parts that the API has too. */
import type { RunRow, Schemas, SummaryLine } from "../api/client";
import { parseExact } from "../format/json";

type Condition = { condition: string; answer: string; figure: number | null; low: number | null; high: number | null; why: string };

export type Report = {
  title: string;
  run_id: string;
  facts: string[];
  conditions: { answer: string; results: Condition[] } | null;
  summary: SummaryLine[];
  slices: Schemas["Slices"][];
  slice_differences: { column: string; slices: Record<string, Schemas["Difference"][]> }[];
  trials: number;
  rows: RunRow[];
  comparison: Schemas["Comparison"] | null;
  baseline_rows: RunRow[];
};

/** Read the report out of the page. */
export function embedded(page: Document): Report {
  return parseExact(page.getElementById("report")!.textContent) as unknown as Report;
}
