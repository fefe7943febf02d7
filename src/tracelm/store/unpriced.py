"""Models whose calls have no cost."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, func, or_, select

from tracelm import semconv
from tracelm.pricing.cost import Usage
from tracelm.store.contents import KEPT, spans_of
from tracelm.store.tables import SPANS

_LOOKED_AT: Final = 1_000
"""So many calls without tokens are read, the newest: only the record says whether something else was billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedModel:
    """A model that was called, reported what it is billed by, and has no cost.

    Attributes:
        provider: Who served it.
        model: The model that was asked for, else the one that answered.
        calls: How many calls have no cost. Of calls without tokens (images, speech), only the newest 1,000 are counted.
        last_start_ns: When the last of them began; nanoseconds since 1970, UTC.
    """

    provider: str | None
    model: str | None
    calls: int
    last_start_ns: int


def unpriced_models(connection: Connection, *, since_ns: int) -> tuple[UnpricedModel, ...]:
    """Return the models with calls without a cost since then, the most called first."""
    has_tokens = or_(SPANS.c.input_tokens.is_not(None), SPANS.c.output_tokens.is_not(None))
    of_models = (
        SPANS.c.start_ns >= since_ns,
        SPANS.c.operation.in_(sorted(semconv.MODEL_OPERATIONS)),
        SPANS.c.cost_usd.is_(None),
    )
    whose = (SPANS.c.provider, SPANS.c.model)
    found: dict[tuple[str | None, str | None], tuple[int, int]] = {
        (provider, model): (calls, last_ns)
        for provider, model, calls, last_ns in connection.execute(
            select(*whose, func.count(), func.max(SPANS.c.start_ns)).where(*of_models, has_tokens).group_by(*whose)
        )
    }
    others: Select[Any] = select(*whose, SPANS.c.start_ns, *(SPANS.c[name] for name in KEPT)).where(
        *of_models, ~has_tokens, SPANS.c.operation == "generate_content", SPANS.c.status != "error"
    )
    newest = connection.execute(others.order_by(SPANS.c.start_ns.desc()).limit(_LOOKED_AT)).mappings().all()
    for row, span in zip(newest, spans_of(connection, newest), strict=True):
        if Usage.from_attributes(span.attributes) != Usage():
            calls, last_ns = found.get((row["provider"], row["model"]), (0, row["start_ns"]))
            found[row["provider"], row["model"]] = calls + 1, max(last_ns, row["start_ns"])
    models = (
        UnpricedModel(provider=provider, model=model, calls=calls, last_start_ns=last_ns)
        for (provider, model), (calls, last_ns) in found.items()
    )
    return tuple(sorted(models, key=lambda each: (-each.calls, each.provider or "", each.model or "")))
