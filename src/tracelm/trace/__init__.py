"""Recording: ops become OpenTelemetry spans, spans become lines of the journal."""
