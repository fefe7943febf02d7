/** Writing the filter language. */

/** A value in quotes, as it is: no star in it stands for anything else. */
export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** The name of a score as it stands behind `score.`. */
export function scoreName(name: string): string {
  return /^[A-Za-z_][\w.]*$/.test(name) ? name : quoted(name);
}
