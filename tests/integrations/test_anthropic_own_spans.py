"""Anthropic's client makes spans of its own: of a call that is recorded there is one all the same, and it is ours."""

from typing import Any

import anthropic
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tracelm
from tests.integrations.answering_claude import ASK, EVENTS, REPLY, Provider
from tracelm.testing import Spans

pytestmark = pytest.mark.anthropic(1, 17)

OURS = ["chat claude-haiku-4-5"]
LIST: dict[str, Any] = {"data": [], "has_more": False, "first_id": None, "last_id": None}


class Its:
    """The spans that a client makes by itself: they go to a provider of its own."""

    def __init__(self) -> None:
        self._kept, self._provider = InMemorySpanExporter(), TracerProvider()
        self._provider.add_span_processor(SimpleSpanProcessor(self._kept))

    def client(self, provider: Provider, *, transport: Any = None, **options: Any) -> Any:
        return provider.client(transport=transport, open_telemetry={"tracer_provider": self._provider, **options})

    def names(self) -> list[str]:
        return [span.name for span in self._kept.get_finished_spans()]


@pytest.fixture
def its() -> Its:
    return Its()


@pytest.mark.parametrize("options", [{}, {"traces": {"content_mode": "content"}}, {"propagation": False}])
def test_a_call_is_one_span_however_the_client_is_set(options: dict[str, Any], its: Its, spans: Spans) -> None:
    client = its.client(Provider(REPLY), **options)
    client.messages.create(**ASK)
    client.messages.with_raw_response.create(**ASK)
    assert ([span.name for span in spans.all()], its.names()) == (OURS * 2, [])


def test_a_stream_is_one_span(its: Its, spans: Spans) -> None:
    with its.client(Provider(EVENTS)).messages.stream(**ASK) as stream:
        stream.until_done()
    assert ([span.name for span in spans.all()], its.names()) == (OURS, [])


def test_a_failure_is_one_span(its: Its, spans: Spans) -> None:
    with pytest.raises(anthropic.BadRequestError):
        its.client(Provider({"status": 400, "error": {"type": "invalid_request_error"}})).messages.create(**ASK)
    assert ([span.name for span in spans.all()], its.names()) == (OURS, [])


def test_a_call_that_a_hook_makes_while_one_is_sent_is_one_more_of_ours(its: Its, spans: Spans) -> None:
    inner = its.client(Provider(REPLY))

    def answer(request: Any) -> Any:
        inner.messages.create(**ASK)
        return provider(request)

    provider = Provider(REPLY)
    its.client(provider, transport=answer).messages.create(**ASK)
    assert ([span.name for span in spans.all()], its.names()) == (OURS * 2, [])


def test_where_it_sends_the_identity_of_its_span_along_it_sends_that_of_ours(its: Its, spans: Spans) -> None:
    provider = Provider(REPLY)
    its.client(provider).messages.create(**ASK)
    its.client(provider, propagation=False).messages.create(**ASK)
    told, silent = (request.headers.get("traceparent") for request in provider.asked)
    span = spans.all()[0]
    assert str(told).startswith(f"00-{span.trace_id}-{span.span_id}-")
    assert silent is None


def test_what_happens_while_it_sends_stands_below_our_span(its: Its, spans: Spans) -> None:
    def answer(request: Any) -> Any:
        with tracelm.span("inside"):
            return provider(request)

    provider = Provider(REPLY)
    its.client(provider, transport=answer).messages.create(**ASK)
    assert spans.one("inside").parent_span_id == spans.one(OURS[0]).span_id


def test_what_is_not_recorded_here_it_records_itself(its: Its, spans: Spans) -> None:
    its.client(Provider(LIST)).models.list()
    assert (spans.all(), its.names()) == ([], ["anthropic.models.list"])


def test_it_is_silent_where_the_program_asked_for_silence(its: Its, spans: Spans) -> None:
    with suppress_instrumentation():
        its.client(Provider(REPLY)).messages.create(**ASK)
        its.client(Provider(LIST)).models.list()
    assert (spans.all(), its.names()) == ([], [])


def test_without_us_it_makes_them_again(its: Its, spans: Spans) -> None:
    tracelm.shutdown()
    its.client(Provider(REPLY)).messages.create(**ASK)
    assert (spans.all(), its.names()) == ([], ["anthropic.messages.create"])


def test_its_loop_of_tools_keeps_its_spans_around_ours(its: Its, spans: Spans) -> None:
    @anthropic.beta_tool
    def weather(city: str) -> str:
        """Say the weather.

        Args:
            city: Where.
        """
        return f"Sunny in {city}."

    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
    provider = Provider({**REPLY, "content": [call], "stop_reason": "tool_use"}, REPLY)
    runner = its.client(provider).beta.messages.tool_runner(**ASK, tools=[weather])
    assert runner.until_done().content[0].text == "Yes."
    assert [span.name for span in spans.all()] == OURS * 2
    assert "anthropic.messages.create" not in its.names()
    assert any("weather" in name for name in its.names())
