"""What failed is kept, also when its trace was not sampled."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode

import tracelm
from tests.unit.trace.sampled import active, of, run, within
from tracelm.settings import Settings
from tracelm.startup import start
from tracelm.testing import Spans
from tracelm.trace.provider import JournalSpanProcessor, RandomIds
from tracelm.trace.tail import Tail
from tracelm.trace.tracer import JournalTracer


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., Spans]]:
    """Start recording with other settings than the fixture `spans` has."""

    def begin(**given: Any) -> Spans:
        start(Settings(project="test", home=tmp_path, **given), ids=RandomIds(seed=1))
        return Spans(tmp_path)

    yield begin
    tracelm.shutdown()


# --- what failed is kept ------------------------------------------------------------------------------------


def fail(name: str = "fails") -> None:
    with pytest.raises(ValueError, match="boom"), tracelm.span(name, inputs={"why": "kept"}):
        raise ValueError("boom")


def test_a_trace_that_was_not_sampled_is_kept_when_a_span_of_it_failed(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0, keep_errors=True)
    failures = tracelm.flush().failures
    with tracelm.span("fine"):
        pass
    with tracelm.span("outer"):
        with tracelm.span("before"):
            pass
        fail()
        assert spans.all() == []
        assert tracelm.flush().recorded == 0
    assert spans.names() == ["before", "fails", "outer"]
    assert len({each.trace_id for each in spans.all()}) == 1
    assert spans.one("fails").attributes["input.value"] == '{"why":"kept"}'
    assert spans.one("fails").parent_span_id == spans.one("outer").span_id
    report = tracelm.flush()
    assert (report.recorded, report.delivered, report.lost, report.failures) == (3, 3, 0, failures)


def test_a_trace_of_another_service_that_was_not_sampled_is_kept_too(record: Callable[..., Spans]) -> None:
    spans = record(keep_errors=True)
    with within(of(sampled=False)):
        with tracelm.span("fine"):
            pass
        fail()
    assert spans.names() == ["fails"]
    assert spans.one().trace_id == f"{7:032x}"


def test_two_requests_of_one_trace_wait_for_both(record: Callable[..., Spans]) -> None:
    spans = record(keep_errors=True)
    tracer = active().tracer
    first = tracer.start_span("first", of(sampled=False))
    second = tracer.start_span("second", of(sampled=False))
    second.set_status(StatusCode.ERROR)
    second.end()
    assert spans.all() == []
    first.end()
    assert spans.names() == ["second", "first"]


def test_a_span_that_outlives_its_trace_follows_it(record: Callable[..., Spans]) -> None:
    spans = record(sample_rate=0.0, keep_errors=True)
    tracer = active().tracer
    root = tracer.start_span("root")
    below = trace.set_span_in_context(root)
    late, later = tracer.start_span("late", below), tracer.start_span("later", below)
    root.end()
    late.end()
    assert spans.all() == []  # nothing failed
    later.set_status(StatusCode.ERROR)
    later.end()
    assert spans.names() == ["later"]
    root = tracer.start_span("failing root")
    late = tracer.start_span("late", trace.set_span_in_context(root))
    root.set_status(StatusCode.ERROR)
    root.end()
    late.end()
    assert spans.names() == ["later", "failing root", "late"]


def test_spans_of_other_libraries_are_kept_with_their_trace(record: Callable[..., Spans], tmp_path: Path) -> None:
    program = (
        "import sys, tracelm; from opentelemetry import trace\n"
        "tracelm.init('p', home=sys.argv[1], sample_rate=0.0, keep_errors=True)\n"
        "theirs = trace.get_tracer('theirs')\n"
        "for fails in (False, True):\n"
        "    with theirs.start_as_current_span('request', attributes={'a': 1}), tracelm.span('step'):\n"
        "        try:\n"
        "            with theirs.start_as_current_span('query'):\n"
        "                if fails: raise ValueError\n"
        "        except ValueError: pass\n"
        "print(tracelm.flush())\n"
    )
    assert "recorded=3, delivered=3" in run(program, tmp_path)
    found = {each.name: each for each in Spans(tmp_path).all()}
    assert list(found) == ["query", "step", "request"]
    assert found["query"].parent_span_id == found["step"].span_id
    assert found["request"].attributes == {"a": 1}


def test_ops_are_kept_where_a_sampler_of_the_program_drops(tmp_path: Path) -> None:
    program = (
        "import sys, tracelm; from opentelemetry import trace\n"
        "from opentelemetry.sdk.trace import TracerProvider; from opentelemetry.sdk.trace.sampling import ALWAYS_OFF\n"
        "trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF))\n"
        "tracelm.init('p', home=sys.argv[1], keep_errors=True)\n"
        "@tracelm.op\n"
        "def divide(a): return 1 / a\n"
        "divide(1)\n"
        "try:\n    divide(0)\n"
        "except ZeroDivisionError: pass\n"
    )
    run(program, tmp_path)
    assert Spans(tmp_path).one("divide").attributes["input.value"] == '{"a":0}'


def held(tail: Tail, count: int, *, value: str = "", ids: RandomIds | None = None) -> list[Any]:
    """Start roots whose spans are held, as spans of ours."""
    provider = TracerProvider(shutdown_on_exit=False, id_generator=ids or RandomIds(seed=5))
    provider.add_span_processor(JournalSpanProcessor())
    tracer = JournalTracer(provider, "s", "1", sample_rate=0.0, tail=tail)
    return [tracer.start_span(f"root {number}", attributes={"v": value}) for number in range(count)]


def end(tail: Tail, span: Any, *, failed: bool = False) -> list[str]:
    if failed:
        span.set_status(StatusCode.ERROR)
    span.end()
    return [each.name for each in tail.ended(span)]


def test_of_too_many_open_traces_the_oldest_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    tail = Tail(max_traces=2)
    first, second, third = held(tail, 3)
    assert end(tail, second, failed=True) == ["root 1"]
    assert end(tail, third) == []
    # What is let go can still fail, and is then kept without what came before.
    assert end(tail, first, failed=True) == ["root 0"]


def test_of_too_many_spans_of_a_trace_the_oldest_are_let_go_and_counted() -> None:
    tail = Tail(max_spans=3)
    ids = RandomIds(seed=6)
    (root,) = held(tail, 1, ids=ids)
    provider = TracerProvider(shutdown_on_exit=False, id_generator=ids)
    tracer = JournalTracer(provider, "s", "1", sample_rate=0.0, tail=tail)
    for number in range(5):
        child = tracer.start_span(f"child {number}", trace.set_span_in_context(root))
        assert end(tail, child, failed=number == 0) == []
    assert end(tail, root) == ["child 3", "child 4", "root 0"]
    assert tail.dropped == 3


def test_held_spans_take_a_bounded_part_of_the_memory() -> None:
    tail = Tail(max_bytes=1_000_000)
    open_roots = held(tail, 1)
    for number in range(50):
        (root,) = held(tail, 1, ids=RandomIds(seed=100 + number))
        child_context = trace.set_span_in_context(root)
        provider = TracerProvider(shutdown_on_exit=False, id_generator=RandomIds(seed=1_000 + number))
        tracer = JournalTracer(provider, "s", "1", sample_rate=0.0, tail=tail)
        child = tracer.start_span("large", child_context, attributes={"v": "x" * 100_000})
        end(tail, child)
        open_roots.append(root)
    assert tail.dropped >= 40


def test_a_forked_child_leaves_what_is_held_to_its_parent(tmp_path: Path) -> None:
    program = (
        "import os, sys, tracelm\n"
        "tracelm.init('p', home=sys.argv[1], sample_rate=0.0, keep_errors=True)\n"
        "try:\n"
        "    with tracelm.span('outer'):\n"
        "        with tracelm.span('inner'): pass\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            with tracelm.span('in the child'): pass\n"
        "            tracelm.shutdown(); os._exit(0)\n"
        "        os.waitpid(child, 0)\n"
        "        raise ValueError\n"
        "except ValueError: pass\n"
    )
    run(program, tmp_path)
    assert Spans(tmp_path).names() == ["inner", "outer"]


# --- what a trace used --------------------------------------------------------------------------------------


def test_what_a_trace_used_is_summed_also_when_it_is_not_sampled_yet(record: Callable[..., Spans]) -> None:
    from tracelm.trace.tally import tally

    record(sample_rate=0.0, keep_errors=True)
    call = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7}
    with tracelm.span("outer") as outer, tally(outer.trace_id) as used, tracelm.span("chat m", attributes=call):
        pass
    assert used.input_tokens == 7
