"""What the contract asks of the integration of LiteLLM, which goes on to OpenAI's client."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import litellm as typed_in_part

from tracelm.integrations.litellm import LiteLLMInstrumentor

_NAMES = ("completion", "text_completion", "embedding", "responses")
_MESSAGES = [{"role": "user", "content": "Count from one to five."}]
litellm: Any = typed_in_part
litellm.suppress_debug_info = True  # it prints where to complain
logging.getLogger("LiteLLM").setLevel(logging.ERROR)  # it says that each test has an event loop of its own


class LiteLLMSync:
    """LiteLLM's functions: the span is LiteLLM's, and what the client inside knows stands on it."""

    span_name = "chat smollm2-135m"
    prompt = "Count from one to five"
    answer = "1. 1"
    error: type[Exception] = litellm.BadRequestError

    def instrumentor(self) -> Any:
        return LiteLLMInstrumentor()

    def patched(self) -> list[object]:
        return [vars(typed_in_part).get(f"{way}{name}") for name in _NAMES for way in ("", "a")]

    def call(self, url: str) -> Any:
        return _plain(litellm.completion(**_asked(url, "sync-basic")))

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        chunks: list[Any] = []
        stream: Any = litellm.completion(**_asked(url, "stream-usage"), stream=True)
        for chunk in stream:
            chunks.append(_plain(chunk))
            if between is not None:
                between()
            if len(chunks) == stop_after:
                stream.close()
                break
        return chunks

    def fail(self, url: str) -> None:
        litellm.completion(**_asked(url, "sync-error-400"))


class LiteLLMAsync(LiteLLMSync):
    """The same, asynchronously."""

    def call(self, url: str) -> Any:
        async def run() -> Any:
            return _plain(await litellm.acompletion(**_asked(url, "sync-basic")))

        return anyio.run(run)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        async def run() -> Any:
            chunks: list[Any] = []
            stream: Any = await litellm.acompletion(**_asked(url, "stream-usage"), stream=True)
            async for chunk in stream:
                chunks.append(_plain(chunk))
                if between is not None:
                    between()
                if len(chunks) == stop_after:
                    await stream.aclose()
                    break
            return chunks

        return anyio.run(run)

    def fail(self, url: str) -> None:
        async def run() -> None:
            await litellm.acompletion(**_asked(url, "sync-error-400"))

        anyio.run(run)


def _asked(url: str, name: str) -> dict[str, Any]:
    return {
        "model": "openai/smollm2-135m",
        "messages": _MESSAGES,
        "api_base": f"{url}/v1",
        "api_key": "test",
        "max_retries": 0,
        "extra_headers": {"x-recording-id": f"local-chat-completions-{name}"},
    }


def _plain(answer: Any) -> Any:
    """Return an answer as plain data, without the time at which LiteLLM made it."""
    return {name: value for name, value in answer.model_dump().items() if name != "created"}
