"""What the contract asks of each integration, done with the real client. A new integration adds its adapters here."""

import importlib.util
from collections.abc import Callable
from typing import Any, Protocol

import anthropic
import anyio
import botocore.client  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]
import openai
from anthropic import _base_client as anthropic_clients  # pyright: ignore[reportPrivateUsage]
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tests.contract.google_adapters import GoogleAsync, GoogleSync
from tests.contract.langchain_adapters import LangChainAsync, LangChainSync
from tests.recordings.bedrock import MADE, BedrockRecorded
from tests.recordings.claude import ClaudeRecorded
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.integrations.anthropic import AnthropicInstrumentor
from tracelm.integrations.bedrock import BedrockInstrumentor
from tracelm.integrations.openai import OpenAIInstrumentor


class Adapter(Protocol):
    """One way to use one client library."""

    span_name: str
    prompt: str
    """Words of what is asked."""
    answer: str
    """Words of what is answered."""
    error: type[Exception]
    """What the client raises when the provider refuses."""

    def instrumentor(self) -> Any:
        """Return the integration."""
        ...

    def patched(self) -> list[object]:
        """Return the attributes that the integration replaces, as they are now."""
        ...

    def call(self, url: str) -> Any:
        """Ask for a whole answer, and return it as plain data."""
        ...

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        """Ask for a stream, read it (or its first chunks, then close it), and return the chunks as plain data."""
        ...

    def fail(self, url: str) -> None:
        """Ask for what the provider refuses."""
        ...


class OpenAISync:
    """The synchronous client, at one endpoint.

    Args:
        endpoint: How the recordings of it are called.
        span_name: What its spans are called.
        prompt: Words of what is asked.
        answer: Words of what is answered.
        names: The recordings of an answer and of a stream.
    """

    error: type[Exception] = openai.BadRequestError

    def __init__(self, endpoint: str, span_name: str, *, prompt: str, answer: str, names: tuple[str, str]) -> None:
        self._endpoint = endpoint
        self.span_name = span_name
        self.prompt = prompt
        self.answer = answer
        self._names = names

    def instrumentor(self) -> BaseInstrumentor:
        return OpenAIInstrumentor()

    def patched(self) -> list[object]:
        classes = (openai.OpenAI, openai.AsyncOpenAI)
        return [vars(each).get(name) for each in classes for name in ("request", "_prepare_request")]

    def call(self, url: str) -> Any:
        recorded = self._recorded(self._names[0], url)
        with recorded.client() as client:
            return recorded.ask(client).to_dict()

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        recorded = self._recorded(self._names[1], url)
        chunks: list[Any] = []
        with recorded.client() as client, recorded.ask(client) as reply:
            for chunk in reply:
                chunks.append(chunk.to_dict())
                if between is not None:
                    between()
                if len(chunks) == stop_after:
                    break
        return chunks

    def fail(self, url: str) -> None:
        recorded = self._recorded("sync-error-400", url)
        with recorded.client() as client:
            recorded.ask(client)

    def _recorded(self, name: str, url: str) -> Recorded:
        return Recorded(load()[f"local-{self._endpoint}-{name}"], url)


class OpenAIAsync(OpenAISync):
    """The asynchronous client."""

    def call(self, url: str) -> Any:
        async def run() -> Any:
            recorded = self._recorded(self._names[0], url)
            async with recorded.async_client() as client:
                return (await recorded.ask(client)).to_dict()

        return anyio.run(run)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        async def run() -> Any:
            recorded = self._recorded(self._names[1], url)
            chunks: list[Any] = []
            async with recorded.async_client() as client, await recorded.ask(client) as reply:
                async for chunk in reply:
                    chunks.append(chunk.to_dict())
                    if between is not None:
                        between()
                    if len(chunks) == stop_after:
                        break
            return chunks

        return anyio.run(run)

    def fail(self, url: str) -> None:
        async def run() -> None:
            recorded = self._recorded("sync-error-400", url)
            async with recorded.async_client() as client:
                await recorded.ask(client)

        anyio.run(run)


class _OfAnthropic:
    """What is another client's."""

    error: type[Exception] = anthropic.BadRequestError

    def instrumentor(self) -> BaseInstrumentor:
        return AnthropicInstrumentor()

    def patched(self) -> list[object]:
        names = {
            anthropic_clients: ("start_api_call_span",),
            anthropic_clients.BaseClient: ("_build_request",),
            anthropic_clients.SyncAPIClient: ("request",),
            anthropic_clients.AsyncAPIClient: ("request",),
            anthropic.Stream: ("__stream__",),
            anthropic.AsyncStream: ("__stream__",),
        }
        return [vars(owner).get(name) for owner, each in names.items() for name in each]

    def _recorded(self, name: str, url: str) -> Recorded:
        return ClaudeRecorded(load()[f"local-messages-{name}"], url)


class AnthropicSync(_OfAnthropic, OpenAISync):
    """Anthropic's synchronous client."""


class AnthropicAsync(_OfAnthropic, OpenAIAsync):
    """Anthropic's asynchronous client."""


class BedrockConverse:
    """Amazon's client, at `Converse`."""

    span_name = "chat amazon.nova-lite-v1:0"
    prompt = "Count from one to five"
    answer = "1, 2, 3"
    error: type[Exception] = botocore.exceptions.ClientError

    def instrumentor(self) -> BaseInstrumentor:
        return BedrockInstrumentor()

    def patched(self) -> list[object]:
        return [vars(botocore.client.BaseClient).get("_make_api_call")]

    def call(self, url: str) -> Any:
        return BedrockRecorded(MADE["made-converse"], url).ask()

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        reply = BedrockRecorded(MADE["made-converse-stream"], url).reply()["stream"]
        chunks: list[Any] = []
        for chunk in reply:
            chunks.append(chunk)
            if between is not None:
                between()
            if len(chunks) == stop_after:
                break
        reply.close()
        return chunks

    def fail(self, url: str) -> None:
        BedrockRecorded(MADE["made-converse-error-400"], url).ask()


def _adapters() -> dict[str, Adapter]:
    found: dict[str, Adapter] = {
        "bedrock-converse": BedrockConverse(),
        "google-genai-async": GoogleAsync(),
        "google-genai-sync": GoogleSync(),
    }
    for way, kind in (("sync", OpenAISync), ("async", OpenAIAsync)):
        found[f"openai-{way}"] = kind(
            "chat-completions",
            "chat smollm2-135m",
            prompt="Count from one to five",
            answer="1. 1",
            names=("sync-basic", "stream-usage"),
        )
        found[f"openai-completions-{way}"] = kind(
            "completions",
            "text_completion smollm2-135m",
            prompt="The colours of the rainbow",
            answer="metaphor for the harmony",
            names=("sync-basic", "stream-basic"),
        )
        if hasattr(openai.OpenAI, "responses"):
            found[f"openai-responses-{way}"] = kind(
                "responses",
                "chat smollm2-135m",
                prompt="Count from one to five",
                answer="The answer is 1",
                names=("sync-basic", "stream-basic"),
            )
    for way, of_claude in (("sync", AnthropicSync), ("async", AnthropicAsync)):
        found[f"anthropic-{way}"] = of_claude(
            "messages",
            "chat smollm2-135m",
            prompt="Count from one to five",
            answer="1. 1",
            names=("sync-basic", "stream-basic"),
        )
    found |= {"langchain-sync": LangChainSync(), "langchain-async": LangChainAsync()}
    if importlib.util.find_spec("litellm") is not None:  # it needs a newer client than the oldest that we support
        from tests.contract.litellm_adapters import LiteLLMAsync, LiteLLMSync

        found |= {"litellm-sync": LiteLLMSync(), "litellm-async": LiteLLMAsync()}
    if importlib.util.find_spec("dspy") is not None:
        from tests.contract.dspy_adapters import OF_DSPY

        found |= OF_DSPY
    if importlib.util.find_spec("pydantic_ai") is not None:
        from tests.contract.pydantic_ai_adapters import OF_PYDANTIC_AI

        found |= OF_PYDANTIC_AI
    if importlib.util.find_spec("llama_index") is not None:
        from tests.contract.llama_index_adapters import LlamaIndexAsync, LlamaIndexSync

        found |= {"llama-index-sync": LlamaIndexSync(), "llama-index-async": LlamaIndexAsync()}
    return found


ADAPTERS = _adapters()
