/** What was said of a span: guardrails' decisions, scores, and a form to say something oneself. */
import type { DecisionLine, ScoreLine, SpanDetail } from "../api/client";
import type { Json } from "../format/json";
import { figure } from "../format/units";
import { oneLine } from "../format/visible";
import { JsonTree } from "../parts/JsonTree";
import { FoundChips, foundIn } from "../parts/Marked";
import { Moment } from "../parts/Moment";
import { LongText } from "../parts/Text";
import { ScoreForm } from "./ScoreForm";

export function Verdicts({ span }: { span: SpanDetail }) {
  return (
    <div className="space-y-4">
      {span.decisions.map((each) => (
        <Decision key={each.uid} decision={each} />
      ))}
      {span.scores.length > 0 && (
        <div className="card divide-y divide-line">
          {span.scores.map((each) => (
            <Score key={each.uid} score={each} />
          ))}
        </div>
      )}
      {span.scores.length + span.decisions.length === 0 && <p className="text-faint">Nobody has judged this span yet.</p>}
      <ScoreForm traceId={span.trace_id} spanId={span.span_id} project={span.project} />
    </div>
  );
}

const OUTCOMES: Record<string, string> = {
  enforced: "enforced",
  failed_open: "the guardrail failed and let it pass",
  failed_closed: "the guardrail failed and let nothing pass",
};

function Decision({ decision }: { decision: DecisionLine }) {
  const isAllowed = decision.taken === "allow";
  const found = foundIn(decision.attributes["tracelm.guardrail.spans"]);
  return (
    <section className={`rounded-md border px-3 py-2 ${isAllowed ? "border-line" : "border-bad/50 bg-bad-ground"}`}>
      <header className="flex flex-wrap items-center gap-2">
        <span className="label">Guardrail</span>
        <h3 className="font-semibold">{oneLine(decision.guardrail ?? "", 100)}</h3>
        <span className={`chip ${isAllowed ? "bg-good-ground text-good" : "bg-bad text-ground"}`}>{decision.taken ?? "unknown"}</span>
        {decision.intended !== decision.taken && <span className="chip">intended: {decision.intended}</span>}
        <span className="text-soft">{OUTCOMES[decision.outcome ?? ""] ?? oneLine(decision.outcome ?? "", 60)}</span>
        <span className="ml-auto text-faint">
          {decision.latency_s !== null && `judged in ${figure(decision.latency_s)} s, `}
          <Moment ns={decision.time_ns} />
        </span>
      </header>
      {found.length > 0 && (
        <p className="mt-1.5">
          <FoundChips found={found} /> <span className="text-faint">characters of what was judged; a refused text itself is not recorded</span>
        </p>
      )}
    </section>
  );
}

function Score({ score }: { score: ScoreLine }) {
  const tone = score.passed === false || score.error_type !== null ? "text-bad" : score.passed === true ? "text-good" : "";
  const { spans, ...rest } = score.details as Record<string, Json>;
  const found = foundIn(spans);
  return (
    <div className="px-3 py-1.5">
      <div className="flex flex-wrap items-baseline gap-2">
        <span className="font-medium">{oneLine(score.name, 120)}</span>
        <span className={`font-semibold ${tone}`}>{shown(score)}</span>
        {score.source !== null && <span className="chip">{oneLine(score.source, 30)}</span>}
        {score.author !== null && <span className="text-soft">by {oneLine(score.author, 60)}</span>}
        <span className="ml-auto text-faint">
          <Moment ns={score.time_ns} />
        </span>
      </div>
      {score.explanation !== null && score.explanation !== "" && (
        <div className="text-soft">
          <LongText value={score.explanation} />
        </div>
      )}
      {found.length > 0 && <FoundChips found={found} />}
      {Object.keys(rest).length > 0 && <JsonTree value={rest} />}
    </div>
  );
}

/** The value of a score in a word or a number. */
export function shown(score: Pick<ScoreLine, "value" | "label" | "error_type">): string {
  if (score.error_type !== null) return `failed: ${oneLine(score.error_type, 80)}`;
  if (score.label === "true") return "yes";
  if (score.label === "false") return "no";
  if (score.label !== null) return score.value === null ? oneLine(score.label, 80) : `${oneLine(score.label, 80)} (${figure(score.value)})`;
  return figure(score.value);
}
