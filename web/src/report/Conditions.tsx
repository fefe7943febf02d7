/** The conditions of a run, and what became of each. */
import { oneLine } from "../format/visible";
import { Text } from "../parts/Text";
import type { Report } from "./document";

const TONES: Record<string, string> = { passed: "bg-good-ground text-good", failed: "bg-bad-ground text-bad", underpowered: "bg-warn-ground text-warn" };

const Answer = ({ answer }: { answer: string }) => <span className={`chip font-semibold ${TONES[answer] ?? ""}`}>{answer}</span>;

export function Conditions({ conditions }: { conditions: NonNullable<Report["conditions"]> }) {
  return (
    <section>
      <h2 className="mb-2 font-semibold">
        Conditions <Answer answer={conditions.answer} />
      </h2>
      <dl className="card divide-y divide-line">
        {conditions.results.map((each) => (
          <div key={each.condition} className="flex flex-wrap items-baseline gap-x-3 px-3 py-1">
            <dt className="flex items-baseline gap-3 font-medium">
              <Answer answer={each.answer} />
              {oneLine(each.condition, 200)}
            </dt>
            <dd className="text-soft">
              <Text value={each.why} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
