"""Models whose calls have no cost."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from tracelm import semconv
from tracelm.store.tables import SPANS


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedModel:
    """A model that was called, reported its tokens, and has no cost.

    Attributes:
        provider: Who served it.
        model: The model that was asked for, else the one that answered.
        calls: How many calls have no cost.
        last_start_ns: When the last of them began; nanoseconds since 1970, UTC.
    """

    provider: str | None
    model: str | None
    calls: int
    last_start_ns: int


def unpriced_models(connection: Connection, *, since_ns: int) -> tuple[UnpricedModel, ...]:
    """Return the models with calls without a cost since then, the most called first."""
    calls = func.count().label("calls")
    found = connection.execute(
        select(SPANS.c.provider, SPANS.c.model, calls, func.max(SPANS.c.start_ns).label("last_start_ns"))
        .where(
            SPANS.c.start_ns >= since_ns,
            SPANS.c.operation.in_(sorted(semconv.MODEL_OPERATIONS)),
            SPANS.c.cost_usd.is_(None),
            or_(SPANS.c.input_tokens.is_not(None), SPANS.c.output_tokens.is_not(None)),
        )
        .group_by(SPANS.c.provider, SPANS.c.model)
        .order_by(calls.desc(), SPANS.c.provider, SPANS.c.model)
    )
    return tuple(UnpricedModel(**row) for row in found.mappings())
