"""The one table of settings: argument beats environment beats default.

Adding a setting is one field here: `init`, the environment variable `TRACELM_<NAME>`, `tracelm doctor` and the
reference in the docs all read this table.
"""

import logging
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from tracelm.errors import ConfigError

_log: Final = logging.getLogger("tracelm")
_OTEL_EVENT: Final = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "stream_usage": ("estimate", "inject", "leave"),
    "metric_names": ("latest", "1.41", "both"),
    "details_event": ("off", "on", "content"),
}
_OTEL_CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def default_home() -> Path:
    """Return the user's data folder for tracelm, as the operating system names it."""
    from platformdirs import user_data_path

    return user_data_path("tracelm", appauthor=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How this process records."""

    project: str = field(metadata={"env": False})
    """What the traces belong to. Recorded as `tracelm.project`, and as `service.name` unless that is set."""
    home: Path = field(default_factory=default_home)
    """Folder of the journal and of the default store."""
    endpoint: str | None = None
    """Base URL of an OTLP collector (`http://host:4318`). Unset: `OTEL_EXPORTER_OTLP_ENDPOINT`, else none."""
    protocol: str | None = None
    """`http/protobuf` or `grpc`. Unset: `OTEL_EXPORTER_OTLP_PROTOCOL`, else `http/protobuf`."""
    store_url: str | None = None
    """Where `tracelm.open_store()` looks. Unset: `sqlite:///<home>/tracelm.db`."""
    url: str | None = None
    """Address of a tracelm server (`http://host:4318`) that `tracelm.open_store()` and the command line ask instead. It
    gets the key in `TRACELM_API_KEY`. What is recorded goes there only if `endpoint` says so too."""
    capture_content: bool = True
    """Record inputs, outputs, prompts and replies. When off: names, times, tokens and costs only. Unset:
    `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`, else on."""
    max_attribute_bytes: int = 64_000
    """Longer values are cut and marked, never dropped. 0 means no limit."""
    redact: tuple[str | re.Pattern[str] | Callable[[str], str], ...] = ()
    """What is secret besides the defaults: names, compiled regular expressions, functions from text to text. The
    variable holds names, separated by commas."""
    media_max_bytes: int = 20_000_000
    """Larger images and sounds are described, not kept; in bytes, each."""
    segment_max_bytes: int = 16_000_000
    """A journal segment that grew past this many bytes is closed, and indexed in the background."""
    journal_max_bytes: int = 1_000_000_000
    """When the journal holds more bytes, what is closed is moved into the store: never dropped."""
    shutdown_timeout_s: float = 5.0
    """How long the end of the program may wait for a collector, in seconds."""
    stream_usage: str = "estimate"
    """What to do about a streamed chat completion that will not say how many tokens it takes: `estimate` counts them
    and marks them, where the tokenizer is on this machine; `inject` asks for them (`stream_options.include_usage`) and
    hides the additional chunk; `leave` does neither."""
    metric_names: str = "latest"
    """Under which names the calls of models are measured, where the program has a MeterProvider: `latest`, `1.41`
    (what OpenTelemetry's own instrumentations write), or `both`. Unset: `both` where `OTEL_SEMCONV_STABILITY_OPT_IN`
    has `gen_ai/dup`, else `latest`."""
    details_event: str = "off"
    """Also write the event `gen_ai.client.inference.operation.details` for each call of a model, and
    `gen_ai.client.operation.exception` for one that raised: `on`, with content where spans have it; `content`, with
    content even where spans have none; `off`. Unset:
    `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` and `OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT`, else off."""
    propagate_threads: bool = True
    """Carry the current span into threads and thread pools, so that their spans are its children."""
    patch: bool = True
    """Patch the client libraries for which an integration is installed."""
    integrations: tuple[str, ...] = ()
    """Instrumentors of others to apply, which are installed: `openinference:crewai`, `openllmetry:chromadb`,
    `opentelemetry:httpx`. The variable holds them separated by commas."""
    sample_rate: float | None = None
    """Share of the traces to record, 0 to 1, decided where a trace begins. Unset: `OTEL_TRACES_SAMPLER`, else 1."""
    keep_errors: bool = False
    """Record traces that were not sampled too when they fail: held in memory until they end."""
    disabled: bool = False
    """Record nothing: ops run as plain functions."""

    def __post_init__(self) -> None:
        _check_project(self.project)
        if self.endpoint is not None and not self.endpoint.startswith(("http://", "https://")):
            raise ConfigError(
                f"endpoint={self.endpoint!r} is no URL: give the collector's base address, "
                "for example 'http://localhost:4318'"
            )
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ConfigError(
                f"url={self.url!r} is no address of a tracelm server: give the one that `tracelm serve` prints, for "
                "example 'http://127.0.0.1:4318'; a database is named with store_url"
            )
        if self.protocol not in {None, "http/protobuf", "grpc"}:
            raise ConfigError(f"protocol={self.protocol!r} is not known: use 'http/protobuf' or 'grpc'")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"{name}={getattr(self, name)!r} is not known: use {', '.join(map(repr, known))}")
        for name in ("max_attribute_bytes", "media_max_bytes", "segment_max_bytes", "shutdown_timeout_s"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise ConfigError(f"{name}={value!r} cannot work: give a number that is 0 or more")

        if self.sample_rate is not None and not 0 <= self.sample_rate <= 1:
            raise ConfigError(f"sample_rate={self.sample_rate!r} cannot work: give a share between 0 and 1")

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Fill what the caller left out (or gave as `None`) from the environment.

        Raises:
            ConfigError: A variable cannot be read as its type; the message names the variable.
        """
        env = os.environ if env is None else env
        values = {name: value for name, value in given.items() if value is not None}
        for entry in fields(cls):
            variable = env_variable(entry.name)
            if entry.metadata.get("env", True) and entry.name not in values and env.get(variable):
                values[entry.name] = _PARSERS[entry.type](variable, env[variable])
        content = env.get(_OTEL_CONTENT, "").strip()
        if content:
            values.setdefault("capture_content", _captures_in_spans(content))
        event = _details_event(content.lower(), env.get(_OTEL_EVENT, "").strip().lower())
        if event is not None:
            values.setdefault("details_event", event)
        if "gen_ai/dup" in [each.strip() for each in env.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").split(",")]:
            values.setdefault("metric_names", "both")
        if "home" in values:
            values["home"] = Path(values["home"]).expanduser().absolute()
        return cls(**values)


def env_variable(name: str) -> str:
    """Return the environment variable of a setting: `store_url` → `TRACELM_STORE_URL`."""
    return f"TRACELM_{name.upper()}"


def _captures_in_spans(text: str) -> bool:
    """Read OpenTelemetry's word for where content goes. tracelm puts it into spans, or nowhere."""
    word = text.lower()
    if word in {"span_only", "span_and_event", "true"}:
        return True
    if word not in {"no_content", "event_only", "false"}:
        _log.warning("%s=%r is not known: content is not recorded. Write SPAN_ONLY or NO_CONTENT.", _OTEL_CONTENT, text)
    return False


def _details_event(content: str, emit: str) -> str | None:
    """Read OpenTelemetry's words for whether a call gives an event; `None` where they say nothing."""
    if emit == "false":
        return "off"
    if content in {"event_only", "span_and_event"}:
        return "content" if content == "event_only" else "on"
    return "on" if emit == "true" else None


def _check_project(project: object) -> None:
    if not isinstance(project, str) or not project.strip():
        raise ConfigError("project must be a name that is not empty: tracelm.init('my-project')")
    if len(project) > 200 or not project.isprintable():
        raise ConfigError("project must be at most 200 printable characters")


def _bool(variable: str, text: str) -> bool:
    word = text.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ConfigError(f"{variable}={text!r} is neither true nor false: write 1 or 0")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _number(kind: type[int] | type[float]) -> Callable[[str, str], float]:
    def parse(variable: str, text: str) -> float:
        try:
            return kind(text)
        except ValueError:
            raise ConfigError(f"{variable}={text!r} is no number") from None

    return parse


_PARSERS: Final[Mapping[Any, Callable[[str, str], Any]]] = {
    str: lambda _variable, text: text,
    str | None: lambda _variable, text: text,
    Path: lambda _variable, text: Path(text),
    bool: _bool,
    int: _number(int),
    float: _number(float),
    float | None: _number(float),
    tuple[str, ...]: lambda _variable, text: _names(text),
    tuple[str | re.Pattern[str] | Callable[[str], str], ...]: lambda _variable, text: _names(text),
}
