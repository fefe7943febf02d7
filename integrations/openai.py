"""Records the calls of OpenAI's client: each call of a model becomes one span."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.integrations._endpoint import Endpoint
from tracelm.integrations._openai.routes import find_endpoint
from tracelm.integrations._openai.stream_usage import asking, hides
from tracelm.integrations._patches import patch
from tracelm.integrations._providers import provider_at
from tracelm.integrations._stainless import Library, counting
from tracelm.integrations._watching import end_watched
from tracelm.pricing.listed import AZURE, load_in_background

_BEFORE_EACH_ATTEMPT: Final = "_prepare_request"


class OpenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each call of a model as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the client are known to work."""
        return ("openai >= 1.40",)

    def _instrument(self, **_options: Any) -> None:
        import openai

        load_in_background()
        self._undo = [
            patch(openai.OpenAI, "request", _LIBRARY.request),
            patch(openai.AsyncOpenAI, "request", _LIBRARY.arequest),
        ]
        for client in (openai.OpenAI, openai.AsyncOpenAI):
            if hasattr(client, _BEFORE_EACH_ATTEMPT):  # it is not part of the client's public face
                self._undo.append(patch(client, _BEFORE_EACH_ATTEMPT, counting))

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        end_watched()


class _OpenAI(Library):
    """OpenAI's client."""

    find_endpoint = staticmethod(find_endpoint)

    def provider_of(self, client: Any, host: str, port: int) -> str:
        """Return `gen_ai.provider.name` of a client that sends to this server."""
        import openai

        provider = provider_at(host, port)
        is_azure = isinstance(client, openai.AzureOpenAI | openai.AsyncAzureOpenAI)
        return "azure.ai.openai" if is_azure and provider not in AZURE else provider

    def completed(self, body: Mapping[str, object], path: str) -> Mapping[str, object]:
        """Return a body that names no model with the one that Azure's addresses may name."""
        if "/deployments/" in path:
            return {**body, "model": path.partition("/deployments/")[2].partition("/")[0]}
        return body

    def changed(self, options: Any, endpoint: Endpoint) -> Any:
        """Return options that ask for the tokens of a stream; `None` to leave them."""
        return asking(options) if endpoint.says_usage_if_asked else None

    def hides(self, chunk: object) -> bool:
        """Say of a chunk that it brings only the tokens that were asked for."""
        return hides(chunk)


_LIBRARY: Final = _OpenAI()
