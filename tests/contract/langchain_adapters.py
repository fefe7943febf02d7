"""What the contract asks of the integration of LangChain, done with its chat model of OpenAI."""

from collections.abc import Callable
from typing import Any

import anyio
import openai
from langchain_core.callbacks.base import BaseCallbackManager
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import BaseLLM
from langchain_core.messages import BaseMessage
from langchain_core.runnables import config as langchain_config
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tracelm.integrations.langchain import LangChainInstrumentor


class LangChainSync:
    """LangChain's chat model of OpenAI: the span is LangChain's, and what the client inside knows stands on it."""

    span_name = "chat smollm2-135m"
    prompt = "Count from one to five"
    answer = "1. 1"
    error: type[Exception] = openai.BadRequestError

    def instrumentor(self) -> Any:
        return LangChainInstrumentor()

    def patched(self) -> list[object]:
        return [
            vars(owner).get(name)
            for owner, names in (
                (BaseCallbackManager, ("__init__",)),
                (BaseChatModel, ("generate", "agenerate", "_generate_with_cache", "_agenerate_with_cache")),
                (BaseLLM, ("generate", "agenerate", "_generate_helper", "_agenerate_helper")),
                (langchain_config, ("_set_config_context",)),
            )
            for name in names
        ]

    def call(self, url: str) -> Any:
        model = self._model(url, "local-chat-completions-sync-basic")
        return _without_run(model.invoke("Count from one to five."))

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        chunks: list[Any] = []
        stream = self._model(url, "local-chat-completions-stream-usage").stream("Count from one to five.")
        for chunk in stream:
            chunks.append(_without_run(chunk))
            if between is not None:
                between()
            if len(chunks) == stop_after:
                break
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        return chunks

    def fail(self, url: str) -> None:
        self._model(url, "local-chat-completions-sync-error-400").invoke("Hello")

    def _model(self, url: str, name: str, **more: Any) -> ChatOpenAI:
        return ChatOpenAI(
            model="smollm2-135m",
            base_url=f"{url}/v1",
            api_key=SecretStr("test"),
            max_retries=0,
            default_headers={"x-recording-id": name},
            stream_usage=True,
            **more,
        )


class LangChainAsync(LangChainSync):
    """The same, asynchronously."""

    def call(self, url: str) -> Any:
        async def run() -> Any:
            async with openai.DefaultAsyncHttpxClient() as http:
                model = self._model(url, "local-chat-completions-sync-basic", http_async_client=http)
                return _without_run(await model.ainvoke("Count from one to five."))

        return anyio.run(run)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        async def run() -> Any:
            chunks: list[Any] = []
            async with openai.DefaultAsyncHttpxClient() as http:
                model = self._model(url, "local-chat-completions-stream-usage", http_async_client=http)
                stream = model.astream("Count from one to five.")
                async for chunk in stream:
                    chunks.append(_without_run(chunk))
                    if between is not None:
                        between()
                    if len(chunks) == stop_after:
                        break
                await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
            return chunks

        return anyio.run(run)

    def fail(self, url: str) -> None:
        async def run() -> None:
            async with openai.DefaultAsyncHttpxClient() as http:
                model = self._model(url, "local-chat-completions-sync-error-400", http_async_client=http)
                await model.ainvoke("Hello")

        anyio.run(run)


def _without_run(message: BaseMessage) -> Any:
    """Return a message as plain data, without the id of the run that LangChain may put into it."""
    return {name: value for name, value in message.model_dump().items() if name != "id"}
