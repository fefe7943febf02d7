"""Which endpoint of Google's APIs a request goes to. What is not listed is left alone."""

from collections.abc import Mapping
from typing import Final

from tracelm.integrations._endpoint import Endpoint
from tracelm.integrations._google.content import ContentEndpoint, CountTokensEndpoint
from tracelm.integrations._google.predictions import EmbeddingsEndpoint, ImagesEndpoint, draws, embeds

_CONTENT: Final[tuple[str, Endpoint]] = ("generate_content", ContentEndpoint())
_EMBEDDINGS: Final[tuple[str, Endpoint]] = ("embeddings", EmbeddingsEndpoint())
_IMAGES: Final[tuple[str, Endpoint]] = ("generate_content", ImagesEndpoint())
_VERBS: Final[Mapping[str, tuple[str, Endpoint]]] = {
    "generateContent": _CONTENT,
    "streamGenerateContent": _CONTENT,
    "countTokens": ("count_tokens", CountTokensEndpoint()),
    "embedContent": _EMBEDDINGS,
    "batchEmbedContents": _EMBEDDINGS,
}


def find_endpoint(method: str, path: str, body: Mapping[str, object]) -> tuple[str, Endpoint] | None:
    """Return the operation that a request is, and the endpoint that reads it; `None` for all others.

    Args:
        method: Of HTTP.
        path: With the method of the API at its end: `models/gemini-2.5-flash:generateContent?alt=sse`.
        body: Models of different kinds share the method `predict`: what they are asked for tells them apart.
    """
    verb = path.partition("?")[0].rpartition(":")[2]
    if method.lower() != "post":
        return None
    if verb == "predict":
        return _IMAGES if draws(body) else _EMBEDDINGS if embeds(body) else None
    return _VERBS.get(verb)
