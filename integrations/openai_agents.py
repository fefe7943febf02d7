"""Records what OpenAI's Agents SDK does: workflows, agents, tools, handoffs, guardrails."""

import functools
from collections.abc import Callable, Collection
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.integrations._openai_agents.listener import Listener
from tracelm.integrations._patches import patch
from tracelm.integrations._runs import Runs
from tracelm.trace.safely import safely

_EVENTS: Final = ("on_trace_start", "on_trace_end", "on_span_start", "on_span_end")


class OpenAIAgentsInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each step as one span; the calls of models are left to their client. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the library are known to work."""
        return ("openai-agents >= 0.20",)

    def _instrument(self, **_options: Any) -> None:
        # What hands every event on to the processors of traces. Not a processor of our own: one cannot be taken back,
        # `set_trace_processors([])`, with which a program keeps its traces from OpenAI, would drop it, and to add it
        # sets up the SDK's exporter before it is used.
        from agents.tracing.provider import SynchronousMultiTracingProcessor as Processors

        self._runs = Runs("openai_agents")
        listener = Listener(self._runs)
        self._undo = [patch(Processors, name, _telling(getattr(listener, name))) for name in _EVENTS]

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        self._runs.close_all()


def _telling(tell: Callable[[Any], None]) -> Callable[[Any, Callable[[], bool]], Any]:
    """Let us hear an event before the processors of the program do."""

    def recording(method: Any, is_on: Callable[[], bool]) -> Any:
        @functools.wraps(method)
        def hand_on(processors: Any, event: Any) -> Any:
            if is_on():
                with safely("listen to the Agents SDK"):
                    tell(event)
            return method(processors, event)

        return hand_on

    return recording
