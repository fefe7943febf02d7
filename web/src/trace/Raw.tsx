/** The span as it was recorded. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { getText, type SpanDetail } from "../api/client";
import { Failed, Loading } from "../frame/states";
import { parseExact, written } from "../format/json";
import { Copy, LongText } from "../parts/Text";

const PRETTY_UP_TO = 2_000_000;

export function Raw({ span }: { span: SpanDetail }) {
  const found = useQuery({
    queryKey: ["otlp", span.trace_id, span.project, span.span_id],
    queryFn: ({ signal }) =>
      getText(`/api/v1/traces/${span.trace_id}/spans/${span.span_id}/otlp?${new URLSearchParams({ project: span.project })}`, signal),
  });
  const text = found.data;
  const pretty = useMemo(() => (text === undefined ? "" : text.length > PRETTY_UP_TO ? text : written(parseExact(text))), [text]);
  if (found.isPending) return <Loading what="the record" />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  return (
    <>
      <div className="mb-2 flex items-center gap-2 text-faint">
        OTLP/JSON, as it was recorded; a request of its own <Copy text={() => found.data} />
      </div>
      <LongText value={pretty} mono />
    </>
  );
}
