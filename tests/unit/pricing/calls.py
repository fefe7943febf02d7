"""Calls of models, for the tests of prices."""

from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Cost, Usage
from tracelm.pricing.prices import PriceTable

NOVEMBER_2026_NS = 1_795_000_000_000_000_000
"""18 November 2026, UTC: the prices of the list change, those of a day do not."""


def a_call(
    usage: Usage,
    response_model: str | None = None,
    request_model: str | None = None,
    *,
    provider: str = "openai",
    service_tier: str | None = None,
    start_ns: int = NOVEMBER_2026_NS,
) -> PricedCall:
    return PricedCall(
        provider=provider,
        request_model=request_model,
        response_model=response_model,
        usage=usage,
        service_tier=service_tier,
        start_ns=start_ns,
    )


def price(
    table: PriceTable,
    usage: Usage,
    response_model: str | None = None,
    request_model: str | None = None,
    *,
    provider: str = "openai",
    service_tier: str | None = None,
    start_ns: int = NOVEMBER_2026_NS,
) -> Cost | None:
    call = a_call(usage, response_model, request_model, provider=provider, service_tier=service_tier, start_ns=start_ns)
    return table.cost(call)


def known(cost: Cost | None) -> Cost:
    assert cost is not None
    return cost
