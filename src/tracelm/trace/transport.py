"""Sending one request to an OTLP endpoint, and reading what it really answered.

OpenTelemetry's own exporters take finished SDK spans and report success for a partial success, a redirect and an
answer that is no OTLP at all. We send bytes of our own, and these differences decide what may leave the journal.
"""

import gzip
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tracelm.trace.destination import Compression, Endpoint
from tracelm.trace.segments import Signal

if TYPE_CHECKING:
    import grpc
    import requests

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

    def send(self, body: bytes) -> Answer:
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
        self._connected = False
        self._session = requests.Session()
        self._session.headers.update({"content-type": "application/x-protobuf", **endpoint.headers})
        if endpoint.compression != "none":
            self._session.headers["content-encoding"] = endpoint.compression
        if endpoint.client_certificate and endpoint.client_key:
            self._session.cert = (endpoint.client_certificate, endpoint.client_key)

    def send(self, body: bytes) -> Answer:
        import requests

        try:
            try:
                response = self._post(body)
            except requests.ConnectionError:
                # The endpoint may close an idle connection at the moment at which we use it again.
                if not self._connected:
                    raise
                self._connected = False
                response = self._post(body)
        except requests.RequestException as error:
            return Answer("try_later", reason=_cause(error))
        self._connected = True
        status = response.status_code
        if 200 <= status < 300:
            return _read_answer(self._signal, response.content)
        reason = f"HTTP {status} from {self._endpoint.address}"
        if status in _SPLIT:
            return Answer("too_large" if status == 413 else "refused", reason=reason)
        return Answer("try_later", reason=reason, retry_after_s=_seconds(response.headers.get("retry-after")))

    def _post(self, body: bytes) -> "requests.Response":
        # A redirect is not followed: the records were promised to this address.
        return self._session.post(
            self._endpoint.url,
            data=_compress(self._endpoint.compression, body),
            timeout=self._endpoint.timeout_s,
            allow_redirects=False,
            # Given with each request: over what a session says, requests prefers REQUESTS_CA_BUNDLE.
            verify=self._endpoint.certificate,
        )

    def close(self) -> None:
        self._session.close()


class _Grpc:
    def __init__(self, endpoint: Endpoint, signal: Signal) -> None:
        import grpc

        self._endpoint = endpoint
        self._signal: Signal = signal
        self._metadata = tuple((name.lower(), value) for name, value in endpoint.headers.items())
        address = urlsplit(endpoint.url)
        target = address.netloc.rpartition("@")[2]
        compression = {
            "none": grpc.Compression.NoCompression,
            "gzip": grpc.Compression.Gzip,
            "deflate": grpc.Compression.Deflate,
        }[endpoint.compression]
        if address.scheme == "https":
            self._channel = grpc.secure_channel(target, _credentials(endpoint), compression=compression)
        else:
            self._channel = grpc.insecure_channel(target, compression=compression)
        self._call: Any = self._channel.unary_unary(_SERVICE[signal])

    def send(self, body: bytes) -> Answer:
        import grpc

        try:
            answer: bytes = self._call(body, timeout=self._endpoint.timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            code = getattr(error, "code", lambda: None)()
            name = getattr(code, "name", "UNKNOWN")
            reason = f"gRPC {name} from {self._endpoint.address}"
            asked = _retry_info(error)
            # RESOURCE_EXHAUSTED with a time to wait is short of something for now; without one we sent too much.
            if name not in _GRPC_SPLIT or asked is not None:
                return Answer("try_later", reason=reason, retry_after_s=asked)
            return Answer("too_large" if name == "RESOURCE_EXHAUSTED" else "refused", reason=reason)
        except ValueError as error:  # the channel was closed meanwhile
            return Answer("try_later", reason=str(error))
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


def _compress(how: Compression, body: bytes) -> bytes:
    if how == "gzip":
        return gzip.compress(body, 1)
    return zlib.compress(body, 1) if how == "deflate" else body


def _cause(error: Exception) -> str:
    """Say what went wrong in the network, without what `requests` adds: its texts repeat the URL and the headers."""
    found: BaseException | None = error
    said = ""
    while found is not None:
        if isinstance(found, OSError) and type(found).__module__ in {"builtins", "socket", "ssl", "http.client"}:
            said = f": {found}"
        found = found.__cause__ or found.__context__
    return f"{type(error).__name__}{said}"


def _retry_info(error: "grpc.RpcError") -> float | None:
    """Return how long the endpoint asks to wait, in seconds, from the `google.rpc.RetryInfo` of a gRPC error."""
    from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
    from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

    trailing: Any = getattr(error, "trailing_metadata", lambda: None)() or ()
    for key, value in trailing:
        if key != "grpc-status-details-bin":
            continue
        try:
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    return max(float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9), 0.0)
        except DecodeError:
            return None
    return None


def _seconds(text: str | None) -> float | None:
    try:
        return max(float(text), 0.0) if text else None
    except ValueError:  # a date: the ordinary waiting time will do
        return None
