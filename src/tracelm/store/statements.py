"""Statements that SQLite and PostgreSQL both take: insert, and what to do where the key is there already."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Upsert: TypeAlias = "sqlite.Insert | postgresql.Insert"


def insert(connection: Connection, table: Table) -> Upsert:
    """Return an INSERT of the connection's dialect, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one whose key is there already is left out."""
    if rows:
        connection.execute(insert(connection, table).on_conflict_do_nothing(), list(rows))
