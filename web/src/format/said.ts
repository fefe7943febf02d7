/** What of a recorded value is worth reading at a glance. */

/** The text itself where a value is JSON of one, or of an object with one; else as it is. A preview may be cut. */
export function said(preview: string): string {
  try {
    const value = JSON.parse(preview) as unknown;
    if (typeof value === "string") return value;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const members = Object.values(value);
      if (members.length === 1 && typeof members[0] === "string") return members[0];
    }
  } catch {
    // cut, or never was JSON
  }
  return preview.startsWith('"') ? preview.slice(1) : preview;
}
