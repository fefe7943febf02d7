"""A span of our own cannot be told from the SDK's, and steps aside when somebody else listens."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
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
from tracelm.trace.provider import JournalSpanProcessor, RandomIds
from tracelm.trace.tracer import JournalSpan, JournalTracer

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
