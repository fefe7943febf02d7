"""What LiteLLM is asked and answers, where it is more, or something else, than OpenAI's language says."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, cast

from tracelm import semconv
from tracelm.integrations._endpoint import Asked
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import field, fields, number, text
from tracelm.integrations._providers import provider_called, server_at
from tracelm.integrations._stream import Chunks
from tracelm.integrations._usage import chat_usage
from tracelm.pricing.cost import Usage

_KEPT: Final = ("api_base", "cache_hit", "response_cost", "usage")


def asked_of(body: Mapping[str, object]) -> Asked:
    """Return what a function of LiteLLM was called with as a request, with the provider's own name of the model."""
    provider, model = named(text(body.get("model")) or "", text(body.get("custom_llm_provider")))
    return Asked(
        path="",
        body={**body, "model": model},
        provider=provider_called(provider or ""),
        server=server_at(text(body.get("api_base")) or text(body.get("base_url"))),
        streams=body.get("stream") is True,
    )


def described(request: Request) -> Request:
    """Return a request as one that a framework makes: which interface the provider speaks is its own affair."""
    attributes = {key: value for key, value in request.attributes.items() if key != semconv.OPENAI_API_TYPE}
    return replace(request, attributes=attributes, by_framework=True, reports_usage=True)


def answered(reply: Reply, answer: object, asked: Asked) -> Reply:
    """Return a reply with what LiteLLM says of it beside the answer."""
    return _with(reply, _hidden(answer), asked)


def _with(reply: Reply, hidden: Mapping[str, object], asked: Asked) -> Reply:
    cost = number(hidden.get("response_cost"))
    is_cached = hidden.get("cache_hit") is True
    return replace(
        reply,
        # What came out of LiteLLM's cache was paid for when it went in.
        usage=Usage() if is_cached else reply.usage,
        framework_usd=Decimal(str(cost)) if cost else None,
        # A guess of LiteLLM's where the program gave no address.
        attributes={
            **reply.attributes,
            **(asked.server or server_at(text(hidden.get("api_base")))),
            **({semconv.RESPONSE_CACHED: True} if is_cached else {}),
        },
    )


class LiteLLMChunks(Chunks):
    """Puts the chunks of a stream together. LiteLLM keeps the tokens from the program, beside the last one.

    Args:
        chunks: Puts together what the program sees.
        asked: The request.
    """

    def __init__(self, chunks: Chunks, asked: Asked) -> None:
        self._chunks = chunks
        self._asked = asked
        self._hidden: Mapping[str, object] = {}

    @property
    def is_complete(self) -> bool:
        """Whether the model has said all."""
        return self._chunks.is_complete

    def add(self, chunk: object) -> None:
        """Take one chunk."""
        hidden = _hidden(chunk)  # not the chunk itself, behind which the whole stream hangs
        self._hidden = {key: hidden[key] for key in _KEPT if key in hidden}
        self._chunks.add(chunk)

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        reply = self._chunks.reply()
        used = chat_usage(self._hidden.get("usage"))
        if used.input_tokens and not reply.usage.input_tokens:
            reply = replace(reply, usage=used)
        elif not reply.usage.input_tokens:  # LiteLLM may not have counted yet: then the client inside knows
            reply = replace(reply, usage=Usage())
        return _with(reply, self._hidden, self._asked)


def named(model: str, provider: str | None) -> tuple[str | None, str]:
    """Return LiteLLM's name of the provider, as far as the model tells it, and the model without it."""
    litellm: Any = sys.modules["litellm"]
    head, _, rest = model.partition("/")
    if rest and (head == provider or (provider is None and head in litellm.provider_list)):
        return head, rest
    return provider or text(field(litellm.model_cost.get(model), "litellm_provider")), model


def _hidden(answer: object) -> Mapping[str, object]:
    found = getattr(answer, "_hidden_params", None)
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else fields(found)
