"""Where records are exported to: an OTLP endpoint, by the rules of OpenTelemetry's environment variables."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import SplitResult, urlsplit

from opentelemetry.util.re import parse_env_headers

from tracelm.errors import ConfigError
from tracelm.settings import Settings
from tracelm.trace.segments import Signal

_HTTP: Final = "http/protobuf"
_GRPC: Final = "grpc"
_OTEL_SIGNAL: Final[Mapping[Signal, str]] = {"spans": "TRACES", "logs": "LOGS"}
Compression: TypeAlias = Literal["none", "gzip", "deflate"]
_COMPRESSIONS: Final[Mapping[str, Compression]] = {"none": "none", "gzip": "gzip", "deflate": "deflate"}
_PATH: Final[Mapping[Signal, str]] = {"spans": "/v1/traces", "logs": "/v1/logs"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one signal is sent. The defaults of OpenTelemetry's exporters hold.

    Attributes:
        url: The full address (HTTP) or `scheme://host:port` (gRPC); may hold credentials, see `address`.
        protocol: `http/protobuf` or `grpc`.
        headers: Sent with each request; may hold credentials, and never reaches the disk.
        timeout_s: For one request, in seconds.
        compression: How requests are compressed.
        certificate: File of the certificate authorities to trust, if not the system's.
        client_certificate: File of our own certificate, for mutual TLS.
        client_key: File of its key.
    """

    url: str
    protocol: Literal["http/protobuf", "grpc"]
    headers: Mapping[str, str]
    timeout_s: float
    compression: Compression
    certificate: str | None
    client_certificate: str | None
    client_key: str | None

    @property
    def address(self) -> str:
        """The URL without user, password and query: for people, and for what reaches the disk."""
        return _without_credentials(self.url)


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
    named = " ".join(f"{signal}={each.protocol}:{each.address}" for signal, each in sorted(endpoints.items()))
    return Destination(hashlib.sha256(named.encode()).hexdigest()[:16], endpoints)


def _endpoint(signal: Signal, settings: Settings, env: Mapping[str, str]) -> Endpoint | None:
    def find(name: str) -> tuple[str, str | None]:
        own = f"OTEL_EXPORTER_OTLP_{_OTEL_SIGNAL[signal]}_{name}"
        return (
            (own, env[own]) if env.get(own) else (f"OTEL_EXPORTER_OTLP_{name}", env.get(f"OTEL_EXPORTER_OTLP_{name}"))
        )

    if settings.endpoint is None and not _is_wanted(env.get(f"OTEL_{_OTEL_SIGNAL[signal]}_EXPORTER")):
        return None
    variable, value = find("PROTOCOL")
    protocol = settings.protocol or value or _HTTP
    if protocol not in {_HTTP, _GRPC}:
        raise ConfigError(f"{variable}={protocol!r} is not supported: use {_HTTP!r} or {_GRPC!r}")
    url = _url(signal, settings, env, protocol)
    if url is None:
        return None
    return Endpoint(
        url=url,
        protocol=cast('Literal["http/protobuf", "grpc"]', protocol),
        headers=parse_env_headers(find("HEADERS")[1] or "", liberal=True),
        timeout_s=_seconds(*find("TIMEOUT")),
        compression=_compression(*find("COMPRESSION")),
        certificate=_file(*find("CERTIFICATE")),
        client_certificate=_file(*find("CLIENT_CERTIFICATE")),
        client_key=_file(*find("CLIENT_KEY")),
    )


def _is_wanted(exporters: str | None) -> bool:
    """Read `OTEL_TRACES_EXPORTER`: a list of names; `console` and other receivers are not ours."""
    names = {name.strip().lower() for name in (exporters or "otlp").split(",")} - {""}
    return not names or bool(names & {"otlp", "otlp_proto_http", "otlp_proto_grpc"})


def _url(signal: Signal, settings: Settings, env: Mapping[str, str], protocol: str) -> str | None:
    variable, given, whole = "endpoint", settings.endpoint, False
    if given is None:
        variable = f"OTEL_EXPORTER_OTLP_{_OTEL_SIGNAL[signal]}_ENDPOINT"
        given, whole = env.get(variable), True  # the specification takes this one as it is
    if not given:
        variable, whole = "OTEL_EXPORTER_OTLP_ENDPOINT", False
        given = env.get(variable)
    if not given:
        return None
    parts = _split(variable, given.strip(), protocol, insecure=_insecure(signal, env))
    if protocol == _GRPC:
        return parts._replace(path="", query="", fragment="").geturl()
    path = parts.path.rstrip("/")
    if not whole and not path.endswith(_PATH[signal]):
        parts = parts._replace(path=path + _PATH[signal])
    return parts.geturl()


def _split(variable: str, url: str, protocol: str, *, insecure: bool) -> SplitResult:
    if protocol == _GRPC and "://" not in url:  # OpenTelemetry allows host:port there
        url = f"{'http' if insecure else 'https'}://{url}"
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half of an IPv6 address
        known = False
    if not known:
        raise ConfigError(
            f"{variable}={_without_credentials(url)!r} is no address of a collector: write it with http:// or https:// "
            "and a host, for example 'http://localhost:4318'"
        )
    return urlsplit(url)


def _insecure(signal: Signal, env: Mapping[str, str]) -> bool:
    own = env.get(f"OTEL_EXPORTER_OTLP_{_OTEL_SIGNAL[signal]}_INSECURE")
    return (own or env.get("OTEL_EXPORTER_OTLP_INSECURE") or "").strip().lower() == "true"


def _without_credentials(url: str) -> str:
    """Cut user, password, query and fragment out, also of what is no URL."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    rest = rest.partition("?")[0].partition("#")[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def _compression(variable: str, text: str | None) -> Compression:
    wanted = (text or "gzip").strip().lower()
    if wanted not in _COMPRESSIONS:
        raise ConfigError(f"{variable}={text!r} is not known: use 'gzip', 'deflate' or 'none'")
    return _COMPRESSIONS[wanted]


def _file(variable: str, path: str | None) -> str | None:
    if path is not None and not os.access(path, os.R_OK):
        raise ConfigError(f"{variable}={path!r} cannot be read: name a PEM file that this user may read")
    return path


def _seconds(variable: str, text: str | None) -> float:
    try:
        seconds = float(text) if text else 10.0
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{variable}={text!r} is no number of seconds above 0")
    return seconds
