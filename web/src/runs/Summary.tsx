/** The scores of a run: each mean with its interval, how the values are spread, and what has none. */
import type { SummaryLine } from "../api/client";
import { mean } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvLink } from "../parts/Download";
import { Interval, range } from "../parts/Interval";
import { Distribution } from "./Distribution";

export function SummaryTable({ file, summary }: { file: string; summary: SummaryLine[] }) {
  if (summary.length === 0) return <p className="text-faint">No score was given in this run.</p>;
  return (
    <div className="card overflow-x-auto">
      <table className="w-full">
        <caption className="sr-only">Scores of the run</caption>
        <thead>
          <tr className="h-8 bg-panel text-left">
            <th className="label px-3">
              Score
              <CsvLink
                name={file}
                columns={[
                  { name: "score", of: (each) => each.score },
                  ...(["mean", "se", "low", "high", "n", "scored", "errors"] as const).map((name) => ({ name, of: (each: SummaryLine) => each[name] })),
                ]}
                lines={summary}
              />
            </th>
            <th className="label px-2 text-right">Mean</th>
            <th className="label px-2" colSpan={2}>
              95 % interval
            </th>
            <th className="label px-2">Values</th>
            <th className="label px-2 text-right" title="rows and trials that have this score, of those that should">
              Scored
            </th>
            <th className="label px-3 text-right">Scorer failed</th>
          </tr>
        </thead>
        <tbody>
          {summary.map((each) => {
            const [from, to] = range([each.mean, each.low, each.high]);
            return (
              <tr key={each.score} className="border-t border-line">
                <td className="px-3 py-1 font-medium">
                  {oneLine(each.score, 120)}
                  {each.lower_is_better && <span className="chip ml-2">less is better</span>}
                </td>
                <td className="px-2 text-right font-semibold">{mean(each.mean)}</td>
                <td className="w-[220px] px-2">
                  <Interval mean={each.mean} low={each.low} high={each.high} from={from} to={to} width={200} />
                </td>
                <td className="px-2 whitespace-nowrap text-soft">
                  {each.low === null || each.high === null ? "too few values" : `${mean(each.low)} to ${mean(each.high)}`}
                </td>
                <td className="px-2">
                  <Distribution bins={each.bins} />
                </td>
                <td className="px-2 text-right">
                  {each.scored} of {each.n}
                </td>
                <td className={`px-3 text-right ${each.errors > 0 ? "text-bad" : "text-faint"}`}>{each.errors}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
