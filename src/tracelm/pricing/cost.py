"""What one model call cost, and how that figure came about.

The arithmetic is done in decimals and rounded to floats once, at the end. Every figure can be checked by hand
from the tokens on the span and the price rule that is recorded beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tracelm import semconv

_MILLION: Final = Decimal(1_000_000)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What one model call is billed by, as the provider reported it; `None` is "not reported".

    The counts nest as in OpenTelemetry's GenAI conventions: `input_tokens` includes those read from and
    written to a cache and those of every modality; `output_tokens` includes reasoning and every modality; what
    was read from the cache is part of its modality as well.

    Attributes:
        cache_write_1h_tokens: The part of `cache_write_tokens` that is kept for an hour.
        input_seconds: Length of the audio that went in, where audio is billed by its length.
        input_characters: Characters that went in, where speech is billed by them.
        images: Images that were made, where they are billed by the piece.
        web_searches: Searches that the provider made in the web, where they are billed by the piece.
        file_searches: Searches that the provider made in files, where they are billed by the piece.
        reported_usd: What the provider itself says that the call cost.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_text_tokens: int | None = None
    input_image_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_text_tokens: int | None = None
    output_image_tokens: int | None = None
    output_audio_tokens: int | None = None
    cache_read_text_tokens: int | None = None
    cache_read_image_tokens: int | None = None
    cache_read_audio_tokens: int | None = None
    input_seconds: float | None = None
    input_characters: int | None = None
    images: int | None = None
    web_searches: int | None = None
    file_searches: int | None = None
    reported_usd: Decimal | None = None

    def attributes(self) -> dict[str, int | float]:
        """Return the span attributes of what the provider reported; its own price is told by `Cost`."""
        found: dict[str, int | float] = {}
        for name, key in _KEYS.items():
            count = getattr(self, name)
            if count is not None:
                found[key] = count
        return found


_KEYS: Final = {
    "input_tokens": semconv.INPUT_TOKENS,
    "output_tokens": semconv.OUTPUT_TOKENS,
    "cache_read_tokens": semconv.CACHE_READ_TOKENS,
    "cache_write_tokens": semconv.CACHE_WRITE_TOKENS,
    "cache_write_1h_tokens": semconv.CACHE_WRITE_1H_TOKENS,
    "reasoning_tokens": semconv.REASONING_TOKENS,
    "input_text_tokens": semconv.INPUT_TEXT_TOKENS,
    "input_image_tokens": semconv.INPUT_IMAGE_TOKENS,
    "input_audio_tokens": semconv.INPUT_AUDIO_TOKENS,
    "output_text_tokens": semconv.OUTPUT_TEXT_TOKENS,
    "output_image_tokens": semconv.OUTPUT_IMAGE_TOKENS,
    "output_audio_tokens": semconv.OUTPUT_AUDIO_TOKENS,
    "cache_read_text_tokens": semconv.CACHE_READ_TEXT_TOKENS,
    "cache_read_image_tokens": semconv.CACHE_READ_IMAGE_TOKENS,
    "cache_read_audio_tokens": semconv.CACHE_READ_AUDIO_TOKENS,
    "input_seconds": semconv.INPUT_SECONDS,
    "input_characters": semconv.INPUT_CHARACTERS,
    "images": semconv.IMAGES,
    "web_searches": semconv.WEB_SEARCHES,
    "file_searches": semconv.FILE_SEARCHES,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """The prices of one model in USD per million tokens; `request` in USD per call.

    A rate that is `None` is not set apart by the price list: cached and audio input then cost what input
    costs, reasoning and audio output what output costs.
    """

    input: Decimal | None
    output: Decimal | None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    input_audio: Decimal | None = None
    output_audio: Decimal | None = None
    reasoning: Decimal | None = None
    request: Decimal = _ZERO


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The price of one model call in USD, split into the buckets that it is the sum of.

    Attributes:
        amount_usd: The whole price.
        input_usd: Input tokens that were neither read from nor written to a cache.
        cache_read_usd: Input tokens read from a cache.
        cache_write_usd: Input tokens written to a cache.
        output_usd: Output tokens, reasoning included.
        request_usd: What the provider takes for a call, however long.
        rule: Which entry of which price list applied: `user:my-model`, `genai-prices:openai/gpt-4o`.
        price_version: The version of that price list; `user` for the user's own table.
        source: `local`: computed here, not reported by the provider.
    """

    amount_usd: float
    input_usd: float
    cache_read_usd: float
    cache_write_usd: float
    output_usd: float
    request_usd: float
    rule: str
    price_version: str
    source: str = "local"

    def attributes(self) -> Mapping[str, str | float]:
        """Return the span attributes of this cost."""
        found: dict[str, str | float] = {
            semconv.COST_AMOUNT: self.amount_usd,
            semconv.COST_CURRENCY: "USD",
            semconv.COST_SOURCE: self.source,
            semconv.COST_RULE: self.rule,
            semconv.COST_PRICE_VERSION: self.price_version,
            semconv.COST_INPUT: self.input_usd,
            semconv.COST_CACHE_READ: self.cache_read_usd,
            semconv.COST_CACHE_WRITE: self.cache_write_usd,
            semconv.COST_OUTPUT: self.output_usd,
        }
        if self.request_usd:
            found[semconv.COST_REQUEST] = self.request_usd
        return found


def price(usage: Usage, rates: Rates, *, rule: str, price_version: str) -> Cost | None:
    """Price `usage` at `rates`.

    Returns:
        The cost, or `None` where it would be a guess: no tokens were reported, tokens have no rate, or the
        counts contradict each other (more cached tokens than input).
    """
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    heard = 0 if rates.input_audio is None else usage.input_audio_tokens or 0
    spoken = 0 if rates.output_audio is None else usage.output_audio_tokens or 0
    thought = 0 if rates.reasoning is None else usage.reasoning_tokens or 0
    fresh = (usage.input_tokens or 0) - read - written - heard
    written_out = (usage.output_tokens or 0) - spoken - thought
    buckets = (
        _sum((fresh, rates.input), (heard, rates.input_audio)),
        _sum((read, _first(rates.cache_read, rates.input))),
        _sum((written, _first(rates.cache_write, rates.input))),
        _sum((written_out, rates.output), (spoken, rates.output_audio), (thought, rates.reasoning)),
    )
    known = [bucket for bucket in buckets if bucket is not None]
    if len(known) < len(buckets):
        return None
    input_usd, cache_read_usd, cache_write_usd, output_usd = known
    return Cost(
        amount_usd=float(sum(known, rates.request)),
        input_usd=float(input_usd),
        cache_read_usd=float(cache_read_usd),
        cache_write_usd=float(cache_write_usd),
        output_usd=float(output_usd),
        request_usd=float(rates.request),
        rule=rule,
        price_version=price_version,
    )


def _sum(*shares: tuple[int, Decimal | None]) -> Decimal | None:
    total = _ZERO
    for tokens, rate in shares:
        if tokens < 0 or (tokens and rate is None):
            return None
        if rate is not None:
            total += tokens * rate
    return total / _MILLION


def _first(rate: Decimal | None, fallback: Decimal | None) -> Decimal | None:
    return fallback if rate is None else rate
