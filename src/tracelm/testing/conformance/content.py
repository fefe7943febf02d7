"""The shape of content: messages, system instructions, tool definitions, retrieved documents.

The newest state of the conventions. In the older one (1.41) each message of a model had a `finish_reason`: it may still
have one. System instructions are texts only; parts of other types were allowed there before.

A part whose type the conventions know must have the fields of that type. The JSON schemas of OpenTelemetry let it pass
as a part of any type, so this is stricter than they are.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

import orjson

from tracelm import semconv
from tracelm.otlp.records import AnyValue
from tracelm.testing.conformance.finding import Finding, quoted
from tracelm.testing.conformance.json_schema import schema_problem

_Field: TypeAlias = Callable[[Any], str | None]
"""Says what a value should have been; `None` when it is that."""
_Fields: TypeAlias = dict[str, _Field]


def content_findings(key: str, value: AnyValue, *, is_event: bool = False) -> list[Finding]:
    """Check the value of one attribute that holds content.

    Args:
        key: One of `attributes.CONTENT`.
        value: A JSON text, or the structured value.
        is_event: Whether it stands on an event, where a JSON text is not allowed.
    """
    if is_event and isinstance(value, str):
        return [Finding("content", key, "write the structured value: a JSON text is for spans only")]
    try:
        parsed = parse(value)
    except ValueError:
        return [Finding("content", key, f"write a JSON array: {quoted(value)} is no JSON")]
    if not isinstance(parsed, list):
        return [Finding("content", key, f"write an array: {quoted(parsed)} is none")]
    item, what = _ITEMS[key]
    problems = (
        f"{what} {index}: {problem}"
        for index, each in enumerate(cast("list[object]", parsed))
        for problem in item(each)
    )
    return [Finding("content", key, problem) for problem in problems]


def parse(value: AnyValue) -> object:
    """Return the value of an attribute that holds content.

    Raises:
        ValueError: It is a text, and no JSON.
    """
    return orjson.loads(value) if isinstance(value, str | bytes) else value


# --- values -------------------------------------------------------------------------------------------------
def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "a string"


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _number(value: Any) -> str | None:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "a number"


def _anything(_value: Any) -> str | None:
    return None


def _reference(value: Any) -> str | None:
    if not isinstance(value, str):
        return "a string"
    return (
        "the address of something: data that stands in the message is a part of type 'blob'"
        if (value.lower().startswith("data:"))
        else None
    )


def _typed_object(value: Any) -> str | None:
    fits = isinstance(value, dict) and isinstance(cast("dict[str, object]", value).get("type"), str)
    return None if fits else "an object with a 'type'"


def _json_schema(value: Any) -> str | None:
    return None if value is None else schema_problem(value)


# --- parts --------------------------------------------------------------------------------------------------
_ID: Final[_Fields] = {"id": _text_or_none}
_DATA: Final[_Fields] = {"mime_type": _text_or_none}

PARTS: Final[Mapping[str, tuple[_Fields, _Fields]]] = {
    "text": ({"content": _text}, {}),
    "reasoning": ({"content": _text}, {}),
    "tool_call": ({"name": _text}, _ID),
    "tool_call_response": ({"response": _anything}, _ID),
    "server_tool_call": ({"name": _text, "server_tool_call": _typed_object}, _ID),
    "server_tool_call_response": ({"server_tool_call_response": _typed_object}, _ID),
    "blob": ({"modality": _text, "content": _text}, _DATA),
    "file": ({"modality": _text, "file_id": _text}, _DATA),
    "uri": ({"modality": _text, "uri": _reference}, _DATA),
    "compaction": ({}, {"id": _text_or_none, "content": _anything}),
}
"""The fields that a part of each type must have, and those that it may have. A part of another type is anybody's."""


_MESSAGE: Final[tuple[_Fields, _Fields]] = ({"role": _text}, {"name": _text_or_none})
_TOOL: Final[tuple[_Fields, _Fields]] = ({"type": _text, "name": _text}, {})
_FUNCTION: Final[_Fields] = {"description": _text_or_none, "parameters": _json_schema}
_DOCUMENT: Final[tuple[_Fields, _Fields]] = ({"id": _text, "score": _number}, {})


def _part(part: object) -> list[str]:
    kind = _kind_of(part)
    if kind is None:
        return ["write an object with a 'type' that is a string"]
    return _fields(part, *PARTS.get(kind, ({}, {})), what=f"of type {kind!r} ")


def _instruction(part: object) -> list[str]:
    kind = _kind_of(part)
    if kind in PARTS and kind != "text":
        return [f"write a part of type 'text': {kind!r} belongs to a message in {semconv.INPUT_MESSAGES}"]
    return _part(part)


def _input_message(message: object) -> list[str]:
    if not isinstance(message, dict):
        return ["write an object with 'role' and 'parts'"]
    found = _fields(cast("object", message), *_MESSAGE)
    parts = cast("dict[str, object]", message).get("parts")
    if not isinstance(parts, list):
        return [*found, "'parts' must be an array"]
    return found + [
        f"part {index}: {problem}" for index, part in enumerate(cast("list[object]", parts)) for problem in _part(part)
    ]


def _output_message(message: object) -> list[str]:
    # Deprecated since the reasons have an attribute of their own, but backends made for 1.41 ask for it.
    return _input_message(message) + _fields(message, {}, {"finish_reason": _text})


def _tool(tool: object) -> list[str]:
    optional = _FUNCTION if _kind_of(tool) == "function" else {}
    return _fields(tool, _TOOL[0], optional)


def _document(document: object) -> list[str]:
    return _fields(document, *_DOCUMENT)


def _kind_of(part: object) -> str | None:
    kind = cast("dict[str, object]", part).get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else None


def _fields(value: object, needed: _Fields, optional: _Fields, *, what: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [f"write an object with {' and '.join(map(repr, needed))}"] if needed else []
    given = cast("dict[str, object]", value)
    missing = [f"{what}needs {name!r}" for name in needed if name not in given]
    wrong = {name: fits(given[name]) for name, fits in (needed | optional).items() if name in given}
    return missing + [f"{what}{name!r} must be {should}" for name, should in wrong.items() if should is not None]


_ITEMS: Final[Mapping[str, tuple[Callable[[object], list[str]], str]]] = {
    semconv.INPUT_MESSAGES: (_input_message, "message"),
    semconv.OUTPUT_MESSAGES: (_output_message, "message"),
    semconv.SYSTEM_INSTRUCTIONS: (_instruction, "part"),
    semconv.TOOL_DEFINITIONS: (_tool, "tool"),
    "gen_ai.retrieval.documents": (_document, "document"),
}
