"""The public price list: that of genai-prices, which comes with the package.

Its updater, the only part of it that uses the network, is never started here. A program that starts it, or sets a
list of its own there, has its calls priced by that one.
"""

import functools
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tracelm.pricing.rates import EXACT, Price, Rates

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

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
_RATES: Final[Mapping[str, tuple[str, int]]] = {
    "input_usd_per_mtok": ("input_mtok", 1),
    "output_usd_per_mtok": ("output_mtok", 1),
    "cache_read_usd_per_mtok": ("cache_read_mtok", 1),
    "cache_write_usd_per_mtok": ("cache_write_mtok", 1),
    "cache_write_1h_usd_per_mtok": ("cache_write_1h_mtok", 1),
    "reasoning_usd_per_mtok": ("output_reasoning_mtok", 1),
    "input_image_usd_per_mtok": ("input_image_mtok", 1),
    "input_audio_usd_per_mtok": ("input_audio_mtok", 1),
    "cache_read_image_usd_per_mtok": ("cache_image_read_mtok", 1),
    "cache_read_audio_usd_per_mtok": ("cache_audio_read_mtok", 1),
    "output_image_usd_per_mtok": ("output_image_mtok", 1),
    "output_audio_usd_per_mtok": ("output_audio_mtok", 1),
    "input_audio_usd_per_hour": ("audio_hours", 1),
    "input_usd_per_mchar": ("input_mchars", 1),
    "web_search_usd": ("web_searches_kcount", 1_000),
    "file_search_usd": ("storage_searches_kcount", 1_000),
    "request_usd": ("requests_kcount", 1_000),
}
"""Our rate: genai-prices' price, and for how many of our units it is."""
_SPEEDS: Final = frozenset({("anthropic", "fast")})
"""Tiers that the list calls a speed. OpenAI's `fast` is a service tier there."""
_LEAST_SECONDS: Final = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}
"""Groq bills at least ten seconds of audio a request."""
AZURE: Final = frozenset({"azure.ai.openai", "azure.ai.inference"})
"""Where the model that is asked for is the name of a deployment."""
_DAY_NS: Final = 86_400_000_000_000
MINUTE_NS: Final = 60_000_000_000
_LAST_MINUTE: Final = 4_000_000_000  # in the year 9575: datetime ends with 9999


@dataclass(frozen=True, eq=False, slots=True)
class Entry:
    """One model in the list.

    Attributes:
        rule: Its name as a rule of price.
        period_ns: For how long a price holds: prices begin with a day, some depend on the time of day.
    """

    rule: str
    period_ns: int
    _info: "ModelInfo"
    _is_own: bool
    _owner: str
    _least_seconds: int

    def steps(self, service_tier: str | None, period: int, version: str) -> tuple[tuple[int, Price], ...]:
        """Return the prices by the length of the prompt: above how many input tokens each holds."""
        at = datetime.fromtimestamp(period * self.period_ns // 10**9, UTC)
        prices = standard = self._info.get_prices(at)
        condition = ""
        # A model that the provider has from another one has that one's prices, not its tiers.
        if service_tier and self._is_own:
            wanted = ("processing", "batch") if service_tier == "batch" else ("service_tier", service_tier)
            if (self._owner, service_tier) in _SPEEDS:
                wanted = ("speed", service_tier)
            prices = self._info.get_prices(at, dict([wanted]))
            if prices != standard:
                condition = f"; {wanted[0]}={wanted[1]}"
        return tuple(
            (
                above,
                Price(
                    Rates(_rates(prices, above), self._least_seconds),
                    f"{self.rule}{condition}{f'; input_tokens>{above}' if above >= 0 else ''}",
                    version,
                ),
            )
            for above in _thresholds(prices)
        )


class PublicPrices:
    """The prices of one state of the list. What was looked up once is kept."""

    def __init__(self, snapshot: "DataSnapshot") -> None:
        self.snapshot = snapshot
        self.version = _version(snapshot)
        self._find = functools.lru_cache(maxsize=4096)(self._look_up)
        self._steps = functools.lru_cache(maxsize=4096)(Entry.steps)
        self.priced = functools.lru_cache(maxsize=4096)(self._priced)
        """Returns by provider, model asked for, model that answered, tier and minute: the prices, as `Entry.steps`."""

    def _priced(
        self, provider: str, asked: str | None, answered: str | None, service_tier: str | None, minute: int
    ) -> tuple[tuple[int, Price], ...]:
        at_ns = min(max(minute, 0), _LAST_MINUTE) * MINUTE_NS
        # On Azure what was asked for is the name of a deployment, which may read like that of another model.
        for model in (answered,) if answered and provider in AZURE else (answered, asked):
            entry = self._find(provider, model) if model else None
            if entry is not None:
                return self._steps(entry, service_tier, at_ns // entry.period_ns, self.version)
        return ()

    def _look_up(self, provider: str, model: str) -> Entry | None:
        known_as = _PROVIDER_IDS.get(provider, provider)
        found = self._listed(known_as, model)
        for prefix in (f"{known_as}/", "models/"):  # a gateway's form, and Google's
            if found is None and model.startswith(prefix):
                found = self._listed(known_as, model.removeprefix(prefix))
        if found is None:
            return None
        owner, info = found
        return Entry(
            rule=f"genai-prices:{owner.id}/{info.id}",
            period_ns=MINUTE_NS if _depends_on_the_hour(info) else _DAY_NS,
            _info=info,
            _is_own=any(info is each for each in owner.models),
            _owner=owner.id,
            _least_seconds=_LEAST_SECONDS.get((owner.id, info.id), 0),
        )

    def _listed(self, provider: str, model: str) -> "tuple[Provider, ModelInfo] | None":
        try:
            return self.snapshot.find_provider_model(model, None, provider, None)
        except LookupError:
            return None


_public: PublicPrices | None = None
_get_snapshot: "Callable[[], DataSnapshot] | None" = None
_loading: threading.Thread | None = None
_MOST_BEFORE_FORK_S: Final = 5.0


def public_prices() -> PublicPrices:
    """Return the list as it is now; the first call loads it, or waits for who is loading it already."""
    global _public, _get_snapshot  # noqa: PLW0603 - one list a process, as genai-prices has it
    if _get_snapshot is None:
        from genai_prices.data_snapshot import get_snapshot

        _get_snapshot = get_snapshot
    snapshot = _get_snapshot()
    known = _public
    if known is None or known.snapshot is not snapshot:
        known = _public = PublicPrices(snapshot)
    return known


def load_in_background() -> None:
    """Have the list loaded, once in a process: it takes a tenth of a second that no call should wait for."""
    global _loading  # noqa: PLW0603 - one list a process
    if _loading is not None:
        return
    _loading = threading.Thread(target=_load, name="tracelm-prices", daemon=True)
    try:
        _loading.start()
    except RuntimeError:  # the interpreter is shutting down
        return
    # A child that is forked in the middle of an import would wait for ever for a module that nobody loads any more.
    os.register_at_fork(before=lambda: _wait_for(_loading))


def _load() -> None:
    try:
        public_prices()
    except Exception:  # whoever needs a price will meet it, and report it
        return


def _wait_for(thread: threading.Thread | None) -> None:
    if thread is not None and thread is not threading.current_thread():
        thread.join(_MOST_BEFORE_FORK_S)


def _thresholds(prices: "ModelPrice") -> list[int]:
    from genai_prices.types import TieredPrices

    found = {-1}
    for price, _ in _RATES.values():
        tiered = getattr(prices, price)
        if isinstance(tiered, TieredPrices):
            found.update(tier.start for tier in tiered.tiers)
    return sorted(found)


def _rates(prices: "ModelPrice", above: int) -> dict[str, Decimal]:
    """Return the rates for prompts of more than `above` tokens. A tier counts for all tokens, not for those above."""
    from genai_prices.types import TieredPrices

    found: dict[str, Decimal] = {}
    for key, (price, units) in _RATES.items():
        rate = getattr(prices, price)
        if isinstance(rate, TieredPrices):
            reached = [tier.price for tier in rate.tiers if above >= tier.start]
            rate = reached[-1] if reached else rate.base
        if isinstance(rate, Decimal):
            found[key] = EXACT.divide(rate, Decimal(units))
    return found


def _depends_on_the_hour(info: "ModelInfo") -> bool:
    from genai_prices.types import TimeOfDateConstraint

    conditional = info.prices if isinstance(info.prices, list) else []
    constraints = [each.constraint for each in (*conditional, *(info.price_variants or ()))]
    return any(isinstance(each, TimeOfDateConstraint) for each in constraints)


def _version(snapshot: "DataSnapshot") -> str:
    import genai_prices
    from genai_prices.data_snapshot import _bundled_snapshot  # pyright: ignore[reportPrivateUsage]

    if snapshot is _bundled_snapshot():
        return genai_prices.__version__
    return f"{genai_prices.__version__}+{snapshot.timestamp:%Y-%m-%dT%H:%M:%S}"
