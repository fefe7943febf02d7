"""`PriceTable`: what a model costs. The user's own prices come first, then the public ones."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, Self, cast

from tracelm.errors import ConfigError
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Cost
from tracelm.pricing.listed import MINUTE_NS, public_prices
from tracelm.pricing.rates import RATE_KEYS, Rates

_MOST_USD: Final = 1_000_000
_AZURE: Final = frozenset({"azure.ai.openai", "azure.ai.inference"})


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A price of the user's own: what it applies to, and where it came from."""

    name: str
    rates: Rates
    version: str


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of models. `PriceTable()` knows the public ones; `from_user` adds one's own."""

    own: Mapping[str, OwnPrice] = field(default_factory=dict[str, OwnPrice])
    _patterns: tuple[tuple[re.Pattern[str], OwnPrice], ...] = ()

    @classmethod
    def from_user(cls, prices: Mapping[str, Mapping[str, object]] | None) -> Self:
        """Make a table from `tracelm.init(prices={...})`.

        Args:
            prices: Model name, or a pattern in which `*` stands for anything, to its prices in USD: at least one
                of `RATE_KEYS`, and that of input where any token has a price. A name beats a pattern, a longer
                pattern a shorter one.

        Raises:
            ConfigError: A model or a price cannot be used; the message names both.
        """
        own = {name: _own_price(name, entry) for name, entry in (prices or {}).items()}
        patterns = sorted((name for name in own if "*" in name), key=len, reverse=True)
        compiled = ((re.compile(".*".join(map(re.escape, name.split("*")))), own[name]) for name in patterns)
        return cls(own, tuple(compiled))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Make a table from a file that holds what `from_user` takes, as TOML or JSON.

        Raises:
            ConfigError: The file cannot be read, or holds something else; the message names it.
        """
        import json
        import tomllib

        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix.lower() == ".json":
                found = json.loads(text, parse_float=Decimal)
            else:
                found = tomllib.loads(text, parse_float=Decimal)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} is no table of prices: {error}. Write TOML, or JSON with .json") from error
        if not isinstance(found, Mapping):
            raise ConfigError(f"{path} is no table of prices: it must map names of models to their prices")
        try:
            return cls.from_user(cast("Mapping[str, Mapping[str, object]]", found))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def cost(self, call: PricedCall) -> Cost | None:
        """Price one call.

        What the provider reported is the amount; what would have been computed stands beside it.

        Returns:
            The cost, or `None` when the price is not known.
        """
        own = self.own_price(call) if self.own else None
        if own is not None:
            computed = own.rates.cost(call.usage, rule=f"user:{own.name}", price_version=own.version)
        else:
            computed = self._public_cost(call)
        reported = call.usage.reported_usd
        if reported is None or not reported.is_finite() or reported < 0:
            return computed
        if computed is None:
            return Cost(told_usd=reported, source="provider")
        return replace(computed, told_usd=reported, source="provider")

    def own_price(self, call: PricedCall) -> OwnPrice | None:
        """Return the user's own price for a call, if there is one: for the model that answered, else as asked for."""
        if not self.own:
            return None
        names = [name for name in (call.response_model, call.request_model) if name]
        for name in names:
            if name in self.own:
                return self.own[name]
        for name in names:
            for pattern, price in self._patterns:
                if pattern.fullmatch(name):
                    return price
        return None

    @staticmethod
    def _public_cost(call: PricedCall) -> Cost | None:
        public = public_prices()
        tier, minute = call.service_tier, call.start_ns // MINUTE_NS
        asked, answered = call.request_model, call.response_model
        steps = public.priced(call.provider, answered, tier, minute) if answered else ()
        # On Azure what was asked for is the name of a deployment, which may read like that of another model.
        if not steps and asked and not (answered and call.provider in _AZURE):
            steps = public.priced(call.provider, asked, tier, minute)
        sent = call.usage.input_tokens or 0
        found = None
        for above, rates, rule in steps:
            if sent > above:
                found = rates, rule
        return None if found is None else found[0].cost(call.usage, rule=found[1], price_version=public.version)


def _own_price(name: object, entry: object) -> OwnPrice:
    where = f"prices[{name!r}]"
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{where}: the key must be the name of a model, for example 'gpt-4o'")
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where} must map {_SOME_KEYS} to USD")
    given = cast("Mapping[object, object]", entry)
    unknown = [key for key in given if key not in RATE_KEYS]
    if unknown and isinstance(given[unknown[0]], Mapping):
        raise ConfigError(f"{where} holds a table, {unknown[0]!r}: in TOML, put a name with dots into quotes")
    if unknown:
        raise ConfigError(f"{where} has no price called {unknown[0]!r}: use {', '.join(RATE_KEYS)}")
    if not given:
        raise ConfigError(f"{where} has no price: give it {_SOME_KEYS}")
    if "input_usd_per_mtok" not in given and any(str(key).endswith("_per_mtok") for key in given):
        raise ConfigError(f"{where} lacks 'input_usd_per_mtok': USD per million input tokens")
    rates = Rates({key: _rate(f"{where}[{key!r}]", given[key]) for key in RATE_KEYS if key in given})
    digest = hashlib.sha256(rates.text.encode()).hexdigest()[:8]
    return OwnPrice(name, rates, f"user-{digest}")


_SOME_KEYS: Final = "'input_usd_per_mtok', 'output_usd_per_mtok', ..."


def _rate(where: str, value: object) -> Decimal:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        rate = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        if rate.is_finite() and 0 <= rate <= _MOST_USD:
            return rate
    raise ConfigError(f"{where} = {value!r} is no price: give USD, 0 or more and at most {_MOST_USD:,}")
