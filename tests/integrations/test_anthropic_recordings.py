"""What Claude was recorded to answer stands on the span: words, calls of tools, tokens, and why it ended."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anthropic
import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from genai_prices import extract_usage

import tracelm
from tests.recordings.claude import ClaudeRecorded, askable, shared_claude, speaking_claude
from tests.recordings.facts import facts_on
from tests.recordings.foreign import replayed
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")

_OWN = askable(speaking_claude())
_SHARED = askable(shared_claude())


@pytest.fixture(scope="module")
def shared_url(shared: Path) -> Iterator[str]:
    with replayed(shared / "recordings") as url:
        yield url


@pytest.fixture(params=sorted(_OWN))
def own_message(request: pytest.FixtureRequest, own_url: str) -> ClaudeRecorded:
    return ClaudeRecorded(_OWN[request.param], own_url)


@pytest.fixture(params=sorted(_SHARED))
def shared_message(request: pytest.FixtureRequest, shared_url: str) -> ClaudeRecorded:
    return ClaudeRecorded(_SHARED[request.param], shared_url)


def test_own_recording_sync(own_message: ClaudeRecorded, spans: Spans) -> None:
    _ask(own_message)
    _check(own_message, spans.one())


def test_own_recording_async(own_message: ClaudeRecorded, spans: Spans) -> None:
    anyio.run(_ask_async, own_message)
    _check(own_message, spans.one())


@pytest.mark.anthropic(1, 0)  # before, it ran under asyncio only
def test_own_recording_under_trio(own_message: ClaudeRecorded, spans: Spans) -> None:
    anyio.run(_ask_async, own_message, backend="trio")
    _check(own_message, spans.one())


def test_shared_recording_sync(shared_message: ClaudeRecorded, spans: Spans) -> None:
    _ask(shared_message)
    _check(shared_message, spans.one())


def test_shared_recording_async(shared_message: ClaudeRecorded, spans: Spans) -> None:
    anyio.run(_ask_async, shared_message)
    _check(shared_message, spans.one())


def test_sync_and_async_record_the_same(shared_message: ClaudeRecorded, spans: Spans) -> None:
    _ask(shared_message)
    anyio.run(_ask_async, shared_message)
    first, second = (each for _, each in spans.brief(without=["gen_ai.response.time_to_first_chunk"]))
    assert first == second


def test_shared_recording_is_answered_as_without_tracing(shared_message: ClaudeRecorded, spans: Spans) -> None:
    traced = _ask(shared_message)
    tracelm.shutdown()
    assert traced == _ask(shared_message)


def test_shared_recording_messages_are_valid(
    shared_message: ClaudeRecorded, spans: Spans, schemas: Mapping[str, Any]
) -> None:
    _ask(shared_message)
    attributes = spans.one().attributes
    assert "gen_ai.input.messages" in attributes
    for key, schema in schemas.items():
        if key in attributes:
            jsonschema.validate(json.loads(str(attributes[key])), schema)


def test_what_only_the_provider_can_read_is_not_recorded(shared_message: ClaudeRecorded, spans: Spans) -> None:
    _ask(shared_message)
    content = "".join(str(each) for each in spans.one().attributes.values())
    for word in ("encrypted_content", "encrypted_index", "signature", "cache_control"):
        assert f'"{word}"' not in content


def test_a_recorded_answer_costs_what_genai_prices_says(shared_message: ClaudeRecorded, spans: Spans) -> None:
    _ask(shared_message)
    cost = spans.one().attributes.get("gen_ai.usage.cost.amount")
    if shared_message.fails or shared_message.endpoint != "messages":
        assert cost is None
        return
    theirs = extract_usage(shared_message.message(), provider_id="anthropic").calc_price().total_price
    assert cost == pytest.approx(float(theirs))


def _ask(recorded: ClaudeRecorded) -> Any:
    """Ask, and return what came as plain data."""
    with recorded.client() as client:
        if recorded.fails:
            with pytest.raises(anthropic.APIError) as caught:
                recorded.ask(client)
            return str(caught.value)
        reply = recorded.ask(client)
        if not recorded.is_streamed:
            return reply.to_dict(warnings=False)
        assert anthropic.Stream in type(reply).__mro__
        return [each.to_dict(warnings=False) for each in reply]


async def _ask_async(recorded: ClaudeRecorded) -> None:
    async with recorded.async_client() as client:
        if recorded.fails:
            with pytest.raises(anthropic.APIError):
                await recorded.ask(client)
            return
        reply = await recorded.ask(client)
        if recorded.is_streamed:
            assert anthropic.AsyncStream in type(reply).__mro__
            assert [each async for each in reply]


def _check(recorded: ClaudeRecorded, span: SpanRecord) -> None:
    attributes = span.attributes
    assert (span.name, span.kind) == (recorded.span_name, "client")
    assert attributes.get("gen_ai.operation.name") == (None if recorded.endpoint.endswith("count_tokens") else "chat")
    assert attributes["gen_ai.request.model"] == recorded.request["model"]
    assert attributes["gen_ai.provider.name"] == "anthropic"
    assert attributes["server.address"] == "127.0.0.1"
    assert attributes["server.port"] == int(recorded.url.rpartition(":")[2])
    assert ("gen_ai.response.time_to_first_chunk" in attributes) == recorded.is_streamed
    asked = [message["role"] for message in recorded.request["messages"]]
    assert [message["role"] for message in json.loads(str(attributes["gen_ai.input.messages"]))] == asked
    assert ("gen_ai.system_instructions" in attributes) == ("system" in recorded.request)
    assert ("gen_ai.tool.definitions" in attributes) == bool(
        recorded.request.get("tools") or recorded.request.get("mcp_servers")
    )
    if recorded.fails:
        assert span.status == "error"
        assert attributes["error.type"] == str(recorded.recording["response"]["status"])
        assert "gen_ai.output.messages" not in attributes
        return
    assert span.status == "unset"
    assert "error.type" not in attributes
    if recorded.endpoint.endswith("count_tokens"):
        assert json.loads(str(attributes["output.value"])) == recorded.completion
    assert facts_on(attributes) == recorded.facts()
