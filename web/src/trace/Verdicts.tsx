/** What was said of a span: guardrails' decisions, scores, and a form to say something oneself. */
import type { DecisionLine, ScoreLine, SpanDetail } from "../api/client";
import type { Json } from "../format/json";
import { duration, figure } from "../format/units";
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
      <ScoreForm targets={[{ traceId: span.trace_id, spanId: span.span_id, project: span.project }]} />
    </div>
  );
}

const OUTCOMES: Record<string, string> = {
  enforced: "",
  shadow: "in shadow: only recorded",
  failed_open: "the guardrail failed and let it pass",
  failed_closed: "the guardrail failed and let nothing pass",
};
const TAKEN: Record<string, [string, string]> = {
  allow: ["border-line", "bg-good-ground text-good"],
  block: ["border-bad/50 bg-bad-ground", "bg-bad text-ground"],
};
const INTERVENED: [string, string] = ["border-warn/50 bg-warn-ground", "bg-warn text-ground"];

function Decision({ decision }: { decision: DecisionLine }) {
  const attributes = decision.attributes as Record<string, Json>;
  const text = (key: string) => (typeof attributes[key] === "string" ? oneLine(attributes[key], 100) : null);
  const [box, chip] = TAKEN[decision.taken ?? ""] ?? INTERVENED;
  const found = foundIn(attributes["tracelm.guardrail.spans"]);
  const policy = text("tracelm.guardrail.policy.name");
  const side = text("tracelm.guardrail.side");
  const attempt = attributes["tracelm.guardrail.attempt"];
  const error = text("error.type");
  return (
    <section className={`rounded-md border px-3 py-2 ${box}`}>
      <header className="flex flex-wrap items-center gap-2">
        <span className="label">Guardrail</span>
        <h3 className="font-semibold">{oneLine(decision.guardrail ?? "", 100)}</h3>
        {side !== null && <span className="text-soft">on the {side}</span>}
        <span className={`chip ${chip}`}>{oneLine(decision.taken ?? "unknown", 30)}</span>
        {decision.intended !== decision.taken && decision.intended !== null && <span className="chip">intended: {oneLine(decision.intended, 30)}</span>}
        {typeof attempt === "number" && <span className="chip">attempt {attempt + 1}</span>}
        <span className="text-soft">{OUTCOMES[decision.outcome ?? ""] ?? oneLine(decision.outcome ?? "", 60)}</span>
        <span className="ml-auto text-soft">
          {decision.latency_s !== null && `judged in ${duration(decision.latency_s * 1e9)}, `}
          <Moment ns={decision.time_ns} />
        </span>
      </header>
      {policy !== null && (
        <p className="mt-0.5 text-soft">
          by the policy {policy} {text("tracelm.guardrail.policy.version")}{" "}
          <span className="font-mono text-xs">{text("tracelm.guardrail.policy.digest")?.slice(0, 12)}</span>
        </p>
      )}
      {error !== null && <p className="mt-0.5 font-mono text-xs text-bad">{error}</p>}
      {found.length > 0 && (
        <p className="mt-1.5">
          <FoundChips found={found} /> <span className="text-soft">places in what was judged, in characters; what was refused is not recorded</span>
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
