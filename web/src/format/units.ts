/** Figures with their units. */

/** A duration; three digits that count. */
export function duration(ns: number): string {
  if (ns < 0) return "–";
  const steps: [number, string][] = [
    [1e3, "ns"],
    [1e6, "µs"],
    [1e9, "ms"],
  ];
  for (const [limit, unit] of steps) {
    if (ns < limit) return `${digits(ns / (limit / 1e3))} ${unit}`;
  }
  const s = ns / 1e9;
  if (s < 60) return `${digits(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

function digits(value: number): string {
  if (value === 0) return "0";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** US dollars with enough digits to see a difference; an en dash where nothing is known. */
export function cost(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return "–";
  if (usd === 0) return "$0";
  const amount = Math.abs(usd);
  if (amount >= 100) return `$${usd.toLocaleString("en-US", { maximumFractionDigits: 0 })}`;
  if (amount >= 1) return `$${usd.toFixed(2)}`;
  const places = Math.min(12, Math.floor(-Math.log10(amount)) + (amount < 0.001 ? 2 : 3));
  return `$${usd.toFixed(places).replace(/0+$/, "")}`;
}

/** A count, shortened from ten thousand on. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) < 10_000) return value.toLocaleString("en-US");
  return value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 });
}

/** A number of a score or of a figure. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return Math.abs(value) >= 100 ? value.toFixed(1) : Math.abs(value) >= 0.001 ? value.toFixed(3) : value.toPrecision(2);
}

/** A mean, with as many places as its neighbours in a column. */
export function mean(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
  return text.replace("-", "−");
}

/** A difference, with its sign. */
export function signed(value: number | null | undefined): string {
  return value !== null && value !== undefined && value > 0 ? `+${mean(value)}` : mean(value);
}

/** A size in bytes. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1e6 ? `${digits(bytes / 1e3)} KB` : `${digits(bytes / 1e6)} MB`;
}

/** A number of things, with the word for them. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString("en-US")} ${value === 1 ? one : many}`;
}

/** A share as a percentage. */
export function share(value: number | null): string {
  return value === null ? "–" : `${(100 * value).toFixed(value === 0 || value === 1 ? 0 : 1)} %`;
}
