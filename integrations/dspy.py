"""Records what DSPy does: modules, agents, language models, tools, retrievers, evaluations, optimizers."""

import functools
import importlib
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.integrations._patches import patch
from tracelm.integrations._runs import Runs
from tracelm.pricing.listed import load_in_background
from tracelm.trace.safely import safely

if TYPE_CHECKING:
    from tracelm.integrations._dspy.handler import Handler


class DSPyInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each step as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the library are known to work."""
        return ("dspy >= 3.0",)

    def _instrument(self, **_options: Any) -> None:
        from tracelm.integrations._dspy.handler import Handler

        load_in_background()
        lm, settings = _module("dspy.clients.base_lm"), _module("dspy.dsp.utils.settings")
        callback = _module("dspy.utils.callback")
        self._runs = Runs("dspy")
        handler = Handler(self._runs, active=callback.ACTIVE_CALL_ID, settings=settings.settings)
        self._undo = [
            patch(settings.Settings, "get", _with(handler)),
            patch(lm.BaseLM, "_process_lm_response", functools.partial(_hearing, handler, 1)),
        ]
        try:  # since 3.4, which asks providers by itself
            execution = _module("dspy.clients.execution")
        except ImportError:
            return
        self._undo += [
            patch(execution, "finalize", functools.partial(_hearing, handler, 2)),
            patch(execution, "stream_emitted", functools.partial(_hearing_pieces, handler)),
        ]

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        self._runs.close_all()


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _with(handler: "Handler") -> Callable[[Any, Callable[[], bool]], Any]:
    """Add our callback to those of the program wherever DSPy asks for them: a program sets its own as it likes."""

    def recording(method: Any, is_on: Callable[[], bool]) -> Any:
        @functools.wraps(method)
        def get(settings: Any, key: Any, default: Any = None) -> Any:
            found = method(settings, key, default)
            if key == "callbacks" and is_on():
                with safely("add a callback to those of DSPy"):
                    # What asks for them may set what it got, ours among them.
                    return [*(each for each in found or () if not isinstance(each, type(handler))), handler]
            return found

        return get

    return recording


def _hearing(handler: "Handler", place: int, method: Any, is_on: Callable[[], bool]) -> Any:
    """Let us have an answer as it came; callbacks only get what the program gets."""

    @functools.wraps(method)
    def hear(*args: Any, **kwargs: Any) -> Any:
        if is_on():
            with safely("hear an answer of DSPy"):
                handler.answer(args[place] if len(args) > place else kwargs.get("response", kwargs.get("result")))
        return method(*args, **kwargs)

    return hear


def _hearing_pieces(handler: "Handler", function: Any, is_on: Callable[[], bool]) -> Any:
    @functools.wraps(function)
    def hear() -> Any:
        if is_on():
            with safely("hear a piece of an answer of DSPy"):
                handler.got_piece()
        return function()

    return hear
