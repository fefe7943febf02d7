"""Which traces are recorded: decided once, where a trace begins, by its id; everything below follows.

The rule is that of OpenTelemetry's `TraceIdRatioBased`: a trace is in when the lower 64 bits of its id are below
`rate * 2**64`. So each process that is asked about a trace gives the same answer, and a higher rate only adds traces.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Self, cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    DEFAULT_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

ALL: Final = 1 << 64
"""The bound of rate 1: every lower half of a trace id is below it."""
_LOW: Final = ALL - 1
_ADMITTED: Final = otel_context.create_key("tracelm.admitted")

# What `ParentBased` says of itself: `(root)` decides where there is no parent, the flag of the parent elsewhere.
_INHERITING: Final = re.compile(
    re.escape(str(cast("Sampler", DEFAULT_ON).get_description())).replace(
        re.escape(f"root:{ALWAYS_ON.get_description()}"),
        r"root:(?:(AlwaysOn)Sampler|(AlwaysOff)Sampler|TraceIdRatioBased\{([0-9.e\-]+)\})",
    )
)


class RootSampler(Sampler):
    """The sampler of our own provider: lets in what a tracer of ours has let in, and asks another one otherwise.

    Args:
        within: Decides on everything else.
        records_all: Have the others recorded as well, without the flag that sends them anywhere.
    """

    def __init__(self, within: Sampler, *, records_all: bool = False) -> None:
        self.within = within
        self.records_all = records_all

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide on one span."""
        if parent_context and parent_context.get(_ADMITTED) and not _parent(parent_context).is_valid:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        found = self.within.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if self.records_all and found.decision is Decision.DROP:
            return SamplingResult(Decision.RECORD_ONLY, attributes, found.trace_state)
        return found

    def get_description(self) -> str:
        """Name the sampler that decides."""
        return f"tracelm({self.within.get_description()})"


class UnsampledSpan(NonRecordingSpan):
    """Stands for a trace that is not recorded. Its ids are made when somebody asks: nearly nobody does.

    Args:
        ids: Makes them.
        bound: Of the rate; the trace id is not below it.
    """

    def __init__(self, ids: IdGenerator, bound: int) -> None:
        self._made_by = (ids, bound)

    @classmethod
    def of(cls, context: SpanContext) -> Self:
        """Return a span whose ids are known."""
        span = cls.__new__(cls)
        span._context = context
        return span

    def get_span_context(self) -> SpanContext:
        """Return the ids of the trace that would have been, for other services: not sampled."""
        known: SpanContext | None = self.__dict__.get("_context")
        if known is not None:
            return known
        ids, bound = self._made_by
        made = SpanContext(root_id(ids, bound, inside=False), ids.generate_span_id(), False, root_flags(sampled=False))
        kept: dict[str, Any] = vars(self)
        return cast("SpanContext", kept.setdefault("_context", made))  # another thread may have been first


def sampler_for(rate: float | None, environment: Sampler, *, keep_errors: bool) -> Sampler:
    """Return the sampler for a provider of our own.

    Args:
        rate: What the program asked for.
        environment: The sampler that `OTEL_TRACES_SAMPLER` names; it decides where the program asked for nothing.
        keep_errors: Have everything recorded, for a decision at the end.
    """
    within = environment if rate is None else ParentBased(TraceIdRatioBased(rate))
    return RootSampler(within, records_all=keep_errors)


def sample_alike(former: object, sampler: object) -> None:
    """Make a sampler of ours decide as another one: tracers keep the sampler that they were made with."""
    if isinstance(former, RootSampler) and isinstance(sampler, RootSampler):
        former.within, former.records_all = sampler.within, sampler.records_all


def known_rate(sampler: object) -> float | None:
    """Return the rate at which a sampler lets roots in, if its spans inherit the decision; else `None`."""
    if isinstance(sampler, RootSampler):
        return known_rate(sampler.within)
    describe = getattr(sampler, "get_description", None)
    found = None if describe is None else _INHERITING.fullmatch(str(describe()))
    if found is None:
        return None
    if found[3] is not None:
        return float(found[3])
    return 1.0 if found[1] else 0.0


@lru_cache(maxsize=256)
def bound_of(rate: float) -> int:
    """Return the number below which the lower half of a trace id has to be."""
    return TraceIdRatioBased.get_bound_for_rate(rate)


def is_below(trace_id: int, bound: int) -> bool:
    """Say whether a trace is in."""
    return trace_id & _LOW < bound


def root_id(ids: IdGenerator, bound: int, *, inside: bool) -> int:
    """Return a trace id whose sampling is decided already: random, and on the side of `bound` that was decided."""
    trace_id = ids.generate_trace_id()
    low = trace_id & _LOW
    placed = low * bound >> 64 if inside else bound + (low * (ALL - bound) >> 64)
    return (trace_id ^ low | placed) or 1


def root_flags(*, sampled: bool) -> TraceFlags:
    """Return the flags of a trace that begins here."""
    return _SAMPLED if sampled else _UNSAMPLED


def admitted(context: Context | None) -> Context:
    """Return a context in which our sampler lets a root in without drawing again."""
    return otel_context.set_value(_ADMITTED, True, context)


def _parent(context: Context | None) -> SpanContext:
    return trace.get_current_span(context).get_span_context()


_UNSAMPLED: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
