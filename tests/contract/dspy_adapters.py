"""What the contract asks of the integration of DSPy: its language model, which goes on to LiteLLM and to OpenAI."""

import contextlib
import importlib
import logging
from collections.abc import Callable
from typing import Any

import anyio

from tests.integrations.dspy_programs import VERSION, dspy, language_model
from tracelm.integrations._patches import own
from tracelm.integrations.dspy import DSPyInstrumentor

logging.getLogger("dspy.clients.lm").setLevel(logging.ERROR)  # it says that an answer was cut
logging.getLogger("LiteLLM").setLevel(logging.ERROR)  # it says that each test has an event loop of its own
_ASKED = "Count from one to five."


class DSPySync:
    """DSPy's language model: the span is DSPy's, and what the clients inside know stands on it."""

    span_name = "chat smollm2-135m"
    prompt = "Count from one to five"
    answer = "1. 1"

    error: type[Exception] = getattr(dspy.utils.exceptions, "LMError", Exception)

    def instrumentor(self) -> Any:
        return DSPyInstrumentor()

    def patched(self) -> list[object]:
        execution = importlib.import_module("dspy.clients.execution")
        settings = importlib.import_module("dspy.dsp.utils.settings").Settings
        heard: list[object] = [own(execution).get(name) for name in ("finalize", "stream_emitted")]
        return [*heard, own(settings).get("get"), own(dspy.BaseLM).get("_process_lm_response")]

    def call(self, url: str) -> Any:
        return _model(url, "sync-basic")(_ASKED)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        chunks: list[Any] = []

        async def run() -> None:
            send, receive = anyio.create_memory_object_stream[Any]()
            with contextlib.closing(send), contextlib.closing(receive):
                async with anyio.create_task_group() as group:
                    group.start_soon(self._ask, url, send)
                    async for chunk in receive:
                        chunks.append(_plain(chunk))
                        if between is not None:
                            between()
                        if len(chunks) == stop_after:
                            group.cancel_scope.cancel()

        anyio.run(run)
        return chunks

    async def _ask(self, url: str, send: Any) -> None:
        with contextlib.closing(send), dspy.context(send_stream=send):
            await _model(url, "stream-usage").acall(_ASKED)

    def fail(self, url: str) -> None:
        _model(url, "sync-error-400")(_ASKED)


class DSPyAsync(DSPySync):
    """The same, asynchronously."""

    def call(self, url: str) -> Any:
        async def run() -> Any:
            return await _model(url, "sync-basic").acall(_ASKED)

        return anyio.run(run)

    def fail(self, url: str) -> None:
        async def run() -> None:
            await _model(url, "sync-error-400").acall(_ASKED)

        anyio.run(run)


def _model(url: str, name: str) -> Any:
    return language_model(url, f"local-chat-completions-{name}", by_litellm=True)


def _plain(chunk: Any) -> Any:
    return {name: value for name, value in chunk.model_dump().items() if name not in {"created", "citations"}}


# Before 3.4 DSPy leaves a stream open that nobody reads any more.
OF_DSPY = {"dspy-sync": DSPySync(), "dspy-async": DSPyAsync()} if VERSION >= (3, 4) else {}
