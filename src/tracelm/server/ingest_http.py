"""OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp."""

import asyncio
from typing import Final, Literal, TypeAlias

import orjson
from fastapi import APIRouter, Request, Response
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from tracelm.errors import DecodeError, StoreError
from tracelm.server.access.caller import Caller
from tracelm.server.access.rule import BasicSender, Sender
from tracelm.server.bodies import ENCODINGS, BodyTooLargeError
from tracelm.server.delivery import Delivery, Encoding, Rejected, Signal
from tracelm.server.intake import OverloadError
from tracelm.server.problems import Problem
from tracelm.server.state import ServerState

router: Final = APIRouter(include_in_schema=False)
Answer: TypeAlias = Literal["spans", "logs", "metrics"]

_LANGFUSE: Final = "/api/public/otel/v1/traces"
METRICS_NOT_KEPT: Final = "tracelm keeps spans and log records; metrics are not kept"
_ENCODINGS: Final[dict[str, Encoding]] = {"application/x-protobuf": "protobuf", "application/json": "json"}
_MEDIA_TYPES: Final[dict[Encoding, str]] = {encoding: media for media, encoding in _ENCODINGS.items()}


@router.post("/v1/traces")
async def traces(request: Request, caller: Sender) -> Response:
    """Take spans."""
    return await _take(request, caller, "spans")


@router.post(_LANGFUSE)
async def traces_of_langfuse(request: Request, caller: BasicSender) -> Response:
    """Take spans where Langfuse's SDK sends them, with its way to show a key."""
    return await _take(request, caller, "spans")


@router.post("/v1/logs")
async def logs(request: Request, caller: Sender) -> Response:
    """Take log records."""
    return await _take(request, caller, "logs")


@router.post("/v1/metrics")
async def metrics(request: Request, _caller: Sender) -> Response:
    """Say that metrics are not kept, so that a sender does not try again."""
    encoding = encoding_of(request)
    if encoding is None:
        raise Problem(415, f"send {' or '.join(_ENCODINGS)}")
    async for _part in request.stream():
        pass  # an answer before the end of the body would look like a broken connection
    return success(encoding, "metrics", Rejected(0, (METRICS_NOT_KEPT,)))


async def _take(request: Request, caller: Caller, signal: Signal) -> Response:
    state: ServerState = request.app.state.server
    encoding = encoding_of(request)
    if encoding is None:
        raise Problem(415, f"send {' or '.join(_ENCODINGS)}")
    compression = request.headers.get("content-encoding", "").strip().lower()
    if compression not in ENCODINGS:
        raise Problem(415, f"Content-Encoding {compression!r} is not known here: send gzip, deflate or nothing")
    body = await body_of(request, state)
    delivery = Delivery(signal=signal, encoding=encoding, body=body, compression=compression, projects=caller.projects)
    try:
        outcome = await asyncio.wrap_future(state.intake.submit(delivery))
    except OverloadError as error:
        raise busy(error) from None
    except BodyTooLargeError as error:
        raise Problem(413, str(error)) from None
    except DecodeError as error:
        raise Problem(400, str(error)) from None
    except StoreError:
        raise Problem(503, "the store cannot be written at the moment", headers={"retry-after": "5"}) from None
    return success(encoding, signal, outcome.rejected)


def is_otlp(path: str) -> bool:
    """Whether OTLP is spoken at a path, with its bounds and its form of errors."""
    return path.startswith("/v1/") or path == _LANGFUSE


def busy(error: OverloadError) -> Problem:
    """Return the answer to a sender who has to wait."""
    return Problem(503, str(error), headers={"retry-after": str(error.retry_after_s)})


def encoding_of(request: Request) -> Encoding | None:
    """Return how a request is encoded, by its Content-Type."""
    return _ENCODINGS.get(request.headers.get("content-type", "").split(";")[0].strip().lower())


async def body_of(request: Request, state: ServerState, *, remedy: str = "send smaller batches") -> bytes:
    """Read a large body, as long as it is not too large and there is room for it.

    Args:
        request: Whose caller was let in: nothing of it is read before.
        state: Which says how much there is room for.
        remedy: What helps where it is too large.

    Raises:
        Problem: It is too large, or too much is read at the moment.
    """
    most = state.options.max_body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise Problem(413, f"the request is larger than {most:,} bytes: {remedy}")
    parts: list[bytes] = []
    held = 0
    try:
        async for part in request.stream():
            if held + len(part) > most:
                raise Problem(413, f"the request is larger than {most:,} bytes: {remedy}")
            state.intake.hold(len(part))
            held += len(part)
            parts.append(part)
    except OverloadError as error:
        raise busy(error) from None
    finally:
        state.intake.release(held)
    return b"".join(parts)


def success(encoding: Encoding, signal: Answer, rejected: Rejected) -> Response:
    """Return the answer to a request that was taken, wholly or in part."""
    if encoding == "protobuf":
        return Response(success_message(signal, rejected).SerializeToString(), media_type=_MEDIA_TYPES[encoding])
    names = {"spans": "rejectedSpans", "logs": "rejectedLogRecords", "metrics": "rejectedDataPoints"}
    document: dict[str, object] = {}
    if rejected.reasons:
        document["partialSuccess"] = {names[signal]: str(rejected.count), "errorMessage": rejected.message}
    return Response(orjson.dumps(document), media_type=_MEDIA_TYPES[encoding])


def success_message(signal: Answer, rejected: Rejected) -> Message:
    """Return the answer as protobuf has it."""
    said = rejected.message
    if not rejected.reasons:
        return ExportTraceServiceResponse()  # an empty message is the same bytes for all signals
    if signal == "spans":
        spans = ExportTracePartialSuccess(rejected_spans=rejected.count, error_message=said)
        return ExportTraceServiceResponse(partial_success=spans)
    if signal == "logs":
        records = ExportLogsPartialSuccess(rejected_log_records=rejected.count, error_message=said)
        return ExportLogsServiceResponse(partial_success=records)
    points = ExportMetricsPartialSuccess(rejected_data_points=rejected.count, error_message=said)
    return ExportMetricsServiceResponse(partial_success=points)


def failure(request: Request, problem: Problem) -> Response:
    """Return a problem in OTLP's form: a `google.rpc.Status` in the encoding of the request."""
    if encoding_of(request) == "protobuf":
        body = Status(code=_CODES.get(problem.status, 2), message=problem.detail).SerializeToString()
    else:
        body = orjson.dumps({"code": _CODES.get(problem.status, 2), "message": problem.detail})
    media = _MEDIA_TYPES[encoding_of(request) or "json"]
    return Response(body, problem.status, headers=problem.headers, media_type=media)


_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3, 415: 3, 421: 7, 429: 8, 500: 13, 503: 14}
"""gRPC's numbers for the same."""
