/** What may be said of an item: the schema of an annotation. */
import { scoreName } from "../format/filter";

export type Verdict = { key: string; words: string; value: boolean | number | string; tone: "good" | "bad" | "" };

/** `yes`, `5` for a scale from 1 to 5, or words with commas between them. */
export function verdictsOf(scale: string): Verdict[] {
  if (scale === "" || scale === "yes") {
    return [
      { key: "y", words: "yes", value: true, tone: "good" },
      { key: "n", words: "no", value: false, tone: "bad" },
    ];
  }
  const most = /^[2-9]$/.test(scale) ? Number(scale) : 0;
  if (most > 0) return Array.from({ length: most }, (_, n) => ({ key: String(n + 1), words: String(n + 1), value: n + 1, tone: "" as const }));
  const words = [...new Set(scale.split(",").map((each) => each.trim()).filter((each) => each !== ""))];
  return words.slice(0, 9).map((each, n) => ({ key: String(n + 1), words: each, value: each, tone: "" as const }));
}

/** The filter of what is still to be judged. */
export function queueFilter(where: string, score: string): string {
  const isOpen = `-has:score.${scoreName(score)}`;
  return where.trim() === "" ? isOpen : `(${where}) ${isOpen}`;
}
