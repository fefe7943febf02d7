"""What a reply says of the tokens it took, in the two forms that OpenAI's endpoints have for it."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from tracelm.integrations._fields import field, fields, number
from tracelm.pricing.cost import Usage, inclusive

_REPORTS_COST: Final = frozenset({"openrouter", "perplexity"})
"""Providers whose usage says what the call cost, in US dollars. In another's usage `cost` may be anything."""
_LEAVES_THOUGHTS_OUT: Final = frozenset({"gcp.gemini", "gcp.vertex_ai"})
"""Google's completion tokens leave out those of thinking, which only the total has: prompt, candidates and thoughts."""
_READ_NAMES: Final = frozenset(
    {
        "cached_tokens",  # Moonshot, Together
        "cache_read_input_tokens",  # Databricks
        "num_cached_tokens",  # Mistral
        "prompt_cache_hit_tokens",  # DeepSeek
    }
)
"""What was read from the cache, where it is not in OpenAI's place for it. With each it is part of the prompt."""


def chat_usage(reported: object, *, provider: str = "openai") -> Usage:
    """Read the usage of a chat completion or a text completion.

    Args:
        reported: `usage` of the reply.
        provider: Who reports it.
    """
    usage = fields(reported)
    sent, received = fields(usage.get("prompt_tokens_details")), fields(usage.get("completion_tokens_details"))
    read, thought = sent.get("cached_tokens"), received.get("reasoning_tokens")
    if read is None and not _READ_NAMES.isdisjoint(usage):
        read = next((found for name, found in usage.items() if name in _READ_NAMES and found is not None), None)
    if thought is None and provider == "databricks":  # Perplexity's, of that name, are no part of the completion
        thought = usage.get("reasoning_tokens")
    told = {
        "input_tokens": usage.get("prompt_tokens"),
        "output_tokens": usage.get("completion_tokens"),
        "cache_read_tokens": read,
        "reasoning_tokens": thought,
    }
    if sent or received:
        told["cache_write_tokens"] = sent.get("cache_write_tokens")
        told["input_text_tokens"] = sent.get("text_tokens")
        told["input_image_tokens"] = sent.get("image_tokens")
        told["input_audio_tokens"] = sent.get("audio_tokens")
        told["output_text_tokens"] = received.get("text_tokens")
        told["output_audio_tokens"] = received.get("audio_tokens")
    found = whole(Usage.counted(told), usage.get("total_tokens"), provider=provider)
    usd = _reported_usd(reported) if provider in _REPORTS_COST else None
    return found if usd is None else replace(found, reported_usd=usd)


def whole(usage: Usage, total: object, *, provider: str = "openai") -> Usage:
    """Return the usage with reasoning as part of the output, where the total says that it was left out of it.

    Args:
        usage: The counts as they were reported.
        total: `total_tokens` beside them.
        provider: Who reports it.
    """
    if type(total) is not int or usage.input_tokens is None or usage.output_tokens is None:
        return usage
    rest = total - usage.input_tokens - usage.output_tokens
    if rest <= 0:  # nearly always
        return usage
    if usage.reasoning_tokens is None and provider in _LEAVES_THOUGHTS_OUT:
        usage = replace(usage, reasoning_tokens=rest)
    return inclusive(usage, reasoning_is_apart=usage.reasoning_tokens == rest)


def token_usage(reported: object, *, not_counted: str | None = None, **more: object) -> Usage:
    """Read the usage of the Responses API, of images, speech and transcriptions, which share their names.

    Args:
        reported: `usage` of the reply.
        not_counted: As `Usage` has it.
        more: What else it is billed by, by the fields of `Usage`.
    """
    usage = fields(reported)
    sent = fields(usage.get("input_tokens_details") or usage.get("input_token_details"))
    received = fields(usage.get("output_tokens_details"))
    seconds = usage.get("seconds")
    return Usage.counted(
        {
            "input_tokens": usage.get("input_tokens"),
            "output_tokens": usage.get("output_tokens"),
            "cache_read_tokens": sent.get("cached_tokens"),
            "cache_write_tokens": sent.get("cache_write_tokens"),
            "reasoning_tokens": received.get("reasoning_tokens"),
            "input_text_tokens": sent.get("text_tokens"),
            "input_image_tokens": sent.get("image_tokens"),
            "input_audio_tokens": sent.get("audio_tokens"),
            "output_text_tokens": received.get("text_tokens"),
            "output_image_tokens": received.get("image_tokens"),
            "input_seconds": number(seconds) if type(seconds) is int else seconds,  # one type for one attribute
            **more,
        },
        not_counted=not_counted,
    )


def _reported_usd(reported: object) -> Decimal | None:
    cost = field(reported, "cost")
    amount = number(cost)
    amount = number(field(cost, "total_cost")) if amount is None else amount
    return None if amount is None or not amount >= 0 else Decimal(repr(amount))
