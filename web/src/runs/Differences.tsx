/** What a comparison found, score by score. */
import type { Schemas } from "../api/client";
import { figure, mean, signed } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvButton } from "../parts/Download";
import { around, Interval } from "../parts/Interval";

type Difference = Schemas["Difference"];

const VERDICTS: Record<string, [string, string]> = {
  better: ["better", "bg-good-ground text-good"],
  worse: ["worse", "bg-bad-ground text-bad"],
  equivalent: ["equivalent", "bg-chosen text-accent"],
  "no evidence": ["no evidence", ""],
  underpowered: ["too few rows to tell", "bg-warn-ground text-warn"],
};
const TONES: Record<string, string> = { better: "text-good", worse: "text-bad" };

function chance(p: number | null): string {
  return p !== null && p < 0.001 ? "< 0.001" : figure(p);
}

type Props = {
  differences: Difference[];
  /** Where each belongs to a slice: the column, and the slice of each. */
  slices?: { column: string; names: string[] };
};

export function Differences({ differences, slices }: Props) {
  return (
    <div className="card overflow-x-auto">
      <table className="w-full">
        <caption className="sr-only">Paired differences, score by score</caption>
        <thead>
          <tr className="h-8 bg-panel text-left">
            {slices !== undefined && <th className="label px-3">{oneLine(slices.column, 60)}</th>}
            <th className="label px-3">Score</th>
            <th className="label px-2">Verdict</th>
            <th className="label px-2 text-right">Baseline</th>
            <th className="label px-2 text-right">Run</th>
            <th className="label px-2 text-right">Difference</th>
            <th className="label px-2" colSpan={2}>
              95 % interval of the difference
            </th>
            <th className="label px-2 text-right">Better / worse / same</th>
            <th className="label px-3 text-right" title="adjusted for all scores together">
              p
            </th>
          </tr>
        </thead>
        <tbody>
          {differences.map((each, n) => {
            const slice = slices?.names[n];
            const [from, to] = around([each.low, each.high, each.difference]);
            const [words, tone] = VERDICTS[each.verdict] ?? [each.verdict, ""];
            return (
              <tr key={`${slice} ${each.name}`} className="border-t border-line">
                {slice !== undefined && <td className="px-3">{oneLine(slice, 100) || "(empty)"}</td>}
                <td className="px-3 py-1 font-medium">
                  {oneLine(each.name, 100)}
                  {each.lower_is_better && <span className="chip ml-2">less is better</span>}
                </td>
                <td className="px-2">
                  <span className={`chip font-semibold ${tone}`} title={each.why}>
                    {words}
                  </span>
                </td>
                <td className="px-2 text-right">{mean(each.baseline_mean)}</td>
                <td className="px-2 text-right">{mean(each.mean)}</td>
                <td className="px-2 text-right font-semibold">{signed(each.difference)}</td>
                <td className="w-[200px] px-2">
                  <Interval mean={each.difference} low={each.low} high={each.high} from={from} to={to} zero={0} width={180} tone={TONES[each.verdict] ?? "text-soft"} />
                </td>
                <td className="px-2 whitespace-nowrap text-soft">
                  {each.low === null || each.high === null ? "–" : `${signed(each.low)} to ${signed(each.high)}`}
                </td>
                <td className="px-2 text-right whitespace-nowrap">
                  <span className="text-good">{each.better}</span> / <span className="text-bad">{each.worse}</span> / {each.same}
                </td>
                <td className="px-3 text-right">{chance(each.p_adjusted ?? each.p_value)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div className="flex items-start border-t border-line bg-panel">
        {slices === undefined && (
          <ul className="px-3 py-1.5 text-soft">
            {differences.map((each) => (
              <li key={each.name}>
                <span className="font-medium">{oneLine(each.name, 100)}</span>: {oneLine(each.why, 400)}
              </li>
            ))}
          </ul>
        )}
        <span className="ml-auto p-1.5">
          <CsvButton
            name={slices === undefined ? "differences" : `differences by ${slices.column}`}
            columns={[
              ...(slices === undefined ? [] : [{ name: slices.column, of: (each: Difference) => slices.names[differences.indexOf(each)] }]),
              { name: "score", of: (each) => each.name },
              { name: "verdict", of: (each) => each.verdict },
              { name: "baseline_mean", of: (each) => each.baseline_mean },
              { name: "mean", of: (each) => each.mean },
              { name: "difference", of: (each) => each.difference },
              { name: "low", of: (each) => each.low },
              { name: "high", of: (each) => each.high },
              { name: "better", of: (each) => each.better },
              { name: "worse", of: (each) => each.worse },
              { name: "same", of: (each) => each.same },
              { name: "p", of: (each) => each.p_value },
              { name: "p_adjusted", of: (each) => each.p_adjusted },
            ]}
            lines={differences}
          />
        </span>
      </div>
    </div>
  );
}

export function LeftOut({ reasons }: { reasons: Record<string, string> }) {
  const listed = Object.entries(reasons);
  if (listed.length === 0) return null;
  return (
    <p className="text-faint">
      Not compared: {listed.map(([name, why]) => `${oneLine(name, 60)} (${oneLine(why, 160)})`).join("; ")}
    </p>
  );
}
