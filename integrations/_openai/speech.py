"""The endpoint `audio/speech`: a text read out."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Final, cast

import orjson
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._chat import request_attributes
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import field, text
from tracelm.integrations._parts import blob_part, text_message, text_part
from tracelm.integrations._usage import token_usage
from tracelm.pricing.cost import Usage

_MIME_TYPES: Final = {"mp3": "mpeg"}


def _streamed(body: Mapping[str, object]) -> dict[str, AttributeValue]:
    return {semconv.REQUEST_STREAM: True} if text(body.get("stream_format")) == "sse" else {}


class SpeechEndpoint(Endpoint):
    """Speech. It comes as bytes, or as events with pieces of them, which the client leaves to the program as well."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        said, style = text(body.get("input")), text(body.get("instructions"))
        return Request(
            operation="generate_content",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes={**asked.server, **request_attributes(body), **_streamed(body), semconv.OUTPUT_TYPE: "speech"},
            messages=lambda: [text_message("user", said)] if said else [],
            instructions=lambda: [text_part(style)] if style else [],
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read the bytes of an answer; nothing else is one."""
        if not isinstance(answer, bytes):
            return Reply()
        usage = Usage()
        pieces: list[str] = []
        if text(asked.body.get("stream_format")) == "sse":
            for event in _events(answer):
                piece = text(field(event, "audio"))
                if piece:
                    pieces.append(piece)
                usage = token_usage(field(event, "usage")) if field(event, "usage") else usage
        said = text(asked.body.get("input"))
        form = text(asked.body.get("response_format")) or "mp3"
        return Reply(
            finish_reasons=["stop"],
            usage=Usage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                input_characters=len(said) if said else None,
            ),
            messages=lambda: [_output("".join(pieces) or b64encode(answer).decode(), form)],
        )


def _output(encoded: str, form: str) -> Message:
    heard = blob_part("audio", f"audio/{_MIME_TYPES.get(form, form)}", encoded)
    return {"role": "assistant", "parts": [heard], "finish_reason": "stop"}


def _events(answer: bytes) -> Iterator[object]:
    for line in answer.splitlines():
        if line.startswith(b"data:"):
            try:
                yield cast("object", orjson.loads(line.removeprefix(b"data:")))
            except orjson.JSONDecodeError:  # `[DONE]`
                continue
