"""`PricedCall`: what the price of a model call depends on. All of it stands on the span: it can be priced again."""

from collections.abc import Mapping
from typing import Final, Self

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.pricing.cost import Usage

_TIERS: Final = (
    semconv.OPENAI_RESPONSE_SERVICE_TIER,
    semconv.ANTHROPIC_RESPONSE_SPEED,
    semconv.ANTHROPIC_RESPONSE_SERVICE_TIER,
)
"""Where a span says in which tier it was served. A speed of its own has a price of its own, whatever the tier."""


@frozen
class PricedCall:
    """One call of a model, as far as its price goes.

    Attributes:
        provider: `gen_ai.provider.name`.
        request_model: The model, or on Azure the deployment, that was asked for.
        response_model: The model that answered, as the response says.
        usage: What it is billed by.
        service_tier: In which tier the provider served it, as the response says; some cost more or less in one.
        start_ns: When it began; prices change. Nanoseconds since 1970, UTC.
    """

    provider: str
    request_model: str | None
    response_model: str | None
    usage: Usage
    service_tier: str | None
    start_ns: int

    @classmethod
    def from_span(cls, attributes: Mapping[str, object], start_ns: int) -> Self:
        """Read the call back from the attributes of its span."""

        def text(key: str) -> str | None:
            value = attributes.get(key)
            return value if isinstance(value, str) and value else None

        return cls(
            provider=text(semconv.PROVIDER_NAME) or "",
            request_model=text(semconv.REQUEST_MODEL),
            response_model=text(semconv.RESPONSE_MODEL),
            usage=Usage.from_attributes(attributes),
            service_tier=next((tier for key in _TIERS if (tier := text(key))), None),
            start_ns=start_ns,
        )
