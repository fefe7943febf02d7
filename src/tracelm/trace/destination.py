"""Where records are exported to: an OTLP endpoint, by the rules of OpenTelemetry's environment variables."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from opentelemetry.util.re import parse_env_headers

from tracelm.errors import ConfigError
from tracelm.settings import Settings
from tracelm.trace.segments import Signal

_HTTP: Final = "http/protobuf"
_GRPC: Final = "grpc"
_OTEL_SIGNAL: Final[Mapping[Signal, str]] = {"spans": "TRACES", "logs": "LOGS"}
_PATH: Final[Mapping[Signal, str]] = {"spans": "/v1/traces", "logs": "/v1/logs"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one signal is sent. The defaults of OpenTelemetry's exporters hold.

    Attributes:
        url: The full address (HTTP) or `scheme://host:port` (gRPC).
        protocol: `http/protobuf` or `grpc`.
        headers: Sent with each request; may hold credentials, and never reaches the disk.
        timeout_s: For one request, in seconds.
        gzip: Whether requests are compressed.
        certificate: File of the certificate authorities to trust, if not the system's.
        client_certificate: File of our own certificate, for mutual TLS.
        client_key: File of its key.
    """

    url: str
    protocol: Literal["http/protobuf", "grpc"]
    headers: Mapping[str, str]
    timeout_s: float
    gzip: bool
    certificate: str | None
    client_certificate: str | None
    client_key: str | None


@dataclass(frozen=True, slots=True)
class Destination:
    """One receiver of both signals.

    Attributes:
        id: Names it in segments and cursors: a hash of its addresses, without credentials.
        endpoints: How each signal is sent; a signal that is not there is not for this destination.
    """

    id: str
    endpoints: Mapping[Signal, Endpoint]


def find_destination(
    settings: Settings, *, spans_elsewhere: bool = False, env: Mapping[str, str] | None = None
) -> Destination | None:
    """Return where this process exports to, or `None` for nowhere.

    Args:
        settings: `endpoint` and `protocol` beat the environment.
        spans_elsewhere: The program has a TracerProvider of its own; what the environment says about spans is then
            that provider's business, or they would arrive twice. An `endpoint` in the settings still counts.
        env: Stands in for `os.environ`.
    """
    env = os.environ if env is None else env
    endpoints: dict[Signal, Endpoint] = {}
    for signal in _PATH:
        if signal == "spans" and spans_elsewhere and settings.endpoint is None:
            continue
        endpoint = _endpoint(signal, settings, env)
        if endpoint is not None:
            endpoints[signal] = endpoint
    if not endpoints:
        return None
    named = " ".join(f"{signal}={each.protocol}:{each.url}" for signal, each in sorted(endpoints.items()))
    return Destination(hashlib.sha256(named.encode()).hexdigest()[:16], endpoints)


def _endpoint(signal: Signal, settings: Settings, env: Mapping[str, str]) -> Endpoint | None:
    def read(name: str) -> str | None:
        return env.get(f"OTEL_EXPORTER_OTLP_{_OTEL_SIGNAL[signal]}_{name}") or env.get(f"OTEL_EXPORTER_OTLP_{name}")

    protocol = settings.protocol or read("PROTOCOL") or _HTTP
    if protocol not in {_HTTP, _GRPC}:
        raise ConfigError(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol!r} is not supported: use {_HTTP!r} or {_GRPC!r}")
    url = _url(signal, settings, env, protocol)
    if url is None:
        return None
    return Endpoint(
        url=url,
        protocol=cast('Literal["http/protobuf", "grpc"]', protocol),
        headers=parse_env_headers(read("HEADERS") or "", liberal=True),
        timeout_s=_seconds(read("TIMEOUT")),
        gzip=(read("COMPRESSION") or "gzip").strip().lower() == "gzip",
        certificate=read("CERTIFICATE"),
        client_certificate=read("CLIENT_CERTIFICATE"),
        client_key=read("CLIENT_KEY"),
    )


def _url(signal: Signal, settings: Settings, env: Mapping[str, str], protocol: str) -> str | None:
    base = settings.endpoint
    if base is None:
        own = env.get(f"OTEL_EXPORTER_OTLP_{_OTEL_SIGNAL[signal]}_ENDPOINT")
        if own:  # the specification takes this one as it is
            return own
        base = env.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not base:
        return None
    base = base.rstrip("/")
    return base if protocol == _GRPC or base.endswith(_PATH[signal]) else base + _PATH[signal]


def _seconds(text: str | None) -> float:
    try:
        return float(text) if text else 10.0
    except ValueError:
        raise ConfigError(f"OTEL_EXPORTER_OTLP_TIMEOUT={text!r} is no number of seconds") from None
