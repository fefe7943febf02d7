"""What every recorded provider answered stands on the span: words, tool calls, tokens, and why it ended."""

import json
from collections.abc import Mapping
from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import openai
import pytest

import tracelm
from tests.recordings.facts import facts_of, facts_on, span_name
from tests.recordings.recorded import Recorded
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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


def test_shared_recording_is_answered_as_without_tracing(foreign: Recorded, spans: Spans) -> None:
    traced = _ask(foreign)
    tracelm.shutdown()
    assert traced == _ask(foreign)


def test_shared_recording_messages_are_valid(foreign: Recorded, spans: Spans, schemas: Mapping[str, Any]) -> None:
    _ask(foreign)
    attributes = spans.one().attributes
    for key, schema in schemas.items():
        if key in attributes:
            jsonschema.validate(json.loads(str(attributes[key])), schema)
    asks_with_a_prompt_of_the_provider = "input" not in foreign.request and foreign.endpoint == "responses"
    assert ("gen_ai.input.messages" in attributes) != (
        foreign.endpoint == "moderations" or asks_with_a_prompt_of_the_provider
    )


def test_sync_and_async_record_the_same(own: Recorded, spans: Spans) -> None:
    _ask(own)
    anyio.run(_ask_async, own)
    first, second = ({**attributes} for _, attributes in spans.brief(without=["gen_ai.response.time_to_first_chunk"]))
    assert first == second


def _ask(recorded: Recorded) -> Any:
    """Ask, and return what came as plain data."""
    with recorded.client() as client:
        if recorded.fails:
            with pytest.raises(openai.APIError) as caught:
                _consume(recorded.ask(client))
            return str(caught.value)
        reply = recorded.ask(client)
        if recorded.is_streamed:
            assert isinstance(reply, openai.Stream)
        return _consume(reply)


def _consume(reply: Any) -> Any:
    return [_plain(chunk) for chunk in reply] if isinstance(reply, openai.Stream) else _plain(reply)  # pyright: ignore[reportUnknownVariableType]


async def _ask_async(recorded: Recorded) -> Any:
    async with recorded.async_client() as client:
        if recorded.fails:
            with pytest.raises(openai.APIError):
                await _consume_async(await recorded.ask(client))
            return None
        reply = await recorded.ask(client)
        if recorded.is_streamed:
            assert isinstance(reply, openai.AsyncStream)
        return await _consume_async(reply)


async def _consume_async(reply: Any) -> Any:
    if isinstance(reply, openai.AsyncStream):
        return [_plain(chunk) async for chunk in reply]  # pyright: ignore[reportUnknownVariableType]
    return _plain(reply)


def _plain(reply: Any) -> Any:
    return reply.to_dict(warnings=False) if isinstance(reply, openai.BaseModel) else getattr(reply, "content", reply)


def _check(recorded: Recorded, span: SpanRecord) -> None:
    attributes = span.attributes
    assert span.name == span_name(recorded)
    assert span.kind == "client"
    assert attributes.get("gen_ai.request.model") == recorded.request.get("model")
    assert attributes["gen_ai.provider.name"] == ("azure.ai.openai" if recorded.is_azure else "openai")
    assert ("azure.resource_provider.namespace" in attributes) == recorded.is_azure
    assert attributes["server.address"] == "127.0.0.1"
    assert attributes["server.port"] == int(recorded.url.rpartition(":")[2])
    assert ("gen_ai.response.time_to_first_chunk" in attributes) == (
        recorded.is_streamed and "error-404" not in recorded.recording["id"]
    )
    if "messages" in recorded.request:
        assert [message["role"] for message in json.loads(str(attributes["gen_ai.input.messages"]))] == [
            message["role"] for message in recorded.request["messages"]
        ]
    if recorded.fails:
        assert span.status == "error"
        status = recorded.recording["response"]["status"]
        assert attributes["error.type"] == ("invalid_request_error" if status == 200 else str(status))
        if status != 200:
            assert "gen_ai.output.messages" not in attributes
        return
    assert span.status == "unset"
    assert "error.type" not in attributes
    assert facts_on(attributes) == facts_of(recorded)
