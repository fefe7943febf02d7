/** What was said in this sitting, and how far people agree with a judge. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get, type Schemas } from "../api/client";
import { Failed, Loading } from "../frame/states";
import { mean, plural } from "../format/units";
import { oneLine } from "../format/visible";
import { CsvLink } from "../parts/Download";
import { Interval } from "../parts/Interval";
import type { Said } from "./AnnotatePage";

type Props = { said: Said[]; name: string; judge: string; project: string | undefined; run: string | undefined };

export function Agreement({ said, name, judge, project, run }: Props) {
  const found = useQuery({
    queryKey: ["agreement", name, judge, project, run, said.length],
    queryFn: ({ signal }) => get("/api/v1/agreement", { name, judge, project, run_id: run }, undefined, signal),
    enabled: judge !== "",
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <section className="card px-3 py-2" aria-labelledby="said-title">
        <h2 id="said-title" className="label">
          Judged in this sitting: {said.length}
        </h2>
        {said.length === 0 && <p className="mt-1 text-faint">A key gives the verdict and the next item comes. The judge&apos;s verdict is shown afterwards.</p>}
        <ul className="mt-1 max-h-48 overflow-auto">
          {said.slice(0, 50).map((each) => (
            <li key={each.traceId} className="flex items-baseline gap-2 py-0.5">
              <Link to="/traces/$traceId" params={{ traceId: each.traceId }} search={{ tab: "verdicts" }} className="min-w-0 flex-1 truncate hover:text-accent">
                {oneLine(each.name, 60)}
              </Link>
              <span className="font-medium">{oneLine(each.words, 30)}</span>
              {each.judge !== null && <span className="text-soft">judge: {oneLine(each.judge, 30)}</span>}
            </li>
          ))}
        </ul>
      </section>
      {judge === "" ? (
        <p className="text-faint">Choose a judge above to see how far people agree with it.</p>
      ) : found.isPending ? (
        <Loading what="the agreement" />
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <Figures found={found.data} name={name} judge={judge} />
      )}
    </>
  );
}

function Figures({ found, name, judge }: { found: Schemas["Agreement"]; name: string; judge: string }) {
  if (found.n === 0) {
    return <p className="text-faint">No span has both a score “{oneLine(name, 60)}” of people, of one mind, and one “{oneLine(judge, 60)}” of the judge.</p>;
  }
  const lines: [string, Schemas["IntervalLine"] | null][] = [
    ["Agreement", found.agreement],
    ["Cohen’s kappa", found.kappa],
  ];
  return (
    <section className="card" aria-labelledby="agreement-title">
      <h2 id="agreement-title" className="label border-b border-line bg-panel px-3 py-2">
        “{oneLine(name, 40)}” of people and “{oneLine(judge, 40)}” of the judge, {plural(found.n, "span")}
      </h2>
      <table className="w-full">
        <tbody>
          {lines.map(([words, each]) => (
            <tr key={words} className="border-b border-line/60">
              <th scope="row" className="px-3 py-1 text-left font-normal">
                {words}
              </th>
              <td className="px-2 text-right font-semibold">{mean(each?.mean)}</td>
              <td className="px-2">
                {each !== null && <Interval mean={each.mean} low={each.low} high={each.high} from={Math.min(0, each.low ?? 0)} to={1} width={80} />}
              </td>
              <td className="px-3 text-right text-xs whitespace-nowrap text-faint">
                {each === null ? "one label only" : each.low === null ? "" : `${mean(each.low)} to ${mean(each.high)}`}
              </td>
            </tr>
          ))}
          <tr className="border-b border-line/60">
            <th scope="row" className="px-3 py-1 text-left font-normal text-soft">
              by chance alone
            </th>
            <td className="px-2 text-right text-soft">{mean(found.chance)}</td>
          </tr>
          {found.between_people !== null && (
            <tr className="border-b border-line/60">
              <th scope="row" className="px-3 py-1 text-left font-normal text-soft">
                between people
              </th>
              <td className="px-2 text-right text-soft">{mean(found.between_people)}</td>
            </tr>
          )}
        </tbody>
      </table>
      <Confusion found={found} />
      {found.notes.map((note) => (
        <p key={note} className="px-3 py-1.5 text-warn">
          {oneLine(note, 400)}
        </p>
      ))}
      {found.disagreements.length > 0 && (
        <div className="border-t border-line px-3 py-2">
          <h3 className="label">Where they differ</h3>
          <ul>
            {found.disagreements.slice(0, 8).map((each) => (
              <li key={`${each.trace_id}/${each.span_id}/${each.author}`} className="flex gap-2 py-0.5">
                <Link to="/traces/$traceId" params={{ traceId: each.trace_id }} search={{ span: `${each.project}/${each.span_id}`, tab: "verdicts" }} className="link font-mono text-xs">
                  {each.trace_id.slice(0, 8)}
                </Link>
                <span className="min-w-0 truncate">
                  {oneLine(each.author || "somebody", 40)}: {oneLine(each.person, 30)}
                </span>
                <span className="ml-auto text-soft">judge: {oneLine(each.judge, 30)}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

/** How often which label of people meets which verdict of the judge. */
function Confusion({ found }: { found: Schemas["Agreement"] }) {
  const labels = [...new Set(found.confusion.flatMap((each) => [each.people, each.judge]))].toSorted();
  if (labels.length > 8) return null;
  const n = (people: string, judge: string) => found.confusion.find((each) => each.people === people && each.judge === judge)?.n ?? 0;
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-right">
        <caption className="sr-only">People, line by line, and the judge, column by column</caption>
        <thead>
          <tr className="text-faint">
            <th className="label px-3 py-1 text-left">
              people ↓ judge →
              <CsvLink
                name="agreement"
                columns={[
                  { name: "people", of: (each) => each.people },
                  { name: "judge", of: (each) => each.judge },
                  { name: "n", of: (each) => each.n },
                ]}
                lines={found.confusion}
              />
            </th>
            {labels.map((each) => (
              <th key={each} className="label px-2">
                {oneLine(each, 20)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((people) => (
            <tr key={people} className="border-t border-line/60">
              <th scope="row" className="px-3 py-1 text-left font-normal">
                {oneLine(people, 30)}
              </th>
              {labels.map((judge) => (
                <td key={judge} className={`px-2 ${people === judge ? "font-semibold text-good" : n(people, judge) > 0 ? "text-bad" : "text-faint"}`}>
                  {n(people, judge)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
