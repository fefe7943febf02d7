"""Records what LangChain and LangGraph do: chains, graphs and their nodes, agents, tools, retrievers and models."""

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from opentelemetry import context as otel_context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.integrations._fields import items
from tracelm.integrations._patches import patch
from tracelm.integrations._runs import Runs
from tracelm.pricing.listed import load_in_background
from tracelm.trace.safely import safely

if TYPE_CHECKING:
    from uuid import UUID

    from langchain_core.callbacks.base import BaseCallbackHandler

generating: Final[ContextVar[bool]] = ContextVar("tracelm_langchain_generating", default=False)
"""Whether a model is asked for a whole answer here: its call is made current around the request itself."""


class LangChainInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each run of LangChain as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the library are known to work."""
        return ("langchain-core >= 0.3.50",)

    def _instrument(self, **_options: Any) -> None:
        from langchain_core.callbacks.base import BaseCallbackManager
        from langchain_core.language_models.chat_models import BaseChatModel
        from langchain_core.language_models.llms import BaseLLM
        from langchain_core.runnables import config

        from tracelm.integrations._langchain.handler import Handler

        load_in_background()
        self._runs = runs = Runs("langchain")
        self._undo = [
            patch(BaseCallbackManager, "__init__", _telling(Handler(runs))),
            patch(config, "_set_config_context", _inside(runs)),
        ]
        for model, methods in ((BaseChatModel, ("generate", "agenerate")), (BaseLLM, ("generate", "agenerate"))):
            self._undo += [patch(model, methods[0], _whole), patch(model, methods[1], _awhole)]
        self._undo += [
            patch(BaseChatModel, "_generate_with_cache", _asking(runs)),
            patch(BaseChatModel, "_agenerate_with_cache", _aasking(runs)),
            patch(BaseLLM, "_generate_helper", _asking(runs)),
            patch(BaseLLM, "_agenerate_helper", _aasking(runs)),
        ]

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        self._runs.close_all()


_IsOn: TypeAlias = Callable[[], bool]
_Recording: TypeAlias = Callable[[Any, _IsOn], Any]


def _telling(handler: "BaseCallbackHandler") -> _Recording:
    """Let every callback manager tell our handler, and whatever it begins."""

    def recording(method: Any, is_on: _IsOn) -> Any:
        @functools.wraps(method)
        def begin(manager: Any, *args: Any, **kwargs: Any) -> None:
            method(manager, *args, **kwargs)
            if is_on():
                with safely("listen to LangChain"):
                    if handler not in manager.inheritable_handlers:
                        manager.add_handler(handler, inherit=True)

        return begin

    return recording


def _inside(runs: Runs) -> _Recording:
    """Make a run current in what it runs: LangChain calls this in a copy of the context that only the run has."""

    def recording(method: Any, is_on: _IsOn) -> Any:
        @functools.wraps(method)
        def set_config(config: Any) -> Any:
            found = method(config)
            if is_on():
                with safely("make a step of LangChain current"):
                    run_id = getattr(config.get("callbacks"), "parent_run_id", None)
                    run = runs.find(run_id)
                    if run is not None:
                        otel_context.attach(run.inside())
            return found

        return set_config

    return recording


def _whole(method: Any, is_on: _IsOn) -> Any:
    """Note while a model is asked for a whole answer that it is."""

    @functools.wraps(method)
    def generate(model: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_on():
            return method(model, *args, **kwargs)
        token = generating.set(True)
        try:
            return method(model, *args, **kwargs)
        finally:
            generating.reset(token)

    return generate


def _awhole(method: Any, is_on: _IsOn) -> Any:
    @functools.wraps(method)
    async def agenerate(model: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_on():
            return await method(model, *args, **kwargs)
        token = generating.set(True)
        try:
            return await method(model, *args, **kwargs)
        finally:
            generating.reset(token)

    return agenerate


def _asking(runs: Runs) -> _Recording:
    """Make the call of a model current while its integration sends the request."""

    def recording(method: Any, is_on: _IsOn) -> Any:
        @functools.wraps(method)
        def ask(model: Any, *args: Any, **kwargs: Any) -> Any:
            with runs.current(_run_id(args, kwargs) if is_on() else None):
                return method(model, *args, **kwargs)

        return ask

    return recording


def _aasking(runs: Runs) -> _Recording:
    def recording(method: Any, is_on: _IsOn) -> Any:
        @functools.wraps(method)
        async def ask(model: Any, *args: Any, **kwargs: Any) -> Any:
            run_id = _run_id(args, kwargs) if is_on() else None
            with runs.current(run_id):
                try:
                    return await method(model, *args, **kwargs)
                except asyncio.CancelledError as error:  # of which LangChain tells nobody
                    run = None if run_id is None else runs.take(run_id)
                    if run is not None:
                        runs.close(run, error)
                    raise

        return ask

    return recording


def _run_id(args: Sequence[Any], kwargs: Mapping[str, Any]) -> "UUID | None":
    manager = kwargs.get("run_manager")
    if manager is None and len(args) > 2:  # `_generate_helper` takes one for each prompt, and asks once
        managers = items(args[2])
        manager = managers[0] if managers else None
    return getattr(manager, "run_id", None)
