"""`PriceTable`: what a model costs. The user's own prices come first, then the public ones."""

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, Self, cast

from tracelm.errors import ConfigError
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Cost
from tracelm.pricing.listed import MINUTE_NS, PublicPrices, public_prices
from tracelm.pricing.rates import RATE_KEYS, Price, Rates

_MOST_USD: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of models. `PriceTable()` knows the public ones; `from_user` adds one's own."""

    own: Mapping[str, Price] = field(default_factory=dict[str, Price])
    _patterns: tuple[tuple[re.Pattern[str], Price], ...] = ()
    _flat: Callable[..., Price | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_flat", functools.lru_cache(maxsize=4096)(self._find_flat))

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
        own = {name: _read_price(name, entry) for name, entry in (prices or {}).items()}
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
        price = self.price(call)
        computed = None if price is None else price.cost(call.usage)
        reported = call.usage.reported_usd
        if reported is None or not reported.is_finite() or reported < 0:
            return computed
        if computed is None:
            return Cost(told_usd=reported, source="provider")
        return replace(computed, told_usd=reported, source="provider")

    def flat_price(
        self, provider: str, asked: str | None, answered: str | None, service_tier: str | None, start_ns: int
    ) -> Price | None:
        """Return the price of a call, as `PricedCall` has its parts, if it is the same whatever the call takes."""
        return self._flat(public_prices(), provider, asked, answered, service_tier, start_ns // MINUTE_NS)

    def own_price(self, call: PricedCall) -> Price | None:
        """Return the user's own price for a call, if there is one: for the model that answered, else as asked for."""
        return self._own_price_of(call.request_model, call.response_model)

    def _own_price_of(self, asked: str | None, answered: str | None) -> Price | None:
        if not self.own:
            return None
        names = [name for name in (answered, asked) if name]
        for name in names:
            if name in self.own:
                return self.own[name]
        for name in names:
            for pattern, price in self._patterns:
                if pattern.fullmatch(name):
                    return price
        return None

    def price(self, call: PricedCall) -> Price | None:
        """Return the price that holds for a call; `None` where its model is in no list."""
        own = self.own_price(call)
        if own is not None:
            return own
        asked, answered, minute = call.request_model, call.response_model, call.start_ns // MINUTE_NS
        steps = public_prices().priced(call.provider, asked, answered, call.service_tier, minute)
        sent = call.usage.input_tokens or 0
        reached = [price for above, price in steps if sent > above]
        return reached[-1] if reached else None

    def _find_flat(
        self,
        public: PublicPrices,
        provider: str,
        asked: str | None,
        answered: str | None,
        service_tier: str | None,
        minute: int,
    ) -> Price | None:
        own = self._own_price_of(asked, answered)
        steps = () if own is not None else public.priced(provider, asked, answered, service_tier, minute)
        return steps[0][1] if len(steps) == 1 else own


def _read_price(name: object, entry: object) -> Price:
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
    return Price(rates, f"user:{name}", f"user-{digest}")


_SOME_KEYS: Final = "'input_usd_per_mtok', 'output_usd_per_mtok', ..."


def _rate(where: str, value: object) -> Decimal:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        rate = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        if rate.is_finite() and 0 <= rate <= _MOST_USD:
            return rate
    raise ConfigError(f"{where} = {value!r} is no price: give USD, 0 or more and at most {_MOST_USD:,}")
