"""Records what LlamaIndex does: query and chat engines, retrievers, agents, workflows, tools, models."""

from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.integrations._runs import Runs
from tracelm.pricing.listed import load_in_background


class LlamaIndexInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Listens to LlamaIndex's dispatcher; nothing is replaced. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the library are known to work."""
        return ("llama-index-core >= 0.14",)

    def _instrument(self, **_options: Any) -> None:
        from llama_index.core import instrumentation

        from tracelm.integrations._llama_index.handlers import EventHandler, SpanHandler
        from tracelm.integrations._llama_index.listener import Listener

        load_in_background()
        # The root hears what all others pass on. It moved into a package of its own, from where it is re-exported.
        self._root: Any = vars(instrumentation)["get_dispatcher"]()
        self._listener = listener = Listener(Runs("llama_index"))
        self._handlers: tuple[object, ...] = SpanHandler(listener), EventHandler(listener)
        self._root.add_span_handler(self._handlers[0])
        self._root.add_event_handler(self._handlers[1])

    def _uninstrument(self, **_options: Any) -> None:
        for handlers in (self._root.span_handlers, self._root.event_handlers):
            # By identity: handlers are equal to others of their kind.
            handlers[:] = [each for each in handlers if all(each is not ours for ours in self._handlers)]
        self._listener.close_all()
