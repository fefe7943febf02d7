"""Lines of OTLP/JSON as protobuf requests, the form in which collectors take them.

A journal line is already an export request with one record. A request for the network holds many of them, merged
only where neighbours share resource and scope, so that the order and every field stay as recorded.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
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
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

_NO_NUMBERS: Final = {"NaN", "Infinity", "-Infinity"}


def trace_request(lines: Iterable[bytes]) -> ExportTraceServiceRequest:
    """Build one request from journal lines of spans.

    Raises:
        ValueError, KeyError: A line is no OTLP/JSON.
    """
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=_resource(of.get("resource")),
                scope_spans=[
                    ScopeSpans(
                        scope=_scope(by.get("scope")), spans=map(_span, spans), schema_url=by.get("schemaUrl", "")
                    )
                ],
                schema_url=of.get("schemaUrl", ""),
            )
            for of, by, spans in _groups(lines, "resourceSpans", "scopeSpans", "spans")
        ]
    )


def logs_request(lines: Iterable[bytes]) -> ExportLogsServiceRequest:
    """Build one request from journal lines of log records.

    Raises:
        ValueError, KeyError: A line is no OTLP/JSON.
    """
    return ExportLogsServiceRequest(
        resource_logs=[
            ResourceLogs(
                resource=_resource(of.get("resource")),
                scope_logs=[
                    ScopeLogs(
                        scope=_scope(by.get("scope")),
                        log_records=map(_log_record, records),
                        schema_url=by.get("schemaUrl", ""),
                    )
                ],
                schema_url=of.get("schemaUrl", ""),
            )
            for of, by, records in _groups(lines, "resourceLogs", "scopeLogs", "logRecords")
        ]
    )


def _groups(lines: Iterable[bytes], resources: str, scopes: str, records: str) -> list[tuple[Any, Any, list[Any]]]:
    """Return resource, scope and records of the lines; neighbours with the same resource and scope are one group."""
    groups: list[tuple[Any, Any, list[Any]]] = []
    for line in lines:
        for of_resource in orjson.loads(line)[resources]:
            for of_scope in of_resource[scopes]:
                source = _without(of_resource, scopes), _without(of_scope, records)
                if not groups or groups[-1][:2] != source:
                    groups.append((*source, []))
                groups[-1][2].extend(of_scope[records])
    return groups


def _without(part: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != key}


def _resource(resource: Mapping[str, Any] | None) -> Resource:
    resource = resource or {}
    return Resource(
        attributes=_attributes(resource),
        dropped_attributes_count=resource.get("droppedAttributesCount", 0),
        entity_refs=[
            EntityRef(
                schema_url=each.get("schemaUrl", ""),
                type=each.get("type", ""),
                id_keys=each.get("idKeys", ()),
                description_keys=each.get("descriptionKeys", ()),
            )
            for each in resource.get("entityRefs", ())
        ],
    )


def _scope(scope: Mapping[str, Any] | None) -> InstrumentationScope:
    scope = scope or {}
    return InstrumentationScope(
        name=scope.get("name", ""),
        version=scope.get("version", ""),
        attributes=_attributes(scope),
        dropped_attributes_count=scope.get("droppedAttributesCount", 0),
    )


def _span(span: Mapping[str, Any]) -> Span:
    status = span.get("status", {})
    return Span(
        trace_id=bytes.fromhex(span["traceId"]),
        span_id=bytes.fromhex(span["spanId"]),
        parent_span_id=bytes.fromhex(span.get("parentSpanId", "")),
        trace_state=span.get("traceState", ""),
        flags=span.get("flags", 0),
        name=span["name"],
        kind=span["kind"],
        start_time_unix_nano=int(span["startTimeUnixNano"]),
        end_time_unix_nano=int(span["endTimeUnixNano"]),
        attributes=_attributes(span),
        dropped_attributes_count=span.get("droppedAttributesCount", 0),
        events=[_event(each) for each in span.get("events", ())],
        dropped_events_count=span.get("droppedEventsCount", 0),
        links=[_link(each) for each in span.get("links", ())],
        dropped_links_count=span.get("droppedLinksCount", 0),
        status=Status(code=status.get("code", 0), message=status.get("message", "")),
    )


def _event(event: Mapping[str, Any]) -> Span.Event:
    return Span.Event(
        name=event["name"],
        time_unix_nano=int(event["timeUnixNano"]),
        attributes=_attributes(event),
        dropped_attributes_count=event.get("droppedAttributesCount", 0),
    )


def _link(link: Mapping[str, Any]) -> Span.Link:
    return Span.Link(
        trace_id=bytes.fromhex(link.get("traceId", "")),
        span_id=bytes.fromhex(link.get("spanId", "")),
        trace_state=link.get("traceState", ""),
        flags=link.get("flags", 0),
        attributes=_attributes(link),
        dropped_attributes_count=link.get("droppedAttributesCount", 0),
    )


def _log_record(record: Mapping[str, Any]) -> LogRecord:
    return LogRecord(
        time_unix_nano=int(record.get("timeUnixNano", 0)),
        observed_time_unix_nano=int(record.get("observedTimeUnixNano", 0)),
        severity_number=record.get("severityNumber", 0),
        severity_text=record.get("severityText", ""),
        body=_any_value(record["body"]) if "body" in record else None,
        attributes=_attributes(record),
        dropped_attributes_count=record.get("droppedAttributesCount", 0),
        flags=record.get("flags", 0),
        trace_id=bytes.fromhex(record.get("traceId", "")),
        span_id=bytes.fromhex(record.get("spanId", "")),
        event_name=record.get("eventName", ""),
    )


def _attributes(holder: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=each["key"], value=_any_value(each["value"])) for each in holder.get("attributes", ())]


def _any_value(value: Mapping[str, Any]) -> AnyValue:
    for kind, held in value.items():
        match kind:
            case "stringValue":
                return AnyValue(string_value=held)
            case "boolValue":
                return AnyValue(bool_value=held)
            case "intValue":
                return AnyValue(int_value=int(held))
            case "doubleValue":
                return AnyValue(double_value=float(held) if held in _NO_NUMBERS else held)
            case "bytesValue":
                return AnyValue(bytes_value=base64.b64decode(held))
            case "arrayValue":
                return AnyValue(array_value=ArrayValue(values=[_any_value(each) for each in held.get("values", ())]))
            case "kvlistValue":
                pairs = [KeyValue(key=each["key"], value=_any_value(each["value"])) for each in held.get("values", ())]
                return AnyValue(kvlist_value=KeyValueList(values=pairs))
            case _:
                raise ValueError(f"{kind!r} is no kind of attribute value")
    return AnyValue()
