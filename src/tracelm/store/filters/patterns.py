"""Texts in SQL: `*` as a wildcard, with and without regard to case, the same in SQLite and PostgreSQL."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, String, exists, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean

_ESCAPE: Final = "\\"


class _MatchesCase(FunctionElement[bool]):
    """A pattern that regards case: LIKE does in PostgreSQL, in SQLite only GLOB does."""

    inherit_cache = True
    type = Boolean()


class _Elements(FunctionElement[str]):
    """The elements of a JSON list of texts, as rows with a column `value`."""

    inherit_cache = True
    type = String()


@compiles(_Elements)
def _of_json(element: _Elements, compiler: Any, **more: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(element.clauses, **more)} AS jsonb))"


@compiles(_Elements, "sqlite")
def _of_text(element: _Elements, compiler: Any, **more: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **more)})"


@compiles(_MatchesCase)
def _like(element: _MatchesCase, compiler: Any, **more: Any) -> str:
    text, like, _glob = (compiler.process(each, **more) for each in element.clauses)
    return rf"{text} LIKE {like} ESCAPE '{_ESCAPE}'"


@compiles(_MatchesCase, "sqlite")
def _glob(element: _MatchesCase, compiler: Any, **more: Any) -> str:
    text, _like, glob = (compiler.process(each, **more) for each in element.clauses)
    return f"{text} GLOB {glob}"


def any_element(
    column: ColumnElement[Any], holds: Callable[[ColumnElement[Any]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Say whether something holds for one of the texts of a JSON list."""
    elements = _Elements(column).table_valued("value")
    return exists(select(literal(1)).select_from(elements).where(holds(elements.c.value)))


def contains(column: ColumnElement[str | None], text: str) -> ColumnElement[bool]:
    """Say whether `text` stands in the column, without regard to the case of ASCII letters."""
    return column.ilike(f"%{_like_text(text)}%", escape=_ESCAPE)


def fits(column: ColumnElement[str | None], pattern: str, *, any_case: bool) -> ColumnElement[bool]:
    """Say whether the whole column fits a pattern in which `*` stands for any characters."""
    like = "%".join(_like_text(part) for part in pattern.split("*"))
    if any_case:
        return column.ilike(like, escape=_ESCAPE)
    glob = "*".join("".join(f"[{char}]" if char in "?[" else char for char in part) for part in pattern.split("*"))
    return _MatchesCase(column, literal(like, String), literal(glob, String))


def equals(column: ColumnElement[str | None], text: str, *, any_case: bool) -> ColumnElement[bool]:
    """Say whether the column is the text."""
    return func.lower(column) == func.lower(text) if any_case else column == text


def _like_text(text: str) -> str:
    return "".join(_ESCAPE + char if char in "\\%_" else char for char in text)
