/** Tokens and cost, bucket by bucket, with the prices that applied. */
import type { SpanDetail } from "../api/client";
import { type Json, parseContainer } from "../format/json";
import { cost } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvLink } from "../parts/Download";
import { Moment } from "../parts/Moment";

const TOKENS: [string, string][] = [
  ["gen_ai.usage.input_tokens", "Input, all"],
  ["gen_ai.usage.cache_read.input_tokens", "of which read from the cache"],
  ["gen_ai.usage.cache_write.input_tokens", "of which written to the cache"],
  ["gen_ai.usage.image.input_tokens", "of which of images"],
  ["gen_ai.usage.audio.input_tokens", "of which of sound"],
  ["gen_ai.usage.output_tokens", "Output, all"],
  ["gen_ai.usage.reasoning.output_tokens", "of which for reasoning"],
  ["gen_ai.usage.image.output_tokens", "of which of images"],
  ["gen_ai.usage.audio.output_tokens", "of which of sound"],
];
const BUCKET = /^tracelm\.cost\.(\w+)_usd$/;
const NOT_A_BUCKET = new Set(["computed"]);

export function CostTable({ span }: { span: SpanDetail }) {
  const attributes = span.attributes as Record<string, Json>;
  const tokens = TOKENS.filter(([key]) => typeof attributes[key] === "number");
  const buckets = Object.entries(attributes).flatMap(([key, value]) => {
    const name = BUCKET.exec(key)?.[1];
    return name !== undefined && !NOT_A_BUCKET.has(name) && typeof value === "number" ? [[name, value] as const] : [];
  });
  const given = attributes["tracelm.cost.rates"];
  const rates = typeof given === "string" ? parseContainer(given) : given;
  const rate = (bucket: string): string => {
    if (typeof rates !== "object" || rates === null || Array.isArray(rates)) return "";
    const found = rates[`${bucket}_usd_per_mtok`];
    return typeof found === "number" ? `${cost(found)} per million` : "";
  };
  const text = (key: string) => (typeof attributes[key] === "string" ? oneLine(attributes[key], 300) : null);
  const source = text("gen_ai.usage.cost.source");
  const repriced = attributes["tracelm.cost.repriced_at_ns"];
  return (
    <div className="space-y-5">
      {tokens.length > 0 && (
        <table className="w-full max-w-xl">
          <caption className="label pb-1 text-left">
            Tokens{attributes["tracelm.usage.estimated"] === true ? ", counted here: the provider reported none" : ", as the provider reported them"}
            <CsvLink
              name={`tokens of ${span.span_id}`}
              columns={[
                { name: "attribute", of: ([key]) => key },
                { name: "tokens", of: ([key]) => Number(attributes[key]) },
              ]}
              lines={tokens}
            />
          </caption>
          <tbody>
            {tokens.map(([key, words]) => (
              <tr key={key} className="border-t border-line">
                <th scope="row" className={`py-1 text-left font-normal ${words.startsWith("of which") ? "pl-4 text-soft" : ""}`}>
                  {words}
                </th>
                <td className="text-right">{Number(attributes[key]).toLocaleString("en-US")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {span.cost_usd === null ? (
        <p className="text-soft">
          No price is known for this call, so it has no cost; that is not the same as 0. Prices of your own:{" "}
          <code className="font-mono text-xs">tracelm.init(prices=…)</code>.
        </p>
      ) : (
        <table className="w-full max-w-xl">
          <caption className="label pb-1 text-left">
            Cost{source === "provider" ? ", as the provider reported it" : ""}
            <CsvLink
              name={`cost of ${span.span_id}`}
              columns={[
                { name: "bucket", of: ([bucket]) => bucket },
                { name: "cost_usd", of: ([, usd]) => usd },
              ]}
              lines={[...buckets, ["sum", span.cost_usd] as const]}
            />
          </caption>
          <tbody>
            {buckets.map(([name, value]) => (
              <tr key={name} className="border-t border-line">
                <th scope="row" className="py-1 text-left font-normal">
                  {name.replaceAll("_", " ")}
                </th>
                <td className="text-right text-faint">{rate(name)}</td>
                <td className="w-32 text-right" title={`$${value}`}>
                  {cost(value)}
                </td>
              </tr>
            ))}
            <tr className="border-t border-edge font-semibold">
              <th scope="row" className="py-1 text-left">
                Sum
              </th>
              <td className="text-right" colSpan={2} title={`$${span.cost_usd}`}>
                {cost(span.cost_usd)}
              </td>
            </tr>
          </tbody>
        </table>
      )}
      {text("tracelm.cost.rule") !== null && (
        <dl className="grid max-w-xl grid-cols-[8rem_1fr] gap-y-1">
          <dt className="text-soft">Price rule</dt>
          <dd className="font-mono text-xs [overflow-wrap:anywhere]">{text("tracelm.cost.rule")}</dd>
          <dt className="text-soft">Price list</dt>
          <dd className="font-mono text-xs">{text("tracelm.cost.price_version")}</dd>
          {repriced !== undefined && (
            <>
              <dt className="text-soft">Computed anew</dt>
              <dd>
                <Moment ns={String(repriced)} />, before: {cost(span.recorded_cost_usd)}
              </dd>
            </>
          )}
        </dl>
      )}
    </div>
  );
}
