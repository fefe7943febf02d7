"""OTLP over gRPC: the same three services, the same way into the store.

Requests are handed on as bytes: they are read where those of HTTP are. A browser cannot speak to this port.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NoReturn

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
_SERVICES: Final[dict[str, Signal | None]] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "spans",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": None,
}
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
                ("grpc.max_receive_message_length", options.max_body_bytes),
                ("grpc.so_reuseport", 0),  # else two servers would share the port, and each get half of what is sent
            ),
            maximum_concurrent_rpcs=_MOST_CALLS,
        )
        for service, signal in _SERVICES.items():
            handler: Any = grpc.unary_unary_rpc_method_handler(self._answering(signal))  # pyright: ignore[reportUnknownVariableType]
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
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

    def _answering(self, signal: Signal | None) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                caller = self._caller(context)
                if signal is None:
                    return success_message("metrics", Rejected(0, (METRICS_NOT_KEPT,))).SerializeToString()
                delivery = Delivery(signal=signal, encoding="protobuf", body=body, projects=caller.projects)
                outcome = self._intake.submit(delivery).result()
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
            return success_message(signal, outcome.rejected).SerializeToString()

        return export

    def _caller(self, context: grpc.ServicerContext) -> Caller:
        metadata: Sequence[tuple[str, str | bytes]] = context.invocation_metadata()
        headers = {key: value for key, value in metadata if isinstance(value, str)}
        # `ipv4:127.0.0.1:51234`: an address without its port, as for HTTP
        address = context.peer().rpartition(":")[0].partition(":")[2]
        self._gate.refresh()
        found = self._gate.known_caller(method="POST", headers=headers, cookies={}, address=address)
        return check(found, "ingest")


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
