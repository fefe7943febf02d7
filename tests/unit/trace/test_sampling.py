"""Which traces are recorded is decided where they begin, and holds for all that happens below."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace.sampling import (
    Decision,
    TraceIdRatioBased,
)
from opentelemetry.trace import TraceFlags

import tracelm
from tests.unit.trace.sampled import active, of, run, within
from tracelm.settings import Settings
from tracelm.startup import start
from tracelm.testing import Spans
from tracelm.trace import sampling
from tracelm.trace.provider import RandomIds
from tracelm.trace.sampling import ALL


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., Spans]]:
    """Start recording with other settings than the fixture `spans` has."""

    def begin(**given: Any) -> Spans:
        start(Settings(project="test", home=tmp_path, **given), ids=RandomIds(seed=1))
        return Spans(tmp_path)

    yield begin
    tracelm.shutdown()


# --- at the root --------------------------------------------------------------------------------------------


def test_a_share_of_the_traces_is_recorded_whole(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.25)
    for _ in range(400):
        with tracelm.span("outer"), tracelm.span("inner"):
            pass
    names = spans.names()
    assert names.count("outer") == names.count("inner")
    assert 60 < names.count("outer") < 140
    assert len({each.trace_id for each in spans.all()}) == names.count("outer")


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0), (1.0, 5), (None, 5)])
def test_none_and_all_are_rates_too(record: Callable[..., Spans], rate: float | None, expected: int) -> None:
    spans = record(sample_rate=rate)
    for _ in range(5):
        with tracelm.span("outer"):
            pass
    assert len(spans.all()) == expected
    assert tracelm.flush().recorded == expected


def test_what_was_not_sampled_does_not_count_as_recorded(record: Callable[..., Spans]) -> None:
    record(sample_rate=0.0)
    with tracelm.span("outer") as outer:
        outer.set_attribute("a", 1)
    report = tracelm.flush()
    assert (report.recorded, report.delivered, report.pending, report.lost) == (0, 0, 0, 0)


@given(st.integers(1, 2**128 - 1), st.floats(0, 1))
def test_a_trace_gets_the_answer_that_opentelemetry_gives(trace_id: int, rate: float) -> None:
    theirs = TraceIdRatioBased(rate).should_sample(None, trace_id, "n").decision
    assert sampling.is_below(trace_id, sampling.bound_of(rate)) == (theirs is Decision.RECORD_AND_SAMPLE)


@given(st.integers(0, 2**32), st.floats(0.0001, 0.9999))
def test_a_trace_id_says_what_was_decided_before_it_was_made(seed: int, rate: float) -> None:
    ids, bound = RandomIds(seed=seed), sampling.bound_of(rate)
    assert sampling.is_below(sampling.root_id(ids, bound, inside=True), bound)
    assert not sampling.is_below(sampling.root_id(ids, bound, inside=False), bound)


def test_an_op_that_was_let_in_has_an_id_that_every_process_lets_in(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.25)
    tracer = active().tracer
    for _ in range(200):
        if tracer.leaves_out(None) is None:
            tracer.start_span("op", drawn=True).end()
    assert 20 < len(spans.all()) < 80
    assert all(sampling.is_below(int(each.trace_id, 16), sampling.bound_of(0.25)) for each in spans.all())


def test_what_belongs_to_an_evaluation_is_recorded_at_any_rate(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0)

    def task(question: str) -> str:
        with tracelm.span("step"):
            return question

    def is_there(output: str) -> bool:
        return bool(output)

    data = tracelm.Dataset(name="d", rows=[{"question": "a"}, {"question": "b"}])
    tracelm.Evaluation(dataset=data, scorers=[is_there]).run(task)
    assert spans.names().count("evaluation row") == 2
    assert spans.names().count("step") == 2


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(tracelm.ConfigError, match="between 0 and 1"):
        Settings(project="p", sample_rate=rate)


def test_every_rate_has_its_bound() -> None:
    assert sampling.bound_of(1.0) == ALL
    assert sampling.bound_of(0.0) == 0


# --- below the root -----------------------------------------------------------------------------------------


def test_the_decision_of_another_service_holds_here(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0)
    with within(of(sampled=True)), tracelm.span("wanted"):
        pass
    tracelm.shutdown()
    spans = record(sample_rate=1.0)
    with within(of(sampled=False)), tracelm.span("not wanted"), tracelm.span("nor this"):
        pass
    assert spans.names() == ["wanted"]


def test_another_service_is_told_that_a_trace_is_not_sampled(record: Callable[..., Spans]) -> None:
    record(sample_rate=0.0)
    headers: dict[str, str] = {}
    with tracelm.span("outer") as outer:
        propagate.inject(headers)
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (version, trace_id, span_id) == ("00", outer.trace_id, outer.span_id)
    assert not int(flags, 16) & TraceFlags.SAMPLED


def test_sessions_and_attributes_hold_in_a_trace_that_is_left_out(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0)
    with tracelm.span("left out"), tracelm.session("s", user_id="u"), tracelm.attributes({"release": "7"}):
        wanted = trace.set_span_in_context(trace.get_current_span(of(sampled=True)))
        with within(wanted), tracelm.span("elsewhere"):
            pass
    assert spans.one("elsewhere").attributes == {
        "gen_ai.conversation.id": "s",
        "session.id": "s",
        "user.id": "u",
        "release": "7",
    }


def test_threads_inherit_the_decision_with_the_context(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0)

    def work() -> None:
        with tracelm.span("in a thread"):
            pass

    with tracelm.span("outer"):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        thread.join()
    assert spans.all() == []


def test_spans_of_other_libraries_are_sampled_alike(tmp_path: Path) -> None:
    program = (
        "import sys, tracelm; from opentelemetry import trace\n"
        "tracelm.init('p', home=sys.argv[1], sample_rate=0.5)\n"
        "theirs = trace.get_tracer('theirs')\n"
        "for _ in range(100):\n"
        "    with theirs.start_as_current_span('request'), tracelm.span('step'):\n"
        "        theirs.start_span('query').end()\n"
    )
    run(program, tmp_path)
    names = Spans(tmp_path).names()
    assert 20 < names.count("request") < 80
    assert names.count("request") == names.count("step") == names.count("query")


def test_another_init_samples_spans_of_other_libraries_anew(tmp_path: Path) -> None:
    program = (
        "import sys, tracelm; from opentelemetry import trace\n"
        "theirs = trace.get_tracer('theirs')\n"
        "for rate in (0.0, 1.0, 0.0):\n"
        "    tracelm.init('p', home=sys.argv[1], sample_rate=rate)\n"
        "    with theirs.start_as_current_span(f'rate {rate}'), tracelm.span('step'): pass\n"
        "    tracelm.shutdown()\n"
    )
    run(program, tmp_path)
    assert Spans(tmp_path).names() == ["step", "rate 1.0"]


# --- ops ----------------------------------------------------------------------------------------------------


class Untouchable:
    """An argument that must not be looked at."""

    def __repr__(self) -> str:
        raise AssertionError("it was encoded")

    __str__ = __repr__

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"it was encoded: {name}")


def seen_by() -> dict[str, Callable[[Any, list[trace.Span]], object]]:
    """Return, by kind of op, a call that notes which spans were current inside; `step` is an op below it."""

    @tracelm.op
    def step(seen: list[trace.Span]) -> None:
        seen.append(trace.get_current_span())

    @tracelm.op
    def sync(argument: object, seen: list[trace.Span]) -> None:
        step(seen)
        step(seen)

    @tracelm.op
    async def coroutine(argument: object, seen: list[trace.Span]) -> None:
        step(seen)
        await asyncio.sleep(0)
        step(seen)

    @tracelm.op
    def generator(argument: object, seen: list[trace.Span]) -> Iterator[int]:
        step(seen)
        yield 1
        step(seen)

    @tracelm.op
    async def async_generator(argument: object, seen: list[trace.Span]) -> AsyncIterator[int]:
        step(seen)
        yield 1
        step(seen)

    @tracelm.op
    def hands_a_stream_on(argument: object, seen: list[trace.Span]) -> Iterator[int]:
        def stream() -> Iterator[int]:
            step(seen)
            yield 1
            step(seen)

        return stream()

    async def drain(argument: object, seen: list[trace.Span]) -> None:
        async for _ in async_generator(argument, seen):
            pass

    return {
        "sync": sync,
        "coroutine": lambda argument, seen: asyncio.run(coroutine(argument, seen)),
        "generator": lambda argument, seen: list(generator(argument, seen)),
        "async_generator": lambda argument, seen: asyncio.run(drain(argument, seen)),
        "hands_a_stream_on": lambda argument, seen: list(hands_a_stream_on(argument, seen)),
    }


@pytest.mark.parametrize("kind", list(seen_by()))
def test_a_call_that_is_left_out_encodes_nothing_and_leaves_out_what_is_below(
    record: Callable[..., Spans], kind: str
) -> None:
    spans = record(sample_rate=0.0)
    failures = tracelm.flush().failures
    seen: list[trace.Span] = []
    before = otel_context.get_current()
    seen_by()[kind](Untouchable(), seen)
    assert otel_context.get_current() == before
    first, second = seen
    assert first is second
    assert first.get_span_context().is_valid
    assert not first.get_span_context().trace_flags.sampled
    assert spans.all() == []
    assert tracelm.flush().failures == failures


@pytest.mark.parametrize("kind", list(seen_by()))
def test_a_share_of_the_calls_is_recorded_with_what_is_below(record: Callable[..., Spans], kind: str) -> None:
    spans = record(sample_rate=0.5)
    for _ in range(40):
        seen_by()[kind]("a", [])
    names = spans.names()
    assert 8 < names.count(kind) < 32
    assert names.count("step") == 2 * names.count(kind)


def test_an_op_has_a_rate_of_its_own_where_it_begins_a_trace(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0)

    @tracelm.op(sample_rate=1.0)
    def payment() -> None:
        health()

    @tracelm.op(sample_rate=0.0)
    def health() -> None:
        pass

    @tracelm.op
    def other() -> None:
        payment()

    payment()
    health()
    other()
    assert spans.names() == ["health", "payment"]


@pytest.mark.parametrize("rate", [-1.0, 2.0])
def test_the_rate_of_an_op_is_a_share(rate: float) -> None:
    with pytest.raises(tracelm.ConfigError, match="between 0 and 1"):
        tracelm.op(sample_rate=rate)


def test_an_error_in_a_call_that_is_left_out_is_the_callers_own(record: Callable[..., Spans]) -> None:
    record(sample_rate=0.0)

    @tracelm.op
    def fails() -> None:
        raise ValueError("boom")

    before = otel_context.get_current()
    with pytest.raises(ValueError, match="boom"):
        fails()
    with pytest.raises(TypeError, match="positional argument"):
        fails(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert otel_context.get_current() == before


def test_a_verdict_goes_with_its_span(record: Callable[..., Spans]) -> None:
    @tracelm.op(name="verdict")
    def judge() -> dict[str, bool]:
        return {"passed": True}

    for settings, expected in (({"sample_rate": 0.0}, 0), ({"sample_rate": 0.0, "keep_errors": True}, 0), ({}, 1)):
        spans = record(**settings)
        judge()
        assert len(spans.scores()) == expected
        tracelm.shutdown()


# --- scores -------------------------------------------------------------------------------------------------


def test_a_score_that_somebody_gives_is_recorded_whether_its_span_was_or_not(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0)
    with tracelm.span("answer") as answer:
        tracelm.score(answer, name="helpful", value=True)
    tracelm.score(f"{answer.trace_id}:{answer.span_id}", name="helpful", value=False)
    assert [each["tracelm.score.source"] for each in spans.scores()] == ["human", "human"]
    assert spans.all() == []
    assert tracelm.flush().recorded == 2
