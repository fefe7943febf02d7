"""A span that ends in the journal, at a third of what the SDK's span costs."""

import logging
from collections.abc import Mapping, Sequence
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from tracelm.otlp.encode import Phrase
from tracelm.trace import runtime
from tracelm.trace.limits import MAX_ITEMS, PLAIN, identifies, of_event, plain, valid_links
from tracelm.trace.safely import report

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes, AttributeValue

_log: Final = logging.getLogger("tracelm")
_UNSET: Final = Status(StatusCode.UNSET)


class JournalSpan(ReadableSpan, Span):
    """A span that ends in the journal."""

    # As they are at first: most spans change few of them.
    _dropped_attributes = _dropped_events = _dropped_links = 0
    _instrumentation_info = None
    _end_time: int | None = None
    _status = _UNSET
    _ahead: list[bytes] = []  # noqa: RUF012 - replaced, never changed
    """The first of its attributes, as they stand in its line."""
    _told = 0
    """How many they are."""

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
        self._name = name if type(name) is str else str(name)
        self._context = context
        self._parent = parent
        self._resource = provider.resource
        self._instrumentation_scope = scope
        self._attributes = attributes
        self._links = links
        self._kind = kind
        self._start_time = start_time
        self._events: list[Event] = []
        if len(attributes) > MAX_ITEMS:
            self._attributes = {}
            self._put(attributes)

    def get_span_context(self) -> SpanContext:
        """Return the ids of the span."""
        return self._context  # type: ignore[return-value]  # set above, never None

    def is_recording(self) -> bool:
        """Say whether the span has not ended."""
        return self._end_time is None

    def set_attribute(self, key: str, value: "AttributeValue") -> None:
        """Set one attribute. The first 1,000 are kept, and those by which tracelm says what the span is."""
        if self._still_open("attribute"):
            kept = self._mutable
            if type(value) in PLAIN and type(key) is str and key and len(kept) < MAX_ITEMS:
                if self._told and key in kept:
                    self._ahead, self._told = [], 0
                kept[key] = value
            elif _is_name(key):
                self._put({key: value})
            else:
                _log.warning("an attribute needs a name that is a text; %r is left out", key)
                self._dropped_attributes += 1

    def set_attributes(self, attributes: Mapping[str, "AttributeValue"]) -> None:
        """Set several attributes."""
        if self._end_time is None or self._still_open("attribute"):
            self._put(attributes)

    def tell(self, name: str, facts: Phrase, texts: Mapping[str, "AttributeValue"]) -> None:
        """Say what the span is about, where that is known after its start only; what it has already stays.

        It is encoded at once: who says it has time for that, which the end has not.

        Args:
            name: Its name.
            facts: What other spans have in the same way.
            texts: What else there is to say.
        """
        if self._end_time is not None:
            return
        self._name = name
        own = self._mutable
        if own and not (own.keys().isdisjoint(facts.attributes) and own.keys().isdisjoint(texts)):
            said = {**facts.attributes, **texts}
            self._put({key: value for key, value in said.items() if key not in own})
        else:
            self.tell_more(facts, {}, texts)
        if self._told < len(own):
            self._encode_ahead()

    def tell_more(self, facts: Phrase, numbers: Mapping[str, float], texts: Mapping[str, "AttributeValue"]) -> None:
        """Set attributes that need not be encoded one by one.

        Args:
            facts: What other spans have in the same way.
            numbers: What other spans have as well, but for the numbers themselves.
            texts: What is its own. It is encoded at once.
        """
        kept: dict[str, Any] = self._attributes  # type: ignore[assignment]  # set above: a dict
        current = runtime.active
        before = len(kept)
        if self._told < before:
            self._encode_ahead()
        told = before + len(facts.attributes) + len(numbers) + len(texts)
        if current is not None and self._end_time is None and self._told == before and told <= MAX_ITEMS:
            pieces = current.lines.alike(facts, numbers, texts)
            if pieces is not None:
                kept.update(texts)
                kept.update(facts.attributes)
                kept.update(numbers)
                if len(kept) == told:
                    self._ahead = [*self._ahead, *pieces]
                    self._told = told  # not `len(kept)`, which another thread may have changed
                else:  # some of them stand there twice, or were set before
                    self._ahead, self._told = [], 0
                return
        self.set_attributes({**texts, **facts.attributes, **numbers})

    def _encode_ahead(self) -> None:
        """Encode the attributes that it has by now."""
        current = runtime.active
        if current is not None:
            try:
                pieces = current.lines.attributes(self._attributes, after=self._told)
                self._ahead = [*self._ahead, *pieces]
                self._told += len(pieces)
            except Exception as error:  # the end will meet it as well
                report("encode a span", error)

    def add_event(self, name: str, attributes: "Attributes" = None, timestamp: int | None = None) -> None:
        """Note that something happened. The first 1,000 events are kept, and exceptions."""
        if not self._still_open("event"):
            return
        if len(self._events) >= (2 * MAX_ITEMS if name == "exception" else MAX_ITEMS):
            self._dropped_events += 1
            return
        try:
            at = timestamp if isinstance(timestamp, int) else None
            self._events.append(Event(str(name), of_event(attributes), at))
        except Exception as error:
            report("record an event", error)

    def add_link(self, context: SpanContext, attributes: "Attributes" = None) -> None:
        """Point at another span. The first 1,000 links are kept."""
        if not self._still_open("link"):
            return
        if len(self._links) >= MAX_ITEMS:
            self._dropped_links += 1
            return
        try:
            self._links = (*self._links, *valid_links([Link(context, attributes)]))
        except Exception as error:
            report("record a link", error)

    def update_name(self, name: str) -> None:
        """Change the name."""
        if self._still_open("name"):
            self._name = str(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went; OK is final, and UNSET changes nothing."""
        new = _status(status, description)
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
        try:
            SdkSpan.record_exception(cast("SdkSpan", self), exception, attributes, timestamp, escaped)
        except Exception as error:  # an exception whose `__str__` raises, say
            report("record an exception", error)

    def end(self, end_time: int | None = None) -> None:
        """End the span: it is on disk before this returns."""
        if self._end_time is not None and not self._still_open("end"):
            return
        self._end_time = end_time if isinstance(end_time, int) else time_ns()
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
    def dropped_attributes(self) -> int:
        """How many attributes were too much."""
        return self._dropped_attributes

    @property
    def dropped_events(self) -> int:
        """How many events were too much."""
        return self._dropped_events

    @property
    def dropped_links(self) -> int:
        """How many links were too much."""
        return self._dropped_links

    @property
    def _mutable(self) -> dict[str, Any]:
        return self._attributes  # type: ignore[return-value]  # set above: a dict

    def _put(self, attributes: Mapping[str, Any]) -> None:
        kept: dict[str, Any] = self._attributes  # type: ignore[assignment]  # set above: a dict
        try:
            found = plain(attributes)
            if self._told and not kept.keys().isdisjoint(found):
                self._ahead, self._told = [], 0
            if found is not attributes:
                self._dropped_attributes += len(attributes) - len(found)
            if len(kept) + len(found) <= MAX_ITEMS:
                kept.update(found)
                return
            for key, value in found.items():
                if len(kept) < (2 * MAX_ITEMS if identifies(key) else MAX_ITEMS) or key in kept:
                    kept[key] = value
                else:
                    self._dropped_attributes += 1
        except Exception as error:
            report("set attributes", error)

    def _still_open(self, what: str) -> bool:
        if self._end_time is None:
            return True
        _log.warning("the %s of a span that has ended cannot be set (%s)", what, self._name)
        return False


def _is_name(key: object) -> bool:
    return isinstance(key, str) and key != ""


def _status(given: object, description: str | None) -> Status:
    if isinstance(given, StatusCode):
        return Status(given, description)
    # Anything else is nothing that could be recorded; the SDK passes over it too.
    return given if isinstance(given, Status) else _UNSET
