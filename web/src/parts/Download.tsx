/** What is shown, as a file. */
import { useState } from "react";

import { type Column, csv } from "../format/csv";
import { picture } from "../format/picture";

/** Hand a file to the user; nothing leaves the browser. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\w.-]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

type TableProps<T> = { name: string; columns: readonly Column<T>[]; lines: readonly T[]; className?: string };

/** A table as CSV: the lines that are loaded. */
export function CsvButton<T>({ name, columns, lines, className = "button h-7" }: TableProps<T>) {
  const give = () => save(`${name}.csv`, new Blob([csv(columns, lines)], { type: "text/csv" }));
  return (
    <button type="button" className={className} disabled={lines.length === 0} title="the lines that are loaded, as a file" onClick={give}>
      CSV
    </button>
  );
}

/** The same within the heading of a table. */
export function CsvLink<T>(props: TableProps<T>) {
  return <CsvButton {...props} className="label ml-3 rounded font-normal hover:text-accent" />;
}

/** A chart as CSV and as PNG. */
export function ChartButtons<T>({ name, columns, lines, svg }: TableProps<T> & { svg: () => SVGSVGElement | null }) {
  const [problem, setProblem] = useState("");
  const draw = async () => {
    const found = svg();
    if (found === null) return;
    try {
      save(`${name}.png`, await picture(found, name));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <span className="flex gap-2">
      {problem !== "" && <span role="alert">{problem}</span>}
      <CsvButton name={name} columns={columns} lines={lines} className="rounded hover:text-accent" />
      <button type="button" className="rounded hover:text-accent" title="the chart as a picture" onClick={() => void draw()}>
        PNG
      </button>
    </span>
  );
}
