"""Several choices: each has its reason in its place, also where a stream was left before they all came."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integrations.answering import RESPONSE, Server, messages
from tests.openai_client import ASK
from tracelm.testing import Spans

REASONS = "gen_ai.response.finish_reasons"
OUTPUT = "gen_ai.output.messages"


def events(*bodies: Mapping[str, Any]) -> bytes:
    return "".join(f"data: {json.dumps(each)}\n\n" for each in bodies).encode() + b"data: [DONE]\n\n"


def chat_chunk(index: int, said: str | None = None, reason: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": {} if said is None else {"content": said}, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def text_chunk(index: int, said: str = "", reason: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "text": said, "finish_reason": reason}
    return {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def test_a_choice_that_never_came_has_its_error_in_its_place(spans: Spans) -> None:
    body = events(chat_chunk(1, "two"), chat_chunk(1, reason="stop"))
    with Server(body, content_type="text/event-stream").client() as client:
        list(client.chat.completions.create(**ASK, n=3, stream=True))
    assert spans.one().attributes[REASONS] == ["error", "stop", "error"]
    [message] = messages(spans, OUTPUT)
    assert (message["parts"][0]["content"], message["finish_reason"]) == ("two", "stop")


def test_a_text_completion_that_was_left_has_a_reason_for_each_of_its_choices(spans: Spans) -> None:
    body = events(text_chunk(2, "c"), text_chunk(2, reason="length"), text_chunk(0, "a"))
    with Server(body, content_type="text/event-stream").client() as client:
        list(client.completions.create(model="m", prompt=["a", "b"], n=2, stream=True))
    assert spans.one().attributes[REASONS] == ["error", "error", "length", "error"]
    assert [(each["parts"][0]["content"], each["finish_reason"]) for each in messages(spans, OUTPUT)] == [
        ("a", "error"),
        ("c", "length"),
    ]


def test_numbers_out_of_bounds_take_no_memory(spans: Spans) -> None:
    asked = 10**12
    text = events(text_chunk(2_000_000_000, "far"), text_chunk(2_000_000_000, reason="stop"))
    chat = events(chat_chunk(2_000_000_000, "far"), chat_chunk(2_000_000_000, reason="stop"))
    with Server(text, chat, content_type="text/event-stream").client() as client:
        list(client.completions.create(model="m", prompt="a", n=asked, stream=True))
        list(client.chat.completions.create(**ASK, n=asked, stream=True))
    for span in spans.all():
        reasons = span.attributes[REASONS]
        assert isinstance(reasons, list)
        assert (reasons[-1], len(reasons)) == ("stop", 1_001)


@pytest.mark.openai(3, 0)
def test_a_response_is_one_message_whatever_the_provider_ran_for_it(spans: Spans) -> None:
    shell = {"type": "container_reference", "container_id": "cntr_1"}
    call = {"type": "shell_call", "id": "sh_1", "call_id": "call_1", "status": "completed", "environment": shell}
    output = {
        "type": "shell_call_output",
        "id": "sho_1",
        "call_id": "call_1",
        "status": "completed",
        "output": [{"stdout": "42\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    }
    items = [{**call, "action": {"commands": ["echo 42"]}}, output, *RESPONSE["output"]]
    with Server({**RESPONSE, "output": items}).client() as client:
        client.responses.create(model="m", input="How much?")
    [message] = messages(spans, OUTPUT)
    assert [part["type"] for part in message["parts"]] == ["server_tool_call", "server_tool_call_response", "text"]
    assert [part.get("id") for part in message["parts"]] == ["call_1", "call_1", None]
    assert spans.one().attributes[REASONS] == ["stop"]


@pytest.mark.parametrize("index", [0, None], ids=["all the first", "none"])
def test_calls_of_tools_that_a_server_does_not_number_stay_apart(index: int | None, spans: Spans) -> None:
    def piece(call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
        call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        return {"tool_calls": [call if index is None else {**call, "index": index}]}

    deltas = [piece("call_1", "f", '{"x"'), piece(None, None, ": 1}"), piece("call_2", "g", "{}")]
    chunks = [{**chat_chunk(0), "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    body = events(*chunks, chat_chunk(0, reason="tool_calls"))
    with Server(body, content_type="text/event-stream").client() as client:
        list(client.chat.completions.create(**ASK, stream=True))
    [message] = messages(spans, OUTPUT)
    told = [(part["id"], part["name"], part["arguments"]) for part in message["parts"]]
    assert told == [("call_1", "f", {"x": 1}), ("call_2", "g", {})]


def test_a_new_id_in_each_piece_of_a_call_makes_no_new_call(spans: Spans) -> None:
    def piece(call_id: str, name: str | None, arguments: str) -> dict[str, Any]:
        call = {"index": 0, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        return {**chat_chunk(0), "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    body = events(piece("a", "f", '{"x"'), piece("b", None, ": 1}"), chat_chunk(0, reason="tool_calls"))
    with Server(body, content_type="text/event-stream").client() as client:
        list(client.chat.completions.create(**ASK, stream=True))
    [message] = messages(spans, OUTPUT)
    assert [(part["name"], part["arguments"]) for part in message["parts"]] == [("f", {"x": 1})]
