"""Attributes by their key. They have no columns: they are read from the records, in Python.

What was cut out of a record (long texts, messages) is not looked at: looking into those is what searching is for.

In SQLite by a function that a query calls for each span that is left over by its other conditions. Other databases
have no such functions: there the spans are read first, as many as `MOST_READ`, and the condition is a list of numbers.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, literal, select, true

from tracelm.errors import StoreError
from tracelm.otlp.decode import decode_attributes
from tracelm.otlp.records import AnyValue
from tracelm.store.filters.attribute_bits import may_hold
from tracelm.store.filters.fields import Kind
from tracelm.store.filters.syntax import Between, Compares, Has, Literally, Matches, Pattern, Term, Value
from tracelm.store.filters.values import number
from tracelm.store.record import without_pieces
from tracelm.store.tables import SPANS

MOST_READ: Final = 100_000
"""Spans that one condition reads where the database cannot call Python."""
_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": lambda found, given: found > given,
    ">=": lambda found, given: found >= given,
    "<": lambda found, given: found < given,
    "<=": lambda found, given: found <= given,
}


def attribute_conditions(
    connection: Connection, *, within: Sequence[ColumnElement[bool]], in_database: bool | None = None
) -> Callable[[Term], ColumnElement[bool]]:
    """Return what turns a term about an attribute into a condition over `SPANS`.

    Args:
        connection: The one that will execute the query.
        within: Conditions over `SPANS` that every span in question meets: its project, its time.
        in_database: Whether the database calls Python; by default as it can.
    """
    can_call = connection.dialect.name == "sqlite" if in_database is None else in_database
    return _called(connection) if can_call else _listed(connection, within)


def holds(term: Term, attributes: Mapping[str, AnyValue]) -> bool:
    """Say whether a term is true of a span's attributes; of a list, one element has to match."""
    key = term.name.key or ""
    if key not in attributes:
        return False
    found = attributes[key]
    return any(_is_true(term, each) for each in (found if isinstance(found, list) else [found]))


def _is_true(term: Term, found: AnyValue) -> bool:
    match term:
        case Has():
            return True
        case Matches(_, values):
            return any(_equals(found, each) for each in values)
        case Compares(_, order, value):
            return _is_number(found) and _ORDERS[order](cast("float", found), value)
        case Between(_, low, high):
            return _is_number(found) and low <= cast("float", found) <= high


def _equals(found: AnyValue, value: Value) -> bool:
    text = str(found).lower() if isinstance(found, bool | int | float | str) else ""
    match value:
        case Literally(wanted):
            return text == wanted.lower() or (_is_number(found) and number(wanted, Kind.ANY) == found)
        case Pattern(pattern):
            return _regex(pattern).fullmatch(text) is not None
        case _:
            return _is_number(found) and found == value


def _is_number(found: AnyValue) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _regex(pattern: str) -> re.Pattern[str]:
    """Return a pattern with `*` as a regular expression; they are cached by `re`."""
    return re.compile(".*".join(map(re.escape, pattern.lower().split("*"))), re.DOTALL)


def _of_record(term: Term, record: bytes) -> bool:
    """Say whether a term is true of a record; a long text, which stands in `contents`, counts as empty."""
    body = without_pieces(record)
    if _spelled(term.name.key or "") not in body and b"\\u" not in body:  # most spans, at a tenth of the cost
        return False
    return holds(term, decode_attributes(body))


def _spelled(key: str) -> bytes:
    return orjson.dumps(key)[1:-1]


def _called(connection: Connection) -> Callable[[Term], ColumnElement[bool]]:
    terms: list[Term] = []

    def call(at: int, record: bytes) -> bool:
        return _of_record(terms[at], record)

    driver: Any = connection.connection.driver_connection
    driver.create_function("tracelm_attribute", 2, call, deterministic=True)

    def condition(term: Term) -> ColumnElement[bool]:
        terms.append(term)
        return _beside_bits(term, func.tracelm_attribute(len(terms) - 1, SPANS.c.record) == literal(1))

    return condition


def _beside_bits(term: Term, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    possible = may_hold(term)
    return condition if possible is None else and_(possible, condition)


def _listed(connection: Connection, within: Sequence[ColumnElement[bool]]) -> Callable[[Term], ColumnElement[bool]]:
    def condition(term: Term) -> ColumnElement[bool]:
        wanted = _beside_bits(term, and_(true(), *within))
        found = connection.execute(select(SPANS.c.id, SPANS.c.record).where(wanted).limit(MOST_READ + 1))
        ids: list[int] = []
        for count, (number_of_span, record) in enumerate(found, start=1):
            if count > MOST_READ:
                raise StoreError(
                    f"{term.name} is read from the records, and there are more than {MOST_READ:,} spans to read: "
                    "choose a project or a shorter time"
                )
            if _of_record(term, record):
                ids.append(number_of_span)
        return SPANS.c.id.in_(bindparam(None, ids, expanding=True, literal_execute=True))

    return condition
