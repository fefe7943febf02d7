"""What is wrong with content is said with its place; both forms of content are read."""

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
