"""Calls of LiteLLM as spans: the real library, over OpenAI's client and over its own HTTP, and recorded replies."""

import datetime
import importlib
from typing import Any

import litellm as typed_in_part
import pytest
from inline_snapshot import snapshot
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tracelm
from tracelm.integrations._chat_endpoint import ChatEndpoint
from tracelm.integrations._litellm.replies import answered, asked_of
from tracelm.pricing.cost import Usage
from tracelm.testing import Spans
from tracelm.testing.conformance import check
from tracelm.trace.provider import JournalSpanProcessor

pytestmark = pytest.mark.anyio
pytest_plugins = ("tests.recordings.fixtures",)
_MESSAGES = [{"role": "system", "content": "Answer shortly."}, {"role": "user", "content": "What is a card payment?"}]
litellm: Any = typed_in_part
litellm.suppress_debug_info = True


@pytest.fixture
def anyio_backend() -> str:
    """LiteLLM knows asyncio only."""
    return "asyncio"


def _at(url: str, name: str, **more: Any) -> dict[str, Any]:
    return {"api_base": url, "api_key": "test", "extra_headers": {"x-recording-id": f"local-{name}"}, **more}


def _chat(url: str, **more: Any) -> dict[str, Any]:
    asked = {"model": "openai/smollm2-135m", "messages": _MESSAGES}
    return {**asked, **_at(f"{url}/v1", "chat-completions-sync-basic"), **more}


def _claude(url: str, name: str = "sync-basic") -> dict[str, Any]:
    return {"model": "anthropic/smollm2-135m", "messages": _MESSAGES, **_at(url, f"messages-{name}")}


def test_a_call_that_goes_to_anthropic_is_one_span_with_its_tokens(own_url: str, spans: Spans) -> None:
    litellm.completion(**_claude(own_url), temperature=0.5)
    span = spans.one()
    assert (span.name, span.kind) == ("chat smollm2-135m", "client")
    left_out = ("server.port", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.response.id")
    assert {key: value for key, value in span.attributes.items() if key not in left_out} == snapshot(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "smollm2-135m",
            "server.address": "127.0.0.1",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.usage.input_tokens": 26,
            "gen_ai.usage.output_tokens": 40,
            "gen_ai.usage.cache_read.input_tokens": 0,
            "gen_ai.usage.cache_write.input_tokens": 0,
            "gen_ai.usage.reasoning.output_tokens": 0,
            "gen_ai.usage.text.input_tokens": 26,
            "gen_ai.usage.text.output_tokens": 40,
            "gen_ai.response.model": "smollm2-135m",
            "gen_ai.response.finish_reasons": ["length"],
        }
    )
    assert check(span) == []


def test_a_stream_of_anthropics_is_one_span_and_the_object_that_litellm_gives(own_url: str, spans: Spans) -> None:
    stream: Any = litellm.completion(**_claude(own_url, "stream-basic"), stream=True)
    assert isinstance(stream, litellm.CustomStreamWrapper)
    assert type(stream).__name__ == "CustomStreamWrapper"
    words = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    attributes = spans.one().attributes
    assert words in str(attributes["gen_ai.output.messages"]).replace("\\n", "\n")
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (36, 25)
    assert attributes["gen_ai.response.time_to_first_chunk"]


async def test_an_async_stream_of_anthropics_is_one_span(own_url: str, spans: Spans) -> None:
    stream: Any = await litellm.acompletion(**_claude(own_url, "stream-basic"), stream=True)
    assert len([chunk async for chunk in stream]) > 5
    assert spans.one().attributes["gen_ai.usage.output_tokens"] == 25


def test_every_kind_of_call_is_one_span(own_url: str, spans: Spans) -> None:
    url = f"{own_url}/v1"
    litellm.completion(**_chat(own_url))
    litellm.embedding("openai/smollm2-135m", ["Hello"], **_at(url, "embeddings-sync-basic"))
    litellm.text_completion("Once", "text-completion-openai/smollm2-135m", **_at(url, "completions-sync-basic"))
    litellm.responses("Hello", "openai/smollm2-135m", **_at(url, "responses-sync-basic"))
    assert spans.names() == snapshot(
        ["chat smollm2-135m", "embeddings smollm2-135m", "text_completion smollm2-135m", "chat smollm2-135m"]
    )
    assert all(span.attributes["gen_ai.usage.input_tokens"] for span in spans.all())
    assert spans.one("embeddings smollm2-135m").attributes["gen_ai.embeddings.dimension.count"] == 576


async def test_every_kind_of_async_call_is_one_span(own_url: str, spans: Spans) -> None:
    url = f"{own_url}/v1"
    await litellm.acompletion(**_chat(own_url))
    await litellm.aembedding(model="openai/smollm2-135m", input=["Hello"], **_at(url, "embeddings-sync-basic"))
    await litellm.atext_completion(
        prompt="Once", model="text-completion-openai/smollm2-135m", **_at(url, "completions-sync-basic")
    )
    await litellm.aresponses("Hello", "openai/smollm2-135m", **_at(url, "responses-sync-basic"))
    assert spans.names() == snapshot(
        ["chat smollm2-135m", "embeddings smollm2-135m", "text_completion smollm2-135m", "chat smollm2-135m"]
    )


def test_streamed_responses_are_one_span(own_url: str, spans: Spans) -> None:
    stream = litellm.responses("Hi", "openai/gpt-4o", stream=True, **_at(f"{own_url}/v1", "responses-stream-basic"))
    assert list(stream)[-1].type == "response.completed"
    assert spans.one().attributes["gen_ai.usage.output_tokens"] == 7


async def test_a_call_of_a_router_is_one_span(own_url: str, spans: Spans) -> None:
    asked = {key: value for key, value in _chat(own_url).items() if key != "messages"}
    router = litellm.Router(model_list=[{"model_name": "mine", "litellm_params": asked}])
    router.completion("mine", _MESSAGES)
    await router.acompletion("mine", _MESSAGES)
    assert spans.names() == ["chat smollm2-135m"] * 2


def test_litellms_cost_counts_where_no_list_knows_the_model(own_url: str, spans: Spans) -> None:
    litellm.completion(**_chat(own_url), input_cost_per_token=0.001, output_cost_per_token=0.01)
    cost = {key: value for key, value in spans.one().attributes.items() if "cost" in key}
    assert cost == snapshot(
        {
            "gen_ai.usage.cost.amount": 0.42600000000000005,
            "gen_ai.usage.cost.currency": "USD",
            "gen_ai.usage.cost.source": "local",
            "tracelm.cost.framework_usd": 0.42600000000000005,
        }
    )


def test_litellms_cost_stands_beside_that_of_a_known_model(spans: Spans) -> None:
    litellm.completion("gpt-4o", _MESSAGES, mock_response="It is one.")
    attributes = spans.one().attributes
    assert attributes["gen_ai.usage.cost.source"] == "local"
    assert attributes["tracelm.cost.rule"] == "genai-prices:openai/gpt-4o"
    assert attributes["tracelm.cost.framework_usd"] == pytest.approx(attributes["gen_ai.usage.cost.amount"])


def test_an_answer_from_litellms_cache_takes_no_tokens_and_costs_nothing() -> None:
    answer = litellm.ModelResponse(model="gpt-4o", usage=litellm.Usage(prompt_tokens=9, completion_tokens=1))
    answer._hidden_params = {"cache_hit": True, "response_cost": 0.0}
    asked = asked_of({"model": "gpt-4o"})
    read = ChatEndpoint().read(asked, answer)
    assert read.usage.input_tokens == 9
    reply = answered(read, answer, asked)
    assert (reply.usage, reply.framework_usd) == (Usage(), None)
    assert reply.attributes["tracelm.response.cached"] is True


def test_a_failure_is_one_span_with_the_providers_status(own_url: str, spans: Spans) -> None:
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**{**_chat(own_url), **_at(f"{own_url}/v1", "chat-completions-sync-error-400")})
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "400")


def test_litellms_own_spans_step_back_where_they_would_come_here_too(
    own_url: str, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, ours, elsewhere = InMemorySpanExporter(), TracerProvider(), TracerProvider()
    ours.add_span_processor(JournalSpanProcessor())
    elsewhere.add_span_processor(SimpleSpanProcessor(kept))
    theirs: Any = importlib.import_module("litellm.integrations.opentelemetry")
    config = theirs.OpenTelemetryConfig(exporter="console")
    loggers = [theirs.OpenTelemetry(config, tracer_provider=each) for each in (ours, elsewhere)]
    monkeypatch.setattr(litellm, "callbacks", loggers)
    for name in ("input_callback", "success_callback", "failure_callback", "service_callback"):  # it adds them there
        for kind in (name, f"_async_{name}"):
            given: Any = getattr(litellm, kind, [])
            monkeypatch.setattr(litellm, kind, list(given), raising=False)
    with tracelm.span("outer"):
        litellm.completion(**_chat(own_url))
    now = datetime.datetime.now(datetime.UTC)
    for logger in loggers:  # the library does so in a thread of its own
        logger.log_success_event({"model": "m", "litellm_params": {}, "optional_params": {}}, {}, now, now)
    assert sorted(spans.names()) == ["chat smollm2-135m", "outer"]
    assert {span.status for span in spans.all()} == {"unset"}
    assert kept.get_finished_spans()
