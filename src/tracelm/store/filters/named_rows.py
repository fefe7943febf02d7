"""Conditions that name rows by their numbers, and what stands beside them.

SQLite takes the index of times all the same, where there is a project or an order by time, and walks through all of a
window for a handful of rows. What is asked of few rows must not look like something that an index answers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlalchemy.sql.functions import Function
from sqlalchemy.sql.operators import and_ as conjunction
from sqlalchemy.sql.operators import in_op
from sqlalchemy.sql.visitors import iterate


def conjuncts(condition: ColumnElement[bool]) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that have all to be met."""
    if isinstance(condition, BooleanClauseList) and condition.operator is conjunction:
        parts: Sequence[ColumnElement[bool]] = condition.clauses
        for part in parts:
            yield from conjuncts(part)
    else:
        yield condition


def names_rows(condition: ColumnElement[bool], row: ColumnElement[Any]) -> bool:
    """Say whether a condition names the rows that may meet it: `row IN (...)`, alone or with more to meet.

    Args:
        condition: Of a filter.
        row: The number of a row.
    """
    return any(
        isinstance(part, BinaryExpression) and part.operator is in_op and part.left is row
        for part in conjuncts(condition)
    )


def calls_python(condition: ColumnElement[bool]) -> bool:
    """Say whether the database calls a function of ours for a condition, which reads records."""
    return any(isinstance(part, Function) and part.name.startswith("tracelm_") for part in iterate(condition))


def beside_named(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return conditions as one that no index answers."""
    return case((and_(*conditions), 1), else_=0) == 1
