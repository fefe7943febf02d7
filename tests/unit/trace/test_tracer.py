"""A span of our own cannot be told from the SDK's, and steps aside when somebody else listens."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, Sampler
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

import tracelm
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans
from tracelm.trace.journal_span import JournalSpan
from tracelm.trace.provider import JournalSpanProcessor, RandomIds
from tracelm.trace.tracer import JournalTracer

REMOTE = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "x")]))


def everything(tracer: trace.Tracer) -> None:
    """Do all that one can do with a tracer and its spans."""
    parent = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    outer = tracer.start_span(
        "outer", parent, SpanKind.SERVER, {"a": 1, "list": [1, 2], "map": {"k": b"v"}}, [Link(REMOTE, {"l": True})]
    )
    with trace.use_span(outer, end_on_exit=True):
        outer.set_attribute("b", "text")
        outer.set_attribute("c", (1.5, 2.5))
        outer.set_attributes({"d": None, "e": False, "a": 2})
        outer.add_event("happened", {"what": ["x"]}, timestamp=7)
        outer.add_link(SpanContext(8, 9, is_remote=False), {"why": 1})
        outer.update_name("renamed")
        outer.set_status(StatusCode.UNSET)
        outer.set_status(Status(StatusCode.ERROR, "first"))
        outer.set_status(StatusCode.OK)
        outer.set_status(StatusCode.ERROR, "too late")
        with tracer.start_as_current_span("inner", attributes={"in": 1}):
            pass
        with pytest.raises(ValueError, match="boom"), tracer.start_as_current_span("fails"):
            raise ValueError("boom")
        with pytest.raises(ValueError, match="boom"), tracer.start_span("fails by hand"):
            raise ValueError("boom")
    with trace.use_span(NonRecordingSpan(SpanContext(1, 2, is_remote=False))):  # a parent that is not sampled
        unsampled = tracer.start_span("unsampled")
        assert not unsampled.is_recording()
        assert unsampled.get_span_context().trace_id == 1
    with tracelm.session("s", user_id="u"), tracelm.attributes({"more": [1]}):
        tracer.start_span("in session").end()


def seen(record: SpanRecord) -> dict[str, Any]:
    """All of a span but ids, times and the text of a traceback."""
    return {
        "name": record.name,
        "kind": record.kind,
        "flags": record.flags,
        "trace_state": record.trace_state,
        "status": (record.status, record.status_message),
        "attributes": record.attributes,
        "events": [
            (each.name, {key: value for key, value in each.attributes.items() if "stack" not in key})
            for each in record.events
        ],
        "links": record.links,
        "scope": record.scope,
        "resource": {key: value for key, value in record.resource.attributes.items() if "instance" not in key},
        "has_parent": record.parent_span_id is not None,
    }


def recorded(home: Path, make: Callable[[TracerProvider], trace.Tracer], sampler: Sampler = DEFAULT_ON) -> list[Any]:
    tracelm.init("test", home=home)
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False, id_generator=RandomIds(seed=3))
    provider.add_span_processor(JournalSpanProcessor())
    everything(make(provider))
    tracelm.shutdown()
    return [seen(each) for each in Spans(home).all()]


def test_what_is_recorded_is_what_the_sdk_would_have_recorded(tmp_path: Path) -> None:
    by_sdk = recorded(tmp_path / "sdk", lambda provider: provider.get_tracer("scope", "1"))
    by_us = recorded(tmp_path / "own", lambda provider: JournalTracer(provider, "scope", "1"))
    assert [each["name"] for each in by_us] == ["inner", "fails", "fails by hand", "renamed", "in session"]
    assert by_us == by_sdk


def test_it_is_a_span_for_everybody_who_looks(spans: Spans) -> None:
    with tracelm.span("step", attributes={"a": 1}) as step:
        span = step.otel
        assert isinstance(span, JournalSpan)
        assert isinstance(span, trace.Span)
        assert isinstance(span, ReadableSpan)
        assert (span.name, dict(span.attributes or {}), span.kind, span.parent) == (
            "step",
            {"a": 1},
            SpanKind.INTERNAL,
            None,
        )
        assert span.start_time is not None
        assert span.start_time <= time.time_ns()
        assert span.end_time is None
        assert "step" in span.to_json()
    assert span.end_time is not None


def test_a_span_ends_once_and_stays_as_it_was(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    with tracelm.span("step") as step:
        pass
    step.set_attribute("late", 1)
    step.otel.end()
    step.otel.add_event("late")
    assert spans.one().attributes == {}
    assert len(caplog.records) == 3


def test_a_list_that_changes_later_is_recorded_as_it_was(spans: Spans) -> None:
    values = [1]
    with tracelm.span("step", attributes={"start": values}) as step:
        step.set_attribute("later", values)
        values.append(2)
    assert spans.one().attributes == {"start": [1], "later": [1]}


def test_a_processor_that_the_program_adds_gets_the_spans_from_then_on(tmp_path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(JournalSpanProcessor())
    tracer = JournalTracer(provider, "scope", "1")
    tracelm.init("test", home=tmp_path)
    assert isinstance(tracer.start_span("before"), JournalSpan)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    span = tracer.start_span("after")
    assert isinstance(span, SdkSpan)
    span.end()
    assert [each.name for each in exporter.get_finished_spans()] == ["after"]
    assert Spans(tmp_path).names() == ["after"]


def test_a_sampler_that_the_program_chose_decides(tmp_path: Path) -> None:
    found = recorded(tmp_path, lambda provider: JournalTracer(provider, "scope", "1"), ALWAYS_OFF)
    assert found == []


def test_an_attribute_that_is_none_of_the_allowed_types_is_recorded_as_text(spans: Spans) -> None:
    with tracelm.span("step", attributes={"path": Path("/a")}) as step:
        step.set_attribute("again", Path("/b"))
    assert spans.one().attributes == {"path": "/a", "again": "/b"}


def test_no_context_is_left_behind(spans: Spans) -> None:
    before = otel_context.get_current()
    with tracelm.span("step"):
        pass
    assert otel_context.get_current() is before or otel_context.get_current() == before


# --- what cannot be recorded --------------------------------------------------------------------------------


def deep(levels: int, *, mapping: bool) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if mapping else [value]
    return value


def endless() -> list[Any]:
    value: list[Any] = []
    value.extend([value, value])
    return value


class Raises:
    """A value that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def readable(spans: Spans, name: str = "step") -> SpanRecord:
    """The only span, which the store can read as well."""
    with tracelm.open_store(home=spans.home) as store:
        assert [each.name for each in store.spans()] == [name]
    return spans.one()


@pytest.mark.parametrize("mapping", [True, False])
@pytest.mark.parametrize("levels", [31, 33, 300, 5_000])
def test_a_value_that_is_nested_too_deeply_is_recorded_as_text(spans: Spans, levels: int, mapping: bool) -> None:
    value = deep(levels, mapping=mapping)
    with tracelm.span("step", attributes={"start": value, "beside": 1}) as step:
        step.set_attribute("later", value)
        step.otel.add_event("happened", {"what": value})
    found = readable(spans)
    assert found.attributes["beside"] == 1
    kind = (dict if mapping else list) if levels < 32 else str
    for each in (found.attributes["start"], found.attributes["later"], found.events[0].attributes["what"]):
        assert isinstance(each, kind)
    assert tracelm.flush().lost == 0


def test_a_value_that_holds_itself_is_recorded_as_text(spans: Spans) -> None:
    with tracelm.span("step", attributes={"endless": endless()}):
        pass
    assert isinstance(readable(spans).attributes["endless"], str)


def test_a_value_that_cannot_be_shown_costs_itself_and_not_the_others(spans: Spans) -> None:
    before = tracelm.flush().failures
    with tracelm.span("step", attributes={"raises": Raises(), "start": (1, 2)}) as step:
        step.set_attribute("raises", Raises())
        step.otel.set_attributes({"raises": Raises(), "a": "b"})  # type: ignore[dict-item]
        step.otel.add_event("happened", {"raises": Raises(), "c": "d"})  # type: ignore[dict-item]
    found = readable(spans)
    assert found.attributes == {"start": [1, 2], "a": "b"}
    assert found.events[0].attributes == {"c": "d"}
    assert tracelm.flush().failures > before


@pytest.mark.parametrize("key", [None, "", 5, b"k", ("a", "b")])
def test_a_key_that_is_no_name_is_dropped_or_made_text_as_the_sdk_does(spans: Spans, key: Any) -> None:
    plain = TracerProvider(shutdown_on_exit=False).get_tracer("plain").start_span("step", attributes={key: "start"})
    plain.set_attribute(key, "x")
    plain.set_attributes({key: "y"})
    assert isinstance(plain, ReadableSpan)
    with tracelm.span("step") as step:
        step.otel.set_attribute(key, "x")
        step.otel.set_attributes({key: "y"})
    assert readable(spans).attributes == dict(plain.attributes or {})


@pytest.mark.parametrize("name", [5, None, "a\ud800b"])
def test_a_name_is_text(spans: Spans, name: Any) -> None:
    with tracelm.span(name):
        pass
    with tracelm.span("step") as step:
        step.otel.update_name(name)
    expected = "a?b" if isinstance(name, str) else str(name)
    assert spans.names() == [expected, expected]
    with tracelm.open_store(home=spans.home) as store:
        assert len(store.spans()) == 2


def test_times_and_states_that_are_none_do_not_cost_the_span(spans: Spans) -> None:
    tracer: Any = JournalTracer(TracerProvider(shutdown_on_exit=False), "scope", "1")
    provider = tracer._provider
    provider.add_span_processor(JournalSpanProcessor())
    span = tracer.start_span("step", start_time="yesterday")
    span.set_status("bogus")
    span.add_event("happened", timestamp="noon")
    span.add_event(5)
    span.set_attributes(None)
    span.record_exception(ValueError(Raises()))
    span.end(end_time="later")
    found = readable(spans)
    assert found.status == "unset"
    assert [each.name for each in found.events] == ["happened", "5"]
    assert abs(found.start_ns - time.time_ns()) < 60e9
    assert found.end_ns >= found.start_ns


def test_a_span_that_cannot_be_encoded_counts_as_lost(spans: Spans) -> None:
    broken = TracerProvider(shutdown_on_exit=False)
    broken.add_span_processor(JournalSpanProcessor())
    span: Any = broken.get_tracer("the program").start_span("step", start_time="yesterday")  # type: ignore[arg-type]
    span.end()
    report = tracelm.flush()
    assert (report.recorded, report.delivered, report.pending, report.lost) == (1, 0, 0, 1)


# --- limits -------------------------------------------------------------------------------------------------


def test_a_span_keeps_its_first_thousand_attributes_events_and_links(spans: Spans) -> None:
    with tracelm.span("step", attributes={"first": 1}) as step:
        for number in range(1_500):
            step.set_attribute(f"own.{number}", number)
            step.otel.add_event(f"event {number}")
            step.otel.add_link(SpanContext(1 + number, 2, is_remote=False))
        step.set_attribute("own.3", "changed")
        step.set_output("kept")
        step.otel.record_exception(ValueError("kept"))
        span = step.otel
    assert isinstance(span, JournalSpan)
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (501, 500, 500)
    found = readable(spans)
    assert found.attributes["first"] == 1
    assert found.attributes["own.998"] == 998
    assert "own.999" not in found.attributes
    assert found.attributes["own.3"] == "changed"
    assert found.attributes["output.value"] == '"kept"'
    assert len(found.links) == 1_000
    assert [found.events[0].name, found.events[999].name, found.events[1_000].name] == [
        "event 0",
        "event 999",
        "exception",
    ]


def test_what_a_span_starts_with_is_bounded_too(spans: Spans) -> None:
    with tracelm.span("step", attributes={f"own.{number}": number for number in range(3_000)}) as step:
        assert len(getattr(step.otel, "attributes", {})) == 1_000


ANSWER: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.usage.cost.amount": 0.5,
    "input.value": '{"question":"' + "why " * 100 + '"}',
    "tracelm.op.name": "answer",
}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "20"},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2"},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "20"},
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "40"},
        {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "40", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "20"},
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_what_identifies_a_span_survives_the_limits_of_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], beside: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    tracelm.init("test", home=tmp_path)
    failures = tracelm.flush().failures
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(JournalSpanProcessor())
    theirs = InMemorySpanExporter()
    if beside:
        provider.add_span_processor(SimpleSpanProcessor(theirs))
    tracer = JournalTracer(provider, "scope", "1")
    with tracelm.session("s"), tracer.start_as_current_span("chat m", attributes=ANSWER) as span:
        assert isinstance(span, SdkSpan if beside or environment else JournalSpan)
        for number in range(125):
            trace.get_current_span().set_attribute(f"own.{number}", number)
        span.set_attributes({"output.value": '["' + "because " * 20 + '"]', "own.late": 1})
        for number in range(125, 200):
            trace.get_current_span().set_attribute(f"own.{number}", number)
    found = Spans(tmp_path).one().attributes
    for key, value in ANSWER.items():
        assert found[key] == value
    assert json.loads(str(found["output.value"])) == ["because " * 20]
    assert found["session.id"] == "s"
    if beside and len(environment) < 2 and "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" not in environment:
        (for_them,) = theirs.get_finished_spans()
        assert set(ANSWER) < set(for_them.attributes or {})  # set again last: their exporter has them too
        assert "own.199" in (for_them.attributes or {})
    assert tracelm.flush().failures == failures
    tracelm.shutdown()


def test_limits_that_the_program_gave_its_provider_hold(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path)
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_events=1))
    provider.add_span_processor(JournalSpanProcessor())
    with JournalTracer(provider, "scope", "1").start_as_current_span("step") as span:
        assert isinstance(span, SdkSpan)
        span.add_event("first")
        span.add_event("second")
    assert [each.name for each in Spans(tmp_path).one().events] == ["second"]
    tracelm.shutdown()


def test_a_span_of_the_sdk_stays_one_and_ends_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tracelm.init("test", home=tmp_path)
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    for processor in (SimpleSpanProcessor(exporter), JournalSpanProcessor()):
        provider.add_span_processor(processor)
    span = JournalTracer(provider, "scope", "1").start_span("step", attributes={"tracelm.op.name": "step"})
    assert isinstance(span, SdkSpan)
    span.end()
    span.set_attribute("tracelm.op.name", "late")
    span.end()
    assert Spans(tmp_path).one().attributes == {"tracelm.op.name": "step"}
    assert len(exporter.get_finished_spans()) == 1
    assert len(caplog.records) == 2
    tracelm.shutdown()


LATE_PROVIDER = """
import sys, tracelm
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

tracelm.init("one", home=sys.argv[1])
exporter = InMemorySpanExporter()
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))

@tracelm.op
def inside(): return "ok"

with trace.get_tracer("the program").start_as_current_span("request"):
    inside()
print([span.name for span in exporter.get_finished_spans()])
"""


def test_a_program_that_sets_opentelemetry_up_later_adds_its_exporter_to_our_provider(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE_PROVIDER, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['inside', 'request']"
    assert Spans(tmp_path).names() == ["inside", "request"]


@pytest.mark.parametrize("levels", [200, 300])
def test_a_span_of_another_library_with_a_deep_value_is_recorded_too(spans: Spans, levels: int) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(JournalSpanProcessor())
    value = deep(levels, mapping=True)
    with provider.get_tracer("theirs").start_as_current_span("step", attributes={"deep": value, "a": 1}) as span:
        span.add_event("happened", {"deep": value}, timestamp=7)
        span.add_event("before", {"b": 1})
    found = readable(spans)
    assert found.attributes["a"] == 1
    assert isinstance(found.attributes["deep"], str)
    assert isinstance(found.events[0].attributes["deep"], str)
    assert found.events[0].time_ns == 7
    assert found.events[1].attributes == {"b": 1}
    assert tracelm.flush().lost == 0
