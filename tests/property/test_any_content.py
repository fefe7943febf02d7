"""Any messages, instructions, tools and documents: the checker agrees with OpenTelemetry's JSON schemas.

The schemas are those of 1.41. They let any object with a `type` pass as a part, and any object with `type` and `name`
as a tool, so that a text without its content is valid. The checker is stricter there, and the schemas are made as
strict before they are compared. Where the newest state differs from 1.41, a test of its own says how.
"""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.recordings.server import load
from tracelm.integrations import _chat
from tracelm.testing.conformance.attributes import CONTENT
from tracelm.testing.conformance.content import PARTS, content_findings

SCHEMAS = Path(__file__).parents[3] / "shared" / "semconv"
RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"

SINCE_1_41 = {"compaction"}
"""Types of parts that the schemas do not know."""

_TEXTS = {"type": "array", "items": {"type": "string"}}
_SCHEMA = {"$ref": "#/$defs/JsonSchema"}
OF_DRAFT_07 = {
    "type": ["object", "boolean"],
    "properties": {
        "type": {"anyOf": [{"type": "string"}, _TEXTS]},
        "properties": {"type": "object", "additionalProperties": _SCHEMA},
        "required": _TEXTS,
        "items": {"anyOf": [_SCHEMA, {"type": "array", "items": _SCHEMA}]},
        "enum": {"type": "array"},
    },
}
"""The part of the schema of JSON schemas that is checked."""
DRAFT_07: Any = jsonschema.Draft7Validator(jsonschema.Draft7Validator.META_SCHEMA)

pytestmark = pytest.mark.usefixtures("shared")


@functools.cache
def _text_of_schema(key: str) -> str:
    name = key.removeprefix("gen_ai.").replace(".", "-").replace("_", "-")
    return (SCHEMAS / f"gen-ai-{name}.json").read_text(encoding="utf-8")


def schema(key: str) -> dict[str, Any]:
    """Return the schema of one attribute, as it is in 1.41."""
    found: dict[str, Any] = json.loads(_text_of_schema(key))
    return found


def strict(key: str) -> dict[str, Any]:
    """Return the schema of one attribute, in which a part or tool of a known type must be as that type says."""
    found = schema(key)
    kinds = found["$defs"]
    known = [each["properties"]["type"]["const"] for each in kinds.values() if _const(each)]
    for name in ("GenericPart", "GenericToolDefinition"):
        if name in kinds:
            kinds[name]["properties"]["type"]["not"] = {"enum": known}
    if "UriPart" in kinds:
        kinds["UriPart"]["properties"]["uri"]["not"] = {"pattern": "^[dD][aA][tT][aA]:"}
    if "OutputMessage" in kinds:
        kinds["OutputMessage"]["required"].remove("finish_reason")
    if "FunctionToolDefinition" in kinds:
        kinds["JsonSchema"] = OF_DRAFT_07
        parameters = {"anyOf": [{"$ref": "#/$defs/JsonSchema"}, {"type": "null"}]}
        kinds["FunctionToolDefinition"]["properties"]["parameters"] = parameters
    return found


def _const(kind: Mapping[str, Any]) -> bool:
    return "const" in kind.get("properties", {}).get("type", {})


def conforms(key: str, content: object) -> bool:
    """Say whether the checker passes a value, in either of its forms."""
    as_text = content_findings(key, json.dumps(content))
    as_value = content_findings(key, content)  # type: ignore[arg-type]
    assert as_text == as_value or not isinstance(content, list)
    return not as_text


def is_valid(key: str, content: object, *, of: Mapping[str, Any] | None = None) -> bool:
    return bool(_strict_validator(key).is_valid(content) if of is None else _validator(of).is_valid(content))


@functools.cache
def _strict_validator(key: str) -> Any:
    return _validator(strict(key))


def _validator(of: Mapping[str, Any]) -> Any:
    return jsonschema.Draft202012Validator(of)


# --- what there can be --------------------------------------------------------------------------------------
WORDS = st.sampled_from(["", "text", "image", "Hello", "data:image/png;base64,AA", "https://example.com/a.png"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([0.5, -1.5]) | WORDS
TYPED = st.fixed_dictionaries({"type": WORDS})
VALUES = LEAVES | st.lists(LEAVES, max_size=2) | TYPED | st.dictionaries(WORDS, LEAVES, max_size=2)
FIELDS = ("content", "name", "id", "arguments", "response", "modality", "mime_type", "uri", "file_id")
OBJECTS = ("server_tool_call", "server_tool_call_response")

MESSAGES = ("gen_ai.input.messages", "gen_ai.output.messages")
TYPES = sorted(set(PARTS) - SINCE_1_41)


RIGHT: dict[str, st.SearchStrategy[Any]] = {**dict.fromkeys(FIELDS, WORDS), **dict.fromkeys(OBJECTS, TYPED)}
NOTHING = object()


def one_wrong(fitting: st.SearchStrategy[dict[str, Any]], names: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Give objects of which one field is left out, or has any value."""

    def change(right: dict[str, Any], name: str, value: object) -> dict[str, Any]:
        changed = {**right, name: value}
        return {key: each for key, each in changed.items() if each is not NOTHING}

    return st.builds(change, fitting, st.sampled_from(names), st.just(NOTHING) | VALUES)


def part_of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Give parts of one type: right ones, and ones in which one field is wrong, or several are."""
    needed = list(PARTS.get(kind, ({}, {}))[0])
    fitting = st.fixed_dictionaries(
        {name: RIGHT[name] for name in needed},
        optional={name: fits for name, fits in RIGHT.items() if name not in needed},
    )
    names = [*needed, "id", "mime_type", "name"]
    broken = st.dictionaries(st.sampled_from([*FIELDS, *OBJECTS]), VALUES, max_size=4)
    return st.one_of(fitting, one_wrong(fitting, names), broken).map(lambda fields: {**fields, "type": kind})


PART = st.one_of(*(part_of(kind) for kind in [*TYPES, "something else"])) | VALUES
ROLE = st.sampled_from(["user", "assistant", "tool", "critic"])
MESSAGE = (
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant", "tool", "critic"]) | VALUES,
            "parts": st.lists(PART, max_size=3),
        },
        optional={"name": WORDS | VALUES, "finish_reason": WORDS | VALUES},
    )
    | st.fixed_dictionaries({}, optional={"role": WORDS, "parts": VALUES})
    | VALUES
)
SORTS = st.sampled_from(["object", "array", "string", "null", "STRING"])
PARAMETERS: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.fixed_dictionaries({"type": SORTS | st.lists(SORTS, max_size=2) | VALUES}),
    lambda inner: st.fixed_dictionaries(
        {"type": SORTS},
        optional={
            "properties": st.dictionaries(WORDS, inner, max_size=2) | VALUES,
            "required": st.lists(WORDS, max_size=2) | VALUES,
            "items": inner | st.lists(inner, max_size=2) | VALUES,
            "enum": st.lists(LEAVES, min_size=1, max_size=2) | VALUES,
        },
    ),
    max_leaves=6,
)
TOOL = (
    st.fixed_dictionaries(
        {"type": st.sampled_from(["function", "web_search"]) | VALUES, "name": WORDS | VALUES},
        optional={"description": WORDS | VALUES, "parameters": PARAMETERS | VALUES},
    )
    | VALUES
)
DOCUMENT = st.fixed_dictionaries({}, optional={"id": WORDS | VALUES, "score": VALUES, "text": VALUES}) | VALUES
ITEMS = {
    "gen_ai.input.messages": MESSAGE,
    "gen_ai.output.messages": MESSAGE,
    "gen_ai.tool.definitions": TOOL,
    "gen_ai.retrieval.documents": DOCUMENT,
}
MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@pytest.mark.parametrize("key", sorted(ITEMS))
@given(data=st.data())
def test_the_checker_passes_what_the_strict_schema_passes_and_nothing_else(key: str, data: st.DataObject) -> None:
    content = data.draw(st.lists(ITEMS[key], max_size=3) | VALUES)
    assert conforms(key, content) == is_valid(key, content), content


@MANY
@pytest.mark.parametrize("key", sorted(ITEMS))
@given(data=st.data())
def test_what_the_schema_of_1_41_refuses_is_a_finding_but_for_a_missing_finish_reason(
    key: str, data: st.DataObject
) -> None:
    content = data.draw(st.lists(ITEMS[key], max_size=3) | VALUES)
    of_1_41 = schema(key)
    if "OutputMessage" in of_1_41["$defs"]:
        of_1_41["$defs"]["OutputMessage"]["required"].remove("finish_reason")
    if conforms(key, content):
        assert is_valid(key, content, of=of_1_41), content


@settings(MANY, max_examples=300)
@given(parameters=PARAMETERS)
@example(parameters={"type": "array", "items": [{"properties": {"a": {"type": ["string", "null"], "enum": [None]}}}]})
def test_parameters_that_draft_07_passes_are_passed(parameters: Any) -> None:
    tool = {"type": "function", "name": "f", "parameters": parameters}
    assert conforms("gen_ai.tool.definitions", [tool]) or not DRAFT_07.is_valid(parameters)


@settings(MANY, max_examples=300)
@given(parameters=PARAMETERS)
@example(parameters={"properties": {"a": {"items": {"items": [True, {"enum": 1}]}}}})
@example(parameters={"properties": {"a": {"type": 1}}})
def test_parameters_are_looked_at_all_the_way_down(parameters: Any) -> None:
    tool = {"type": "function", "name": "f", "parameters": parameters}
    assert conforms("gen_ai.tool.definitions", [tool]) == is_valid("gen_ai.tool.definitions", [tool])


LEFT_OUT = object()
EACH: Sequence[object] = (
    LEFT_OUT,
    None,
    True,
    1,
    0.5,
    "",
    "text",
    "data:,x",
    [],
    ["a"],
    {},
    {"type": "x"},
    {"type": 1},
)
"""One value of each sort."""


def variants(right: Mapping[str, object], names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield `right` with each of the fields left out, and with each sort of value in it."""
    for name in names:
        for value in EACH:
            changed = {**right, name: value}
            yield {key: each for key, each in changed.items() if each is not LEFT_OUT}


@pytest.mark.parametrize("kind", [*TYPES, "something else"])
def test_the_checker_knows_each_field_of_each_type_of_part(kind: str) -> None:
    right: dict[str, object] = {
        name: {"type": "x"} if name in OBJECTS else "text" for name in PARTS.get(kind, ({}, {}))[0]
    }
    for part in variants({**right, "type": kind}, ["type", *FIELDS, *OBJECTS]):
        message = [{"role": "user", "parts": [part]}]
        assert conforms("gen_ai.input.messages", message) == is_valid("gen_ai.input.messages", message), part


@pytest.mark.parametrize(
    ("key", "right", "names"),
    [
        ("gen_ai.input.messages", {"role": "user", "parts": []}, ["role", "parts", "name", "other"]),
        ("gen_ai.output.messages", {"role": "user", "parts": []}, ["role", "parts", "name", "finish_reason", "other"]),
        (
            "gen_ai.tool.definitions",
            {"type": "function", "name": "f"},
            ["type", "name", "description", "parameters", "other"],
        ),
        ("gen_ai.tool.definitions", {"type": "x", "name": "f"}, ["type", "name", "description", "parameters"]),
        ("gen_ai.retrieval.documents", {"id": "1", "score": 1}, ["id", "score", "other"]),
    ],
)
def test_the_checker_knows_each_field_of_everything_else(
    key: str, right: Mapping[str, object], names: Sequence[str]
) -> None:
    for item in variants(right, names):
        assert conforms(key, [item]) == is_valid(key, [item]), item


def test_all_content_is_compared() -> None:
    assert set(ITEMS) | {"gen_ai.system_instructions"} == CONTENT


# --- where the newest state differs -------------------------------------------------------------------------
@MANY
@given(part=part_of("text") | part_of("something else") | LEAVES | st.lists(LEAVES))
@example(part={"type": "text", "content": "Be brief."})
def test_instructions_of_text_and_of_unknown_types_are_as_in_1_41(part: object) -> None:
    assert conforms("gen_ai.system_instructions", [part]) == is_valid("gen_ai.system_instructions", [part])


@settings(MANY, max_examples=20)
@pytest.mark.parametrize("kind", sorted(set(TYPES) - {"text"}))
@given(data=st.data())
def test_instructions_of_other_types_were_valid_in_1_41_and_are_no_longer(kind: str, data: st.DataObject) -> None:
    part = data.draw(part_of(kind))
    assert is_valid("gen_ai.system_instructions", [part], of=schema("gen_ai.system_instructions"))
    assert not conforms("gen_ai.system_instructions", [part])


def test_a_message_of_a_model_needed_a_finish_reason_in_1_41_and_may_still_have_one() -> None:
    key = "gen_ai.output.messages"
    message: dict[str, Any] = {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}]}
    assert not is_valid(key, [message], of=schema(key))
    assert conforms(key, [message])
    with_reason = {**message, "finish_reason": "stop"}
    assert is_valid(key, [with_reason], of=schema(key))
    assert conforms(key, [with_reason])
    assert not conforms(key, [{**message, "finish_reason": 1}])


def test_a_compaction_is_a_part_of_its_own_now() -> None:
    for part, fits in (({}, True), ({"id": "c1", "content": "short"}, True), ({"id": 1}, False)):
        message = [{"role": "assistant", "parts": [{"type": "compaction", **part}]}]
        assert conforms("gen_ai.input.messages", message) == fits
        assert is_valid("gen_ai.input.messages", message, of=schema("gen_ai.input.messages"))


# --- the real thing -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("folder", ["own", "shared"])
def test_the_messages_of_every_recorded_chat_conform_and_are_valid(folder: str) -> None:
    recordings = load() if folder == "own" else load(RECORDINGS)
    chats = [each for each in recordings.values() if each["endpoint"] == "chat.completions"]
    assert chats
    for each in chats:
        body = each["request"]["body"]
        contents = {
            "gen_ai.input.messages": _chat.input_messages(body),
            "gen_ai.tool.definitions": _chat.tool_definitions(body),
        }
        if each["response"]["status"] == 200 and "body" in each["response"]:
            contents["gen_ai.output.messages"] = list(_chat.read_reply(json.loads(each["response"]["body"])).messages())
        for key, content in contents.items():
            plain: object = json.loads(json.dumps(content))
            assert conforms(key, plain), (each["id"], key)
            assert is_valid(key, plain, of=schema(key)), (each["id"], key)
