"""What OpenAI and Anthropic were recorded to answer, asked for by Pydantic AI: one span, with the recorded tokens."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic_ai.direct import model_request, model_request_stream, model_request_stream_sync, model_request_sync
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.recordings.claude import ClaudeRecorded, shared_claude
from tests.recordings.facts import TOKENS, facts_of
from tests.recordings.foreign import replayed
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
_SHARED = Path(__file__).parents[3] / "shared" / "recordings"
_ASKED = [ModelRequest.user_text_prompt("Hello")]


def _is_answer(recording: Mapping[str, Any]) -> bool:
    asked: Mapping[str, Any] = recording["request"].get("body") or {}
    if recording["response"]["status"] != 200 or "error" in recording["id"] or "n" in asked or "model" not in asked:
        return False
    # Of Claude, Pydantic AI asks for streams only.
    return recording["endpoint"] in {"chat.completions", "responses"} or (
        recording["endpoint"] == "messages" and "sse" in recording["response"]
    )


_OPENAI = {name: each for name, each in load(_SHARED).items() if each["provider"] == "openai" and _is_answer(each)}
_CLAUDE = {name: each for name, each in shared_claude().items() if _is_answer(each)}


@pytest.fixture(scope="module")
def shared_url(shared: Path) -> Iterator[str]:
    with replayed(shared / "recordings") as url:
        yield url


@pytest.fixture(params=sorted(_OPENAI | _CLAUDE))
def recorded(request: pytest.FixtureRequest, shared_url: str) -> Recorded:
    """Each recording in the shared folder that Pydantic AI has a model for."""
    name = request.param
    return ClaudeRecorded(_CLAUDE[name], shared_url) if name in _CLAUDE else Recorded(_OPENAI[name], shared_url)


def test_a_recording_is_one_span_with_its_tokens(recorded: Recorded, spans: Spans) -> None:
    # What the library makes of an answer to another request is its own affair: it was received, and billed.
    with contextlib.suppress(Exception):
        if not recorded.is_streamed:
            model_request_sync(_model(recorded), _ASKED)
        else:
            with model_request_stream_sync(_model(recorded), _ASKED) as stream:
                list(stream)
    _check(recorded, spans)


def test_a_recording_is_one_span_with_its_tokens_async(recorded: Recorded, spans: Spans) -> None:
    async def ask() -> None:
        with contextlib.suppress(Exception):
            if not recorded.is_streamed:
                await model_request(_model(recorded), _ASKED)
                return
            async with model_request_stream(_model(recorded), _ASKED) as stream:
                async for _ in stream:
                    pass

    anyio.run(ask)
    _check(recorded, spans)


def _model(recorded: Recorded) -> Model:
    client = recorded.async_client().with_options(default_headers={"x-recording-id": recorded.recording["id"]})
    name = recorded.request["model"]
    if isinstance(recorded, ClaudeRecorded):
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
    kind = OpenAIResponsesModel if recorded.endpoint == "responses" else OpenAIChatModel
    return kind(name, provider=OpenAIProvider(openai_client=client))


def _check(recorded: Recorded, spans: Spans) -> None:
    span = spans.one()
    facts = recorded.facts() if isinstance(recorded, ClaudeRecorded) else facts_of(recorded)
    assert span.name == f"chat {recorded.request['model']}"
    assert span.attributes.get("gen_ai.response.id") == facts.id
    counted = {key: span.attributes[key] for key in TOKENS if key in span.attributes}
    assert span.attributes.get("tracelm.usage.estimated") or counted == facts.tokens
