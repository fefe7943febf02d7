"""Messages and tools of the chat format, part by part, in the words of the GenAI conventions."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracelm.integrations._chat import input_messages, read_reply, request_attributes, tool_definitions
from tracelm.integrations._chunks import ChatChunks

PNG = "iVBORw0KGgo="


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("Hi", [{"type": "text", "content": "Hi"}]),
        ("", []),
        (None, []),
        ([{"type": "text", "text": "Hi"}], [{"type": "text", "content": "Hi"}]),
        (["Hi"], [{"type": "text", "content": "Hi"}]),
        ([{"type": "refusal", "refusal": "No."}], [{"type": "refusal", "content": "No."}]),
        (
            [{"type": "image_url", "image_url": {"url": "https://h/a.png", "detail": "low"}}],
            [{"type": "uri", "modality": "image", "uri": "https://h/a.png"}],
        ),
        (
            [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}],
            [{"type": "blob", "modality": "image", "mime_type": "image/png", "content": PNG}],
        ),
        (
            [{"type": "image_url", "image_url": "https://h/a.png"}],  # Mistral's short form
            [{"type": "uri", "modality": "image", "uri": "https://h/a.png"}],
        ),
        (
            [{"type": "video_url", "video_url": {"url": "https://h/a.mp4"}}],
            [{"type": "uri", "modality": "video", "uri": "https://h/a.mp4"}],
        ),
        (
            [{"type": "input_audio", "input_audio": {"data": PNG, "format": "mp3"}}],
            [{"type": "blob", "modality": "audio", "mime_type": "audio/mp3", "content": PNG}],
        ),
        (
            [{"type": "file", "file": {"file_id": "file-1"}}],
            [{"type": "file", "modality": "document", "file_id": "file-1"}],
        ),
        (
            [{"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}}],
            [
                {
                    "type": "blob",
                    "modality": "document",
                    "mime_type": "application/pdf",
                    "content": PNG,
                    "name": "a.pdf",
                }
            ],
        ),
        (
            [{"type": "file", "file": {"filename": "a.pdf", "file_data": PNG}}],
            [{"type": "blob", "modality": "document", "content": PNG, "name": "a.pdf"}],
        ),
        ([{"type": "new_kind", "payload": 1}], [{"type": "new_kind", "payload": 1}]),
    ],
)
def test_content(content: object, parts: list[Any]) -> None:
    assert input_messages({"messages": [{"role": "user", "content": content}]}) == [{"role": "user", "parts": parts}]


def test_an_assistants_turn_with_everything() -> None:
    message = {
        "role": "assistant",
        "name": "helper",
        "reasoning_content": "Hm.",
        "content": "Well:",
        "audio": {"id": "audio-1"},
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"at": "birds"}'}},
            {"id": "b", "type": "function", "function": {"name": "look", "arguments": '{"at": '}},
            {"id": "c", "type": "custom", "custom": {"name": "run", "input": "print(1)"}},
        ],
        "function_call": {"name": "old", "arguments": "{}"},
    }
    assert input_messages({"messages": [message]}) == [
        {
            "role": "assistant",
            "name": "helper",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                {"type": "text", "content": "Well:"},
                {"type": "file", "modality": "audio", "file_id": "audio-1"},
                {"type": "tool_call", "id": "a", "name": "look", "arguments": {"at": "birds"}},
                {"type": "tool_call", "id": "b", "name": "look", "arguments": '{"at": '},
                {"type": "tool_call", "id": "c", "name": "run", "arguments": "print(1)"},
                {"type": "tool_call", "name": "old", "arguments": {}},
            ],
        }
    ]


def test_results_of_tools() -> None:
    messages = [
        {"role": "tool", "tool_call_id": "a", "content": "42"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "42"}]},
        {"role": "function", "name": "old", "content": "42"},
    ]
    assert [message["parts"] for message in input_messages({"messages": messages})] == [
        [{"type": "tool_call_response", "id": "a", "response": "42"}],
        [{"type": "tool_call_response", "id": "b", "response": [{"type": "text", "content": "42"}]}],
        [{"type": "tool_call_response", "response": "42"}],
    ]


def test_spoken_answers_keep_their_transcript() -> None:
    audio = {"id": "audio-1", "data": PNG, "transcript": "Yes.", "expires_at": 1}
    choice = {"message": {"role": "assistant", "content": None, "audio": audio}, "finish_reason": "stop"}
    assert read_reply({"choices": [choice]}).messages() == [
        {
            "role": "assistant",
            "parts": [{"type": "blob", "modality": "audio", "content": PNG, "transcript": "Yes."}],
            "finish_reason": "stop",
        }
    ]


def test_tools_of_every_kind() -> None:
    schema = {"type": "object"}
    body: dict[str, Any] = {
        "tools": [
            {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": schema}},
            {"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}},
            {"type": "web_search"},
        ],
        "functions": [{"name": "old", "parameters": schema}],
    }
    assert tool_definitions(body) == [
        {"type": "function", "name": "look", "description": "Looks.", "parameters": schema},
        {"type": "custom", "name": "run", "format": {"type": "text"}},
        {"type": "web_search", "name": "web_search"},
        {"type": "function", "name": "old", "parameters": schema},
    ]


def test_chunks_without_content_still_tell_how_it_went() -> None:
    chunks = ChatChunks(expected=2, keep_content=False)
    chunks.add({"id": "1", "choices": [{"index": 1, "delta": {"content": "secret"}, "finish_reason": "stop"}]})
    assert not chunks.is_complete
    chunks.add({"choices": [{"index": 0, "delta": {"content": "secret"}, "finish_reason": "length"}]})
    chunks.add({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    assert chunks.is_complete
    reply = chunks.reply()
    assert reply.finish_reasons == ["length", "stop"]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (3, 2)
    assert "secret" not in str(reply.messages())


def test_choices_that_never_came_ended_badly() -> None:
    chunks = ChatChunks(expected=3, keep_content=True)
    chunks.add({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]})
    assert chunks.reply().finish_reasons == ["stop", "error", "error"]
    assert len(chunks.reply().messages()) == 1


def test_a_stream_of_which_no_word_came_has_no_messages() -> None:
    chunks = ChatChunks(expected=1, keep_content=True)
    chunks.add({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
    assert chunks.reply().finish_reasons == ["error"]
    assert list(chunks.reply().messages()) == []


_KEYS = st.sampled_from(
    [
        *("messages", "tools", "functions", "choices", "message", "delta", "role", "content", "type", "text", "n"),
        *("image_url", "url", "file", "file_data", "input_audio", "audio", "data", "tool_calls", "function", "custom"),
        *("arguments", "name", "index", "finish_reason", "usage", "prompt_tokens", "prompt_tokens_details", "stop"),
        *("cached_tokens", "thinking", "modalities", "response_format", "reasoning", "stream", "id", "model", "seed"),
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=15,
)
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy


@_patient
@given(body=st.dictionaries(_KEYS, _JSON, max_size=8))
def test_no_request_is_too_odd_to_read(body: dict[str, Any]) -> None:
    request_attributes(body)
    for message in input_messages(body):
        assert isinstance(message["role"], str)
        assert isinstance(message["parts"], list)
    for tool in tool_definitions(body):
        assert isinstance(tool["name"], str)


@_patient
@given(completion=_JSON, chunks=st.lists(_JSON, max_size=4))
def test_no_reply_is_too_odd_to_read(completion: object, chunks: list[object]) -> None:
    reply = read_reply(completion)
    assert len(reply.messages()) == len(reply.finish_reasons)
    collected = ChatChunks(expected=1, keep_content=True)
    for chunk in chunks:
        collected.add(chunk)
    whole = collected.reply()
    assert all(isinstance(reason, str) for reason in whole.finish_reasons)
    assert all(isinstance(message["parts"], list) for message in whole.messages())
