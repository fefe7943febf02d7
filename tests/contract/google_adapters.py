"""What the contract asks of an integration, done with Google's client."""

from collections.abc import Callable
from typing import Any

import anyio
from google.genai import _extra_utils
from google.genai._api_client import BaseApiClient
from google.genai.errors import ClientError
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tests.recordings.google import GoogleRecorded, plain
from tests.recordings.made_google import GOOGLE
from tracelm.integrations.google_genai import GoogleGenAIInstrumentor


class GoogleSync:
    """Google's client, synchronous."""

    span_name = "generate_content gemini-2.5-flash"
    prompt = "Count from one to five"
    answer = "One, two, three"
    error: type[Exception] = ClientError

    def instrumentor(self) -> BaseInstrumentor:
        return GoogleGenAIInstrumentor()

    def patched(self) -> list[object]:
        requests = ("request", "async_request", "request_streamed", "async_request_streamed")
        names = (*requests, "_request_once", "_async_request_once")
        return [*(vars(BaseApiClient).get(name) for name in names), _extra_utils.get_function_map]

    def call(self, url: str) -> Any:
        return self._ask("made-google-answer", url)

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        recorded = self._recorded("made-google-stream", url)
        chunks: list[Any] = []
        client = recorded.client()  # once it is garbage, it is closed
        for chunk in recorded.stream(client):
            chunks.append(plain(chunk))
            if between is not None:
                between()
            if len(chunks) == stop_after:
                break
        return chunks

    def fail(self, url: str) -> None:
        self._ask("made-google-refused", url)

    def _ask(self, name: str, url: str) -> Any:
        recorded = self._recorded(name, url)
        return recorded.ask(recorded.client())

    def _recorded(self, name: str, url: str) -> GoogleRecorded:
        return GoogleRecorded(GOOGLE[name], url)


class GoogleAsync(GoogleSync):
    """Google's client, asynchronous."""

    def stream(self, url: str, *, stop_after: int | None = None, between: Callable[[], None] | None = None) -> Any:
        async def run() -> Any:
            recorded = self._recorded("made-google-stream", url)
            chunks: list[Any] = []
            client = recorded.client()
            async for chunk in await recorded.astream(client):
                chunks.append(plain(chunk))
                if between is not None:
                    between()
                if len(chunks) == stop_after:
                    break
            return chunks

        return anyio.run(run)

    def _ask(self, name: str, url: str) -> Any:
        async def run() -> Any:
            recorded = self._recorded(name, url)
            return await recorded.aask(recorded.client())

        return anyio.run(run)
