"""What a reply says of the tokens it took, in the two forms that OpenAI's endpoints have for it."""

from decimal import Decimal
from typing import Final

from tracelm.integrations._fields import count, field, number
from tracelm.pricing.cost import Usage

_REPORTS_COST: Final = frozenset({"openrouter", "perplexity"})
"""Providers whose usage says what the call cost, in US dollars. In another's usage `cost` may be anything."""


def chat_usage(reported: object, *, provider: str = "openai") -> Usage:
    """Read the usage of a chat completion or a text completion.

    Args:
        reported: `usage` of the reply.
        provider: Who reports it.
    """
    sent = field(reported, "prompt_tokens_details")
    received = field(reported, "completion_tokens_details")
    read = count(field(sent, "cached_tokens"))
    return Usage(
        input_tokens=count(field(reported, "prompt_tokens")),
        output_tokens=count(field(reported, "completion_tokens")),
        cache_read_tokens=count(field(reported, "cached_tokens")) if read is None else read,  # Moonshot's place for it
        cache_write_tokens=count(field(sent, "cache_write_tokens")),
        reasoning_tokens=count(field(received, "reasoning_tokens")),
        input_text_tokens=count(field(sent, "text_tokens")),
        input_image_tokens=count(field(sent, "image_tokens")),
        input_audio_tokens=count(field(sent, "audio_tokens")),
        output_text_tokens=count(field(received, "text_tokens")),
        output_audio_tokens=count(field(received, "audio_tokens")),
        reported_usd=_reported_usd(reported, provider),
    )


def token_usage(reported: object, *, images: int | None = None) -> Usage:
    """Read the usage of the Responses API, of images, speech and transcriptions, which share their names.

    Args:
        reported: `usage` of the reply.
        images: How many images came.
    """
    sent = field(reported, "input_tokens_details") or field(reported, "input_token_details")
    received = field(reported, "output_tokens_details")
    return Usage(
        input_tokens=count(field(reported, "input_tokens")),
        output_tokens=count(field(reported, "output_tokens")),
        cache_read_tokens=count(field(sent, "cached_tokens")),
        cache_write_tokens=count(field(sent, "cache_write_tokens")),
        reasoning_tokens=count(field(received, "reasoning_tokens")),
        input_text_tokens=count(field(sent, "text_tokens")),
        input_image_tokens=count(field(sent, "image_tokens")),
        input_audio_tokens=count(field(sent, "audio_tokens")),
        output_text_tokens=count(field(received, "text_tokens")),
        output_image_tokens=count(field(received, "image_tokens")),
        input_seconds=number(field(reported, "seconds")),
        images=images,
    )


def _reported_usd(reported: object, provider: str) -> Decimal | None:
    if provider not in _REPORTS_COST:
        return None
    cost = field(reported, "cost")
    amount = number(cost)
    amount = number(field(cost, "total_cost")) if amount is None else amount
    return None if amount is None or not amount >= 0 else Decimal(repr(amount))
