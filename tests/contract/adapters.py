"""What the contract asks of each integration, done with the real client. A new integration adds its adapters here."""

from collections.abc import Callable
from typing import Any, Protocol

import anyio
import openai
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tests.recordings.recorded import Recorded
from tests.recordings.server import load
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


def _recorded(name: str, url: str) -> Recorded:
    return Recorded(load()[f"local-chat-completions-{name}"], url)


class OpenAISync:
    """The synchronous client."""

    span_name = "chat smollm2-135m"
    prompt = "Count from one to five"
    answer = "1. 1"
    error: type[Exception] = openai.BadRequestError

    def instrumentor(self) -> BaseInstrumentor:
        return OpenAIInstrumentor()

    def patched(self) -> list[object]:
        classes = (openai.OpenAI, openai.AsyncOpenAI)
        return [vars(each).get(name) for each in classes for name in ("request", "_prepare_request")]

    def call(self, url: str) -> Any:
        recorded = _recorded("sync-basic", url)
        with recorded.client() as client:
            return client.chat.completions.create(**recorded.arguments()).to_dict()

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        recorded = _recorded("stream-usage", url)
        chunks: list[Any] = []
        with recorded.client() as client, client.chat.completions.create(**recorded.arguments()) as reply:
            for chunk in reply:
                chunks.append(chunk.to_dict())
                if between is not None:
                    between()
                if len(chunks) == stop_after:
                    break
        return chunks

    def fail(self, url: str) -> None:
        recorded = _recorded("sync-error-400", url)
        with recorded.client() as client:
            client.chat.completions.create(**recorded.arguments())


class OpenAIAsync(OpenAISync):
    """The asynchronous client."""

    def call(self, url: str) -> Any:
        async def run() -> Any:
            recorded = _recorded("sync-basic", url)
            async with recorded.async_client() as client:
                return (await client.chat.completions.create(**recorded.arguments())).to_dict()

        return anyio.run(run)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        async def run() -> Any:
            recorded = _recorded("stream-usage", url)
            chunks: list[Any] = []
            async with (
                recorded.async_client() as client,
                await client.chat.completions.create(**recorded.arguments()) as reply,
            ):
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
            recorded = _recorded("sync-error-400", url)
            async with recorded.async_client() as client:
                await client.chat.completions.create(**recorded.arguments())

        anyio.run(run)


ADAPTERS: dict[str, Adapter] = {"openai-sync": OpenAISync(), "openai-async": OpenAIAsync()}
