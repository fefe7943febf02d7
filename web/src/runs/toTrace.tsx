/** The way from a row to its trace. */
import { Link } from "@tanstack/react-router";

export const toTrace = (traceId: string) => (
  <Link to="/traces/$traceId" params={{ traceId }} search={{}} className="link">
    Open the trace
  </Link>
);
