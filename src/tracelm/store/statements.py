"""What SQLite and PostgreSQL say in different words: INSERT with ON CONFLICT, the greater of two values."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

Upsert: TypeAlias = sqlite.Insert | postgresql.Insert


class greatest(GenericFunction[int]):  # noqa: N801 - it stands in expressions like `func.max`
    """The greater of two numbers."""

    type = BigInteger()
    inherit_cache = True


class least(GenericFunction[int]):  # noqa: N801
    """The smaller of two numbers."""

    type = BigInteger()
    inherit_cache = True


@compiles(greatest, "sqlite")
def _greatest(element: greatest, compiler: SQLCompiler, **given: Any) -> str:
    return f"max({compiler.process(element.clauses, **given)})"


@compiles(least, "sqlite")
def _least(element: least, compiler: SQLCompiler, **given: Any) -> str:
    return f"min({compiler.process(element.clauses, **given)})"


def insert(dialect: str, table: Table) -> Upsert:
    """Return an INSERT that knows ON CONFLICT.

    Args:
        dialect: `connection.dialect.name`.
        table: Where to.
    """
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one whose key is there already is left out."""
    if rows:
        connection.execute(insert(connection.dialect.name, table).on_conflict_do_nothing(), list(rows))
