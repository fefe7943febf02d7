/** Small cells that the pages of evaluations share. */
import type { Schemas } from "../api/client";
import { type Json, written } from "../format/json";
import { figure } from "../format/units";
import { oneLine } from "../format/visible";

/** The beginning of a value on one line. */
export function preview(value: Json): string {
  return value === null ? "" : oneLine(typeof value === "string" ? value : written(value, 0), 220);
}

/** One score of one row. */
export function ScoreCell({ score }: { score: Schemas["RowScore"] | undefined }) {
  if (score === undefined || score.value === null) return <span className="text-faint">–</span>;
  const tone = score.passed === false ? "text-bad" : score.passed === true ? "text-good" : "";
  const { value } = score;
  const words = typeof value === "boolean" ? (value ? "yes" : "no") : typeof value === "number" ? figure(value) : oneLine(value, 60);
  return (
    <span className={`${tone} font-medium`} title={score.explanation === null ? undefined : oneLine(score.explanation, 500)}>
      {words}
    </span>
  );
}
