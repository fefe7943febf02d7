"""Who says which share of the traces is recorded; and what else the environment says."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)

import tracelm
from tests.unit.trace.sampled import active, run
from tracelm.settings import Settings
from tracelm.startup import start
from tracelm.testing import Spans
from tracelm.trace.context import AS_IT_IS
from tracelm.trace.provider import RandomIds, build_provider
from tracelm.trace.sampling import RootSampler, UnsampledSpan, known_rate
from tracelm.trace.tracer import JournalTracer


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., Spans]]:
    """Start recording with other settings than the fixture `spans` has."""

    def begin(**given: Any) -> Spans:
        start(Settings(project="test", home=tmp_path, **given), ids=RandomIds(seed=1))
        return Spans(tmp_path)

    yield begin
    tracelm.shutdown()


# --- who decides --------------------------------------------------------------------------------------------

ENVIRONMENT = """
import sys, tracelm
tracelm.init("p", home=sys.argv[1], **eval(sys.argv[2]))
for _ in range(4):
    with tracelm.span("outer"), tracelm.span("inner"):
        pass
"""


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        ("{}", {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, 0),
        ("{}", {"OTEL_TRACES_SAMPLER": "always_off"}, 0),
        ("{}", {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1"}, 8),
        ("{}", {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, 0),
        ("{'sample_rate': 1.0}", {"OTEL_TRACES_SAMPLER": "always_off"}, 8),
        ("{'sample_rate': 0.0}", {"OTEL_TRACES_SAMPLER": "always_on"}, 0),
        ("{}", {"TRACELM_SAMPLE_RATE": "1", "OTEL_TRACES_SAMPLER": "always_off"}, 8),
        ("{}", {"TRACELM_SAMPLE_RATE": "0"}, 0),
        ("{'sample_rate': 1.0}", {"TRACELM_SAMPLE_RATE": "0"}, 8),
        ("{}", {"OTEL_SDK_DISABLED": " True "}, 0),
        ("{}", {"TRACELM_DISABLED": "1"}, 0),
    ],
)
def test_an_argument_beats_our_variable_which_beats_opentelemetrys(
    tmp_path: Path, given: str, environment: dict[str, str], expected: int
) -> None:
    run(ENVIRONMENT, tmp_path, given, **environment)
    assert len(Spans(tmp_path).all()) == expected


@pytest.mark.parametrize(
    ("sampler", "rate"),
    [
        (DEFAULT_ON, 1.0),
        (DEFAULT_OFF, 0.0),
        (ParentBasedTraceIdRatio(0.25), 0.25),
        (ParentBasedTraceIdRatio(1e-7), 1e-7),
        (RootSampler(DEFAULT_ON), 1.0),
        (ALWAYS_ON, None),
        (ALWAYS_OFF, None),
        (TraceIdRatioBased(0.5), None),
        (ParentBased(ALWAYS_ON, local_parent_not_sampled=ALWAYS_ON), None),
        (ParentBased(ParentBasedTraceIdRatio(0.5)), None),
        (object(), None),
    ],
)
def test_the_rate_of_a_sampler_is_known_where_its_spans_inherit(sampler: object, rate: float | None) -> None:
    assert known_rate(sampler) == rate


def roots(provider: TracerProvider, count: int, **given: Any) -> list[bool]:
    """Start roots as an op does, and say which of them are recorded."""
    tracer = JournalTracer(provider, "scope", "1", **given)
    found: list[bool] = []
    for _ in range(count):
        left_out = tracer.leaves_out(None)
        span = tracer.start_span("root", drawn=True) if left_out is None else trace.get_current_span(left_out)
        found.append(span.is_recording() and span.get_span_context().trace_flags.sampled)
        span.end()
    return found


def program_provider(sampler: Sampler, *, listeners: int = 1) -> TracerProvider:
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False, id_generator=RandomIds(seed=2))
    for _ in range(listeners):
        provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    return provider


@pytest.mark.parametrize("listeners", [1, 2])
def test_a_rate_is_drawn_once_and_not_once_by_each(record: Callable[..., Spans], listeners: int) -> None:
    record()
    theirs = roots(program_provider(ParentBasedTraceIdRatio(0.5), listeners=listeners), 400)
    assert 150 < sum(theirs) < 250
    own = build_provider("p", RandomIds(seed=4), sample_rate=0.5)
    if listeners == 2:
        own.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    assert 150 < sum(roots(own, 400)) < 250


def test_beside_a_sampler_of_the_program_both_have_to_agree(record: Callable[..., Spans]) -> None:
    record()
    assert 60 < sum(roots(program_provider(ParentBasedTraceIdRatio(0.5)), 400, sample_rate=0.5)) < 140
    assert sum(roots(program_provider(DEFAULT_ON, listeners=2), 50, sample_rate=0.0)) == 0


def test_a_span_that_begins_a_trace_can_have_a_rate_of_its_own(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0)
    tracer = active().tracer
    assert isinstance(trace.get_current_span(tracer.leaves_out(0.0)), UnsampledSpan)
    assert tracer.leaves_out(1.0) is None
    tracer.start_span("own rate", sample_rate=1.0, drawn=True).end()
    with tracelm.span("left out"):
        assert tracer.leaves_out(1.0) is AS_IT_IS  # inherited: the rate is for roots
        assert not tracer.start_span("below", sample_rate=1.0, drawn=True).is_recording()
    assert spans.names() == ["own rate"]


def test_an_unsampled_span_has_one_identity(record: Callable[..., Spans]) -> None:
    record(sample_rate=0.0)
    context = active().tracer.leaves_out(None)
    assert context
    span = trace.get_current_span(context)
    assert not span.is_recording()
    own = span.get_span_context()
    assert own.is_valid
    assert own is span.get_span_context()
    assert not own.trace_flags.sampled
    assert not own.is_remote


def test_a_failing_id_generator_does_not_reach_the_program(record: Callable[..., Spans]) -> None:
    class Failing(RandomIds):
        def generate_span_id(self) -> int:
            raise RuntimeError("no entropy")

    record()
    tracer = JournalTracer(TracerProvider(id_generator=Failing(), shutdown_on_exit=False), "s", "1", sample_rate=0.5)
    before = tracelm.flush().failures
    assert tracer.leaves_out(None) is None
    assert tracelm.flush().failures == before + 1


def test_suppressed_calls_are_left_out_of_everything(record: Callable[..., Spans]) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    spans = record(keep_errors=True)
    with suppress_instrumentation():
        assert active().tracer.leaves_out(None) is AS_IT_IS
        with pytest.raises(ValueError, match="boom"), tracelm.span("silent"):
            raise ValueError("boom")
    assert spans.all() == []


# --- ids ----------------------------------------------------------------------------------------------------

SEEDED = """
import os, random, sys, threading, tracelm
tracelm.init("p", home=sys.argv[1])

def work():
    for _ in range(3):
        random.seed(7)
        try:
            import numpy; numpy.random.seed(7)
        except ImportError: pass
        with tracelm.span("n"): pass

work()
threads = [threading.Thread(target=work) for _ in range(3)]
for each in threads: each.start()
for each in threads: each.join()
child = os.fork()
work()
if child == 0:
    tracelm.shutdown(); os._exit(0)
os.waitpid(child, 0)
"""


def test_neither_seeds_nor_threads_nor_a_fork_repeat_ids(tmp_path: Path) -> None:
    for _ in range(2):
        run(SEEDED, tmp_path)
    spans = Spans(tmp_path).all()
    assert len(spans) == 2 * 18
    assert len({each.trace_id for each in spans}) == len({each.span_id for each in spans}) == len(spans)


def test_the_programs_own_random_numbers_are_not_touched(record: Callable[..., Spans]) -> None:
    import random
    import uuid

    record(sample_rate=0.5)
    random.seed(3)
    expected = [random.random() for _ in range(3)]
    random.seed(3)
    found: list[float] = []
    for _ in range(3):
        with tracelm.span("n"):
            found.append(random.random())
            uuid.uuid4()
    assert found == expected


# --- content ------------------------------------------------------------------------------------------------

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({CONTENT: ""}, True),
        ({CONTENT: "NO_CONTENT"}, False),
        ({CONTENT: "span_only"}, True),
        ({CONTENT: "EVENT_ONLY"}, False),
        ({CONTENT: "Span_And_Event"}, True),
        ({CONTENT: "true"}, True),
        ({CONTENT: "FALSE"}, False),
        ({CONTENT: "NO_CONTENT", "TRACELM_CAPTURE_CONTENT": "1"}, True),
        ({CONTENT: "SPAN_ONLY", "TRACELM_CAPTURE_CONTENT": "0"}, False),
    ],
)
def test_opentelemetrys_variable_for_content_counts_where_nothing_else_is_said(
    environment: dict[str, str], expected: bool
) -> None:
    assert Settings.from_env(environment, project="p").capture_content is expected
    assert Settings.from_env(environment, project="p", capture_content=True).capture_content is True
    assert Settings.from_env(environment, project="p", capture_content=False).capture_content is False


def test_a_word_for_content_that_is_not_known_records_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="tracelm"):
        assert Settings.from_env({CONTENT: "some"}, project="p").capture_content is False
    assert "is not known: content is not recorded" in caplog.text
