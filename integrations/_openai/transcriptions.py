"""The endpoints `audio/transcriptions` and `audio/translations`: what was said, as text."""

from contextlib import suppress
from dataclasses import replace

from tracelm import semconv
from tracelm.integrations._chat import request_attributes
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import field, number, text
from tracelm.integrations._openai.uploads import upload_parts
from tracelm.integrations._parts import text_message, text_part
from tracelm.integrations._usage import token_usage


class TranscriptionsEndpoint(Endpoint):
    """Transcriptions and translations."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation="generate_content",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes={**asked.server, **request_attributes(body), semconv.OUTPUT_TYPE: "text"},
            messages=lambda: _input(asked),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a transcription: an object, or plain text where that was asked for."""
        answer = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
        said = answer if isinstance(answer, str) else text(field(answer, "text"))
        usage = token_usage(field(answer, "usage"))
        if usage.input_seconds is None and usage.input_tokens is None:
            usage = replace(usage, input_seconds=_seconds(field(answer, "duration")))
        return Reply(
            finish_reasons=[] if said is None else ["stop"],
            usage=usage,
            messages=lambda: [text_message("assistant", said) | {"finish_reason": "stop"}] if said else [],
        )

    def collect(self, asked: Asked, *, keep_content: bool) -> "TranscriptEvents":
        """Return what puts the events together."""
        return TranscriptEvents(self, asked, keep_content=keep_content)


class TranscriptEvents:
    """Collects the events of one stream."""

    def __init__(self, endpoint: TranscriptionsEndpoint, asked: Asked, *, keep_content: bool) -> None:
        self._endpoint = endpoint
        self._asked = asked
        self._keep_content = keep_content
        self._pieces: list[str] = []
        self._last: object = None

    @property
    def is_complete(self) -> bool:
        """Whether the last event has come, which holds all."""
        return self._last is not None

    def add(self, chunk: object) -> None:
        """Take one event."""
        kind = text(field(chunk, "type"))
        if kind == "transcript.text.delta":
            piece = text(field(chunk, "delta"))
            if piece and self._keep_content:
                self._pieces.append(piece)
        elif kind == "transcript.text.done":
            self._last = chunk

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        if self._last is not None:
            return self._endpoint.read(self._asked, self._last)
        said = "".join(self._pieces)
        broken: list[Message] = [text_message("assistant", said) | {"finish_reason": "error"}] if said else []
        return Reply(finish_reasons=["error"], messages=lambda: broken)


def _input(asked: Asked) -> list[Message]:
    parts = upload_parts(asked.files, modality="audio")
    prompt = text(asked.body.get("prompt"))
    if prompt:
        parts.append(text_part(prompt))
    return [{"role": "user", "parts": parts}] if parts else []


def _seconds(duration: object) -> float | None:
    # Some versions of the client have a text for it.
    if isinstance(duration, str):
        with suppress(ValueError):
            return float(duration)
    return number(duration)
