"""A journal line says what OpenTelemetry's own encoder says, and comes back through protobuf unchanged."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from tracelm.otlp.encode import CleanText, LineEncoder, any_value, encode_resource
from tracelm.otlp.protobuf import logs_request, trace_request

TEXT = st.text(st.characters(codec="utf-8"))
NAMES = st.text(st.characters(codec="utf-8"), min_size=1)
SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT | st.binary()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=6)
RESOURCE = Resource({"service.name": "s", "n": 1, "list": ("a", "b")})


def nothing_is_secret(_: bytes) -> bool:
    return False


def untouched(data: bytes) -> bytes:
    return data


def finished(**given: Any) -> ReadableSpan:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    events, status = given.pop("events", ()), given.pop("status", None)
    span = provider.get_tracer("scope", "1.2", attributes={"a": True}).start_span(**given)
    for name, attributes in events:
        span.add_event(name, attributes)
    if status is not None:
        span.set_status(status)
    span.end()
    return exporter.get_finished_spans()[0]


def sent(span: ReadableSpan) -> Any:
    line = LineEncoder(nothing_is_secret, untouched).span(span, encode_resource(span.resource, {}))
    return trace_request([line])


@given(
    NAMES,
    ATTRIBUTES,
    st.sampled_from(list(SpanKind)),
    st.lists(st.tuples(NAMES, ATTRIBUTES), max_size=2),
    st.sampled_from([None, Status(StatusCode.OK), Status(StatusCode.ERROR, "why"), Status(StatusCode.ERROR)]),
    st.booleans(),
)
def test_a_span_reads_as_opentelemetrys_own_encoder_writes_it(
    name: str, attributes: Any, kind: SpanKind, events: Any, status: Status | None, linked: bool
) -> None:
    links = [Link(SpanContext(2**127, 2**63, True, TraceFlags(1)), {"why": "x"})] if linked else []
    span = finished(name=name, attributes=attributes, kind=kind, events=events, status=status, links=links)
    assert sent(span) == encode_spans([span])


def test_parent_trace_state_and_dropped_counts_are_kept() -> None:
    parent = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "x")]))
    from opentelemetry import trace

    context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    span = finished(name="child", context=context, attributes={f"k{i}": i for i in range(140)})
    assert sent(span) == encode_spans([span])
    (found,) = sent(span).resource_spans[0].scope_spans[0].spans
    assert (found.trace_state, found.dropped_attributes_count) == ("vendor=x", 12)


def test_clean_text_and_repeated_values_encode_like_any_other() -> None:
    encoder = LineEncoder(nothing_is_secret, untouched)
    span = finished(name="n", attributes={"input.value": CleanText('{"a": 1}'), "short": "x", "long": "y" * 500})
    resource = encode_resource(span.resource, {})
    first, second = encoder.span(span, resource), encoder.span(span, resource)
    assert first == second
    assert trace_request([first]) == encode_spans([span])


def test_only_new_text_is_shown_to_the_secret_finder() -> None:
    seen: list[bytes] = []

    def look(data: bytes) -> bool:
        seen.append(data)
        return b"hit" in data

    encoder = LineEncoder(look, lambda piece: piece.replace(b"hit", b"gone"))
    given = {"clean": CleanText("hit"), "repeated": "r", "new": "z" * 200, "number": 1, "flag": True}
    plain = finished(name="n", attributes=given)
    resource = encode_resource(RESOURCE, {})
    assert b"hit" in encoder.span(plain, resource)
    assert not any(b"hit" in data for data in seen)
    seen.clear()
    line = encoder.span(plain, resource)
    assert [data[:14] for data in seen] == [b'{"key":"new","']
    assert b'"intValue":"1"' in line
    assert b'"boolValue":true' in line


def test_a_number_is_hidden_by_its_key_and_by_rules_that_want_to_see_everything() -> None:
    def hidden(look: Callable[[bytes], bool], number: int) -> bytes:
        encoder = LineEncoder(look, lambda piece: piece.replace(b"4711", b"gone"))
        resource = encode_resource(RESOURCE, {})
        encoder.span(
            finished(name="n", attributes={"pin": 1, "amount": 1}), resource
        )  # what it sees first says nothing
        return encoder.span(finished(name="n", attributes={"pin": number, "amount": number}), resource)

    by_key = hidden(lambda data: b"pin" in data, 4711)
    assert (by_key.count(b"4711"), by_key.count(b"gone")) == (1, 1)
    everything = hidden(lambda _data: True, 4711)
    assert (everything.count(b"4711"), everything.count(b"gone")) == (0, 2)


def test_only_the_piece_with_a_secret_is_redacted_wherever_it_stands() -> None:
    encoder = LineEncoder(lambda data: b"hit" in data, lambda piece: piece.replace(b"hit", b"gone"))
    link = Link(SpanContext(1, 2, True, TraceFlags(1)), {"hit": "hit"})
    span = finished(
        name="hit",
        attributes={"hit": "hit", "clean": CleanText("hit")},
        events=[("hit", {"hit": "hit"})],
        status=Status(StatusCode.ERROR, "hit"),
        links=[link],
    )
    resource = encode_resource(RESOURCE, {})
    for _ in range(2):  # what was found is not remembered either
        line = encoder.span(span, resource)
        assert line.count(b"hit") == 1
        trace_request([line])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), {"doubleValue": "NaN"}),
        (float("-inf"), {"doubleValue": "-Infinity"}),
        (2**63, {"stringValue": str(2**63)}),
        ("\ud800", {"stringValue": "?"}),
        (None, {}),
    ],
)
def test_what_opentelemetrys_encoder_drops_is_kept(value: Any, expected: Any) -> None:
    assert orjson.loads(any_value(value)) == expected


@given(NAMES, ATTRIBUTES, st.booleans())
def test_an_event_reads_as_opentelemetrys_own_encoder_writes_it(name: str, attributes: Any, has_span: bool) -> None:
    records: list[ReadWriteLogRecord] = []

    class Keep(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            records.append(log_record)

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(Keep())
    about = SpanContext(7, 9, is_remote=False, trace_flags=TraceFlags(1)) if has_span else INVALID_SPAN_CONTEXT
    provider.get_logger("scope", "1.2").emit(
        LogRecord(
            timestamp=5,
            observed_timestamp=5,
            context=set_span_in_context(NonRecordingSpan(about), Context()),
            event_name=name,
            attributes=attributes,
        )
    )
    [record] = records
    encoder = LineEncoder(nothing_is_secret, untouched)
    around = encoder.around_event(about, encode_resource(RESOURCE, {}), record.instrumentation_scope)
    line = encoder.event(name, 5, around, encoder.attributes(record.log_record.attributes))
    expected: Any = encode_logs(records)  # type: ignore[arg-type]  # pyright: ignore
    expected.resource_logs[0].scope_logs[0].log_records[0].ClearField("body")  # it writes an empty one
    assert logs_request([line]) == expected


def test_many_lines_become_one_request_that_keeps_their_order() -> None:
    spans = [finished(name=f"n{i}") for i in range(5)]
    encoder = LineEncoder(nothing_is_secret, untouched)
    lines = [encoder.span(each, encode_resource(each.resource, {})) for each in spans]
    request = trace_request(lines)
    assert len(request.resource_spans) == 1
    assert [each.name for each in request.resource_spans[0].scope_spans[0].spans] == [f"n{i}" for i in range(5)]
