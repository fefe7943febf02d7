"""Chunks of a chat that are the client's objects are put together as their plain JSON is, whatever they bring."""

from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from openai._models import construct_type
from openai.types.chat import ChatCompletionChunk

from tracelm.integrations._chunks import ChatChunks

_TEXT: st.SearchStrategy[Any] = st.none() | st.text(max_size=4)
_CALL: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"index": st.integers(0, 1)},
    optional={"id": _TEXT, "function": st.fixed_dictionaries({}, optional={"name": _TEXT, "arguments": _TEXT})},
)
_DELTA: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "content": _TEXT,
        "role": st.sampled_from([None, "assistant"]),
        "refusal": _TEXT,
        "reasoning_content": _TEXT,
        "tool_calls": st.none() | st.lists(_CALL, max_size=2),
        "of_the_provider": _TEXT,
    },
)
_WORD: st.SearchStrategy[Any] = st.fixed_dictionaries({"content": st.text(min_size=1, max_size=4)})
_CHOICE: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"index": st.integers(0, 1) | st.sampled_from([True, 1.0, None]), "delta": _WORD | _WORD | st.none() | _DELTA},
    optional={"finish_reason": st.sampled_from([None, "", "stop", "tool_calls"]), "logprobs": st.none()},
)
_USAGE: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 3), "completion_tokens": st.integers(0, 3)}
)
_CHUNK: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"choices": st.lists(_CHOICE, min_size=1, max_size=1) | st.lists(_CHOICE, max_size=2) | st.none()},
    optional={
        "id": st.sampled_from([None, "c-1", "c-2"]),
        "model": st.sampled_from(["m", "m-2026"]),
        "service_tier": st.sampled_from([None, "flex"]),
        "usage": st.none() | _USAGE,
        "x_groq": st.none() | st.fixed_dictionaries({"usage": _USAGE}),
    },
)
_Oddity: TypeAlias = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
_ODDITIES: list[_Oddity] = [
    ({}, {}, {}),
    ({"usage": {"prompt_tokens": 1, "completion_tokens": 2}}, {}, {}),
    ({"x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}}, {}, {}),
    ({"id": "c-2"}, {}, {}),
    ({"service_tier": "flex"}, {}, {}),
    ({}, {"finish_reason": "stop"}, {}),
    ({}, {"index": 1}, {}),
    ({}, {"index": 1.0}, {}),
    ({}, {}, {"role": "assistant"}),
    ({}, {}, {"reasoning_content": "so"}),
    ({}, {}, {"refusal": "no"}),
    ({}, {}, {"content": ["no text"]}),
    ({}, {}, {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": "{}"}}]}),
]
"""What a chunk may bring beside one more piece of a text."""


def _next(text: str, oddity: _Oddity) -> dict[str, Any]:
    beside, with_choice, with_text = oddity
    choice = {"index": 0, "delta": {"content": text, **with_text}, **with_choice}
    return {"id": "c-1", "choices": [choice], **beside}


_NEXT: st.SearchStrategy[Any] = st.builds(
    _next, st.text(min_size=1, max_size=2), st.just(_ODDITIES[0]) | st.sampled_from(_ODDITIES)
)
_CHUNKS: st.SearchStrategy[list[Any]] = st.lists(_NEXT, max_size=8) | st.lists(_NEXT | _CHUNK, max_size=8)


def _told(chunks: list[Any], *, keep_content: bool) -> tuple[object, ...]:
    collected = ChatChunks(expected=1, keep_content=keep_content)
    for chunk in chunks:
        collected.add(chunk)
    reply = collected.reply()
    return collected.is_complete, reply.known(), list(reply.messages())


@settings(max_examples=400)
@given(_CHUNKS, st.booleans())
def test_chunks_of_the_client_say_what_their_json_says(chunks: list[dict[str, Any]], keep_content: bool) -> None:
    objects = [construct_type(value=chunk, type_=ChatCompletionChunk) for chunk in chunks]
    assert _told(objects, keep_content=keep_content) == _told(chunks, keep_content=keep_content)


@given(_CHUNKS)
def test_chunks_that_a_program_changes_later_are_recorded_as_they_came(chunks: list[dict[str, Any]]) -> None:
    collected = ChatChunks(expected=1, keep_content=True)
    for chunk in chunks:
        passed: Any = construct_type(value=chunk, type_=ChatCompletionChunk)
        collected.add(passed)
        for choice in passed.choices or ():
            if choice.delta is not None:
                choice.delta.content = "changed"
    assert list(collected.reply().messages()) == _told(chunks, keep_content=True)[2]
