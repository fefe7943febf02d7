"""OTLP/JSON lines come out as they went in; what cannot be read is named and costs no neighbour."""

import base64
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

import tracelm
from tracelm.errors import DecodeError
from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.otlp.records import (
    AnyValue,
    EventRecord,
    LinkRecord,
    LogRecord,
    Resource,
    Scope,
    SpanRecord,
)

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"

any_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def encoded(value: AnyValue) -> dict[str, Any]:
    """Encode as the protocol says, independently of the code under test."""
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if abs(value) != float("inf") else ("Infinity" if value > 0 else "-Infinity")}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case list():
            return {"arrayValue": {"values": [encoded(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": pairs(value)}}


def pairs(attributes: dict[str, AnyValue]) -> list[dict[str, Any]]:
    return [{"key": key, "value": encoded(value)} for key, value in attributes.items()]


def request(*spans: object) -> bytes:
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


def span(**parts: object) -> dict[str, object]:
    return {"traceId": TRACE, "spanId": SPAN, "name": "n", **parts}


def test_a_span_keeps_every_part() -> None:
    line = orjson.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": pairs({"service.name": "shop"}), "droppedAttributesCount": 1},
                    "schemaUrl": "https://r",
                    "scopeSpans": [
                        {
                            "scope": {"name": "lib", "version": "2", "attributes": pairs({"a": True})},
                            "schemaUrl": "https://s",
                            "spans": [
                                {
                                    "traceId": TRACE.upper(),
                                    "spanId": SPAN,
                                    "parentSpanId": "00f067aa0ba902b7",
                                    "traceState": "a=1",
                                    "flags": 257,
                                    "name": "chat m",
                                    "kind": 3,
                                    "startTimeUnixNano": "1544712660000000000",
                                    "endTimeUnixNano": 1544712661000000000,
                                    "attributes": pairs(
                                        {"tokens": 12, "parts": ["x", 1.5, None, b"\x00"], "m": {"k": -1}}
                                    ),
                                    "droppedAttributesCount": 2,
                                    "events": [{"timeUnixNano": "5", "name": "e", "attributes": pairs({"k": "v"})}],
                                    "droppedEventsCount": 3,
                                    "links": [{"traceId": TRACE, "spanId": SPAN, "traceState": "b=2", "flags": 1}],
                                    "droppedLinksCount": 4,
                                    "status": {"code": 2, "message": "no"},
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    )
    (found,) = decode_spans(line).records
    assert found == SpanRecord(
        resource=Resource(
            {"service.name": "shop"},
            1,
            "https://r",
            b'{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],'
            b'"droppedAttributesCount":1},"schemaUrl":"https://r"}',
        ),
        scope=Scope(
            "lib",
            "2",
            {"a": True},
            0,
            "https://s",
            b'{"scope":{"name":"lib","version":"2","attributes":[{"key":"a","value":{"boolValue":true}}]},'
            b'"schemaUrl":"https://s"}',
        ),
        trace_id=TRACE,
        span_id=SPAN,
        parent_span_id="00f067aa0ba902b7",
        trace_state="a=1",
        flags=257,
        name="chat m",
        kind="client",
        start_ns=1544712660000000000,
        end_ns=1544712661000000000,
        status="error",
        status_message="no",
        attributes={"tokens": 12, "parts": ["x", 1.5, None, b"\x00"], "m": {"k": -1}},
        dropped_attributes=2,
        events=(EventRecord("e", 5, {"k": "v"}, 0),),
        dropped_events=3,
        links=(LinkRecord(TRACE, SPAN, "b=2", {}, 0, 1),),
        dropped_links=4,
        own_source=orjson.dumps(orjson.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]),
    )
    assert found.source == line


def test_a_log_record_keeps_every_part() -> None:
    line = orjson.dumps(
        {
            "resourceLogs": [
                {
                    "scopeLogs": [
                        {
                            "logRecords": [
                                {
                                    "timeUnixNano": "7",
                                    "observedTimeUnixNano": "8",
                                    "severityNumber": 9,
                                    "severityText": "INFO",
                                    "eventName": "gen_ai.evaluation.result",
                                    "body": {"stringValue": "b"},
                                    "attributes": pairs({"s": 0.5}),
                                    "droppedAttributesCount": 1,
                                    "flags": 1,
                                    "traceId": TRACE,
                                    "spanId": SPAN,
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    )
    (found,) = decode_logs(line).records
    assert found == LogRecord(
        resource=Resource({}, 0, "", b"{}"),
        scope=Scope("", "", {}, 0, "", b"{}"),
        time_ns=7,
        observed_ns=8,
        trace_id=TRACE,
        span_id=SPAN,
        flags=1,
        severity=9,
        severity_text="INFO",
        event_name="gen_ai.evaluation.result",
        body="b",
        attributes={"s": 0.5},
        dropped_attributes=1,
        own_source=orjson.dumps(orjson.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]),
    )
    assert found.source == line


def test_a_log_record_without_time_happened_when_it_was_observed() -> None:
    line = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"observedTimeUnixNano":"8"}]}]}]}'
    (found,) = decode_logs(line).records
    assert (found.time_ns, found.trace_id, found.span_id) == (8, None, None)


@given(attributes=st.dictionaries(st.text(st.characters(codec="utf-8")), any_values, max_size=5))
def test_attributes_come_out_as_they_went_in(attributes: dict[str, Any]) -> None:
    (found,) = decode_spans(request(span(attributes=pairs(attributes)))).records
    assert found.attributes == attributes


@pytest.mark.parametrize(("text", "value"), [("Infinity", float("inf")), ("-Infinity", float("-inf")), ("2.5", 2.5)])
def test_doubles_may_be_text(text: str, value: float) -> None:
    line = request(span(attributes=[{"key": "d", "value": {"doubleValue": text}}]))
    assert decode_spans(line).records[0].attributes == {"d": value}


def test_a_double_may_be_no_number() -> None:
    line = request(span(attributes=[{"key": "d", "value": {"doubleValue": "NaN"}}]))
    assert str(decode_spans(line).records[0].attributes["d"]) == "nan"


def test_each_record_is_a_request_of_its_own_and_shares_resource_and_scope() -> None:
    both = decode_spans(
        orjson.dumps(
            {
                "resourceSpans": [
                    {
                        "resource": {"attributes": pairs({"service.name": "shop"})},
                        "scopeSpans": [
                            {"scope": {"name": "lib"}, "spans": [span(name="a", fromTheFuture=[1]), span(name="b")]}
                        ],
                    }
                ]
            }
        )
    ).records
    for record in both:
        (again,) = decode_spans(record.source).records
        assert again == record
    assert both[0].resource is both[1].resource
    assert both[0].scope is both[1].scope
    assert json.loads(both[0].source)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["fromTheFuture"] == [1]


@pytest.mark.parametrize("where", ["resource", "scope"])
def test_records_whose_resource_or_scope_cannot_be_read_are_named_one_by_one(where: str) -> None:
    scopes: list[dict[str, Any]] = [{"scope": {"name": "lib"}, "spans": [span(), span()]}]
    resource: dict[str, Any] = {"scopeSpans": scopes}
    (resource if where == "resource" else scopes[0])[where] = {"attributes": 5}
    found = decode_spans(orjson.dumps({"resourceSpans": [resource, {"scopeSpans": [{"spans": [span(name="good")]}]}]}))
    assert [record.name for record in found.records] == ["good"]
    assert len(found.errors) == 2


def test_a_large_resource_is_read_as_well_as_a_small_one() -> None:
    resource = {"attributes": pairs({"process.command_line": "x" * 20_000})}
    line = orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span()]}]}]})
    (found,) = decode_spans(line).records
    assert found.resource.attributes == {"process.command_line": "x" * 20_000}
    assert found.source == line


def test_what_a_newer_protocol_adds_costs_no_span() -> None:
    line = request(span(kind=77, status={"code": 9}, attributes=[{"key": "k", "value": {"newValue": 1}}], more={}))
    (found,) = decode_spans(line).records
    assert (found.kind, found.status, found.attributes) == ("unspecified", "unset", {"k": None})


def test_a_double_that_became_null_costs_no_span() -> None:
    line = request(span(attributes=[{"key": "d", "value": {"doubleValue": None}}]))
    assert decode_spans(line).records[0].attributes == {"d": None}


def test_null_is_the_same_as_left_out() -> None:
    line = request(span(parentSpanId=None, attributes=None, events=None, status=None, kind=None, flags=None))
    (found,) = decode_spans(line).records
    assert (found.parent_span_id, found.attributes, found.events, found.kind) == (None, {}, (), "unspecified")


@pytest.mark.parametrize(
    "bad",
    [
        {"traceId": "5b8e"},
        {"traceId": "zz" * 16},
        {"traceId": "0" * 32},
        {"traceId": 5},
        {"spanId": ""},
        {"spanId": None},
        {"parentSpanId": "xyz"},
        {"name": 5},
        {"kind": "SPAN_KIND_CLIENT"},
        {"startTimeUnixNano": "soon"},
        {"startTimeUnixNano": str(2**63)},
        {"startTimeUnixNano": -1},
        {"startTimeUnixNano": True},
        {"endTimeUnixNano": 1.5},
        {"status": "bad"},
        {"events": {"name": "e"}},
        {"events": ["e"]},
        {"links": [{"traceId": "5b8e"}]},
        {"attributes": [{"key": "k", "value": 5}]},
        {"attributes": [{"key": "k", "value": {"intValue": str(2**63)}}]},
        {"attributes": [{"key": "k", "value": {"intValue": "9" * 5000}}]},
        {"attributes": [{"key": "k", "value": {"boolValue": "true"}}]},
        {"attributes": [{"key": "k", "value": {"doubleValue": "much"}}]},
        {"attributes": [{"key": "k", "value": {"doubleValue": [1]}}]},
        {"attributes": [{"key": "k", "value": {"bytesValue": "%"}}]},
    ],
    ids=str,
)
def test_a_bad_span_is_named_and_its_neighbours_are_kept(bad: dict[str, object]) -> None:
    found = decode_spans(request(span(name="before"), span(**bad), 5, span(name="after")))
    assert [record.name for record in found.records] == ["before", "after"]
    assert len(found.errors) == 2
    assert all(len(str(error)) < 200 for error in found.errors)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"5", b"[]", b"null", b"{}", b'{"resourceLogs":[]}', b'{"a":"\\ud800"}', b"\xff"]
)
def test_a_line_that_is_no_request_raises(line: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_spans(line)
    assert isinstance(caught.value, ValueError)


def test_the_reason_is_told() -> None:
    found = decode_spans(request(span(traceId="5b8e"), span(startTimeUnixNano="soon")))
    assert [str(error) for error in found.errors] == snapshot(
        ["traceId is '5b8e', not 32 hex digits", "startTimeUnixNano is 'soon', no integer"]
    )


@pytest.mark.parametrize("name", ["attributes", "fromTheFuture"])
def test_a_value_nested_without_end_is_refused_instead_of_crashing(name: str) -> None:
    value = '{"arrayValue":{"values":[' * 150 + "{}" + "]}}" * 150
    deep = f'{{"traceId":"{TRACE}","spanId":"{SPAN}","{name}":[{{"key":"k","value":{value}}}]}}'
    line = '{"resourceSpans":[{"scopeSpans":[{"spans":[%s,{"traceId":"%s","spanId":"%s","name":"other"}]}]}]}'
    found = decode_spans(line % (deep, TRACE, SPAN))
    assert [record.name for record in found.records] == ["other"]
    assert len(found.errors) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
keys = st.sampled_from(
    ["traceId", "spanId", "name", "attributes", "events", "links", "status", "kind", "flags", "startTimeUnixNano"]
)


@given(parts=st.dictionaries(keys, json_values), where=st.sampled_from(["spans", "scope", "resource", "scopeSpans"]))
def test_any_json_is_either_a_span_or_a_decode_error(parts: dict[str, Any], where: str) -> None:
    resource: dict[str, Any] = {"scopeSpans": [{"spans": [span(**parts)]}]}
    if where == "scope":
        resource["scopeSpans"][0]["scope"] = parts
    elif where != "spans":
        resource[where] = parts
    try:
        text = json.dumps({"resourceSpans": [resource]})
        found = decode_spans(text)
    except DecodeError:
        return
    assert found.records or found.errors


def test_decode_errors_belong_to_our_tree() -> None:
    assert issubclass(DecodeError, tracelm.TracelmError)
