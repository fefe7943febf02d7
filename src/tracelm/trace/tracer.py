"""A tracer for the case that the journal is the only receiver of spans, at a third of the SDK's cost.

The SDK's span serves any set of processors: it copies and checks each attribute at the start, at each change and at
the end, under a lock. With nobody listening but the journal that is work for no one. `JournalSpan` is an OpenTelemetry
span for every program that holds it, and a `ReadableSpan`; when it ends it becomes a line. As soon as the program adds
a processor of its own to the provider, or asks for another sampler, the SDK's spans are used again.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util._decorator import _agnosticcontextmanager  # pyright: ignore[reportPrivateUsage]

from tracelm.otlp.encode import CleanText
from tracelm.trace import runtime
from tracelm.trace.context import inherited
from tracelm.trace.safely import report

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes, AttributeValue

_log: Final = logging.getLogger("tracelm")
_PLAIN: Final = frozenset({CleanText, str, bool, int, float})
_ROOT_FLAGS: Final = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_UNSET: Final = Status(StatusCode.UNSET)


class JournalSpan(ReadableSpan, Span):
    """A span that ends in the journal."""

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        provider: TracerProvider,
        scope: InstrumentationScope,
        attributes: dict[str, Any],
        links: Sequence[Link],
        kind: SpanKind,
        start_time: int,
    ) -> None:
        # The fields that ReadableSpan's properties read. Its own __init__ would set each of them twice.
        self._name = name
        self._context = context
        self._parent = parent
        self._resource = provider.resource
        self._instrumentation_scope = scope
        self._instrumentation_info = None
        self._attributes = attributes
        self._links = links
        self._kind = kind
        self._start_time = start_time
        self._end_time = None
        self._events: list[Event] = []
        self._status = _UNSET

    def get_span_context(self) -> SpanContext:
        """Return the ids of the span."""
        return self._context  # type: ignore[return-value]  # set above, never None

    def is_recording(self) -> bool:
        """Say whether the span has not ended."""
        return self._end_time is None

    def set_attribute(self, key: str, value: "AttributeValue") -> None:
        """Set one attribute."""
        if self._still_open("attribute"):
            self._mutable[key] = value if type(value) in _PLAIN and key else _cleaned({key: value}).get(key)

    def set_attributes(self, attributes: Mapping[str, "AttributeValue"]) -> None:
        """Set several attributes."""
        if self._still_open("attribute"):
            self._mutable.update(_plain(attributes))

    def add_event(self, name: str, attributes: "Attributes" = None, timestamp: int | None = None) -> None:
        """Note that something happened."""
        if self._still_open("event"):
            self._events.append(Event(name, _cleaned(attributes or {}), timestamp))

    def add_link(self, context: SpanContext, attributes: "Attributes" = None) -> None:
        """Point at another span."""
        if self._still_open("link"):
            self._links = (*self._links, Link(context, _cleaned(attributes or {})))

    def update_name(self, name: str) -> None:
        """Change the name."""
        if self._still_open("name"):
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went; OK is final, and UNSET changes nothing."""
        new = status if isinstance(status, Status) else Status(status, description)
        if self._still_open("status") and not new.is_unset and self._status.status_code is not StatusCode.OK:
            self._status = new

    def record_exception(
        self,
        exception: BaseException,
        attributes: "Attributes" = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Note an exception as an event, as the SDK does."""
        SdkSpan.record_exception(cast("SdkSpan", self), exception, attributes, timestamp, escaped)

    def end(self, end_time: int | None = None) -> None:
        """End the span: it is on disk before this returns."""
        if not self._still_open("end"):
            return
        self._end_time = end_time if end_time is not None else time_ns()
        current = runtime.active
        if current is not None:
            current.record(self)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        if exc_val is not None and self.is_recording():
            self.record_exception(exc_val, escaped=True)
            self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

    @property
    def _mutable(self) -> dict[str, Any]:
        return self._attributes  # type: ignore[return-value]  # set above: a dict

    def _still_open(self, what: str) -> bool:
        if self._end_time is None:
            return True
        _log.warning("the %s of a span that has ended cannot be set (%s)", what, self._name)
        return False


class JournalTracer(trace.Tracer):
    """Starts spans of one scope: our own where the journal is alone, the SDK's where it is not.

    Args:
        provider: Where the spans belong to.
        name: Of the scope.
        version: Of the scope.
    """

    def __init__(self, provider: TracerProvider, name: str, version: str) -> None:
        self._provider = provider
        self._sdk = provider.get_tracer(name, version)
        self._scope = InstrumentationScope(name, version)
        # There is no public way to see who listens; where this changes, the SDK's spans are what one gets.
        self._listeners: Any = getattr(provider, "_active_span_processor", None)
        self._samples_all = _description(provider.sampler) == _description(sampling.DEFAULT_ON)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: "Attributes" = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """Start a span without making it current."""
        if not self._samples_all or len(getattr(self._listeners, "_span_processors", "??")) != 1:
            return self._sdk.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        ids = self._provider.id_generator
        parent = trace.get_current_span(context).get_span_context()
        if parent.is_valid:
            flags = parent.trace_flags
            own = SpanContext(parent.trace_id, ids.generate_span_id(), False, flags, parent.trace_state)
            if not flags & TraceFlags.SAMPLED:
                return NonRecordingSpan(own)
        else:
            own = SpanContext(ids.generate_trace_id(), ids.generate_span_id(), False, _ROOT_FLAGS)
        found = dict(_plain(attributes)) if attributes else {}
        try:
            found.update(_plain(inherited(context)))
        except Exception as error:
            report("give a span what its context carries", error)
        return JournalSpan(
            name,
            own,
            parent if parent.is_valid else None,
            self._provider,
            self._scope,
            found,
            tuple(links) if links else (),
            kind,
            start_time if start_time is not None else time_ns(),
        )

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: "Attributes" = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        """Start a span and make it current for the block."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with trace.use_span(span, end_on_exit, record_exception, set_status_on_exception):
            yield span


def _description(sampler: Any) -> str:
    return str(sampler.get_description())


def _plain(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    for value in attributes.values():
        if type(value) not in _PLAIN:
            return _cleaned(attributes)
    return attributes


def _cleaned(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring values into the form that OpenTelemetry allows, and copy what the program could still change."""
    return BoundedAttributes(attributes=attributes, immutable=True).copy()
