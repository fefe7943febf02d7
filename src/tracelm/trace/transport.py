"""Sending one request to an OTLP endpoint, and reading what it really answered.

OpenTelemetry's own exporters take finished SDK spans and report success for a partial success, a redirect and an
answer that is no OTLP at all. We send bytes of our own, and these differences decide what may leave the journal.
"""

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tracelm.trace.destination import Endpoint
from tracelm.trace.segments import Signal

if TYPE_CHECKING:
    import grpc

Outcome: TypeAlias = Literal["accepted", "try_later", "too_large", "refused"]

_SERVICE: Final = {
    "spans": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_SPLIT: Final = frozenset({400, 413, 422})
"""Answers about the content of a request: a smaller one may pass."""
_GRPC_SPLIT: Final = frozenset({"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "OUT_OF_RANGE"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request.

    Attributes:
        outcome: `accepted`; `try_later` (the endpoint cannot now, or is not what it should be); `too_large` or
            `refused` (it cannot take this content: send less of it, or give up the record).
        rejected: Records of an accepted request that the endpoint says it threw away.
        reason: For people.
        retry_after_s: What the endpoint asks to wait, in seconds.
    """

    outcome: Outcome
    rejected: int = 0
    reason: str = ""
    retry_after_s: float | None = None


class Transport(Protocol):
    """A connection to an endpoint, for one signal."""

    def send(self, body: bytes, *, timeout_s: float) -> Answer:
        """Send a serialized export request; never raises for what the network or the endpoint does."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


def connect(endpoint: Endpoint, signal: Signal) -> Transport:
    """Return a transport; nothing is sent before the first request."""
    return _Grpc(endpoint, signal) if endpoint.protocol == "grpc" else _Http(endpoint, signal)


class _Http:
    def __init__(self, endpoint: Endpoint, signal: Signal) -> None:
        import requests

        self._endpoint = endpoint
        self._signal: Signal = signal
        self._session = requests.Session()
        self._session.headers.update({"content-type": "application/x-protobuf", **endpoint.headers})
        if endpoint.gzip:
            self._session.headers["content-encoding"] = "gzip"
        if endpoint.certificate:
            self._session.verify = endpoint.certificate
        if endpoint.client_certificate and endpoint.client_key:
            self._session.cert = (endpoint.client_certificate, endpoint.client_key)

    def send(self, body: bytes, *, timeout_s: float) -> Answer:
        import requests

        try:
            # A redirect is not followed: the records were promised to this address.
            response = self._session.post(
                self._endpoint.url,
                data=gzip.compress(body, 1) if self._endpoint.gzip else body,
                timeout=min(timeout_s, self._endpoint.timeout_s),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return Answer("try_later", reason=f"{type(error).__name__}: {error}")
        status = response.status_code
        if 200 <= status < 300:
            return _read_answer(self._signal, response.content)
        reason = f"HTTP {status} from {self._endpoint.url}"
        if status in _SPLIT:
            return Answer("too_large" if status == 413 else "refused", reason=reason)
        return Answer("try_later", reason=reason, retry_after_s=_seconds(response.headers.get("retry-after")))

    def close(self) -> None:
        self._session.close()


class _Grpc:
    def __init__(self, endpoint: Endpoint, signal: Signal) -> None:
        import grpc

        self._endpoint = endpoint
        self._signal: Signal = signal
        self._metadata = tuple((name.lower(), value) for name, value in endpoint.headers.items())
        address = urlsplit(endpoint.url)
        target = address.netloc or endpoint.url
        compression = grpc.Compression.Gzip if endpoint.gzip else grpc.Compression.NoCompression
        if address.scheme == "https":
            self._channel = grpc.secure_channel(target, _credentials(endpoint), compression=compression)
        else:
            self._channel = grpc.insecure_channel(target, compression=compression)
        self._call: Any = self._channel.unary_unary(_SERVICE[signal])

    def send(self, body: bytes, *, timeout_s: float) -> Answer:
        import grpc

        try:
            answer: bytes = self._call(body, timeout=min(timeout_s, self._endpoint.timeout_s), metadata=self._metadata)
        except grpc.RpcError as error:
            code = getattr(error, "code", lambda: None)()
            name = getattr(code, "name", "UNKNOWN")
            reason = f"gRPC {name} from {self._endpoint.url}"
            if name not in _GRPC_SPLIT:
                return Answer("try_later", reason=reason)
            return Answer("too_large" if name == "RESOURCE_EXHAUSTED" else "refused", reason=reason)
        return _read_answer(self._signal, answer)

    def close(self) -> None:
        self._channel.close()


def _read_answer(signal: Signal, body: bytes) -> Answer:
    try:
        if signal == "spans":
            partial_spans = ExportTraceServiceResponse.FromString(body).partial_success
            rejected, reason = partial_spans.rejected_spans, partial_spans.error_message
        else:
            partial_logs = ExportLogsServiceResponse.FromString(body).partial_success
            rejected, reason = partial_logs.rejected_log_records, partial_logs.error_message
    except DecodeError:
        return Answer("try_later", reason="the answer is no OTLP: is the endpoint a collector?")
    return Answer("accepted", rejected=max(rejected, 0), reason=reason)


def _credentials(endpoint: Endpoint) -> "grpc.ChannelCredentials":
    import grpc

    return grpc.ssl_channel_credentials(
        root_certificates=_read(endpoint.certificate),
        private_key=_read(endpoint.client_key),
        certificate_chain=_read(endpoint.client_certificate),
    )


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:  # noqa: PTH123 - a path from the environment, as it is
        return file.read()


def _seconds(text: str | None) -> float | None:
    try:
        return max(float(text), 0.0) if text else None
    except ValueError:  # a date: the ordinary waiting time will do
        return None
