"""What one model call is billed by, and what it cost.

Amounts are whole numbers, rounded to floats once, where they become attributes of a span.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Context, Decimal
from typing import Any, Final, Literal, Self

from tracelm import semconv
from tracelm.frozen import frozen


@frozen
class Usage:
    """What one model call is billed by, as the provider reported it; `None` is "not reported".

    The counts nest as in OpenTelemetry's GenAI conventions: `input_tokens` includes those read from and
    written to a cache and those of every modality; `output_tokens` includes reasoning and every modality; what
    was read from the cache is part of its modality as well. `inclusive` brings counts of the other kind there.

    Attributes:
        cache_write_1h_tokens: The part of `cache_write_tokens` that is kept for an hour.
        input_seconds: Length of the audio that went in, where audio is billed by its length.
        input_characters: Characters that went in, where speech is billed by them.
        images: Images that were made, where they are billed by the piece.
        web_searches: Searches that the provider made in the web, where they are billed by the piece.
        file_searches: Searches that the provider made in files, where they are billed by the piece.
        not_counted: What the call is billed by as well, of which no count is known: `image_generation`. A count that
            was reported and is none, as half a token, is named here, too.
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
    not_counted: str | None = None
    reported_usd: Decimal | None = None

    def attributes(self) -> dict[str, int | float]:
        """Return the span attributes of what the provider counted; its own price is told by `Cost`."""
        found: dict[str, int | float] = {}
        for name, count in self.__dict__.items():  # what was given, of the many that there are
            if count is not None and name in _KEYS:
                found[_KEYS[name]] = count
        return found

    def __add__(self, other: "Usage") -> "Usage":
        """Return what two calls together are billed by; what neither reported is not reported."""
        both = {name: _sum(getattr(self, name), getattr(other, name)) for name in (*_KEYS, "reported_usd")}
        return Usage(**both, not_counted=self.not_counted or other.not_counted)

    def filled_up(self, other: "Usage") -> "Usage":
        """Return these counts, with those of another account of the same call where there are none."""
        told = {name: count for name, count in self.__dict__.items() if count is not None}
        return replace(other, **told)

    @classmethod
    def counted(cls, told: Mapping[str, object], *, not_counted: str | None = None) -> Self:
        """Read what a reply reports.

        Args:
            told: The counts by the names of the fields, as they were reported. `None` is "not reported"; what is no
                count, as half a token, is noted as not counted.
            not_counted: What is known not to be among them.
        """
        found: dict[str, Any] = {} if not_counted is None else {"not_counted": not_counted}
        for name, value in told.items():
            if type(value) is int:  # nearly always, but for what is not reported
                found[name] = value
            elif value is not None and value != "":
                amount = _amount(value, is_whole=name != "input_seconds")
                if amount is None:
                    found["not_counted"] = name
                else:
                    found[name] = amount
        return cls(**found)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, object]) -> Self:
        """Read what was written of a call, from a span of whatever origin, as `counted` does.

        A price that the provider reported is read from the cost of the span, whose source then is `provider`.
        """
        missing = attributes.get(semconv.USAGE_NOT_COUNTED)
        usage = cls.counted(
            {name: attributes.get(key) for name, key in _KEYS.items()},
            not_counted=missing if isinstance(missing, str) and missing else None,
        )
        amount = attributes.get(semconv.COST_AMOUNT)
        is_reported = attributes.get(semconv.COST_SOURCE) == "provider" and isinstance(amount, int | float)
        return replace(usage, reported_usd=Decimal(str(amount))) if is_reported else usage


def _amount(value: object, *, is_whole: bool) -> float | None:
    """Return a number that counts something; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) or not is_whole:
        return value
    return int(value) if value.is_integer() else None  # some write every number as a float


def _sum(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other


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


def inclusive(usage: Usage, *, cache_is_apart: bool = False, reasoning_is_apart: bool = False) -> Usage:
    """Return the counts nested as `Usage` has them, from those of a provider that counts some tokens apart.

    Args:
        usage: The counts as the provider reported them.
        cache_is_apart: `input_tokens` leaves out what was read from and written to a cache: Anthropic, Bedrock.
        reasoning_is_apart: `output_tokens` leaves out reasoning: xAI's chat completions, Google.
    """
    sent, received = usage.input_tokens, usage.output_tokens
    if cache_is_apart and sent is not None:
        sent += (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    if reasoning_is_apart and received is not None:
        received += usage.reasoning_tokens or 0
    return replace(usage, input_tokens=sent, output_tokens=received)


PARTS: Final = 10**15
"""What a US dollar is counted in: amounts are whole numbers of these, so that their sums are exact."""
_EXACT: Final = Context(prec=60)


@frozen
class Cost:
    """The price of one model call, split into the buckets that it is the sum of.

    Attributes:
        source: `local`: computed here; `provider`: reported by the provider.
        told_usd: The whole price, where somebody else says it.
        shares: Bucket (`input`, `cache_read`, `output`, ...) to its share of the price computed here, in `PARTS` of a
            US dollar. One that is not there had nothing in it; one that cost nothing is 0. `None`: there are none.
        rule: Which entry of which price list applied, and under what condition: `user:my-model`,
            `genai-prices:openai/gpt-5; service_tier=flex`.
        price_version: The version of that price list; for a price of the user's own, `user-` and a digest of it.
        rates: The prices that applied, as JSON with the keys of `tracelm.init(prices=...)`.
    """

    source: Literal["local", "provider"] = "local"
    told_usd: Decimal | None = None
    shares: Mapping[str, int] | None = None
    rule: str | None = None
    price_version: str | None = None
    rates: str | None = None

    @property
    def amount_usd(self) -> Decimal:
        """The whole price."""
        return self.computed_usd or Decimal(0) if self.told_usd is None else self.told_usd

    @property
    def computed_usd(self) -> Decimal | None:
        """The price computed here: the sum of the buckets. `None` where only somebody else knows a price."""
        return None if self.shares is None else _usd(sum(self.shares.values()))

    @property
    def buckets_usd(self) -> dict[str, Decimal]:
        """Each bucket's share of the price computed here."""
        return {bucket: _usd(share) for bucket, share in (self.shares or {}).items()}

    def facts(self) -> dict[str, str]:
        """Return the span attributes of this cost that many calls have in the same way: where its price is from."""
        found = {semconv.COST_CURRENCY: "USD", semconv.COST_SOURCE: self.source}
        if self.rule is not None and self.price_version is not None and self.rates is not None:
            found[semconv.COST_RULE] = self.rule
            found[semconv.COST_PRICE_VERSION] = self.price_version
            found[semconv.COST_RATES] = self.rates
        return found

    def amounts(self) -> dict[str, float]:
        """Return the others: the whole, and its buckets."""
        found = amounts(self.shares or {})
        if self.source == "provider" and self.shares is not None:
            found[semconv.COST_COMPUTED] = found[semconv.COST_AMOUNT]
        if self.told_usd is not None:
            found[semconv.COST_AMOUNT] = float(self.told_usd)
        return found

    def attributes(self) -> dict[str, str | float]:
        """Return the span attributes of this cost."""
        return {**self.facts(), **self.amounts()}


def amounts(shares: Mapping[str, int]) -> dict[str, float]:
    """Return the span attributes of a price that is computed here: the whole, and its buckets.

    Args:
        shares: As `Cost` has them.
    """
    # A whole number by a whole number gives the float that is nearest.
    found = {semconv.COST_AMOUNT: sum(shares.values()) / PARTS}
    for bucket, share in shares.items():
        found[semconv.COST_BUCKETS[bucket]] = share / PARTS
    return found


def _usd(parts: int) -> Decimal:
    return Decimal(parts).scaleb(-15, _EXACT)
