"""`PriceTable`: what a model's tokens cost. The user's own prices come first, then those of genai-prices.

genai-prices carries its price list inside the package. Its updater, the only part of it that uses the
network, is never started here.
"""

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Self, cast

from tracelm.errors import ConfigError
from tracelm.pricing.cost import Cost, Rates, Usage, price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

_RATE_KEYS: Final = {
    "input_usd_per_mtok": "input",
    "output_usd_per_mtok": "output",
    "cache_read_usd_per_mtok": "cache_read",
    "cache_write_usd_per_mtok": "cache_write",
}
_PROVIDER_IDS: Final = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "x_ai": "x-ai",
}
"""Providers that OpenTelemetry's conventions and genai-prices call differently."""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of models. `PriceTable()` knows those of genai-prices; `from_user` adds one's own."""

    own: Mapping[str, Rates] = field(default_factory=dict[str, Rates])

    @classmethod
    def from_user(cls, prices: Mapping[str, Mapping[str, float]] | None) -> Self:
        """Make a table from `tracelm.init(prices={...})`.

        Args:
            prices: Model name → `input_usd_per_mtok`, and where they apply `output_usd_per_mtok`,
                `cache_read_usd_per_mtok` and `cache_write_usd_per_mtok`, in USD per million tokens. Cached
                tokens without a price of their own cost what input costs.

        Raises:
            ConfigError: A model or a price cannot be used; the message names both.
        """
        return cls({model: _own_rates(model, entry) for model, entry in (prices or {}).items()})

    def cost(
        self, *, provider: str, models: Iterable[str | None], usage: Usage, service_tier: str | None = None
    ) -> Cost | None:
        """Price one call.

        Args:
            provider: `gen_ai.provider.name`.
            models: The names under which the model may be listed, the best first: the one that the response
                names, then the one that was asked for.
            usage: The tokens.
            service_tier: What the response says about its tier; some models cost more or less in one.

        Returns:
            The cost, or `None` when the price is not known.
        """
        names = [model for model in models if model]
        for model in names:
            if (rates := self.own.get(model)) is not None:
                return price(usage, rates, rule=f"user:{model}", price_version="user")
        for model in names:
            listed = _listed(_PROVIDER_IDS.get(provider, provider), model)
            if listed is not None:
                owner, info = listed
                context = {"service_tier": service_tier} if service_tier else None
                prices = info.get_prices(datetime.now(UTC), context)
                rates = _listed_rates(prices, usage.input_tokens or 0)
                return price(usage, rates, rule=f"genai-prices:{owner.id}/{info.id}", price_version=_version())
        return None


def _own_rates(model: object, entry: object) -> Rates:
    where = f"prices[{model!r}]"
    if not isinstance(model, str) or not model:
        raise ConfigError(f"{where}: the key must be the name of a model, for example 'gpt-4o'")
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where} must map {', '.join(_RATE_KEYS)} to USD per million tokens")
    given = cast("Mapping[object, object]", entry)
    unknown = [key for key in given if key not in _RATE_KEYS]
    if unknown:
        raise ConfigError(f"{where} has no price called {unknown[0]!r}: use {', '.join(_RATE_KEYS)}")
    if "input_usd_per_mtok" not in given:
        raise ConfigError(f"{where} lacks 'input_usd_per_mtok': USD per million input tokens")
    rates = {name: _rate(f"{where}[{key!r}]", given[key]) for key, name in _RATE_KEYS.items() if key in given}
    return Rates(
        input=rates["input"],
        output=rates.get("output"),
        cache_read=rates.get("cache_read"),
        cache_write=rates.get("cache_write"),
    )


def _rate(where: str, value: object) -> Decimal:
    number = value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else -1
    if math.isfinite(number) and number >= 0:
        return Decimal(str(number))
    raise ConfigError(f"{where} = {value!r} is no price: give USD per million tokens, 0 or more")


def _listed(provider: str, model: str) -> "tuple[Provider, ModelInfo] | None":
    from genai_prices.data_snapshot import get_snapshot

    try:
        return get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None


def _listed_rates(prices: "ModelPrice", input_tokens: int) -> Rates:
    """Read the rates for a call with so many input tokens: some models cost more when the prompt is long."""
    from genai_prices.types import TieredPrices

    def rate(key: str) -> Decimal | None:
        found = getattr(prices, key)
        if isinstance(found, TieredPrices):
            reached = [tier.price for tier in found.tiers if input_tokens > tier.start]
            return reached[-1] if reached else found.base
        return found if isinstance(found, Decimal) else None

    return Rates(
        input=rate("input_mtok"),
        output=rate("output_mtok"),
        cache_read=rate("cache_read_mtok"),
        cache_write=rate("cache_write_mtok"),
        input_audio=rate("input_audio_mtok"),
        output_audio=rate("output_audio_mtok"),
        reasoning=rate("output_reasoning_mtok"),
        request=(rate("requests_kcount") or Decimal(0)) / 1000,
    )


@functools.cache
def _version() -> str:
    import genai_prices

    return genai_prices.__version__
