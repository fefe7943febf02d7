"""The operations of Amazon Bedrock that ask a model: in Amazon's words (Converse), or in those of each model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

import orjson

from tracelm import semconv
from tracelm.integrations._bedrock.converse import (
    converse_attributes,
    converse_input,
    converse_instructions,
    converse_tools,
    converse_usage,
    read_converse,
)
from tracelm.integrations._bedrock.events import ConverseEvents
from tracelm.integrations._claude.endpoints import MessagesEndpoint
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import count, field, fields, text
from tracelm.integrations._stream import Chunks
from tracelm.pricing.cost import Usage

_MODEL: Final = "model"
"""Under this name a body that `InvokeModel` is given holds the model, beside what the program wrote into it."""
_METRICS: Final = "amazon-bedrock-invocationMetrics"


class ConverseEndpoint(Endpoint):
    """`Converse`, streamed or not; and what Nova takes as the body of `InvokeModel`."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation="chat",
            provider=asked.provider,
            model=text(body.get("modelId")) or text(body.get(_MODEL)),
            attributes={**asked.server, **converse_attributes(body, streams=asked.streams)},
            messages=lambda: converse_input(body),
            tools=lambda: converse_tools(body),
            instructions=lambda: converse_instructions(body),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read an answer."""
        return read_converse(answer)

    def collect(self, asked: Asked, *, keep_content: bool) -> Chunks:
        """Return what puts the events together."""
        return ConverseEvents(keep_content=keep_content)


class OtherEndpoint(Endpoint):
    """A body that is not known: what goes in and what comes out is kept as it is."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        model = text(asked.body.get(_MODEL))
        said = {name: each for name, each in asked.body.items() if name != _MODEL}
        return Request(
            operation="embeddings" if _embeds(model) else "generate_content",
            provider=asked.provider,
            model=model,
            attributes={**asked.server, semconv.REQUEST_STREAM: True} if asked.streams else asked.server,
            content={semconv.INPUT_VALUE: lambda: said},
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read an answer. Vectors are never kept."""
        said = fields(answer)
        is_kept = bool(said) and not _embeds(text(asked.body.get(_MODEL)))
        return Reply(content={semconv.OUTPUT_VALUE: lambda: said}) if is_kept else Reply()

    def collect(self, asked: Asked, *, keep_content: bool) -> Chunks:
        """Return what puts the events together."""
        return _OtherEvents(keep_content=keep_content)


class _OtherEvents:
    """Events of a form that is not known: they are kept in a row."""

    is_complete = True

    def __init__(self, *, keep_content: bool) -> None:
        self._keep_content = keep_content
        self._events: list[object] = []

    def add(self, chunk: object) -> None:
        if self._keep_content:
            self._events.append(chunk)

    def reply(self) -> Reply:
        return Reply(content={semconv.OUTPUT_VALUE: lambda: self._events})


class InvokeEvents:
    """The events of `InvokeModelWithResponseStream`: each holds a JSON text, in the words of the model.

    Args:
        inner: Puts those together.
    """

    def __init__(self, inner: Chunks) -> None:
        self._inner = inner
        self._metrics: object = None

    @property
    def is_complete(self) -> bool:
        """Whether the model has said all."""
        return self._inner.is_complete

    def add(self, chunk: object) -> None:
        """Take one event."""
        content = field(field(chunk, "chunk"), "bytes")
        if not isinstance(content, bytes):
            return
        event = cast("object", orjson.loads(content))
        self._metrics = field(event, _METRICS) or self._metrics
        self._inner.add(event)

    def reply(self) -> Reply:
        """Return the whole, as far as it came, with the tokens that Bedrock itself has counted."""
        return with_tokens(self._inner.reply(), _counted(self._metrics))


CONVERSE: Final = ConverseEndpoint()
_CLAUDE: Final = MessagesEndpoint()
_OTHER: Final = OtherEndpoint()


def endpoint_for(body: Mapping[str, object]) -> Endpoint:
    """Return what reads a body of `InvokeModel`."""
    if "anthropic_version" in body:
        return _CLAUDE
    is_nova = "schemaVersion" in body or ("messages" in body and "inferenceConfig" in body)
    return CONVERSE if is_nova else _OTHER


def kind_of(body: Mapping[str, object]) -> str:
    """Return the operation that a body of `InvokeModel` asks for."""
    if endpoint_for(body) is not _OTHER:
        return "chat"
    return "embeddings" if _embeds(text(body.get(_MODEL))) else "generate_content"


def invoked(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return the body that `InvokeModel` is given, with the model's name in it; of a file nothing is read."""
    content = params.get("body")
    named = {_MODEL: params.get("modelId")}
    if not isinstance(content, bytes | bytearray | str):
        return named
    try:
        body = cast("object", orjson.loads(content))
    except orjson.JSONDecodeError:
        return named
    return {**fields(body), **named}


def with_tokens(reply: Reply, counted: Usage) -> Reply:
    """Return a reply with the tokens that Bedrock counted, where the model's own words do not say them."""
    own = reply.usage
    if own.input_tokens is not None and own.output_tokens is not None:
        return reply
    return reply if counted.input_tokens is None else replace(reply, usage=counted)


def counted_by(headers: Mapping[str, object]) -> Usage:
    """Return the tokens that the headers of an answer tell."""
    return _counted(
        {
            name: int(value)
            for name, key in _HEADERS.items()
            if isinstance(value := headers.get(key), str) and value.isdecimal()
        }
    )


_HEADERS: Final = {
    "inputTokenCount": "x-amzn-bedrock-input-token-count",
    "outputTokenCount": "x-amzn-bedrock-output-token-count",
    "cacheReadInputTokenCount": "x-amzn-bedrock-cache-read-input-token-count",
    "cacheWriteInputTokenCount": "x-amzn-bedrock-cache-write-input-token-count",
}


def _counted(metrics: object) -> Usage:
    found = fields(metrics)
    return converse_usage(
        {
            "inputTokens": count(found.get("inputTokenCount")),
            "outputTokens": count(found.get("outputTokenCount")),
            "cacheReadInputTokens": count(found.get("cacheReadInputTokenCount")),
            "cacheWriteInputTokens": count(found.get("cacheWriteInputTokenCount")),
        }
    )


def _embeds(model: str | None) -> bool:
    return model is not None and "embed" in model
