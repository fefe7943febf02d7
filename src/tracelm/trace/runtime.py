"""What `tracelm.init()` sets up and every recording part reads."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Tracer

from tracelm.otlp.encode import CleanText, Line, LineEncoder, encode_resource
from tracelm.settings import Settings
from tracelm.trace import redact, tally, values
from tracelm.trace.journal import Journal
from tracelm.trace.safely import report
from tracelm.trace.segments import Signal

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

    from tracelm.pricing.prices import PriceTable
    from tracelm.trace.export import Exporter

active: "Runtime | None" = None
"""The runtime of this process; `None` before `init`, after `shutdown`, and where recording is disabled."""

lock = threading.RLock()
"""Held while `active` changes."""


@dataclass(slots=True)
class Runtime:
    """Where spans come from and where records go.

    Attributes:
        settings: As given to `init`.
        tracer: Makes our spans.
        logger: Emits scores and decisions.
        journal: Keeps every record.
        exporter: Brings the journal to an OTLP endpoint, if there is one.
        prices: What a token costs.
        lines: Encodes records for the journal.
    """

    settings: Settings
    tracer: Tracer
    logger: "Logger"
    journal: Journal
    exporter: "Exporter | None"
    prices: "PriceTable"
    lines: LineEncoder = field(default_factory=lambda: LineEncoder(redact.may_hold_secret))
    _resources: dict[int, tuple["Resource", bytes]] = field(default_factory=dict[int, Any])

    def encode(self, value: object) -> CleanText:
        """Return any value as bounded JSON text without secrets."""
        return values.encode(value, max_bytes=self.settings.max_attribute_bytes)

    def resource(self, resource: "Resource") -> bytes:
        """Return the encoded resource, with the project in it."""
        # By identity: a forked child gets a new object with a new `service.instance.id`.
        known = self._resources.get(id(resource))
        if known is not None and known[0] is resource:
            return known[1]
        encoded = encode_resource(resource, _project_attributes(resource, self.settings.project))
        if redact.may_hold_secret(encoded):
            encoded = redact.redact_line(encoded)
        self._resources[id(resource)] = (resource, encoded)
        return encoded

    def record(self, span: "ReadableSpan") -> None:
        """Write a finished span to the journal. Never raises."""
        try:
            context = span.context
            if context is None or not context.trace_flags.sampled:
                return
            if tally.is_kept():
                tally.count(context.trace_id, span.attributes)
            self.keep("spans", self.lines.span(span, self.resource(span.resource)))
        except Exception as error:
            report("record a span", error)

    def keep(self, signal: Signal, line: Line) -> None:
        """Write one record to the journal, free of secrets."""
        self.journal.append(signal, redact.redact_line(line.data) if line.suspicious else line.data)


def _project_attributes(resource: "Resource", project: str) -> Mapping[str, str]:
    from tracelm import semconv

    service = str(resource.attributes.get(semconv.SERVICE_NAME, ""))
    named = bool(service) and not service.startswith("unknown_service")
    return {semconv.PROJECT: project} if named else {semconv.PROJECT: project, semconv.SERVICE_NAME: project}
