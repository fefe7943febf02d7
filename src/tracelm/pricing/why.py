"""Why a call has no cost."""

from decimal import Decimal
from typing import Final, Literal, TypeAlias

from tracelm.pricing.call import PricedCall
from tracelm.pricing.prices import PriceTable
from tracelm.pricing.rates import RATE_KEYS, Rates, lacks_input

WhyUnpriced: TypeAlias = Literal["unlisted", "unpriced kind", "not counted", "contradiction", "priced"]
"""`unlisted`: no list has the model. `unpriced kind`: the list has no price for some of what the call took.
`not counted`: it is billed by more than was counted. `contradiction`: its counts cannot all be true. `priced`: the list
has a price by now."""

_ANYTHING: Final = Rates({key: Decimal(1) for key in RATE_KEYS if not key.startswith("cache_read_")})
"""Prices of all that there is, none of which asks for more than what every provider tells."""


def why_unpriced(call: PricedCall, table: PriceTable) -> WhyUnpriced:
    """Say why a call has no cost by the prices in `table`."""
    price, usage = table.price(call), call.usage
    if price is None:
        return "unlisted"
    if usage.not_counted or lacks_input(usage):
        return "not counted"
    if _ANYTHING.shares(usage) is None:
        return "contradiction"
    return "unpriced kind" if price.rates.shares(usage) is None else "priced"
