"""The OpenTelemetry pipeline: our processors, and the provider when the program has none of its own."""

import os
import random
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from tracelm import semconv
from tracelm.trace import pending, runtime
from tracelm.trace.context import inherited
from tracelm.trace.fork import in_child
from tracelm.trace.safely import report
from tracelm.trace.sampling import sampler_for
from tracelm.trace.sdk_span import whole


class JournalSpanProcessor(SpanProcessor):
    """Gives each span what its context carries, and writes it to the journal when it ends.

    It serves whatever runtime is active: a provider cannot lose a processor, so after `shutdown` this one is idle.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Set what the context carries: conversation, user, attributes of a block."""
        current = runtime.active
        if current is None:
            return
        try:
            pending.watch(span)
            own = span.get_span_context()
            if current.tail is not None and not own.trace_flags.sampled:
                current.tail.started(own, span.parent)
            found = inherited(parent_context)
            if found:
                span.set_attributes(found)
        except Exception as error:
            report("give a span what its context carries", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Write the span to the journal."""
        current = runtime.active
        if current is not None:
            current.record(whole(span))

    def shutdown(self) -> None:
        """Nothing: `tracelm.shutdown()` closes the journal."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Bring everything to the destination that can be brought there in time."""
        current = runtime.active
        if current is None or current.exporter is None:
            return True
        current.exporter.flush(timeout_millis / 1_000)
        return current.exporter.pending == 0


class RandomIds(IdGenerator):
    """Ids that `random.seed()` in the program does not repeat, nor a forked child.

    Args:
        seed: For tests: makes the ids the same in every run.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._bits = random.Random(os.urandom(32) if seed is None else seed).getrandbits  # noqa: S311 - ids are no secrets
        in_child(self._reseed)

    def _reseed(self) -> None:
        self._bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311

    def generate_span_id(self) -> int:
        """Return 64 random bits that are not all zero."""
        return self._bits(64) or 1

    def generate_trace_id(self) -> int:
        """Return 128 random bits that are not all zero."""
        return self._bits(128) or 1

    def is_trace_id_random(self) -> bool:
        """Say that the whole trace id is random, as W3C Trace Context level 2 asks."""
        return True


def program_provider() -> TracerProvider | None:
    """Return the provider that the program has already set up with the OpenTelemetry SDK."""
    provider = trace.get_tracer_provider()
    return provider if isinstance(provider, TracerProvider) else None


def joined(provider: TracerProvider) -> bool:
    """Say whether our processor works in this provider already."""
    return _is_in(getattr(provider, "_active_span_processor", None))


def leads_here(tracer: object) -> bool:
    """Say whether the spans that a tracer makes come to our processor; also one from before there was a provider."""
    return _is_in(getattr(getattr(tracer, "_tracer", tracer), "span_processor", None))


def _is_in(processor: object) -> bool:
    processors: tuple[Any, ...] = getattr(processor, "_span_processors", ())
    return any(isinstance(each, JournalSpanProcessor) for each in processors)


def build_provider(
    project: str, ids: IdGenerator | None = None, *, sample_rate: float | None = None, keep_errors: bool = False
) -> TracerProvider:
    """Return a new provider whose spans go to the journal.

    Args:
        project: Names the service, unless the environment does.
        ids: Makes the ids.
        sample_rate: The share of the traces to record; by default `OTEL_TRACES_SAMPLER` decides.
        keep_errors: Record what was not sampled as well, for a decision at the end.
    """
    # Left out where OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES name the service: these win over what we pass.
    resource = Resource.create({semconv.SERVICE_NAME: project, semconv.PROJECT: project} | _environment())
    # No handler at exit: `tracelm.shutdown` is registered for that, and the order of handlers is not ours to choose.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ids or RandomIds())
    # The SDK has read OTEL_TRACES_SAMPLER by now; tracers take the sampler when they are made.
    provider.sampler = sampler_for(sample_rate, provider.sampler, keep_errors=keep_errors)
    provider.add_span_processor(JournalSpanProcessor())
    return provider


def _environment() -> dict[str, Any]:
    from opentelemetry.sdk.resources import OTELResourceDetector

    return dict(OTELResourceDetector().detect().attributes)
