"""Searching in what went in and came out: any text, in any script, from one character up."""

from tracelm.store.database import Database
from tracelm.store.search.index import SearchIndex


def open_search(database: Database) -> SearchIndex:
    """Return the index beside a store; it is made when it is first brought up to date."""
    if database.engine.dialect.name == "postgresql":
        from tracelm.store.search.trigrams import PostgresSearch

        return PostgresSearch(database)
    from tracelm.store.search.fts import SQLiteSearch

    return SQLiteSearch(database)


__all__ = ["SearchIndex", "open_search"]
