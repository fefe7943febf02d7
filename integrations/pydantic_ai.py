"""Records what Pydantic AI does: agents, models, tools, embeddings. It tells of all by itself, to a tracer of ours."""

import functools
import re
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.metrics import NoOpMeterProvider

from tracelm.integrations._patches import own, patch
from tracelm.integrations._pydantic_ai.tracer import StandInProvider, StandInTracer
from tracelm.pricing.listed import load_in_background
from tracelm.trace import runtime
from tracelm.trace.context import detach
from tracelm.trace.provider import leads_here

_NEWEST: Final = 6
"""The newest of its formats that is known here."""


class PydanticAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Turns Pydantic AI's own instrumentation on. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the library are known to work."""
        return ("pydantic-ai-slim >= 2.0",)

    def _instrument(self, **_options: Any) -> None:
        from pydantic_ai import Agent, Embedder
        from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel

        load_in_background()
        self._settings = InstrumentationSettings(
            tracer_provider=StandInProvider(),
            meter_provider=NoOpMeterProvider(),  # we measure each call, in the conventions' newest words
            include_content=_captures_content(),
            version=_newest_format(InstrumentationSettings),
        )
        self._undo = [_give_tracer(InstrumentationSettings), patch(InstrumentedModel, "request_stream", _reading)]
        # What the program has turned on itself, or turns on later, stays its own.
        self._kinds: list[Any] = [each for each in (Agent, Embedder) if _default_of(each) is False]
        for each in self._kinds:
            each.instrument_all(self._settings)

    def _uninstrument(self, **_options: Any) -> None:
        for each in self._kinds:
            if _default_of(each) is self._settings:
                each.instrument_all(False)
        for undo in self._undo:
            undo()


def _default_of(kind: Any) -> object:
    return own(kind).get("_instrument_default")


def _captures_content() -> bool:
    active = runtime.active
    return active is None or active.settings.capture_content or active.settings.details_event == "content"


def _newest_format(settings: Any) -> Any:
    """Return the newest format that both know: the type of the setting lists those of the library."""
    known = [int(each) for each in re.findall(r"\d+", str(own(settings)["__annotations__"]["version"]))]
    return min(max(known), _NEWEST)


def _give_tracer(settings: Any) -> Callable[[], None]:
    """Let settings of the program's own have our tracer, too, where theirs would lead to our journal.

    Else the call of a model would be recorded twice. Other exporters of the same provider get our spans. It is a
    descriptor on the class, in front of what stands on its objects: some may be there already.
    """

    def tracer_of(self: Any) -> Any:
        given: Any = own(self)["tracer"]
        return StandInTracer() if runtime.active is not None and leads_here(given) else given

    def set_tracer(self: Any, tracer: Any) -> None:
        self.__dict__["tracer"] = tracer

    ours = property(tracer_of, set_tracer)
    settings.tracer = ours

    def undo() -> None:
        if own(settings).get("tracer") is ours:
            del settings.tracer

    return undo


def _reading(method: Any, is_on: Callable[[], bool]) -> Any:
    """Let what the program does while it reads a stream stand where it did before, not below the call of the model."""

    @functools.wraps(method)
    @asynccontextmanager
    async def request_stream(model: Any, *args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
        around = otel_context.get_current()
        is_ours = is_on() and isinstance(model.instrumentation_settings.tracer, StandInTracer)
        async with method(model, *args, **kwargs) as stream:
            token = otel_context.attach(around) if is_ours else None
            try:
                yield stream
            finally:
                detach(token)

    return request_stream
