"""The SDK's span, where its limits would take away what identifies it.

The SDK drops the oldest attributes of a span that has too many, and those by which tracelm says what a span is are the
oldest; a limit on the length of values cuts JSON in the middle. So what identifies a span is kept beside it. When the
span ends it is set again, last, for the exporters of the program; and the journal's copy gets it whole.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import Span

from tracelm.trace.context import inherited
from tracelm.trace.limits import cleaned, identifies, is_modest, of_event, plain
from tracelm.trace.safely import safely

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes, AttributeValue

_ending: Final[dict[int, Mapping[str, Any]]] = {}
"""What identifies the spans that are ending right now, by span id: processors get a copy of the span without it."""


class KeepingSpan(SdkSpan):
    """A span of the SDK that keeps what identifies it."""

    kept: dict[str, Any]

    def set_attribute(self, key: str, value: "AttributeValue") -> None:
        """Set one attribute."""
        self._keep({key: value})
        super().set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, "AttributeValue"]) -> None:
        """Set several attributes."""
        self._keep(attributes)
        super().set_attributes(attributes)

    def end(self, end_time: int | None = None) -> None:
        """End the span."""
        if not self.is_recording():
            super().end(end_time)  # says that it has ended
            return
        with safely("keep what identifies a span"):
            here = self.attributes or {}
            if any(key not in here for key in self.kept):
                super().set_attributes(self.kept)
        span_id = self.get_span_context().span_id
        _ending[span_id] = self.kept
        try:
            super().end(end_time)
        finally:
            _ending.pop(span_id, None)

    def _keep(self, attributes: Mapping[str, Any]) -> None:
        if not self.is_recording():
            return
        with safely("keep what identifies a span"):
            self.kept.update(plain({key: value for key, value in attributes.items() if identifies(key)}))


class _Whole(ReadableSpan):
    """A finished span with other attributes than the SDK left it."""

    def __init__(self, span: ReadableSpan, attributes: Mapping[str, Any]) -> None:
        self.__dict__.update(span.__dict__)
        back = len(attributes) - len(span.attributes or {})
        bounded = BoundedAttributes(attributes=attributes)
        bounded.dropped = max(span.dropped_attributes - back, 0)
        self._attributes = bounded
        if not all(_is_modest(each.attributes) for each in span.events):
            self._events = [Event(each.name, of_event(each.attributes), each.timestamp) for each in span.events]


def keep_identity(span: Span, attributes: "Attributes", context: Context | None) -> None:
    """Make a span of the SDK keep what identifies it: what it started with, and what its context carries."""
    if isinstance(span, SdkSpan) and span.is_recording():
        with safely("keep what identifies a span"):
            found = {**(attributes or {}), **inherited(context)}
            kept = dict(plain({key: value for key, value in found.items() if identifies(key)}))
            # There is no way to have the SDK make a span of another class; lending one to a finished object works.
            span.__class__ = KeepingSpan
            cast("KeepingSpan", span).kept = kept


def whole(span: ReadableSpan) -> ReadableSpan:
    """Return a span that is ending as it can be recorded.

    What identifies it is as it was before the limits of the SDK; what is nested too deeply for OTLP is JSON text.
    """
    kept: Mapping[str, Any] = {} if span.context is None else _ending.get(span.context.span_id, {})
    here = span.attributes or {}
    cut = {key: value for key, value in kept.items() if key not in here or here[key] != value}
    if not cut and _is_modest(here) and all(_is_modest(each.attributes) for each in span.events):
        return span
    return _Whole(span, cleaned({**here, **cut}))


def _is_modest(attributes: Mapping[str, Any] | None) -> bool:
    return not attributes or all(map(is_modest, _values(attributes)))


def _values(attributes: Mapping[str, Any]) -> Iterable[Any]:
    # The SDK's container copies itself as a plain dict, which is an order of magnitude faster to walk.
    copy = getattr(attributes, "copy", None)
    return (attributes if copy is None else cast("Mapping[str, Any]", copy())).values()
