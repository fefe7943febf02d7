"""A tracer for the case that the journal is the only receiver of spans, at a third of the SDK's cost.

The SDK's span serves any set of processors: it copies and checks each attribute at the start, at each change and at
the end, under a lock. With nobody listening but the journal that is work for no one. `JournalSpan` is an OpenTelemetry
span for every program that holds it, and a `ReadableSpan`; when it ends it becomes a line. As soon as the program adds
a processor of its own to the provider, or asks for another sampler or for limits, the SDK's spans are used again.
"""

from collections.abc import Iterator, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.util._decorator import _agnosticcontextmanager  # pyright: ignore[reportPrivateUsage]

from tracelm import semconv
from tracelm.trace import pending, sampling
from tracelm.trace.context import AS_IT_IS, SPAN_KEY, SUPPRESS_KEY, SUPPRESS_KEY_BEFORE, inherited
from tracelm.trace.journal_span import JournalSpan
from tracelm.trace.limits import are_set_for, plain, valid_links
from tracelm.trace.safely import report
from tracelm.trace.sampling import ALL, RootSampler, UnsampledSpan
from tracelm.trace.sdk_span import keep_identity
from tracelm.trace.tail import Tail

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.util.types import Attributes

_SAMPLED_ROOT: Final = sampling.root_flags(sampled=True)
_SAMPLED: Final = int(TraceFlags.SAMPLED)
_NO_PARENT: Final = trace.INVALID_SPAN.get_span_context()


class JournalTracer(trace.Tracer):
    """Starts spans of one scope: our own where the journal is alone, the SDK's where it is not.

    Args:
        provider: Where the spans belong to.
        name: Of the scope.
        version: Of the scope.
        sample_rate: The share of the traces to record, from 0 to 1, of those that begin with a span of this tracer.
            By default the sampler of the provider decides.
        tail: Gets what was not sampled.
    """

    def __init__(
        self,
        provider: TracerProvider,
        name: str,
        version: str,
        *,
        sample_rate: float | None = None,
        tail: Tail | None = None,
    ) -> None:
        self._provider = provider
        self._sdk = provider.get_tracer(name, version)
        self._scope = InstrumentationScope(name, version)
        self._tail = tail
        self._draw = provider.id_generator.generate_span_id  # 64 random bits
        # There is no public way to see who listens; where this changes, the SDK's spans are what one gets.
        self._listeners: Any = getattr(provider, "_active_span_processor", None)
        known = sampling.known_rate(provider.sampler)
        self._inherits = known is not None
        # A sampler of the program that drops some draws for itself: it must not be drawn twice.
        if known != 1.0 and not isinstance(provider.sampler, RootSampler):
            known = None
        self._is_alone = known is not None and not are_set_for(provider)
        rate = known if sample_rate is None else sample_rate
        # `None`: nobody but the sampler of the program can tell.
        self._bound = None if rate is None else sampling.bound_of(rate)

    @property
    def resource(self) -> "Resource":
        """Who records; a forked child gets another one."""
        return self._provider.resource

    @property
    def scope(self) -> InstrumentationScope:
        """In whose name it records."""
        return self._scope

    @property
    def is_alone(self) -> bool:
        """Whether nobody but the journal sees its spans, and so nobody before they end."""
        return self._is_alone and len(getattr(self._listeners, "_span_processors", "??")) == 1

    def leaves_out(self, sample_rate: float | None) -> Context | None:
        """Say whether a call will not be recorded, before anything of it is encoded.

        Args:
            sample_rate: What the op asks for.

        Returns:
            `None`: it has to be started, with `drawn=True`. `AS_IT_IS`: what is current leaves it out already. Another
            context holds the span of a trace that begins here and is left out: it has to be current while the
            function runs, so that all that happens below is left out too.
        """
        context = otel_context.get_current()
        if context:  # looked into by key: this is on the way of every call
            if context.get(SUPPRESS_KEY) or context.get(SUPPRESS_KEY_BEFORE):
                return AS_IT_IS
            if self._tail is not None:
                return None
            span = context.get(SPAN_KEY)
            kind = type(span)
            if kind is JournalSpan:
                return None
            if kind is UnsampledSpan:
                return AS_IT_IS
            if span is not None:
                parent = trace.get_current_span(context).get_span_context()
                if parent.is_valid:
                    is_left_out = self._inherits and not parent.trace_flags & TraceFlags.SAMPLED
                    return AS_IT_IS if is_left_out else None
        bound = self._bound if sample_rate is None else sampling.bound_of(sample_rate)
        if bound is None or bound >= ALL or self._tail is not None:
            return None
        try:
            if self._draw() < bound:
                return None
            return Context({**context, SPAN_KEY: UnsampledSpan(self._provider.id_generator, bound)})
        except Exception as error:  # a generator of the program
            report("decide whether a trace is recorded", error)
            return None

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: "Attributes" = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        *,
        sample_rate: float | None = None,
        drawn: bool = False,
    ) -> Span:
        """Start a span without making it current.

        Args:
            name: As in OpenTelemetry, like all that is not named here.
            context: The context whose span is the parent.
            kind: Of the span.
            attributes: To start with.
            links: To other spans.
            start_time: In nanoseconds.
            record_exception: For `with` blocks.
            set_status_on_exception: For `with` blocks.
            sample_rate: The share to record where this span begins a trace; by default that of the tracer.
            drawn: Whether `leaves_out` has let the span in.
        """
        around = otel_context.get_current() if context is None else context
        above = around.get(SPAN_KEY) if around else None
        if above is None:
            parent = None
        elif type(above) is JournalSpan:
            parent = above.get_span_context()
        else:
            parent = trace.get_current_span(around).get_span_context()
            parent = parent if parent.is_valid else None
        own = self._decide(parent, attributes, sample_rate, drawn=drawn and self._tail is None)
        is_sampled = own is None or own[3] & _SAMPLED
        if own is not None and not is_sampled and self._tail is None:
            return UnsampledSpan.of(own)
        if is_sampled and not self.is_alone:
            if own is not None and parent is None:
                context = sampling.admitted(context)
            span = self._sdk.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
            own = span.get_span_context()
            # Dropped by a sampler of the program: it may still be kept here if it fails.
            if span.is_recording() or self._tail is None or not own.is_valid:
                keep_identity(span, attributes, context)
                return span
        if own is None:
            raise AssertionError("where nobody else listens, the rate is known")
        found = dict(plain(attributes)) if attributes else {}
        if around:
            try:
                found.update(plain(inherited(around)))
            except Exception as error:
                report("give a span what its context carries", error)
        if self._tail is not None and not own[3] & _SAMPLED:
            self._tail.started(own, parent or _NO_PARENT)
        span = JournalSpan(
            name,
            own,
            parent,
            self._provider,
            self._scope,
            found,
            tuple(valid_links(links)) if links else (),
            kind,
            start_time if isinstance(start_time, int) else time_ns(),
        )
        pending.watch(span)
        return span

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: "Attributes" = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        """Start a span and make it current for the block."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with trace.use_span(span, end_on_exit, record_exception, set_status_on_exception):
            yield span

    def _decide(
        self, parent: SpanContext | None, attributes: "Attributes", sample_rate: float | None, *, drawn: bool
    ) -> SpanContext | None:
        """Give a span its ids and say by their flag whether it is sampled; `None` where only the sampler can tell."""
        ids = self._provider.id_generator
        if parent is not None:
            if not self._inherits:
                return None
            return SpanContext(parent[0], ids.generate_span_id(), False, parent[3], parent[4])
        bound = self._bound if sample_rate is None else sampling.bound_of(sample_rate)
        if bound is None:
            return None
        flags = _SAMPLED_ROOT
        if bound >= ALL:
            trace_id = ids.generate_trace_id()
        elif drawn:
            trace_id = sampling.root_id(ids, bound, inside=True)
        else:
            trace_id = ids.generate_trace_id()
            # What belongs to an evaluation was asked for: each row of it counts.
            is_in = sampling.is_below(trace_id, bound) or (attributes is not None and semconv.RUN_ID in attributes)
            flags = sampling.root_flags(sampled=is_in)
        return SpanContext(trace_id, ids.generate_span_id(), False, flags)
