"""The attributes of one record, each for itself: is there such a name, does its value have its type and its shape."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from tracelm import semconv
from tracelm.otlp.records import AnyValue, Attributes
from tracelm.testing.conformance.attributes import (
    ATTRIBUTES,
    CONTENT,
    DROPPED,
    FLATTENED,
    NAMESPACES,
    RENAMED,
    TEMPLATES,
    Attribute,
    Type,
)
from tracelm.testing.conformance.content import content_findings
from tracelm.testing.conformance.finding import Finding, Rule, quoted

_ARTICLES: Final[Mapping[Type, str]] = {
    "string": "a string",
    "int": "an int",
    "double": "a double",
    "boolean": "a boolean",
    "string[]": "a list of strings",
    "any": "a value",
}

_SAYS_NOTHING: Final[Mapping[str, tuple[AnyValue, str]]] = {
    semconv.REQUEST_STREAM: (False, "a request without it is not streamed"),
    semconv.REQUEST_CHOICE_COUNT: (1, "a request without it asks for one choice"),
    "gen_ai.conversation.compacted": (False, "a conversation without it is not compacted"),
}
"""Values that are the same as no value."""

_NAMES: Final = frozenset(
    {
        *(semconv.PROVIDER_NAME, semconv.REQUEST_MODEL, semconv.RESPONSE_MODEL, semconv.RESPONSE_ID),
        *(semconv.TOOL_NAME, semconv.AGENT_NAME, semconv.ERROR_TYPE),
    }
)
"""Attributes by which things are told apart: an empty one stands for none."""

_WHOLE: Final[Mapping[str, str]] = {
    semconv.CACHE_READ_TOKENS: semconv.INPUT_TOKENS,
    semconv.CACHE_WRITE_TOKENS: semconv.INPUT_TOKENS,
    semconv.REASONING_TOKENS: semconv.OUTPUT_TOKENS,
    **{
        f"gen_ai.usage.{modality}.{count}": f"gen_ai.usage.{count}"
        for modality in ("text", "image", "audio")
        for count in ("input_tokens", "output_tokens", "cache_read.input_tokens")
    },
}
"""Counts that are a part of another one."""


def attribute_findings(attributes: Attributes, *, is_event: bool = False) -> list[Finding]:
    """Check the names and the values of the attributes of one record.

    Args:
        attributes: All attributes of the record; those that are none of GenAI's are passed over.
        is_event: Content on an event is structured; on a span it may also be a JSON text.
    """
    found: list[Finding] = []
    for key, value in attributes.items():
        known = find_attribute(key)
        if known is None:
            found += name_findings(key)
            continue
        problem = _value_finding(key, value, known)
        if problem is not None:
            found.append(problem)
        elif key in CONTENT:
            found += content_findings(key, value, is_event=is_event)
    return found + _usage_findings(attributes)


def find_attribute(key: str) -> Attribute | None:
    """Return what the conventions say about an attribute; `None` when they do not know it."""
    return ATTRIBUTES.get(key) or next(
        (each for prefix, each in TEMPLATES.items() if key.startswith(prefix) and key != prefix), None
    )


def name_findings(key: str) -> list[Finding]:
    """Say what is wrong with the name of an attribute that the conventions do not know."""
    flattened = FLATTENED.fullmatch(key)
    if key in RENAMED:
        return [Finding("deprecated", key, f"write {RENAMED[key]} instead")]
    if key in DROPPED:
        return [Finding("deprecated", key, DROPPED[key])]
    if flattened is not None:
        instead = semconv.INPUT_MESSAGES if flattened[1] == "prompt" else semconv.OUTPUT_MESSAGES
        return [Finding("deprecated", key, f"write the messages as one attribute, {instead}")]
    if not key.startswith(NAMESPACES):
        return []
    return [Finding("unknown", key, f"the conventions have no such name: {_instead(key, ATTRIBUTES)}")]


def _instead(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.85)
    return f"is it {close[0]}?" if close else "use a namespace of your own"


def _value_finding(key: str, value: AnyValue, known: Attribute) -> Finding | None:
    if not _FITS[known.type](value):
        return Finding("type", key, f"write {_ARTICLES[known.type]}: {quoted(value)} is {_kind_of(value)}")
    if known.values and value not in known.values:
        rule: Rule = "operation" if key == semconv.OPERATION_NAME else "enum"
        return Finding(rule, key, f"{quoted(value)} is none of {', '.join(sorted(known.values))}")
    empty, reason = _SAYS_NOTHING.get(key, (None, ""))
    if empty is not None and value == empty:
        return Finding("value", key, f"leave {quoted(value)} out: {reason}")
    if key in _NAMES and not value:
        return Finding("value", key, "write what it is, or leave it out: an empty text names nothing")
    if key == semconv.RESPONSE_FINISH_REASONS and isinstance(value, list):
        return _reasons_finding(value)
    return None


def _reasons_finding(reasons: Sequence[AnyValue]) -> Finding | None:
    if not reasons:
        message = "leave it out where there is no choice: an empty list gives no reason"
    elif "" in reasons:
        message = "write 'error' for a choice of which no reason came: an empty text gives none"
    else:
        return None
    return Finding("value", semconv.RESPONSE_FINISH_REASONS, message)


def _is_double(value: AnyValue) -> bool:
    return isinstance(value, float)


_FITS: Final[Mapping[Type, Callable[[AnyValue], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": _is_double,
    "boolean": lambda value: isinstance(value, bool),
    "string[]": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "any": lambda value: value is not None,
}


def _kind_of(value: AnyValue) -> str:
    match value:
        case bool():
            return "a boolean"
        case int():
            return "an int"
        case float():
            return "a double"
        case str():
            return "a string"
        case bytes():
            return "bytes"
        case list():
            return "a list"
        case dict():
            return "a map"
        case None:
            return "nothing"


def _usage_findings(attributes: Attributes) -> list[Finding]:
    counts = {key: count for key in ATTRIBUTES if (count := _count(attributes, key)) is not None}
    found = [
        Finding("usage", key, f"{count} tokens cannot be: leave out a count that is not known")
        for key, count in counts.items()
        if count < 0
    ]
    for part, whole in _WHOLE.items():
        if part in counts and whole in counts and counts[part] > counts[whole]:
            found.append(Finding("usage", part, f"count it within {whole}: {counts[part]} of {counts[whole]} tokens"))
    return found + _sum_findings(counts)


def _sum_findings(counts: Mapping[str, int]) -> list[Finding]:
    """Find parts that are each possible, but not all at once."""
    found: list[Finding] = []
    for name in ("input_tokens", "output_tokens", "cache_read.input_tokens"):
        parts = [counts.get(f"gen_ai.usage.{modality}.{name}", 0) for modality in ("text", "image", "audio")]
        found += _sum_finding(counts, f"gen_ai.usage.{name}", parts, "text, image and audio tokens")
    cached = [counts.get(semconv.CACHE_READ_TOKENS, 0), counts.get(semconv.CACHE_WRITE_TOKENS, 0)]
    return found + _sum_finding(counts, semconv.INPUT_TOKENS, cached, "tokens read from and written to a cache")


def _sum_finding(counts: Mapping[str, int], whole: str, parts: list[int], what: str) -> list[Finding]:
    if whole not in counts or sum(parts) <= counts[whole] or max(parts) > counts[whole]:
        return []
    return [Finding("usage", whole, f"count {what} within it: {sum(parts)} of {counts[whole]}")]


def _count(attributes: Attributes, key: str) -> int | None:
    value = attributes.get(key) if key.startswith("gen_ai.usage.") else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
