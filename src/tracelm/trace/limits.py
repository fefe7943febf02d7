"""What a span can hold: attributes as OpenTelemetry allows them, and no more of them than the memory bears."""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, Final, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Link

from tracelm import semconv
from tracelm.otlp.encode import CleanText
from tracelm.trace import runtime
from tracelm.trace.safely import report

MAX_ITEMS: Final = 1_000
"""Attributes, events and links of one span: the first so many are kept, the others counted."""

_MAX_DEPTH: Final = 32
_LISTS: Final[frozenset[type[Any]]] = frozenset({list, tuple})
_SHORT: Final = 64
_MAX_ELEMENTS: Final = 100_000
PLAIN: Final[frozenset[type[Any]]] = frozenset({CleanText, str, bool, int, float})
_PLAIN_AND_LISTS: Final = PLAIN | _LISTS
_NAMES: Final[frozenset[type[Any]]] = frozenset({str})
_type_of: Callable[[object], Any] = type
_IDENTIFYING: Final = ("tracelm.", "gen_ai.", "input.", "output.", "code.", "openai.", "anthropic.", "server.")
_IDENTIFYING_TOO: Final = frozenset({semconv.ERROR_TYPE, semconv.SESSION_ID, semconv.USER_ID})


def identifies(key: object) -> bool:
    """Say whether an attribute is one that tracelm sets: it tells what a span is, and no limit takes it away."""
    return isinstance(key, str) and (key.startswith(_IDENTIFYING) or key in _IDENTIFYING_TOO)


def plain(attributes: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Bring attributes into the form that OpenTelemetry allows; what is so already comes back as it is."""
    each_kind = [*map(_type_of, attributes.values())]
    kinds = {*each_kind}
    if not _NAMES.issuperset(map(_type_of, attributes)) or "" in attributes:
        return cleaned(attributes)
    if PLAIN.issuperset(kinds):
        return attributes
    if not _PLAIN_AND_LISTS.issuperset(kinds):
        return cleaned(attributes)
    lists = dict(compress(attributes.items(), map(_LISTS.__contains__, each_kind)))
    for value in lists.values():
        # Those that spans often have are short lists of texts: reasons, names.
        if len(value) > _SHORT or not _NAMES.issuperset(map(_type_of, value)):
            return cleaned(attributes)
    return {**attributes, **{key: tuple(value) for key, value in lists.items()}} if list in kinds else attributes


def cleaned(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Copy attributes into the form that OpenTelemetry allows, as the SDK does.

    A key that is no text becomes text; without a key there is no attribute. What is nested too deeply for OTLP, or
    holds itself, is recorded as JSON text. An attribute that cannot be read is left out, not the others.
    """
    modest = {key: value if is_modest(value) else _as_text(value) for key, value in attributes.items()}
    try:
        return dict(BoundedAttributes(attributes=modest, immutable=True).copy())
    except Exception:
        found: dict[str, Any] = {}
        for key, value in modest.items():
            try:
                found.update(BoundedAttributes(attributes={key: value}, immutable=True).copy())
            except Exception as error:  # its `__str__` raises, say
                report("read an attribute", error)
        return found


def of_event(attributes: Mapping[Any, Any] | None) -> BoundedAttributes:
    """Return the attributes of an event or a link; it counts what is too much."""
    found = cleaned(attributes or {})
    bounded = BoundedAttributes(attributes=dict(list(found.items())[:MAX_ITEMS]), immutable=True)
    bounded.dropped = len(attributes or {}) - len(bounded)
    return bounded


def valid_links(links: Sequence[Link]) -> list[Link]:
    """Return the links that point anywhere, or say anything; copied."""
    return [
        Link(link.context, of_event(link.attributes)) if link.attributes else link
        for link in links
        if link.context.is_valid or link.attributes or link.context.trace_state
    ]


def are_set_for(provider: object) -> bool:
    """Say whether somebody set limits on spans: by OpenTelemetry's variables, or for this provider."""
    if any(name.startswith("OTEL_") and name.endswith("_LIMIT") and value for name, value in os.environ.items()):
        return True
    given = getattr(provider, "_span_limits", None)
    return given is not None and repr(given) != repr(SpanLimits())


def is_modest(value: object) -> bool:
    """Say whether a value is neither too deep for OTLP nor endless."""
    if type(value) in PLAIN:
        return True
    level: list[Any] = [value]
    count = 0
    for _ in range(_MAX_DEPTH):
        inner: list[Any] = []
        for each in level:
            if _is_nested(each):
                parts = _parts(each)
                count += len(parts)
                if count > _MAX_ELEMENTS:
                    return False
                inner += parts
        if not inner:
            return True
        level = inner
    return False


def _is_nested(value: object) -> bool:
    return type(value) not in PLAIN and isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes)


def _parts(value: Any) -> list[Any]:
    try:
        return list(cast("Mapping[Any, Any]", value).values() if isinstance(value, Mapping) else value)
    except Exception:  # it cannot be walked: found out when it is copied
        return []


def _as_text(value: object) -> Any:
    current = runtime.active
    return type(value).__name__ if current is None else current.encode(value)
