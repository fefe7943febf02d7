"""What `tracelm.init()` sets up and every recording part reads."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import TraceFlags

from tracelm.otlp.encode import CleanText, LineEncoder, encode_resource
from tracelm.settings import Settings
from tracelm.trace import listeners, recent, tally, values
from tracelm.trace.journal import Journal
from tracelm.trace.redact import Redactor
from tracelm.trace.safely import report
from tracelm.trace.segments import Signal

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

    from tracelm.pricing.prices import PriceTable
    from tracelm.trace.export import Exporter
    from tracelm.trace.media import MediaFolder
    from tracelm.trace.tail import Tail
    from tracelm.trace.tracer import JournalTracer

_SAMPLED: Final = int(TraceFlags.SAMPLED)

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
        journal: Keeps every record.
        exporter: Brings the journal to an OTLP endpoint, if there is one.
        prices: What a token costs.
        redactor: Takes the secrets out of values and records.
        lines: Encodes records for the journal.
        media: Keeps images and sounds.
        encode: Returns any value as bounded JSON text without secrets.
        encode_json: Returns the same for a value that came over the network as JSON, or went.
        tail: Holds what was not sampled until it is known whether it failed; only with `keep_errors`.
    """

    settings: Settings
    tracer: "JournalTracer"
    journal: Journal
    exporter: "Exporter | None"
    prices: "PriceTable"
    redactor: Redactor = field(default_factory=Redactor)
    tail: "Tail | None" = None
    lines: LineEncoder = field(init=False)
    media: "MediaFolder" = field(init=False)
    encode: Callable[[object], CleanText] = field(init=False)
    encode_json: Callable[[object], CleanText] = field(init=False)
    _resources: dict[int, tuple["Resource", bytes]] = field(default_factory=dict[int, Any])
    _latest: tuple["Resource | None", bytes] = field(default=(None, b""), init=False)

    def __post_init__(self) -> None:
        from tracelm.trace.media import MediaFolder

        self.lines = LineEncoder(self.redactor.may_hold_secret, self.redactor.line)
        self.media = MediaFolder(self.settings.home, self.settings.media_max_bytes)
        self.encode = partial(
            values.encode, max_bytes=self.settings.max_attribute_bytes, redactor=self.redactor, media=self.media
        )
        self.encode_json = partial(self.encode, is_json=True)

    def resource(self, resource: "Resource") -> bytes:
        """Return the encoded resource, with the project in it."""
        known = self._resources.get(id(resource))
        if known is not None and known[0] is resource:
            self._latest = known
            return known[1]
        encoded = encode_resource(resource, _project_attributes(resource, self.settings.project))
        if self.redactor.may_hold_secret(encoded):
            encoded = self.redactor.line(encoded)
        self._resources[id(resource)] = (resource, encoded)
        return encoded

    def record(self, span: "ReadableSpan") -> None:
        """Write a finished span to the journal. Never raises."""
        try:
            own: Any = span  # not by the public properties: each is a call
            context: SpanContext | None = own._context
            if context is None:
                return
            if tally.sums_of:
                tally.count(context.trace_id, span.attributes)
            if recent.readers:
                recent.note(span)
            if context[3] & _SAMPLED:
                self._write(span)
            elif self.tail is not None:
                for each in self.tail.ended(span):
                    self._write(each)
        except Exception as error:
            report("record a span", error)

    def _write(self, span: "ReadableSpan") -> None:
        own: Any = span
        try:
            resource: Resource = own._resource
            latest = self._latest
            # By identity: a forked child gets a new object with a new `service.instance.id`.
            line = self.lines.span(span, latest[1] if latest[0] is resource else self.resource(resource))
        except Exception as error:
            self.journal.miss()
            report("encode a span", error)
            return
        self.journal.append("spans", line)
        if listeners.listening and span.context is not None:
            listeners.tell(span.context, line)

    def keep(self, signal: Signal, lines: Sequence[bytes]) -> None:
        """Write records, as `lines` encodes them, to the journal."""
        self.journal.append(signal, *lines)


def _project_attributes(resource: "Resource", project: str) -> Mapping[str, str]:
    from tracelm import semconv

    service = str(resource.attributes.get(semconv.SERVICE_NAME, ""))
    named = bool(service) and not service.startswith("unknown_service")
    return {semconv.PROJECT: project} if named else {semconv.PROJECT: project, semconv.SERVICE_NAME: project}
