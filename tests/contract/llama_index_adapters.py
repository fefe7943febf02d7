"""What the contract asks of the integration of LlamaIndex, done with a chat model over OpenAI's client."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import openai
from llama_index.core import instrumentation
from llama_index.core.llms import ChatMessage

from tests.integrations.llama_models import OVER_LITELLM, aclose, chat_model
from tracelm.integrations.llama_index import LlamaIndexInstrumentor

litellm: Any = None
if OVER_LITELLM:
    import litellm as typed_in_part

    litellm = typed_in_part
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)

_REFUSED: type[Exception] = litellm.BadRequestError if OVER_LITELLM else openai.BadRequestError


class LlamaIndexSync:
    """LlamaIndex's chat model: the span is LlamaIndex's, and what the client inside knows stands on it."""

    span_name = "chat smollm2-135m"
    prompt = "Count from one to five"
    answer = "1. 1"
    error: type[Exception] = _REFUSED

    def instrumentor(self) -> Any:
        return LlamaIndexInstrumentor()

    def patched(self) -> list[object]:
        root: Any = vars(instrumentation)["get_dispatcher"]()
        return [*map(id, root.span_handlers), *map(id, root.event_handlers)]

    def call(self, url: str) -> Any:
        return _plain(chat_model(url).chat(_MESSAGES))

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        chunks: list[Any] = []
        stream = chat_model(url, _STREAM).stream_chat(_MESSAGES)
        for chunk in stream:
            chunks.append(_plain(chunk))
            if between is not None:
                between()
            if len(chunks) == stop_after:
                break
        stream.close()
        return chunks

    def fail(self, url: str) -> None:
        chat_model(url, _ERROR).chat([ChatMessage("Hello")])


class LlamaIndexAsync(LlamaIndexSync):
    """The same, asynchronously."""

    def call(self, url: str) -> Any:
        async def run() -> Any:
            model = chat_model(url)
            try:
                return _plain(await model.achat(_MESSAGES))
            finally:
                await aclose(model)

        return anyio.run(run)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        async def run() -> Any:
            chunks: list[Any] = []
            model = chat_model(url, _STREAM)
            stream = await model.astream_chat(_MESSAGES)
            async for chunk in stream:
                chunks.append(_plain(chunk))
                if between is not None:
                    between()
                if len(chunks) == stop_after:
                    break
            await stream.aclose()
            await aclose(model)
            return chunks

        return anyio.run(run)

    def fail(self, url: str) -> None:
        async def run() -> None:
            model = chat_model(url, _ERROR)
            try:
                await model.achat([ChatMessage("Hello")])
            finally:
                await aclose(model)

        anyio.run(run)


_STREAM = "local-chat-completions-stream-usage"
_ERROR = "local-chat-completions-sync-error-400"
_MESSAGES = [ChatMessage("Count from one to five.")]


def _plain(answer: Any) -> Any:
    """Return an answer as plain data, without the time at which LiteLLM made it."""
    found: dict[str, Any] = answer.model_dump()
    raw: Any = found.get("raw") or {}
    served: dict[str, Any] = raw.model_dump() if hasattr(raw, "model_dump") else raw
    return {**found, "raw": {name: value for name, value in served.items() if name != "created"}}
