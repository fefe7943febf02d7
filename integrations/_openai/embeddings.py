"""The endpoint `embeddings`. The vectors themselves are never recorded: they say nothing to a reader."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import count, field, items, text
from tracelm.integrations._parts import text_part
from tracelm.integrations._usage import chat_usage

_BYTES_OF_A_NUMBER: Final = 4


class EmbeddingsEndpoint(Endpoint):
    """Embeddings."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        attributes: dict[str, AttributeValue] = dict(asked.server)
        size = count(body.get("dimensions"))
        if size is not None:
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = size
        wanted = text(body.get("encoding_format"))
        # The client asks for base64 where the program does not say what it wants: `read` tells the two apart.
        if wanted and wanted != "base64":
            attributes[semconv.REQUEST_ENCODING_FORMATS] = [wanted]
        return Request(
            operation="embeddings",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes=attributes,
            messages=lambda: _texts(body),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a list of embeddings."""
        attributes: dict[str, AttributeValue] = {}
        first = next(iter(items(field(answer, "data"))), None)
        vector = field(first, "embedding")
        is_bare = isinstance(answer, Mapping)
        if isinstance(vector, str):
            if not is_bare:  # in the bare body base64 may be the client's own wish
                attributes[semconv.REQUEST_ENCODING_FORMATS] = ["base64"]
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = _bytes_in(vector) // _BYTES_OF_A_NUMBER
        elif items(vector):
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = len(items(vector))
        return Reply(
            id=text(field(answer, "id")),
            model=text(field(answer, "model")),
            usage=replace(chat_usage(field(answer, "usage"), provider=asked.provider), output_tokens=None),
            attributes=attributes,
        )


def _texts(body: Mapping[str, object]) -> list[Message]:
    given = body.get("input")
    inputs = items(given) or [given]
    if inputs and all(isinstance(each, int) for each in inputs):  # one input, given as its tokens
        inputs = [inputs]
    parts: list[Message] = [
        text_part(each) if isinstance(each, str) else {"type": "tokens", "content": each}
        for each in inputs
        if each is not None
    ]
    return [{"role": "user", "parts": parts}] if parts else []


def _bytes_in(encoded: str) -> int:
    return len(encoded) * 3 // 4 - encoded.count("=", -2)
