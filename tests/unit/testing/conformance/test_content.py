"""What is wrong with content is said with its place; both forms of content are read."""

import json
from typing import Any

import pytest

from tests.unit.testing.conformance.records import CHAT, span
from tracelm.testing.conformance import check

IN = "gen_ai.input.messages"


def said(key: str, content: Any) -> list[str]:
    """Return what is said about one attribute with content."""
    found = check(span(attributes={**CHAT, key: content}))
    assert {(each.rule, each.subject) for each in found} <= {("content", key), ("type", key)}
    return [each.message for each in found]


def user(*parts: object) -> list[object]:
    return [{"role": "user", "parts": list(parts)}]


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        (IN, "Hello", "write a JSON array: 'Hello' is no JSON"),
        (IN, '{"role":"user"}', "write an array: {'role': 'user'} is none"),
        (IN, "[1]", "message 0: write an object with 'role' and 'parts'"),
        (IN, [{"role": "user"}], "message 0: 'parts' must be an array"),
        (IN, '[{"parts":[]}]', "message 0: needs 'role'"),
        (IN, user("Hello"), "message 0: part 0: write an object with a 'type' that is a string"),
        (IN, user({"type": "text"}), "message 0: part 0: of type 'text' needs 'content'"),
        (
            IN,
            user({"type": "x"}, {"type": "tool_call", "name": 3}),
            "message 0: part 1: of type 'tool_call' 'name' must be a string",
        ),
        (
            IN,
            user({"type": "uri", "modality": "image", "uri": "data:image/png;base64,AA"}),
            "message 0: part 0: of type 'uri' 'uri' must be the address of something: data that stands in the message "
            "is a part of type 'blob'",
        ),
        (
            "gen_ai.system_instructions",
            [{"type": "blob", "modality": "image", "content": "AA"}],
            "part 0: write a part of type 'text': 'blob' belongs to a message in gen_ai.input.messages",
        ),
        ("gen_ai.tool.definitions", [{"name": "search"}], "tool 0: needs 'type'"),
        (
            "gen_ai.tool.definitions",
            [{"type": "function", "name": "search", "parameters": "none"}],
            "tool 0: 'parameters' must be a JSON schema",
        ),
        ("gen_ai.retrieval.documents", [{"id": "1", "score": True}], "document 0: 'score' must be a number"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(key: str, content: Any, message: str) -> None:
    assert said(key, content) == [message]


def function(parameters: object) -> list[object]:
    return [{"type": "function", "name": "search", "parameters": parameters}]


def array_in_array(depth: int, *, of: object) -> object:
    found = of
    for _ in range(depth):
        found = {"type": "array", "items": found}
    return found


@pytest.mark.parametrize(
    ("parameters", "place", "expected"),
    [
        ({"type": 1}, "type", "a string or a list of strings"),
        ({"type": ["string", None]}, "type", "a string or a list of strings"),
        ({"properties": ["city"]}, "properties", "an object of schemas"),
        ({"properties": {"city": "string"}}, "properties.city", "a schema"),
        ({"properties": {"city": {"required": True}}}, "properties.city.required", "a list of strings"),
        ({"items": "string"}, "items", "a schema"),
        ({"items": [{}, {"enum": "a"}]}, "items.1.enum", "a list"),
    ],
)
def test_what_is_wrong_in_the_parameters_of_a_tool_is_said_with_its_place(
    parameters: object, place: str, expected: str
) -> None:
    message = f"tool 0: 'parameters' must be a JSON schema, in which '{place}' is {expected}"
    assert said("gen_ai.tool.definitions", function(parameters)) == [message]


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {},
        True,
        {"type": "OBJECT", "properties": {"city": {"type": "STRING", "nullable": True}}, "required": ["city"]},
        {"type": ["object", "null"], "properties": {"city": True}, "additionalProperties": False},
        {"items": [{"enum": ["a", 1, None]}, False], "strict": "yes"},
        array_in_array(500, of={"type": 1}),
    ],
)
def test_parameters_that_a_provider_takes_are_no_finding(parameters: object) -> None:
    assert said("gen_ai.tool.definitions", json.dumps(function(parameters))) == []


def test_parameters_are_looked_at_as_deep_as_anybody_writes_them() -> None:
    (message,) = said("gen_ai.tool.definitions", function(array_in_array(20, of={"type": 1})))
    assert message.endswith("is a string or a list of strings")


def test_all_that_is_wrong_is_said() -> None:
    assert said(IN, [*user({"type": "text"}, {}), {"role": 1, "parts": None, "name": 2}]) == [
        "message 0: part 0: of type 'text' needs 'content'",
        "message 0: part 1: write an object with a 'type' that is a string",
        "message 1: 'role' must be a string",
        "message 1: 'name' must be a string",
        "message 1: 'parts' must be an array",
    ]


def test_a_json_text_and_a_structured_value_are_both_right_on_a_span() -> None:
    assert said(IN, '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]') == []
    assert said(IN, user({"type": "text", "content": "Hi"})) == []


def test_a_part_of_a_type_of_ones_own_may_hold_anything() -> None:
    assert said(IN, user({"type": "refusal", "content": 1})) == []


def test_a_long_text_is_quoted_in_part() -> None:
    (message,) = said(IN, "x" * 1000)
    assert len(message) < 120
