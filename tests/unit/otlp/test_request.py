"""A request from outside: good records are kept, bad ones refused one by one, and limits hold."""

from typing import Any

import orjson
import pytest
from inline_snapshot import snapshot
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    EntityRef,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tracelm.errors import DecodeError
from tracelm.otlp import wire
from tracelm.otlp.limits import RequestLimits
from tracelm.otlp.protobuf import logs_request, trace_request
from tracelm.otlp.request import decode_logs_request, decode_trace_request

TRACE = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN = bytes.fromhex("eee19b7ec3c1b174")


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def nested(depth: int) -> KeyValue:
    value = AnyValue(string_value="deep")
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return KeyValue(key="k", value=value)


def span(**parts: Any) -> Span:
    whole: dict[str, Any] = {"trace_id": TRACE, "span_id": SPAN, "name": "n", "status": Status()}
    return Span(**(whole | parts))


def request(*spans: Span, **resource: Any) -> ExportTraceServiceRequest:
    scopes = [ScopeSpans(scope=InstrumentationScope(name="lib"), spans=spans)]
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=scopes, **resource)])


def decoded(*spans: Span, limits: RequestLimits | None = None) -> Any:
    body = request(*spans).SerializeToString()
    return decode_trace_request(body, encoding="protobuf", limits=limits or RequestLimits())


WHOLE = request(
    span(
        trace_state="a=1",
        parent_span_id=bytes.fromhex("00f067aa0ba902b7"),
        flags=257,
        kind=3,
        start_time_unix_nano=1544712660000000000,
        end_time_unix_nano=1544712661000000000,
        attributes=[
            text("t", "ü"),
            KeyValue(key="n", value=AnyValue(int_value=-(2**63))),
            KeyValue(key="d", value=AnyValue(double_value=float("inf"))),
            KeyValue(key="b", value=AnyValue(bool_value=False)),
            KeyValue(key="raw", value=AnyValue(bytes_value=b"\x00\xff")),
            KeyValue(key="none", value=AnyValue()),
            KeyValue(key="empty", value=AnyValue(string_value="")),
            KeyValue(key="list", value=AnyValue(array_value=ArrayValue(values=[AnyValue(), AnyValue(int_value=1)]))),
            KeyValue(key="map", value=AnyValue(kvlist_value=KeyValueList(values=[nested(2), text("__proto__", "x")]))),
            text("", "no key"),
            text("a.b.c", "dots"),
        ],
        dropped_attributes_count=2,
        events=[Span.Event(time_unix_nano=5, name="e", attributes=[text("k", "v")], dropped_attributes_count=1)],
        dropped_events_count=3,
        links=[Span.Link(trace_id=TRACE, span_id=SPAN, trace_state="b=2", attributes=[text("k", "v")], flags=1)],
        dropped_links_count=4,
        status=Status(code=Status.STATUS_CODE_ERROR, message="no"),
    ),
    resource=Resource(
        attributes=[text("service.name", "shop")],
        dropped_attributes_count=1,
        entity_refs=[EntityRef(type="service", id_keys=["service.name"], schema_url="https://e")],
    ),
    schema_url="https://r",
)


def test_a_span_in_protobuf_keeps_every_part() -> None:
    (found,) = decode_trace_request(WHOLE.SerializeToString(), encoding="protobuf").records
    assert found.attributes == snapshot(
        {
            "t": "ü",
            "n": -9223372036854775808,
            "d": float("inf"),
            "b": False,
            "raw": b"\x00\xff",
            "none": None,
            "empty": "",
            "list": [None, 1],
            "map": {"k": [["deep"]], "__proto__": "x"},
            "": "no key",
            "a.b.c": "dots",
        }
    )
    assert trace_request([found.source]) == WHOLE


def test_protobuf_and_json_of_a_span_are_the_same_record() -> None:
    (found,) = decode_trace_request(WHOLE.SerializeToString(), encoding="protobuf").records
    assert decode_trace_request(found.source, encoding="json").records == (found,)


def test_a_log_record_in_protobuf_keeps_every_part() -> None:
    whole = ExportLogsServiceRequest(
        resource_logs=[
            ResourceLogs(
                resource=Resource(attributes=[text("service.name", "shop")]),
                scope_logs=[
                    ScopeLogs(
                        scope=InstrumentationScope(name="lib", version="2", dropped_attributes_count=7),
                        schema_url="https://s",
                        log_records=[
                            LogRecord(
                                time_unix_nano=7,
                                observed_time_unix_nano=8,
                                severity_number=SEVERITY_NUMBER_INFO,
                                severity_text="INFO",
                                body=nested(1).value,
                                attributes=[text("k", "v")],
                                dropped_attributes_count=1,
                                flags=1,
                                trace_id=TRACE,
                                span_id=SPAN,
                                event_name="e",
                            )
                        ],
                    )
                ],
            )
        ]
    )
    (found,) = decode_logs_request(whole.SerializeToString(), encoding="protobuf").records
    assert (found.body, found.attributes, found.trace_id, found.scope.schema_url) == (
        ["deep"],
        {"k": "v"},
        TRACE.hex(),
        "https://s",
    )
    assert logs_request([found.source]) == whole
    assert decode_logs_request(found.source, encoding="json").records == (found,)


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_request_without_spans_is_fine_and_anything_else_is_none(encoding: Any) -> None:
    nothing = b"" if encoding == "protobuf" else b"{}"
    assert decode_trace_request(nothing, encoding=encoding).records == ()
    assert decode_logs_request(nothing, encoding=encoding).records == ()
    for body in (b"\xff", b"[]", b"no"):
        with pytest.raises(DecodeError):
            decode_trace_request(body, encoding=encoding)


@pytest.mark.parametrize(
    "bad",
    [
        {"trace_id": b""},
        {"trace_id": b"\x01"},
        {"trace_id": bytes(16)},
        {"span_id": b""},
        {"span_id": bytes(8)},
        {"span_id": TRACE},
        {"parent_span_id": b"\x01"},
        {"start_time_unix_nano": 2**63},
        {"end_time_unix_nano": 2**64 - 1},
        {"events": [Span.Event(time_unix_nano=2**63)]},
        {"links": [Span.Link(trace_id=b"\x01", span_id=SPAN)]},
        {"attributes": [nested(40)]},
        {"attributes": [nested(33)]},
        {"attributes": [text("k" * 1_000_000, "v")]},
        {"attributes": [KeyValue(key="k", value=AnyValue(array_value=ArrayValue(values=[AnyValue()] * 300_000)))]},
        {"attributes": [text("k", "v" * 5_000_000)]},
        {"attributes": [KeyValue(key="k", value=AnyValue(bytes_value=bytes(5_000_000)))]},
        {"name": "n" * 5_000_000},
        {"status": Status(message="n" * 5_000_000)},
        {"attributes": [text(str(n), "") for n in range(5_000)]},
        {"attributes": [KeyValue()] * 5_000},
        {"events": [Span.Event()] * 5_000},
        {"events": [Span.Event(attributes=[text("k" * 1_000_000, "v")])]},
        {"links": [Span.Link(trace_id=TRACE, span_id=SPAN, trace_state="x" * 5_000_000)]},
    ],
    ids=lambda parts: f"{str(parts)[:60]}".replace("\n", " "),
)
def test_a_bad_span_is_refused_alone(bad: dict[str, Any]) -> None:
    found = decoded(span(name="before"), span(**bad), span(name="after"))
    assert [record.name for record in found.records] == ["before", "after"]
    (error,) = found.errors
    assert 10 < len(str(error)) < 200


def test_limits_hold_for_json_as_for_protobuf() -> None:
    loose = RequestLimits(max_depth=40, max_key_bytes=10**7, max_field_bytes=10**8, max_attributes=10**4)
    spans = [
        span(attributes=[nested(33)]),
        span(attributes=[text("k" * 1_000_000, "v")]),
        span(attributes=[text("k", "ü" * 2_500_000)]),
        span(attributes=[text(str(n), "") for n in range(5_000)]),
        span(attributes=[nested(32), text("k" * 4_096, "v")], name="good"),
    ]
    sources = [each.source for each in decoded(*spans, limits=loose).records]
    found = [decode_trace_request(source, encoding="json") for source in sources]
    assert [[str(error) for error in each.errors] for each in found] == snapshot(
        [
            ["a value is nested more than 32 levels deep"],
            ["the key 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk'… has 1,000,000 bytes; at most 4,096 are taken"],
            ["the attribute 'k' has 5,000,001 bytes; at most 4,194,304 are taken"],
            ["it has 5,000 attributes; at most 4,096 are taken"],
            [],
        ]
    )
    assert [record.name for record in decoded(*spans).records] == ["good"]


def test_a_text_that_is_no_utf8_costs_its_own_span_only() -> None:
    body = request(span(name="before"), span(name="BROKEN"), span(attributes=[text("k", "BROKEN")]), span(name="after"))
    found = decode_trace_request(
        body.SerializeToString().replace(b"BROKEN", b"\xff\xfe\xfd\xfc\xfb\xfa"), encoding="protobuf"
    )
    assert [record.name for record in found.records] == ["before", "after"]
    assert [str(error) for error in found.errors] == snapshot(
        ["it is no protobuf, or a text in it is no UTF-8", "it is no protobuf, or a text in it is no UTF-8"]
    )


def test_a_bad_resource_refuses_its_spans_and_no_others() -> None:
    bad = Resource(attributes=[text("k" * 5_000, "v")])
    body = request(span(), span(), resource=bad).SerializeToString() + request(span(name="good")).SerializeToString()
    found = decode_trace_request(body, encoding="protobuf")
    assert [record.name for record in found.records] == ["good"]
    assert len(found.errors) == 2


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_request_with_too_many_records_is_refused_as_a_whole(encoding: Any) -> None:
    limits = RequestLimits(max_records=4)
    one = {"traceId": TRACE.hex(), "spanId": SPAN.hex()}
    for resources, scopes, spans in ((1, 1, 2), (1, 1, 3), (1, 4, 0), (5, 0, 0)):
        as_json = {"resourceSpans": [{"scopeSpans": [{"spans": [one] * spans}] * scopes}] * resources}
        parts = [ResourceSpans(scope_spans=[ScopeSpans(spans=[span()] * spans)] * scopes)] * resources
        as_protobuf = ExportTraceServiceRequest(resource_spans=parts)
        body = orjson.dumps(as_json) if encoding == "json" else as_protobuf.SerializeToString()
        if spans == 2:
            assert len(decode_trace_request(body, encoding=encoding, limits=limits).records) == 2
            continue
        with pytest.raises(DecodeError, match="more than 4 records"):
            decode_trace_request(body, encoding=encoding, limits=limits)


def test_no_parent_may_be_written_as_zeros_and_a_link_may_have_no_ids() -> None:
    (found,) = decoded(span(parent_span_id=bytes(8), links=[Span.Link(attributes=[text("k", "v")])])).records
    assert found.parent_span_id is None
    assert (found.links[0].trace_id, found.links[0].attributes) == ("", {"k": "v"})
    assert decode_trace_request(found.source, encoding="json").records == (found,)


def test_a_log_record_with_zeros_for_ids_belongs_to_no_trace() -> None:
    logs = [LogRecord(trace_id=bytes(16), span_id=bytes(8))]
    body = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=logs)])])
    (found,) = decode_logs_request(body.SerializeToString(), encoding="protobuf").records
    assert (found.trace_id, found.span_id) == (None, None)
    assert decode_logs_request(found.source, encoding="json").records == (found,)


def test_an_end_before_the_start_is_kept_as_it_came() -> None:
    (found,) = decoded(span(start_time_unix_nano=5, end_time_unix_nano=4)).records
    assert (found.start_ns, found.end_ns) == (5, 4)


def test_a_key_that_stands_twice_is_kept_in_the_source() -> None:
    twice = [text("k", "first"), text("k", "last")]
    map_twice = KeyValue(key="m", value=AnyValue(kvlist_value=KeyValueList(values=twice)))
    (found,) = decoded(span(attributes=[*twice, map_twice])).records
    assert found.attributes == {"k": "last", "m": {"k": "last"}}
    assert found.source.count(b"first") == 2


def test_numbers_of_a_newer_protocol_are_kept_in_the_source() -> None:
    newer: Any = {"kind": 77, "status": {"code": 9}}
    (found,) = decoded(span(**newer)).records
    assert (found.kind, found.status) == ("unspecified", "unset")
    assert trace_request([found.source]).resource_spans[0].scope_spans[0].spans[0] == span(**newer)


def test_a_message_in_two_pieces_is_one() -> None:
    """Protobuf lets a writer split a message; its reader joins the pieces."""
    pieces = [ResourceSpans(resource=Resource(attributes=[text(key, "v")])) for key in "ab"]
    scopes = request(span()).resource_spans[0].SerializeToString()
    joined = b"".join(piece.SerializeToString() for piece in pieces) + scopes
    length = len(joined)
    body = b"\x0a" + (bytes([length]) if length < 128 else bytes([length % 128 + 128, length // 128])) + joined
    assert ExportTraceServiceRequest.FromString(body).resource_spans[0].resource.attributes[1].key == "b"
    (found,) = decode_trace_request(body, encoding="protobuf").records
    assert found.resource.attributes == {"a": "v", "b": "v"}


def test_more_attributes_than_are_remembered_are_read_right() -> None:
    spans = [span(attributes=[KeyValue(key="n", value=AnyValue(int_value=n))]) for n in range(20_000)]
    found = decoded(*spans, *spans).records
    assert [record.attributes["n"] for record in found] == [*range(20_000)] * 2
    assert 0 < len(wire._seen) < 10_000  # pyright: ignore[reportPrivateUsage]


def test_a_wide_value_is_not_a_deep_one() -> None:
    wide = AnyValue(array_value=ArrayValue(values=[nested(1).value] * 100))
    (found,) = decoded(span(attributes=[KeyValue(key="k", value=wide)])).records
    assert found.attributes == {"k": [["deep"]] * 100}
    assert decode_trace_request(found.source, encoding="json").records == (found,)


def test_a_field_beyond_its_size_is_refused_before_it_is_unpacked() -> None:
    found = decoded(span(attributes=[text("k", "v" * 200)]), limits=RequestLimits(max_field_bytes=100))
    assert [str(error) for error in found.errors] == snapshot(["an attribute has 209 bytes; at most 100 are taken"])
