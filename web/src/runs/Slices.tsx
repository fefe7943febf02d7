/** A run by what stands in one column of its dataset: the mean of each score in each slice. */
import { useState } from "react";

import type { Schemas, SummaryLine } from "../api/client";
import { mean } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvLink } from "../parts/Download";
import { Interval, range } from "../parts/Interval";

type Slices = Schemas["Slices"];

/** With fewer rows a mean says little. */
const SMALL = 30;

/** The columns as buttons; that of the one which is open closes it. */
export function SlicesView({ slices, isOpen = false }: { slices: Slices[]; isOpen?: boolean }) {
  const [chosen, setChosen] = useState(isOpen ? slices[0]!.column : null);
  const shown = slices.find((each) => each.column === chosen);
  return (
    <section>
      <div className="flex flex-wrap items-center gap-1.5">
        <h2 className="mr-2 font-semibold">Slices by</h2>
        {slices.map(({ column }) => (
          <button
            key={column}
            type="button"
            aria-expanded={column === chosen}
            className={`button h-7 ${column === chosen ? "border-accent text-accent" : ""}`}
            onClick={() => setChosen(column === chosen ? null : column)}
          >
            {oneLine(column, 60)}
          </button>
        ))}
      </div>
      {shown !== undefined && <SliceTable shown={shown} />}
    </section>
  );
}

function SliceTable({ shown }: { shown: Slices }) {
  const lines = shown.slices.flatMap((slice) => slice.summary.map((each, n) => ({ slice, each, isFirst: n === 0 })));
  return (
    <div className="card mt-2 max-h-96 overflow-auto">
      <table className="w-full">
        <caption className="sr-only">Scores by {oneLine(shown.column, 60)}</caption>
        <thead className="sticky top-0">
          <tr className="h-8 bg-panel text-left">
            <th className="label px-3">
              {oneLine(shown.column, 60)}
              <CsvLink
                name={`slices by ${shown.column}`}
                columns={[
                  { name: shown.column, of: (line) => line.slice.name },
                  { name: "rows", of: (line) => line.slice.rows },
                  { name: "score", of: (line) => line.each.score },
                  ...(["mean", "low", "high", "scored", "errors"] as const).map((name) => ({
                    name,
                    of: (line: { each: SummaryLine }) => line.each[name],
                  })),
                ]}
                lines={lines}
              />
            </th>
            <th className="label px-2">Score</th>
            <th className="label px-2 text-right">Mean</th>
            <th className="label px-2" colSpan={2}>
              95 % interval
            </th>
            <th className="label px-3 text-right">Scored</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ slice, each, isFirst }) => {
            const [from, to] = range([each.mean, each.low, each.high]);
            return (
              <tr key={`${slice.name} ${each.score}`} className={isFirst ? "border-t border-line" : ""}>
                <td className="px-3 py-1">
                  {isFirst && (
                    <>
                      <span className="font-medium">{oneLine(slice.name, 120) || "(empty)"}</span>
                      {slice.rows < SMALL && (
                        <span className="chip ml-2" title="with so few rows a mean says little">
                          {slice.rows === 1 ? "1 row" : `${slice.rows} rows`}
                        </span>
                      )}
                    </>
                  )}
                </td>
                <td className="px-2">{oneLine(each.score, 100)}</td>
                <td className="px-2 text-right font-semibold">{mean(each.mean)}</td>
                <td className="w-[150px] px-2">
                  <Interval mean={each.mean} low={each.low} high={each.high} from={from} to={to} />
                </td>
                <td className="px-2 whitespace-nowrap text-soft">
                  {each.low === null || each.high === null ? "too few values" : `${mean(each.low)} to ${mean(each.high)}`}
                </td>
                <td className="px-3 text-right">
                  {each.scored} of {each.n}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
