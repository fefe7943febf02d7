"""Any attributes under the names of any dialect: they are read or passed over, and nothing is lost."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.otlp.dialects.spans import said, span
from tracelm import semconv
from tracelm.otlp.dialects import DIALECTS, canonical
from tracelm.store.preview import preview_of
from tracelm.store.rows import span_row

_THEIRS = sorted({key for dialect in DIALECTS for keys in dialect.keys.values() for key in keys})
_MARKS = sorted({mark for dialect in DIALECTS for mark in dialect.marks})
_NAMES = [
    *_THEIRS,
    *_MARKS,
    "llm.input_messages.0.message.content",
    "llm.input_messages.0.message.contents.0.message_content.text",
    "llm.input_messages.0.message.tool_calls.0.tool_call.function.name",
    "llm.input_messages.0",
    "llm.output_messages.1.message.role",
    "llm.tools.0.tool.json_schema",
    "llm.invocation_parameters",
    "llm.cost.total",
    "retrieval.documents.0.document.content",
    "metadata",
    "tag.tags",
    "gen_ai.prompt.0.tool_calls.0.name",
    "gen_ai.completion.0.content",
    "llm.request.functions.0.name",
    "langfuse.observation.usage_details",
    "langfuse.observation.cost_details",
    "langfuse.observation.model.parameters",
    "langfuse.trace.metadata.k",
    "request_data",
    "response_data",
    "events",
    "gen_ai.usage.raw",
    "ai.prompt.messages",
    "ai.prompt.tools",
    "ai.response.toolCalls",
    "ai.response.text",
    "ai.response.msToFirstChunk",
    semconv.RESPONSE_FINISH_REASONS,
]
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "parts", "type", "text", "tool_calls", "function", "messages", "input"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
_MESSAGES: st.SearchStrategy[Any] = st.lists(
    st.fixed_dictionaries(
        {"role": _JSON | st.sampled_from(["user", "tool"]), "content": _JSON},
        optional={
            "parts": _JSON,
            "tool_calls": st.lists(st.fixed_dictionaries({"function": _JSON, "id": _JSON}), max_size=2),
        },
    ),
    max_size=3,
)


def _written(value: object) -> str:
    return orjson.dumps(value).decode()


_VALUES: st.SearchStrategy[Any] = _JSON | (_JSON | _MESSAGES).map(_written) | st.binary(max_size=4)


@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=8), _VALUES)
def test_any_values_under_any_names_are_read_or_passed_over(attributes: dict[str, Any], content: Any) -> None:
    one = span(attributes, said("gen_ai.choice", message=content), said("gen_ai.user.message", content=content))
    found = canonical(one)
    assert attributes.keys() <= found.keys()
    for key in (semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES):
        if key in found:
            messages = orjson.loads(str(found[key]))
            assert all(isinstance(each["role"], str) and isinstance(each["parts"], list) for each in messages)
    orjson.dumps(span_row(one, "shop"), default=repr)
    preview_of(one)


@given(
    st.lists(st.text(max_size=6), max_size=40), st.sampled_from(["llm.input_messages", "gen_ai.prompt", "llm.tools"])
)
def test_any_numbered_names_are_read_or_passed_over(path: list[str], prefix: str) -> None:
    attributes: dict[str, Any] = {"openinference.span.kind": "LLM", "llm.request.type": "chat"}
    for length in range(len(path) + 1):
        attributes[".".join([prefix, "0", *path[:length]])] = "x"
    assert attributes.keys() <= canonical(span(attributes)).keys()


def test_a_name_with_thousands_of_dots_is_read_or_passed_over() -> None:
    for prefix in ("retrieval.documents.0.document", "llm.input_messages.0.message", "llm.tools.0.tool.json_schema"):
        name = f"{prefix}.{'a.' * 2_000}b"
        found = canonical(span({"openinference.span.kind": "LLM", name: "x"}))
        assert found[name] == "x"
