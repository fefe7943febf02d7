"""One call, one span, also beside OpenTelemetry's own instrumentation of the same client."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.genai.openai import (  # pyright: ignore[reportMissingTypeStubs]
    OpenAIInstrumentor as OtherInstrumentor,
)
from opentelemetry.util.genai.handler import TelemetryHandler  # pyright: ignore[reportMissingTypeStubs]

from tests.integrations.answering import RESPONSE, Server
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.integrations._base import begin
from tracelm.integrations._exchange import Request
from tracelm.testing import Spans
from tracelm.trace import runtime

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = [pytest.mark.anyio, pytest.mark.openai(3, 0)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def other(spans: Spans) -> Iterator[Any]:
    """OpenTelemetry's own instrumentation, writing to the same spans."""
    instrumentor: Any = OtherInstrumentor()
    instrumentor.instrument(tracer_provider=_provider())
    yield instrumentor
    instrumentor.uninstrument()


def _provider() -> Any:
    assert runtime.active is not None
    return runtime.active.tracer._provider  # pyright: ignore[reportPrivateUsage]


RECORDINGS = [
    "local-chat-completions-sync-basic",
    "local-chat-completions-stream-usage",
    "local-responses-sync-basic",
    "local-responses-stream-basic",
    "local-embeddings-sync-basic",
]


@pytest.mark.parametrize("name", RECORDINGS)
def test_inside_of_another_instrumentation_there_is_one_span(name: str, own_url: str, other: Any, spans: Spans) -> None:
    recorded = Recorded(load()[name], own_url)
    with recorded.client() as client:
        reply = recorded.ask(client)
        if recorded.is_streamed:
            list(reply)
    span = spans.one()
    assert span.scope.name.startswith("opentelemetry.")
    assert span.attributes["gen_ai.usage.input_tokens"]
    assert span.attributes["server.port"] == int(own_url.rpartition(":")[2])  # ours knows it, also of 443


@pytest.mark.parametrize("name", RECORDINGS)
async def test_inside_of_another_async_instrumentation_there_is_one_span(
    name: str, own_url: str, other: Any, spans: Spans
) -> None:
    recorded = Recorded(load()[name], own_url)
    async with recorded.async_client() as client:
        reply = await recorded.ask(client)
        if recorded.is_streamed:
            assert [chunk async for chunk in reply]
    assert spans.one().scope.name.startswith("opentelemetry.")


def test_what_the_other_does_not_record_is_ours(other: Any, spans: Spans) -> None:
    with Server({"created": 1, "data": []}).client() as client:
        client.images.generate(model="gpt-image-1", prompt="A sun")
    assert spans.one().scope.name == "tracelm"


def test_the_other_learns_the_port_that_it_leaves_out(other: Any, spans: Spans) -> None:
    with Server(RESPONSE).client() as client:
        client.responses.create(model="gpt-4o", input="Hi")
    assert spans.one().attributes["server.port"] == 443


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_call_of_ours_around_the_other_is_one_span_with_its_tokens(
    name: str, own_url: str, other: Any, spans: Spans
) -> None:
    recorded = Recorded(load()[name], own_url)
    kind = "embeddings" if recorded.endpoint == "embeddings" else "chat"
    outer = begin(lambda: Request(operation=kind, provider="framework", model="m", attributes={}), kind=kind)
    assert outer is not None
    with recorded.client() as client:
        with outer.current():
            reply = recorded.ask(client)
        if recorded.is_streamed:
            list(reply)
    outer.end()
    span = spans.one(f"{kind} m")
    assert len(spans.all()) == 1
    assert span.attributes["gen_ai.provider.name"] == "framework"
    assert span.attributes["gen_ai.usage.input_tokens"]
    assert span.attributes["gen_ai.response.model"] == "smollm2-135m"


def test_a_framework_that_uses_opentelemetrys_helper_gets_what_we_know(own_url: str, spans: Spans) -> None:
    recorded = Recorded(load()["local-chat-completions-sync-basic"], own_url)
    handler = TelemetryHandler(tracer_provider=_provider())
    with recorded.client() as client, handler.inference("framework", request_model="m"):
        recorded.ask(client)
    attributes = spans.one("chat m").attributes
    assert attributes["gen_ai.response.id"] == recorded.completion["id"]
    assert attributes["gen_ai.usage.output_tokens"] == recorded.completion["usage"]["completion_tokens"]
    assert attributes["gen_ai.request.temperature"] == 0.0
    assert attributes["openai.api.type"] == "chat_completions"
