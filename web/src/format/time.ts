/** Moments: text of nanoseconds since 1970, UTC, shown in the user's zone. */

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const SHORT = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const WITH_YEAR = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const ZONE = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });

function date(ns: string | bigint): Date {
  return new Date(Number(BigInt(ns) / 1_000_000n));
}

/** A moment for a list: the time of day, with the day if it is not today's. */
export function moment(ns: string, now = new Date()): string {
  const at = date(ns);
  if (at.toDateString() === now.toDateString()) return CLOCK.format(at);
  const day = at.getFullYear() === now.getFullYear() ? SHORT : WITH_YEAR;
  return `${day.format(at)} ${CLOCK.format(at)}`;
}

/** The exact moment, with all digits, in the user's zone and in UTC. */
export function exact(ns: string): string {
  const at = date(ns);
  const digits = (BigInt(ns) % 1_000_000_000n).toString().padStart(9, "0");
  const zone = ZONE.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "";
  const utc = at.toISOString().replace(/\.\d+Z$/, `.${digits}Z`);
  return `${WITH_YEAR.format(at)} ${CLOCK.format(at)}.${digits} ${zone}\n${utc}`;
}

/** What stands below a bar of a chart of `spanNs` width. */
export function tick(ns: string, spanNs: number): string {
  const at = date(ns);
  if (spanNs > 2 * 86_400e9) return SHORT.format(at);
  return spanNs < 900e9 ? CLOCK.format(at) : CLOCK.format(at).slice(0, 5);
}

/** How much later `b` is than `a`, in nanoseconds. */
export function between(a: string, b: string): number {
  return Number(BigInt(b) - BigInt(a));
}

/** The beginnings of the buckets of a time, the last of which may reach beyond it. */
export function buckets(sinceNs: string, untilNs: string, bucketNs: number): string[] {
  const [since, bucket] = [BigInt(sinceNs), BigInt(bucketNs)];
  const n = Number((BigInt(untilNs) - since + bucket - 1n) / bucket);
  return Array.from({ length: n }, (_, k) => String(since + BigInt(k) * bucket));
}
