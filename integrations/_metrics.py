"""The GenAI metrics of OpenTelemetry: how long calls take, and how many tokens they use.

They go to the program's own MeterProvider; where it has none, nothing is measured. Sampling of traces leaves them
alone: a call that no trace records is counted all the same.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider, _internal
from opentelemetry.metrics._internal import _ProxyMeterProvider  # pyright: ignore[reportPrivateUsage]  # no public name
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.pricing.cost import Usage

_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS: Final = tuple(float(4**power) for power in range(14))
INFERENCE: Final = frozenset({"chat", "text_completion", "generate_content"})
"""The operations in which a model writes something."""
_DURATION: Final = ("gen_ai.client.operation.duration", "How long a call takes.")
_SHARED: Final = (
    semconv.OPERATION_NAME,
    semconv.PROVIDER_NAME,
    semconv.REQUEST_MODEL,
    semconv.RESPONSE_MODEL,
    semconv.SERVER_ADDRESS,
    semconv.SERVER_PORT,
    semconv.OPENAI_RESPONSE_SERVICE_TIER,
    semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT,
)
_MODALITIES: Final = ("text", "image", "audio")
_Attributes = Mapping[str, AttributeValue]


@frozen
class Measured:
    """What is measured of one call.

    Attributes:
        attributes: Those of the span, without content.
        usage: The tokens that were reported; `None` where nothing came back.
        duration_s: From the request to the end of the reply, in seconds.
        first_chunk_s: From the request to the first chunk of a stream, in seconds.
        chunk_gaps_s: Between the chunks behind it, in seconds.
        context: What holds the span, for exemplars.
    """

    attributes: _Attributes
    usage: Usage | None
    duration_s: float
    first_chunk_s: float | None = None
    chunk_gaps_s: Sequence[float] = field(default=())
    context: Context | None = None

    @property
    def operation(self) -> str:
        """What was done."""
        return str(self.attributes.get(semconv.OPERATION_NAME, ""))

    def shared(self) -> dict[str, AttributeValue]:
        """Return the attributes of all metrics."""
        return {key: self.attributes[key] for key in _SHARED if key in self.attributes}

    def failed(self) -> dict[str, AttributeValue]:
        """Return `error.type`, where the call failed."""
        kind = self.attributes.get(semconv.ERROR_TYPE)
        return {} if kind is None else {semconv.ERROR_TYPE: kind}


class _Newest:
    """The names of the conventions as they are now.

    Args:
        meter: Makes the instruments.
        is_alone: Whether nobody else measures `gen_ai.client.operation.duration`.
    """

    def __init__(self, meter: Meter, *, is_alone: bool) -> None:
        def seconds(name: str, what: str) -> metrics.Histogram:
            return meter.create_histogram(name, "s", what, explicit_bucket_boundaries_advisory=_SECONDS)

        def tokens(name: str, what: str) -> metrics.Histogram:
            return meter.create_histogram(name, "{token}", what, explicit_bucket_boundaries_advisory=_TOKENS)

        of = "gen_ai.client.inference"
        self._inference = seconds(f"{of}.duration", "How long the call of a model takes.")
        self._other = seconds(*_DURATION) if is_alone else None
        self._first_chunk = seconds(f"{of}.time_to_first_chunk", "From the request to the first chunk of a stream.")
        self._next_chunk = seconds(f"{of}.time_per_output_chunk", "Between two chunks of a stream.")
        self._input = tokens(f"{of}.operation.input_tokens", "Tokens that one call sends.")
        self._output = tokens(f"{of}.operation.output_tokens", "Tokens that one call receives.")
        self._counters = {
            name: meter.create_counter(f"{of}.usage.{name}", "{token}", what)
            for name, what in (
                ("input_tokens", "Tokens sent."),
                ("output_tokens", "Tokens received."),
                ("cache_read.input_tokens", "Tokens sent that were read from a cache."),
                ("cache_write.input_tokens", "Tokens sent that were written to a cache."),
                ("reasoning.output_tokens", "Tokens received that are reasoning."),
            )
        }

    def record(self, call: Measured) -> None:
        """Record one call."""
        shared = call.shared()
        is_inference = call.operation in INFERENCE
        duration = self._inference if is_inference else self._other
        if duration is not None:
            duration.record(call.duration_s, shared | call.failed(), call.context)
        if not is_inference:
            return
        if call.first_chunk_s is not None:
            self._first_chunk.record(call.first_chunk_s, shared, call.context)
        for gap_s in call.chunk_gaps_s:
            self._next_chunk.record(gap_s, shared, call.context)
        usage = call.usage or Usage()
        self._input.record(usage.input_tokens or 0, shared | call.failed(), call.context)
        self._output.record(usage.output_tokens or 0, shared | call.failed(), call.context)
        for name, count, modality in _counts(usage):
            self._counters[name].add(count, {**shared, semconv.METERED_MODALITY: modality}, call.context)


class _Before:
    """The names of version 1.41 of the conventions, which OpenTelemetry's own instrumentations write."""

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, what: str) -> metrics.Histogram:
            return meter.create_histogram(name, "s", what, explicit_bucket_boundaries_advisory=_SECONDS)

        of = "gen_ai.client"
        self._duration = seconds(*_DURATION)
        self._first_chunk = seconds(f"{of}.operation.time_to_first_chunk", "From the request to the first chunk.")
        self._next_chunk = seconds(f"{of}.operation.time_per_output_chunk", "Between two chunks of a stream.")
        self._tokens = meter.create_histogram(
            f"{of}.token.usage",
            "{token}",
            "Tokens that one call sends and receives.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def record(self, call: Measured) -> None:
        """Record one call."""
        shared = call.shared()
        self._duration.record(call.duration_s, shared | call.failed(), call.context)
        if call.first_chunk_s is not None:
            self._first_chunk.record(call.first_chunk_s, shared, call.context)
        for gap_s in call.chunk_gaps_s:
            self._next_chunk.record(gap_s, shared, call.context)
        if call.usage is None or call.operation == "fetch_response":
            return
        for kind, count in (("input", call.usage.input_tokens), ("output", call.usage.output_tokens)):
            if count is not None:
                self._tokens.record(count, {**shared, semconv.METERED_SIDE: kind}, call.context)


class CallMeter:
    """Measures calls under the names that the settings ask for.

    Args:
        provider: The program's.
        names: `latest`, `1.41` or `both`.
    """

    def __init__(self, provider: MeterProvider, names: str) -> None:
        meter = provider.get_meter("tracelm")
        self._sets: list[_Newest | _Before] = []
        if names in {"latest", "both"}:
            self._sets.append(_Newest(meter, is_alone=names == "latest"))
        if names in {"1.41", "both"}:
            self._sets.append(_Before(meter))

    def record(self, call: Measured) -> None:
        """Record one call; one that the conventions have no operation for is left out."""
        if call.operation:
            for each in self._sets:
                each.record(call)


_NAMED: Final = "OTEL_PYTHON_METER_PROVIDER" in os.environ
"""Whether OpenTelemetry makes a provider by itself, the first time that it is asked for one."""

_known: tuple[MeterProvider, str, CallMeter] | None = None


def find_meter(names: str) -> CallMeter | None:
    """Return what measures calls; `None` as long as the program has no MeterProvider."""
    global _known  # noqa: PLW0603 - instruments are made once for each provider
    # There may be a provider. OpenTelemetry, when it is asked, looks into the environment each time.
    if not _NAMED and getattr(_internal, "_METER_PROVIDER", _internal) is None:
        return None
    provider = metrics.get_meter_provider()
    known = _known
    if known is not None and known[0] is provider and known[1] == names:
        return known[2]
    if isinstance(provider, NoOpMeterProvider | _ProxyMeterProvider):
        return None
    meter = CallMeter(provider, names)
    _known = (provider, names, meter)
    return meter


def _counts(usage: Usage) -> Iterator[tuple[str, int, str]]:
    """Return name, count and modality of each counter; what was not reported counts as 0 of an unknown modality."""
    yield from _by_modality(usage, "input")
    yield from _by_modality(usage, "output")
    for name, count in (
        ("cache_read.input_tokens", usage.cache_read_tokens),
        ("cache_write.input_tokens", usage.cache_write_tokens),
        ("reasoning.output_tokens", usage.reasoning_tokens),
    ):
        if count is not None:
            yield name, count, "unknown"


def _by_modality(usage: Usage, side: str) -> Iterator[tuple[str, int, str]]:
    name = f"{side}_tokens"
    whole: int = getattr(usage, name) or 0
    rest = whole
    for modality in _MODALITIES:
        count: int | None = getattr(usage, f"{side}_{modality}_tokens")
        if count:
            yield name, count, modality
            rest -= count
    if rest > 0 or not whole:
        yield name, max(rest, 0), "unknown"
