"""OTLP over gRPC: the same three services, the same way into the store.

Requests are handed on as bytes: they are read where those of HTTP are. A browser cannot speak to this port.
"""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, NoReturn, TypeAlias

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from tracelm.errors import ConfigError, DecodeError, StoreError
from tracelm.server.access.caller import Caller
from tracelm.server.access.gate import Gate, check
from tracelm.server.bodies import BodyTooLargeError
from tracelm.server.delivery import Delivery, Rejected, Signal
from tracelm.server.ingest_http import METRICS_NOT_KEPT, success_message
from tracelm.server.intake import Intake, OverloadError
from tracelm.server.options import ServerOptions
from tracelm.server.problems import Problem

_THREADS: Final = 16
_MOST_CALLS: Final = 256
_MOST_BYTES: Final = 16_000_000
"""Of one message: each thread may hold one before the intake counts it."""
_SERVICES: Final[dict[str, Signal | None]] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "spans",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": None,
}
_Metadata: TypeAlias = Iterable[tuple[str, str | bytes]]
_STATUSES: Final = {401: grpc.StatusCode.UNAUTHENTICATED, 429: grpc.StatusCode.RESOURCE_EXHAUSTED}


class GrpcIntake:
    """The gRPC server.

    Args:
        intake: Where requests go.
        gate: Lets callers in.
        options: Where it listens.

    Raises:
        ConfigError: The port cannot be used.
    """

    def __init__(self, intake: Intake, gate: Gate, *, options: ServerOptions) -> None:
        self._intake = intake
        self._gate = gate
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="tracelm-grpc"),
            options=(
                ("grpc.max_receive_message_length", min(options.max_body_bytes, _MOST_BYTES)),
                ("grpc.so_reuseport", 0),  # else two servers would share the port, and each get half of what is sent
            ),
            maximum_concurrent_rpcs=_MOST_CALLS,
        )
        self._server.add_generic_rpc_handlers((_Services(self._handler),))
        host = f"[{options.host}]" if ":" in options.host else options.host
        try:
            self.port: int = self._server.add_insecure_port(f"{host}:{options.grpc_port}")
        except RuntimeError:
            raise ConfigError(
                f"port {options.grpc_port} of {options.host} cannot be used for gRPC: end the program that has it, or "
                "give another one with --grpc-port"
            ) from None

    def start(self) -> None:
        """Begin to take requests."""
        self._server.start()

    def stop(self, timeout_s: float) -> Callable[[], Any]:
        """Refuse new requests; returns what waits for those that are under way."""
        return self._server.stop(timeout_s).wait

    def _handler(self, method: str, metadata: _Metadata) -> Any:
        """Return what answers a call; `None` for a method that there is not.

        Who is not let in is refused before his message is read: a handler of a stream does not read it by itself.
        """
        service, _, name = method.strip("/").partition("/")
        if service not in _SERVICES or name != "Export":
            return None
        try:
            self._gate.refresh()
            caller = self._gate.peek(_headers(metadata))
            is_let_in = caller is not None and "ingest" in caller.rights
        except StoreError:
            is_let_in = False
        if not is_let_in:
            refusing: Any = grpc.stream_unary_rpc_method_handler(self._refuse)  # pyright: ignore[reportUnknownVariableType]
            return refusing
        answering: Any = grpc.unary_unary_rpc_method_handler(self._answering(_SERVICES[service]))  # pyright: ignore[reportUnknownVariableType]
        return answering

    def _refuse(self, _requests: object, context: grpc.ServicerContext) -> bytes:
        with _told(context):
            self._caller(context)
        raise AssertionError("he was let in meanwhile: he may ask again")

    def _answering(self, signal: Signal | None) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            with _told(context):
                caller = self._caller(context)
                if signal is None:
                    return success_message("metrics", Rejected(0, (METRICS_NOT_KEPT,))).SerializeToString()
                delivery = Delivery(signal=signal, encoding="protobuf", body=body, projects=caller.projects)
                outcome = self._intake.submit(delivery).result()
                return success_message(signal, outcome.rejected).SerializeToString()
            raise AssertionError("abort raises")

        return export

    def _caller(self, context: grpc.ServicerContext) -> Caller:
        # `ipv4:127.0.0.1:51234`: an address without its port, as for HTTP
        address = context.peer().rpartition(":")[0].partition(":")[2]
        headers = _headers(context.invocation_metadata())
        found = self._gate.known_caller(method="POST", headers=headers, cookies={}, address=address)
        return check(found, "ingest")


class _Services(grpc.GenericRpcHandler):
    """Finds what answers a call."""

    def __init__(self, find: Callable[[str, _Metadata], Any]) -> None:
        self._find = find

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self._find(handler_call_details.method, handler_call_details.invocation_metadata)


def _headers(metadata: _Metadata) -> dict[str, str]:
    return {key: value for key, value in metadata if isinstance(value, str)}


@contextmanager
def _told(context: grpc.ServicerContext) -> Generator[None]:
    """Tell the sender why his request was not taken, in gRPC's words."""
    try:
        yield
    except Problem as problem:
        _abort(context, _STATUSES.get(problem.status, grpc.StatusCode.PERMISSION_DENIED), problem.detail)
    except OverloadError as error:
        _abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), retry_after_s=error.retry_after_s)
    except BodyTooLargeError as error:
        _abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))  # without RetryInfo: do not try again
    except DecodeError as error:
        _abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except StoreError:
        _abort(context, grpc.StatusCode.UNAVAILABLE, "the store cannot be written now", retry_after_s=5)


def _abort(
    context: grpc.ServicerContext, code: grpc.StatusCode, detail: str, *, retry_after_s: int | None = None
) -> NoReturn:
    """End the call, telling the sender whether and when to try again."""
    if retry_after_s is not None:
        info = AnyMessage()
        info.Pack(RetryInfo(retry_delay=Duration(seconds=retry_after_s)))
        status = Status(code=code.value[0], message=detail, details=[info])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, detail)
    raise AssertionError("abort raises")
