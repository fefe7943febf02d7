"""The contract: what every integration of a model client must do, and must not."""

import logging
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

import tracelm
from tests.contract.adapters import ADAPTERS, Adapter
from tracelm.integrations._base import begin
from tracelm.integrations._call import Call
from tracelm.integrations._exchange import Reply, Request
from tracelm.otlp.records import SpanRecord
from tracelm.settings import Settings
from tracelm.startup import start
from tracelm.testing import Spans
from tracelm.trace import patching, runtime
from tracelm.trace.provider import RandomIds

pytest_plugins = ("tests.recordings.fixtures",)


@pytest.fixture(params=sorted(ADAPTERS))
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return ADAPTERS[request.param]


# --- it records ---------------------------------------------------------------------------------------------


def test_a_call_is_one_client_span_without_a_status(adapter: Adapter, own_url: str, spans: Spans) -> None:
    adapter.call(own_url)
    span = spans.one()
    assert (span.name, span.kind, span.status) == (adapter.span_name, "client", "unset")


def test_a_stream_is_one_client_span_without_a_status(adapter: Adapter, own_url: str, spans: Spans) -> None:
    adapter.stream(own_url)
    span = spans.one()
    assert (span.name, span.kind, span.status) == (adapter.span_name, "client", "unset")


@pytest.mark.parametrize("way", ["call", "stream"])
def test_the_span_stands_below_the_current_one(way: str, adapter: Adapter, own_url: str, spans: Spans) -> None:
    with tracelm.span("outer"):
        getattr(adapter, way)(own_url)
    outer, inner = spans.one("outer"), spans.one(adapter.span_name)
    assert (inner.trace_id, inner.parent_span_id) == (outer.trace_id, outer.span_id)


def test_the_span_carries_the_conversation(adapter: Adapter, own_url: str, spans: Spans) -> None:
    with tracelm.session("c-7", user_id="ada"):
        adapter.call(own_url)
    attributes = spans.one().attributes
    assert (attributes["gen_ai.conversation.id"], attributes["user.id"]) == ("c-7", "ada")


def test_a_stream_left_early_says_so_and_keeps_its_part(adapter: Adapter, own_url: str, spans: Spans) -> None:
    adapter.stream(own_url, stop_after=5)
    span = spans.one()
    assert span.status == "unset"
    assert span.attributes["tracelm.stream.outcome"] == "closed_early"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]
    assert "gen_ai.output.messages" in span.attributes


def test_a_refusal_of_the_provider_is_an_error_with_its_type(adapter: Adapter, own_url: str, spans: Spans) -> None:
    with pytest.raises(adapter.error):
        adapter.fail(own_url)
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "400")
    assert "gen_ai.output.messages" not in span.attributes


# --- it changes nothing -------------------------------------------------------------------------------------


def test_answers_are_as_without_tracing(adapter: Adapter, own_url: str, spans: Spans) -> None:
    traced = adapter.call(own_url), adapter.stream(own_url)
    assert len(spans.all()) == 2
    tracelm.shutdown()
    assert traced == (adapter.call(own_url), adapter.stream(own_url))


def test_errors_are_as_without_tracing(adapter: Adapter, own_url: str, spans: Spans) -> None:
    with pytest.raises(adapter.error) as traced:
        adapter.fail(own_url)
    assert len(spans.all()) == 1
    tracelm.shutdown()
    with pytest.raises(adapter.error) as plain:
        adapter.fail(own_url)
    assert type(traced.value) is type(plain.value)
    assert str(traced.value) == str(plain.value)
    assert type(traced.value.__cause__) is type(plain.value.__cause__)


def test_nothing_stays_in_the_context_between_chunks(adapter: Adapter, own_url: str, spans: Spans) -> None:
    seen: list[Any] = []
    adapter.stream(own_url, between=lambda: seen.append(trace.get_current_span()))
    assert seen
    assert set(seen) == {trace.INVALID_SPAN}
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.parametrize("way", ["call", "stream"])
def test_our_own_failure_is_not_the_programs(
    way: str, adapter: Adapter, own_url: str, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: object, _value: object) -> str:
        raise RuntimeError("a bug of ours")

    for name in ("encode", "encode_json"):
        monkeypatch.setattr(runtime.Runtime, name, broken)
    before = tracelm.flush().failures
    assert getattr(adapter, way)(own_url)
    assert tracelm.flush().failures > before
    attributes = spans.one().attributes
    assert "gen_ai.output.messages" not in attributes
    assert attributes["gen_ai.usage.output_tokens"]


# --- it stays silent where it must --------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["call", "stream"])
def test_suppressed_calls_leave_no_span(way: str, adapter: Adapter, own_url: str, spans: Spans) -> None:
    with suppress_instrumentation():
        assert getattr(adapter, way)(own_url)
    assert spans.all() == []


@pytest.mark.parametrize("way", ["call", "stream"])
def test_a_call_inside_a_recorded_call_is_not_counted_twice(
    way: str, adapter: Adapter, own_url: str, spans: Spans
) -> None:
    outer = begin(lambda: Request(operation="chat", provider="outer", model="m", attributes={}, messages=list))
    assert outer is not None
    with outer.current():
        assert getattr(adapter, way)(own_url)
    outer.end()
    span = spans.one()
    assert (span.name, span.attributes["gen_ai.provider.name"]) == ("chat m", "outer")
    adapter.call(own_url)
    assert len(spans.all()) == 2


@pytest.mark.parametrize("way", ["call", "stream"])
def test_a_recorded_call_learns_what_the_one_inside_knows(
    way: str, adapter: Adapter, own_url: str, spans: Spans
) -> None:
    getattr(adapter, way)(own_url)
    alone = spans.one().attributes
    outer = begin(lambda: Request(operation="chat", provider="outer", model="m", attributes={"own": 1}))
    assert outer is not None
    with outer.current():
        getattr(adapter, way)(own_url)
    outer.end(Reply(attributes={"openai.response.system_fingerprint": "outer wins"}))
    attributes = spans.one("chat m").attributes
    for key in ("response.id", "response.model", "response.finish_reasons", "usage.input_tokens"):
        assert attributes.get(f"gen_ai.{key}") == alone.get(f"gen_ai.{key}")  # not every answer has an id and a model
    assert attributes["gen_ai.usage.input_tokens"]
    assert attributes["server.address"] == "127.0.0.1"
    assert attributes["openai.response.system_fingerprint"] == "outer wins"
    assert (attributes["gen_ai.request.model"], attributes["own"]) == ("m", 1)
    assert "gen_ai.output.messages" not in attributes


@pytest.mark.parametrize("way", ["call", "stream"])
def test_traceloops_own_key_leaves_the_call_to_it(way: str, adapter: Adapter, own_url: str, spans: Spans) -> None:
    token = context.attach(context.set_value("suppress_language_model_instrumentation", True))
    try:
        assert getattr(adapter, way)(own_url)
    finally:
        context.detach(token)
    assert spans.all() == []


@pytest.mark.parametrize("way", ["call", "stream"])
def test_a_call_that_sampling_leaves_out_is_not_even_described(
    way: str, adapter: Adapter, own_url: str, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[object] = []
    known = Request.known

    def told(self: Request) -> Any:
        described.append(self)
        return known(self)

    monkeypatch.setattr(Request, "known", told)
    assert getattr(adapter, way)(own_url)
    before = len(described)
    assert before
    _leave_all_out(spans.home)
    assert getattr(adapter, way)(own_url)
    assert (len(described), len(spans.all())) == (before, 1)


def test_what_happens_inside_a_call_that_is_left_out_is_left_out(
    adapter: Adapter, own_url: str, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []
    sent = Call.sent

    def looking(self: Call) -> None:
        with tracelm.span("a request") as span:
            inside.append(span.otel.is_recording())
        sent(self)

    monkeypatch.setattr(Call, "sent", looking)
    adapter.call(own_url)
    _leave_all_out(spans.home)
    adapter.call(own_url)
    # A client further in that is left out with its framework may not even say when it sends.
    assert inside[0]
    assert not any(inside[1:])
    assert len(spans.all()) == 2
    assert trace.get_current_span() is trace.INVALID_SPAN


def _leave_all_out(home: Path) -> None:
    tracelm.shutdown()
    start(Settings(project="test", home=home, sample_rate=0.0), ids=RandomIds(seed=0))


@pytest.mark.parametrize("way", ["call", "stream"])
def test_before_init_calls_pass_straight_through(
    way: str, adapter: Adapter, own_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    instrumentor = adapter.instrumentor()
    instrumentor.instrument()
    try:
        assert runtime.active is None
        with caplog.at_level(logging.WARNING):
            assert getattr(adapter, way)(own_url)
        # Clients that other tests have left to the garbage collector are logged by asyncio, at any time.
        assert [each for each in caplog.records if each.name != "asyncio"] == []
    finally:
        instrumentor.uninstrument()


def test_without_content_no_word_of_it_is_recorded(adapter: Adapter, own_url: str, tmp_path: Path) -> None:
    home = tmp_path / "silent"
    tracelm.init("silent", home=home, capture_content=False)
    adapter.call(own_url)
    adapter.stream(own_url)
    adapter.stream(own_url, stop_after=5)
    with pytest.raises(adapter.error):
        adapter.fail(own_url)
    found = Spans(home).all()
    assert len(found) == 4
    assert found[1].attributes["gen_ai.usage.output_tokens"]
    assert found[2].attributes["gen_ai.response.finish_reasons"] == ["error"]
    written = b"".join(path.read_bytes() for path in home.rglob("*.jsonl")).decode()
    assert adapter.span_name in written
    for words in (adapter.prompt, adapter.answer, "card payment", "messages", '"role', "Hello"):
        assert words not in written


def test_with_content_the_words_are_there(adapter: Adapter, own_url: str, spans: Spans) -> None:
    adapter.stream(own_url)
    attributes = spans.one().attributes
    assert adapter.prompt in str(attributes["gen_ai.input.messages"])
    assert adapter.answer in str(attributes["gen_ai.output.messages"])


# --- it comes and goes --------------------------------------------------------------------------------------


def test_instrumenting_twice_is_once_and_undone_by_one_call(adapter: Adapter, own_url: str, spans: Spans) -> None:
    patching.unpatch()
    untouched = adapter.patched()
    instrumentor = adapter.instrumentor()
    instrumentor.instrument()
    instrumentor.instrument()
    adapter.call(own_url)
    assert len(_ours(spans)) == 1
    instrumentor.uninstrument()
    instrumentor.uninstrument()
    assert adapter.patched() == untouched
    adapter.call(own_url)
    assert len(_ours(spans)) == 1
    instrumentor.instrument()
    adapter.call(own_url)
    assert len(_ours(spans)) == 2
    instrumentor.uninstrument()


def _ours(spans: Spans) -> list[SpanRecord]:
    """Leave out what a client records by itself, as soon as nobody does it in its place."""
    return [span for span in spans.all() if span.scope.name == "tracelm"]
