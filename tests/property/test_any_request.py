"""Any request: what protobuf says comes out as it went in, and any bytes are read or refused."""

import dataclasses
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tracelm.errors import DecodeError
from tracelm.otlp.protobuf import logs_request, trace_request
from tracelm.otlp.request import decode_logs_request, decode_trace_request

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
COUNTS = st.integers(0, 2**32 - 1)
TIMES = st.integers(0, 2**63 - 1)
TRACE_IDS = st.binary(min_size=16, max_size=16).filter(any)
SPAN_IDS = st.binary(min_size=8, max_size=8).filter(any)
DOUBLES = st.floats(allow_nan=False) | st.just(math.nan)


def _pairs(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[list[KeyValue]]:
    """Keys that stand there twice come too."""
    return st.lists(st.builds(KeyValue, key=TEXTS, value=values), max_size=4)


VALUES: st.SearchStrategy[AnyValue] = st.recursive(
    st.just(AnyValue())
    | st.builds(AnyValue, string_value=TEXTS)
    | st.builds(AnyValue, bool_value=st.booleans())
    | st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1))
    | st.builds(AnyValue, double_value=DOUBLES)
    | st.builds(AnyValue, bytes_value=st.binary(max_size=20)),
    lambda inner: (
        st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=3)))
        | st.builds(AnyValue, kvlist_value=st.builds(KeyValueList, values=_pairs(inner)))
    ),
    max_leaves=8,
)


PAIRS = _pairs(VALUES)
EVENTS = st.builds(Span.Event, time_unix_nano=TIMES, name=TEXTS, attributes=PAIRS, dropped_attributes_count=COUNTS)
LINKS = st.builds(
    Span.Link,
    trace_id=st.just(b"") | TRACE_IDS,
    span_id=st.just(b"") | SPAN_IDS,
    trace_state=TEXTS,
    attributes=PAIRS,
    dropped_attributes_count=COUNTS,
    flags=COUNTS,
)
SPANS = st.builds(
    Span,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_span_id=st.just(b"") | st.binary(min_size=8, max_size=8),
    trace_state=TEXTS,
    flags=COUNTS,
    name=TEXTS,
    kind=st.integers(0, 7),
    start_time_unix_nano=TIMES,
    end_time_unix_nano=TIMES,
    attributes=PAIRS,
    dropped_attributes_count=COUNTS,
    events=st.lists(EVENTS, max_size=2),
    dropped_events_count=COUNTS,
    links=st.lists(LINKS, max_size=2),
    dropped_links_count=COUNTS,
    status=st.builds(Status, code=st.integers(0, 4), message=TEXTS),
)
LOGS = st.builds(
    LogRecord,
    time_unix_nano=TIMES,
    observed_time_unix_nano=TIMES,
    severity_number=st.integers(0, 24),
    severity_text=TEXTS,
    body=st.none() | VALUES,
    attributes=PAIRS,
    dropped_attributes_count=COUNTS,
    flags=COUNTS,
    trace_id=st.just(b"") | TRACE_IDS,
    span_id=st.just(b"") | SPAN_IDS,
    event_name=TEXTS,
)
RESOURCES = st.builds(Resource, attributes=PAIRS, dropped_attributes_count=COUNTS)
SCOPES = st.builds(InstrumentationScope, name=TEXTS, version=TEXTS, attributes=PAIRS, dropped_attributes_count=COUNTS)


def same(left: object, right: object) -> bool:
    """Compare records; NaN is NaN here."""
    return repr(left) == repr(right)


@given(SPANS, RESOURCES, SCOPES, TEXTS, TEXTS)
def test_any_span_goes_round(
    span: Span, resource: Resource, scope: InstrumentationScope, of_resource: str, of_scope: str
) -> None:
    sent = ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=resource,
                schema_url=of_resource,
                scope_spans=[ScopeSpans(scope=scope, schema_url=of_scope, spans=[span])],
            )
        ]
    )
    found = decode_trace_request(sent.SerializeToString(), encoding="protobuf")
    assert found.errors == ()
    (record,) = found.records
    assert trace_request([record.source]).SerializeToString(deterministic=True) == sent.SerializeToString(
        deterministic=True
    )
    (again,) = decode_trace_request(record.source, encoding="json").records
    assert same(again, record)


@given(LOGS, RESOURCES, SCOPES)
def test_any_log_record_goes_round(log: LogRecord, resource: Resource, scope: InstrumentationScope) -> None:
    scopes = [ScopeLogs(scope=scope, log_records=[log])]
    sent = ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resource, scope_logs=scopes)])
    found = decode_logs_request(sent.SerializeToString(), encoding="protobuf")
    assert found.errors == ()
    (record,) = found.records
    assert logs_request([record.source]).SerializeToString() == sent.SerializeToString()
    (again,) = decode_logs_request(record.source, encoding="json").records
    assert same(again, record)


@given(st.lists(SPANS, min_size=1, max_size=4))
def test_together_or_alone_the_records_are_the_same(spans: list[Span]) -> None:
    def records(*some: Span) -> Any:
        sent = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=some)])])
        return decode_trace_request(sent.SerializeToString(), encoding="protobuf").records

    assert same(records(*spans), tuple(record for span in spans for record in records(span)))


@given(st.binary(max_size=200), st.sampled_from(["protobuf", "json"]))
def test_any_bytes_are_a_request_or_a_decode_error(body: bytes, encoding: Any) -> None:
    for decode in (decode_trace_request, decode_logs_request):
        try:
            found = decode(body, encoding=encoding)
        except DecodeError:
            continue
        assert found.records == () or dataclasses.is_dataclass(found.records[0])


@given(SPANS, st.data())
def test_any_damage_costs_at_most_the_request(span: Span, data: st.DataObject) -> None:
    sent = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span, span])])])
    body = bytearray(sent.SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode_trace_request(bytes(body), encoding="protobuf")
    except DecodeError:
        return
    for record in found.records:
        (again,) = decode_trace_request(record.source, encoding="json").records
        assert same(again, record)
