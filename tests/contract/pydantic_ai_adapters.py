"""What the contract asks of the integration of Pydantic AI, done with its model of OpenAI, without an agent."""

import importlib.util
from collections.abc import Callable
from typing import Any

import anyio
import openai
from pydantic_ai import Agent, Embedder, ModelHTTPError
from pydantic_ai.direct import model_request, model_request_stream, model_request_stream_sync, model_request_sync
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tracelm.integrations.pydantic_ai import PydanticAIInstrumentor

_ASKED = [ModelRequest.user_text_prompt("Count from one to five.")]


class PydanticAISync:
    """Pydantic AI's requests of a model: the span is Pydantic AI's, and what the client inside knows stands on it."""

    span_name = "chat smollm2-135m"
    prompt = "Count from one to five"
    answer = "1. 1"
    error: type[Exception] = ModelHTTPError

    def instrumentor(self) -> Any:
        return PydanticAIInstrumentor()

    def patched(self) -> list[object]:
        defaults = [vars(each)["_instrument_default"] for each in (Agent, Embedder)]
        return [*defaults, vars(InstrumentationSettings).get("tracer"), vars(InstrumentedModel).get("request_stream")]

    def call(self, url: str) -> Any:
        return _plain(model_request_sync(_model(url, "sync-basic"), _ASKED))

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        chunks: list[Any] = []
        with model_request_stream_sync(_model(url, "stream-usage"), _ASKED) as stream:
            for chunk in stream:
                chunks.append(chunk)
                if between is not None:
                    between()
                if len(chunks) == stop_after:
                    break
        return chunks

    def fail(self, url: str) -> None:
        model_request_sync(_model(url, "sync-error-400"), _ASKED)


class PydanticAIAsync(PydanticAISync):
    """The same, asynchronously."""

    def call(self, url: str) -> Any:
        async def run() -> Any:
            model = _model(url, "sync-basic")
            async with model.client:
                return _plain(await model_request(model, _ASKED))

        return anyio.run(run)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        async def run() -> Any:
            chunks: list[Any] = []
            model = _model(url, "stream-usage")
            async with model.client, model_request_stream(model, _ASKED) as stream:
                async for chunk in stream:
                    chunks.append(chunk)
                    if between is not None:
                        between()
                    if len(chunks) == stop_after:
                        break
            return chunks

        return anyio.run(run)

    def fail(self, url: str) -> None:
        async def run() -> None:
            model = _model(url, "sync-error-400")
            async with model.client:
                await model_request(model, _ASKED)

        anyio.run(run)


def _model(url: str, name: str) -> OpenAIChatModel:
    client = openai.AsyncOpenAI(
        base_url=f"{url}/v1",
        api_key="test",
        max_retries=0,
        default_headers={"x-recording-id": f"local-chat-completions-{name}"},
    )
    return OpenAIChatModel("smollm2-135m", provider=OpenAIProvider(openai_client=client))


def _plain(response: Any) -> Any:
    """Return an answer without the time at which Pydantic AI got it."""
    return [response.parts, response.usage, response.provider_response_id, response.finish_reason]


OF_PYDANTIC_AI: dict[str, PydanticAISync] = {"pydantic-ai-async": PydanticAIAsync()}
if importlib.util.find_spec("pydantic_ai._sync_stream") is not None:  # before, it reads to its end what is left
    OF_PYDANTIC_AI["pydantic-ai-sync"] = PydanticAISync()
