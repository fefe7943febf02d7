"""What a reply says of the tokens it took, in the two forms that OpenAI's endpoints have for it."""

from decimal import Decimal
from typing import Final

from tracelm.integrations._fields import count, field, fields, number
from tracelm.pricing.cost import Usage

_REPORTS_COST: Final = frozenset({"openrouter", "perplexity"})
"""Providers whose usage says what the call cost, in US dollars. In another's usage `cost` may be anything."""


def chat_usage(reported: object, *, provider: str = "openai") -> Usage:
    """Read the usage of a chat completion or a text completion.

    Args:
        reported: `usage` of the reply.
        provider: Who reports it.
    """
    usage = fields(reported)
    sent, received = fields(usage.get("prompt_tokens_details")), fields(usage.get("completion_tokens_details"))
    if not sent and not received:
        return Usage(
            input_tokens=count(usage.get("prompt_tokens")),
            output_tokens=count(usage.get("completion_tokens")),
            cache_read_tokens=count(usage.get("cached_tokens")),
            reported_usd=_reported_usd(reported) if provider in _REPORTS_COST else None,
        )
    read = count(sent.get("cached_tokens"))
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        cache_read_tokens=count(usage.get("cached_tokens")) if read is None else read,  # Moonshot's place for it
        cache_write_tokens=count(sent.get("cache_write_tokens")),
        reasoning_tokens=count(received.get("reasoning_tokens")),
        input_text_tokens=count(sent.get("text_tokens")),
        input_image_tokens=count(sent.get("image_tokens")),
        input_audio_tokens=count(sent.get("audio_tokens")),
        output_text_tokens=count(received.get("text_tokens")),
        output_audio_tokens=count(received.get("audio_tokens")),
        reported_usd=_reported_usd(reported) if provider in _REPORTS_COST else None,
    )


def token_usage(reported: object, *, images: int | None = None) -> Usage:
    """Read the usage of the Responses API, of images, speech and transcriptions, which share their names.

    Args:
        reported: `usage` of the reply.
        images: How many images came.
    """
    usage = fields(reported)
    sent = fields(usage.get("input_tokens_details") or usage.get("input_token_details"))
    received = fields(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        cache_read_tokens=count(sent.get("cached_tokens")),
        cache_write_tokens=count(sent.get("cache_write_tokens")),
        reasoning_tokens=count(received.get("reasoning_tokens")),
        input_text_tokens=count(sent.get("text_tokens")),
        input_image_tokens=count(sent.get("image_tokens")),
        input_audio_tokens=count(sent.get("audio_tokens")),
        output_text_tokens=count(received.get("text_tokens")),
        output_image_tokens=count(received.get("image_tokens")),
        input_seconds=number(usage.get("seconds")),
        images=images,
    )


def _reported_usd(reported: object) -> Decimal | None:
    cost = field(reported, "cost")
    amount = number(cost)
    amount = number(field(cost, "total_cost")) if amount is None else amount
    return None if amount is None or not amount >= 0 else Decimal(repr(amount))
