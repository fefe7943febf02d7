"""Compute the costs in the store anew, from the counts that were recorded and the prices that are known now."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, and_, or_, select

from tracelm import semconv
from tracelm.otlp.records import Attributes
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Cost
from tracelm.pricing.prices import PriceTable
from tracelm.store.contents import KEPT, spans_of
from tracelm.store.cost_history import extended, in_force
from tracelm.store.database import Database
from tracelm.store.rows import Row
from tracelm.store.tables import SPANS
from tracelm.store.writer import write_cost

_BATCH: Final = 500  # so that others get their turn to write
_READ: Final = (
    *("id", "project", "trace_id", "start_ns", "run_id", "provider", "model"),
    *KEPT,
    *("cost_usd", "recorded_cost_usd", "repricings"),
)
_FIGURES: Final = (semconv.COST_COMPUTED, *semconv.COST_BUCKETS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RepricedModel:
    """What became of the calls of one model.

    Attributes:
        provider: Who served it.
        model: The model that was asked for, else the one that answered.
        calls: How many calls were looked at.
        changed: How many of them have another cost now.
        old_usd: What these cost before, in sum; `None` when it was not known of any.
        new_usd: What these cost now, in sum.
        unpriced: How many calls have no cost, before and now.
    """

    provider: str | None
    model: str | None
    calls: int
    changed: int
    old_usd: float | None
    new_usd: float
    unpriced: int


@dataclass(slots=True)
class _Tally:
    calls: int = 0
    changed: int = 0
    unpriced: int = 0
    old: list[float] = field(default_factory=list[float])
    new: list[float] = field(default_factory=list[float])


def reprice(
    database: Database, table: PriceTable, *, since_ns: int, until_ns: int, project: str | None, dry_run: bool
) -> tuple[RepricedModel, ...]:
    """Price the model calls that began between two times, and keep the figures that they had.

    Left as they are: a cost for which `table` has no price; one by a price of the user's own, unless `table` has an
    own price for it too (a public price must not take the place of a negotiated one); an amount in another currency.
    What the provider reported stays the amount; the figure beside it is computed anew.

    Args:
        database: The store.
        table: The prices.
        since_ns: Of the earliest start; nanoseconds since 1970, UTC.
        until_ns: Of the latest start, and the time that is noted for what changes.
        project: Only of this project.
        dry_run: Change nothing.

    Returns:
        One line a model, the one with the most changes first.
    """
    tallies: dict[tuple[str | None, str | None], _Tally] = {}
    after: tuple[int, int] = since_ns, 0
    while True:
        with database.read() if dry_run else database.write() as connection:
            rows = _batch(connection, after, until_ns, project)
            spans = spans_of(connection, rows)
            changes = [
                change
                for row, span in zip(rows, spans, strict=True)
                if (change := _change(row, span.attributes, table, tallies, at_ns=until_ns))
            ]
            if not dry_run:
                write_cost(connection, changes)
        if not rows:
            break
        after = rows[-1]["start_ns"], rows[-1]["id"]
    found = (_model(provider, model, tally) for (provider, model), tally in tallies.items())
    return tuple(sorted(found, key=lambda each: (-each.changed, each.provider or "", each.model or "")))


def _batch(connection: Connection, after: tuple[int, int], until_ns: int, project: str | None) -> Sequence[RowMapping]:
    start_ns, span = after
    query: Select[Any] = (
        select(*(SPANS.c[name] for name in _READ))
        .where(
            SPANS.c.start_ns >= start_ns,
            SPANS.c.start_ns <= until_ns,
            or_(SPANS.c.start_ns > start_ns, and_(SPANS.c.start_ns == start_ns, SPANS.c.id > span)),
            SPANS.c.operation.in_(sorted(semconv.MODEL_OPERATIONS)),
            SPANS.c.state == "ended",
        )
        .order_by(SPANS.c.start_ns, SPANS.c.id)
        .limit(_BATCH)
    )
    if project is not None:
        query = query.where(SPANS.c.project == project)
    return connection.execute(query).mappings().all()


def _change(
    row: RowMapping,
    recorded: Attributes,
    table: PriceTable,
    tallies: dict[tuple[str | None, str | None], _Tally],
    *,
    at_ns: int,
) -> Row | None:
    tally = tallies.setdefault((row["provider"], row["model"]), _Tally())
    tally.calls += 1
    cost = _new_cost(recorded, in_force(recorded, row["repricings"]), row["start_ns"], table)
    if cost is None:
        tally.unpriced += row["cost_usd"] is None
        return None
    tally.changed += 1
    new_usd = float(cost.amount_usd)
    tally.new.append(new_usd)
    if row["cost_usd"] is not None:
        tally.old.append(row["cost_usd"])
    return {
        **row,
        "cost_usd": new_usd,
        "recorded_cost_usd": row["cost_usd"] if row["repricings"] is None else row["recorded_cost_usd"],
        "repricings": extended(row["repricings"], cost.attributes(), at_ns=at_ns),
    }


def _new_cost(recorded: Attributes, current: Attributes, start_ns: int, table: PriceTable) -> Cost | None:
    """Return the cost of a call by `table`; `None` where the present one stays."""
    if recorded.get(semconv.COST_CURRENCY, "USD") != "USD":
        return None
    call = PricedCall.from_span(recorded, start_ns)
    if str(current.get(semconv.COST_RULE, "")).startswith("user:") and table.own_price(call) is None:
        return None
    cost = table.cost(call)
    return None if cost is None or _figures(cost.attributes()) == _figures(current) else cost


def _figures(attributes: Attributes | dict[str, str | float]) -> dict[str, object]:
    """Return what makes a cost another one: not the version of a list that says the same."""
    found: dict[str, object] = {key: attributes[key] for key in _FIGURES if attributes.get(key)}
    found["amount"] = attributes.get(semconv.COST_AMOUNT)
    return found | {"source": attributes.get(semconv.COST_SOURCE, "local")}


def _model(provider: str | None, model: str | None, tally: _Tally) -> RepricedModel:
    return RepricedModel(
        provider=provider,
        model=model,
        calls=tally.calls,
        changed=tally.changed,
        old_usd=math.fsum(tally.old) if tally.old else None,
        new_usd=math.fsum(tally.new),
        unpriced=tally.unpriced,
    )
