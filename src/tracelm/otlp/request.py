"""Stand-in until the branch that reads requests is merged."""

import base64
from typing import Literal

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracelm.errors import DecodeError
from tracelm.otlp.decode import Decoded, decode_logs, decode_spans
from tracelm.otlp.records import LogRecord, SpanRecord


def _hexed(found):
    if isinstance(found, list):
        return [_hexed(e) for e in found]
    if isinstance(found, dict):
        return {
            k: base64.b64decode(v).hex() if k in ("traceId", "spanId", "parentSpanId") else _hexed(v)
            for k, v in found.items()
        }
    return found


def _json(body, kind, encoding, key):
    if encoding == "json":
        return body
    try:
        d = MessageToDict(kind.FromString(body), use_integers_for_enums=True)
    except Exception as e:
        raise DecodeError(f"no protobuf: {e}") from None
    d.setdefault(key, [])
    return orjson.dumps(_hexed(d))


def decode_trace_request(body: bytes, *, encoding: Literal["protobuf", "json"]) -> Decoded[SpanRecord]:
    return decode_spans(_json(body, ExportTraceServiceRequest, encoding, "resourceSpans"))


def decode_logs_request(body: bytes, *, encoding: Literal["protobuf", "json"]) -> Decoded[LogRecord]:
    return decode_logs(_json(body, ExportLogsServiceRequest, encoding, "resourceLogs"))
