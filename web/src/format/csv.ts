/** Tables as CSV (RFC 4180). */

export type Cell = string | number | bigint | boolean | null | undefined;
export type Column<T> = { name: string; of: (line: T) => Cell };

/** What a spreadsheet would run instead of showing it. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

function field(value: Cell): string {
  if (value === null || value === undefined) return "";
  let text = String(value);
  if (typeof value === "string" && FORMULA.test(text) && !NUMBER.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Write lines with a head. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csv<T>(columns: readonly Column<T>[], lines: readonly T[]): string {
  const rows = [columns.map((column) => field(column.name)), ...lines.map((line) => columns.map((column) => field(column.of(line))))];
  return rows.map((row) => `${row.join(",")}\r\n`).join("");
}
