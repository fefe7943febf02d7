/** A moment in the user's zone; the exact one on hover. */
import { exact, moment } from "../format/time";

export function Moment({ ns }: { ns: string }) {
  return (
    <time title={exact(ns)} dateTime={new Date(Number(BigInt(ns) / 1_000_000n)).toISOString()}>
      {moment(ns)}
    </time>
  );
}
