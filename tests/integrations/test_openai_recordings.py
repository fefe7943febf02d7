"""What every recorded provider answered stands on the span: words, tool calls, tokens, and why it ended."""

import json
from collections.abc import Mapping
from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import openai
import pytest

from tests.recordings.recorded import Recorded
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)

_TOKENS = {
    "gen_ai.usage.input_tokens": ("prompt_tokens",),
    "gen_ai.usage.output_tokens": ("completion_tokens",),
    "gen_ai.usage.cache_read.input_tokens": ("prompt_tokens_details", "cached_tokens"),
    "gen_ai.usage.reasoning.output_tokens": ("completion_tokens_details", "reasoning_tokens"),
}


def test_own_recording_sync(own: Recorded, spans: Spans) -> None:
    _ask(own)
    _check(own, spans.one())


async def test_own_recording_async(own: Recorded, spans: Spans) -> None:
    await _ask_async(own)
    _check(own, spans.one())


def test_own_recording_under_trio(own: Recorded, spans: Spans) -> None:
    anyio.run(_ask_async, own, backend="trio")
    _check(own, spans.one())


def test_shared_recording_sync(foreign: Recorded, spans: Spans) -> None:
    _ask(foreign)
    _check(foreign, spans.one())


async def test_shared_recording_async(foreign: Recorded, spans: Spans) -> None:
    await _ask_async(foreign)
    _check(foreign, spans.one())


def test_shared_recording_messages_are_valid(foreign: Recorded, spans: Spans, schemas: Mapping[str, Any]) -> None:
    _ask(foreign)
    attributes = spans.one().attributes
    for key, schema in schemas.items():
        if key in attributes:
            jsonschema.validate(json.loads(str(attributes[key])), schema)
    assert "gen_ai.input.messages" in attributes


def test_sync_and_async_record_the_same(own: Recorded, spans: Spans) -> None:
    _ask(own)
    anyio.run(_ask_async, own)
    first, second = ({**attributes} for _, attributes in spans.brief(without=["gen_ai.response.time_to_first_chunk"]))
    assert first == second


@pytest.fixture
def schemas(shared: Any) -> dict[str, Any]:
    return {
        f"gen_ai.{name}": json.loads(
            (shared / "semconv" / f"gen-ai-{name.replace('.', '-').replace('_', '-')}.json").read_text()
        )
        for name in ("input.messages", "output.messages", "tool.definitions")
    }


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


def _ask(recorded: Recorded) -> None:
    with recorded.client() as client:
        if recorded.fails:
            with pytest.raises(openai.APIError):
                _consume(client.chat.completions.create(**recorded.arguments()))
            return
        reply = client.chat.completions.create(**recorded.arguments())
        chunks = _consume(reply)
        if recorded.is_streamed:
            assert isinstance(reply, openai.Stream)
            assert len(chunks) == len(recorded.chunks)
        else:
            assert reply.id == recorded.completion["id"]


def _consume(reply: Any) -> list[object]:
    return list(reply) if hasattr(reply, "__next__") else []


async def _ask_async(recorded: Recorded) -> None:
    async with recorded.async_client() as client:
        if recorded.fails:
            with pytest.raises(openai.APIError):
                await _consume_async(await client.chat.completions.create(**recorded.arguments()))
            return
        reply = await client.chat.completions.create(**recorded.arguments())
        chunks = await _consume_async(reply)
        if recorded.is_streamed:
            assert isinstance(reply, openai.AsyncStream)
            assert len(chunks) == len(recorded.chunks)
        else:
            assert reply.id == recorded.completion["id"]


async def _consume_async(reply: Any) -> list[object]:
    return [chunk async for chunk in reply] if hasattr(reply, "__anext__") else []


def _check(recorded: Recorded, span: SpanRecord) -> None:
    attributes = span.attributes
    model = recorded.request["model"]
    assert span.name == f"chat {model}"
    assert span.kind == "client"
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.request.model"] == model
    assert attributes["gen_ai.provider.name"] == ("azure.ai.openai" if recorded.is_azure else "openai")
    assert attributes["server.address"] == "127.0.0.1"
    assert attributes["server.port"] == int(recorded.url.rpartition(":")[2])
    assert [message["role"] for message in json.loads(str(attributes["gen_ai.input.messages"]))] == [
        message["role"] for message in recorded.request["messages"]
    ]
    if recorded.fails:
        assert span.status == "error"
        status = recorded.recording["response"]["status"]
        assert attributes["error.type"] == ("openai.APIError" if status == 200 else str(status))
        if status != 200:
            assert "gen_ai.output.messages" not in attributes
        return
    assert span.status == "unset"
    assert "error.type" not in attributes
    said = _from_chunks(recorded.chunks) if recorded.is_streamed else recorded.completion
    assert attributes["gen_ai.response.id"] == said["id"]
    assert attributes["gen_ai.response.model"] == said["model"]
    assert attributes["gen_ai.response.finish_reasons"] == [
        choice["finish_reason"] or "error" for choice in said["choices"]
    ]
    usage: dict[str, Any] = said.get("usage") or {}
    if "cached_tokens" in usage:  # the place that Moonshot and Together have for it
        usage = {**usage, "prompt_tokens_details": {"cached_tokens": usage["cached_tokens"]}}
    for key, path in _TOKENS.items():
        assert attributes.get(key) == _at(usage, *path), key
    assert ("gen_ai.response.time_to_first_chunk" in attributes) == recorded.is_streamed
    messages = json.loads(str(attributes["gen_ai.output.messages"]))
    assert [_said(message["parts"]) for message in messages] == [_expected(c["message"]) for c in said["choices"]]


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = None if value is None else value.get(name)
    return value


def _said(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "text": "".join(part["content"] for part in parts if part["type"] in {"text", "refusal"}),
        "reasoning": "".join(part["content"] for part in parts if part["type"] == "reasoning"),
        "calls": [
            (part.get("id"), part["name"], part.get("arguments")) for part in parts if part["type"] == "tool_call"
        ],
    }


def _expected(message: Any) -> dict[str, Any]:
    content: Any = message.get("content") or ""
    thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
    if not isinstance(content, str):  # Mistral's reasoning models
        thoughts = "".join(t["text"] for part in content if part["type"] == "thinking" for t in part["thinking"])
        content = "".join(part["text"] for part in content if part["type"] == "text")
    calls: list[tuple[Any, ...]] = []
    made: list[dict[str, Any]] = message.get("tool_calls") or []
    for call in made:
        target = call.get("function") or call["custom"]
        arguments = json.loads(target["arguments"]) if "arguments" in target else target["input"]
        calls.append((call["id"] or None, target["name"], arguments))
    if message.get("function_call"):
        target = message["function_call"]
        calls.append((None, target["name"], json.loads(target["arguments"])))
    return {"text": content + (message.get("refusal") or ""), "reasoning": thoughts, "calls": calls}


def _from_chunks(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the recorded chunks together, in the plainest way there is."""
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for each in chunk["choices"]:
            choice = choices.setdefault(each["index"], {"message": {}, "finish_reason": None})
            choice["finish_reason"] = each.get("finish_reason") or choice["finish_reason"]
            message, delta = choice["message"], each["delta"]
            for name in ("content", "reasoning_content", "reasoning", "refusal"):
                if delta.get(name):
                    message[name] = message.get(name, "") + delta[name]
            calls = message.setdefault("tool_calls", [])
            for position, piece in enumerate(delta.get("tool_calls") or []):
                index = piece.get("index", position)
                if index == len(calls):
                    calls.append({"id": piece["id"], "function": {"name": "", "arguments": ""}})
                for name in ("name", "arguments"):
                    calls[index]["function"][name] += piece["function"].get(name) or ""
    head = next(chunk for chunk in chunks if chunk.get("id"))
    ordered = [choices[index] for index in sorted(choices)]
    return {"id": chunks[-1].get("id") or head["id"], "model": chunks[-1]["model"], "choices": ordered, "usage": usage}
