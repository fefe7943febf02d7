"""Models whose calls have no cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, or_, select

from tracelm import semconv
from tracelm.otlp.records import SpanRecord
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Usage
from tracelm.pricing.listed import AZURE
from tracelm.pricing.prices import PriceTable
from tracelm.pricing.why import WhyUnpriced, why_unpriced
from tracelm.store.contents import KEPT, spans_of
from tracelm.store.tables import SPANS

_LOOKED_AT: Final = 1_000
"""So many calls are read of which only the record says what was billed, or on Azure which model it was: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedModel:
    """A model that was called, reported what it is billed by, and has no cost.

    Attributes:
        provider: Who served it.
        model: The model that was asked for, else the one that answered. On Azure the one that answered: what is asked
            for there is the name of a deployment.
        calls: How many calls have no cost. Of calls without tokens (images, speech) and of those on Azure, only the
            newest 1,000 are counted.
        last_start_ns: When the last of them began; nanoseconds since 1970, UTC.
        why: Why the last of them has no cost by the public list.
    """

    provider: str | None
    model: str | None
    calls: int
    last_start_ns: int
    why: WhyUnpriced = "unlisted"


@dataclass(slots=True)
class _Calls:
    """Calls of one model, and the last of them."""

    count: int
    last: SpanRecord


_Whose: TypeAlias = tuple[str | None, str | None]


def unpriced_models(connection: Connection, *, since_ns: int) -> tuple[UnpricedModel, ...]:
    """Return the models with calls without a cost since then, the most called first."""
    unpriced = (
        SPANS.c.start_ns >= since_ns,
        SPANS.c.operation.in_(sorted(semconv.MODEL_OPERATIONS)),
        SPANS.c.cost_usd.is_(None),
    )
    found = _by_rows(connection, unpriced)
    for span, whose in _by_records(connection, unpriced):
        calls = found.setdefault(whose, _Calls(0, span))
        calls.count += 1
        calls.last = max(calls.last, span, key=lambda each: each.start_ns)
    table = PriceTable()
    models = (
        UnpricedModel(
            provider=provider,
            model=model,
            calls=calls.count,
            last_start_ns=calls.last.start_ns,
            why=why_unpriced(PricedCall.from_span(calls.last.attributes, calls.last.start_ns), table),
        )
        for (provider, model), calls in found.items()
    )
    return tuple(sorted(models, key=lambda each: (-each.calls, each.provider or "", each.model or "")))


def _by_rows(connection: Connection, unpriced: Sequence[ColumnElement[bool]]) -> dict[_Whose, _Calls]:
    """Return the calls of which the rows say all that there is to count."""
    whose = (SPANS.c.provider, SPANS.c.model)
    of_models = (*unpriced, _HAS_TOKENS, ~_IS_ON_AZURE)
    counted = connection.execute(select(*whose, func.count()).where(*of_models).group_by(*whose)).all()
    last: list[RowMapping] = []
    for provider, model, _ in counted:
        of_one = (SPANS.c.provider.is_not_distinct_from(provider), SPANS.c.model.is_not_distinct_from(model))
        newest = select(*(SPANS.c[name] for name in KEPT)).where(*of_models, *of_one).order_by(SPANS.c.start_ns.desc())
        last.append(connection.execute(newest.limit(1)).mappings().one())
    spans = spans_of(connection, last)
    return {
        (provider, model): _Calls(calls, span) for (provider, model, calls), span in zip(counted, spans, strict=True)
    }


def _by_records(connection: Connection, unpriced: Sequence[ColumnElement[bool]]) -> Iterator[tuple[SpanRecord, _Whose]]:
    """Yield the newest of the other calls, and whose each is."""
    without_tokens = and_(~_HAS_TOKENS, SPANS.c.operation == "generate_content", SPANS.c.status != "error")
    others: Select[Any] = select(SPANS.c.provider, SPANS.c.model, *(SPANS.c[name] for name in KEPT)).where(
        *unpriced, or_(without_tokens, and_(_HAS_TOKENS, _IS_ON_AZURE))
    )
    newest = connection.execute(others.order_by(SPANS.c.start_ns.desc()).limit(_LOOKED_AT)).mappings().all()
    for row, span in zip(newest, spans_of(connection, newest), strict=True):
        if Usage.from_attributes(span.attributes) != Usage():
            answered = span.attributes.get(semconv.RESPONSE_MODEL) if row["provider"] in AZURE else None
            yield span, (row["provider"], answered if isinstance(answered, str) and answered else row["model"])


_HAS_TOKENS: Final = or_(SPANS.c.input_tokens.is_not(None), SPANS.c.output_tokens.is_not(None))
_IS_ON_AZURE: Final = func.coalesce(SPANS.c.provider, "").in_(sorted(AZURE))
