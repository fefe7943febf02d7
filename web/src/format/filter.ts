/** Writing the filter language. */

/** A value in quotes, as it is: no star in it stands for anything else. */
export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}
