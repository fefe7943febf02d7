"""The index of an SQLite store: FTS5 trigrams in a file of its own, so that writing it holds nobody up.

The index only says where a text may be (`detail=none`: which trigrams a document has, not where): what it finds is
looked at before it is shown. A text of one or two characters is looked up by the trigrams that begin with it; each
document ends in two characters that no text has, so that its last characters begin one too.

How a text is looked for depends on how common it is. Up to `_RARE` documents, their spans are the candidates. Above,
every span that the other conditions leave is looked at, the first ones in order first: a page is soon full.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, literal, literal_column, select

from tracelm.errors import StoreError
from tracelm.store.database import Database
from tracelm.store.filters.compile import TextMatches
from tracelm.store.search.index import (
    SearchIndex,
    document_of_piece,
    document_of_span,
    new_pieces,
    spans_to_take,
    trigrams,
)
from tracelm.store.search.look import Look
from tracelm.store.search.texts import fold
from tracelm.store.tables import SPANS

_VERSION: Final = 1  # another form of the index is a new one
_END: Final = "\x03\x03"
_FEW: Final = 500
_RARE: Final = 8_000
_LOOKED_AT: Final = 100
_PARTS: Final = 4
_MOST_TERMS: Final = 4_000
_MOST_TRIGRAMS: Final = 24
_BUSY_TIMEOUT_S: Final = 30.0
_SCHEMA: Final = """
CREATE VIRTUAL TABLE texts USING fts5(text, content='', detail=none, tokenize='trigram');
CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'row');
CREATE TABLE links (document INTEGER, span INTEGER, PRIMARY KEY (document, span)) WITHOUT ROWID;
CREATE TABLE waiting (span INTEGER PRIMARY KEY);
CREATE TABLE cursors (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
INSERT INTO cursors VALUES ('spans', 0), ('pieces', 0);
"""
_BY_SPAN: Final = "CREATE INDEX IF NOT EXISTS links_by_span ON links (span)"
_HAVE_PIECES: Final = "SELECT span FROM links WHERE span BETWEEN ? AND ?"
_WAIT: Final = "SELECT span FROM waiting WHERE span BETWEEN ? AND ?"
_HAVE_TEXT: Final = "SELECT rowid FROM texts WHERE texts MATCH ? AND rowid BETWEEN ? AND ?"


class SQLiteSearch(SearchIndex):
    """The index beside an SQLite file, in `NAME.search.db`.

    Attributes:
        path: The index's file.
    """

    def __init__(self, database: Database) -> None:
        """Index the texts of `database`, an SQLite file."""
        super().__init__(database)
        path = Path(database.place)
        self.path = path.with_name(f"{path.stem}.search.db")

    def delete(self) -> None:
        """Delete the index; it is made anew when it is next brought up to date."""
        for end in ("", "-wal", "-shm"):
            Path(f"{self.path}{end}").unlink(missing_ok=True)

    def _take_batch(self) -> int:
        with self._writing() as index, self._database.read() as store:
            cursors: dict[str, int] = dict(index.execute("SELECT name, number FROM cursors"))
            pieces = new_pieces(store, cursors["pieces"])
            waiting = [number for (number,) in index.execute("SELECT span FROM waiting")]
            taken, open_spans, last = spans_to_take(store, cursors["spans"], waiting)
            texts = [(document_of_piece(number), text + _END) for number, text in pieces]
            texts += [(document_of_span(number), text + _END) for number, text, _ in taken]
            index.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", texts)
            links = [(document_of_piece(piece), number) for number, _, of_span in taken for piece in of_span]
            index.executemany("INSERT OR IGNORE INTO links VALUES (?, ?)", links)
            index.execute("DELETE FROM waiting")
            later = set(waiting).difference(number for number, _, _ in taken) | set(open_spans)
            index.executemany("INSERT INTO waiting VALUES (?)", [(number,) for number in sorted(later)])
            index.execute("UPDATE cursors SET number = ? WHERE name = 'spans'", (last,))
            if pieces:
                index.execute("UPDATE cursors SET number = ? WHERE name = 'pieces'", (pieces[-1][0],))
            return len(pieces) + len(taken)

    def matches(self, connection: Connection) -> TextMatches:
        """Return what turns a text into a condition on spans, which is looked at in Python."""
        looks: list[Look] = []
        driver: Any = connection.connection.driver_connection

        def may_have(at: int, span: int) -> bool:
            return looks[at].may_have(span)

        def has_text(at: int, record: bytes) -> bool:
            return looks[at].has(record)

        driver.create_function("tracelm_may_have", 2, may_have)
        driver.create_function("tracelm_text", 2, has_text, deterministic=True)

        def condition(text: str) -> ColumnElement[bool]:
            at, folded = len(looks), fold(text)
            looks.append(Look(folded, connection, partial(self._around, folded) if len(folded) >= 3 else None))
            has: ColumnElement[bool] = func.tracelm_text(at, SPANS.c.record) == literal(1)
            spans = self._candidates(folded)
            if spans is None:
                return and_(func.tracelm_may_have(at, SPANS.c.id) == literal(1), has)
            if len(spans) <= _FEW:
                return and_(SPANS.c.id.in_(spans), has)
            each: Any = func.json_each(bindparam(None, orjson.dumps(spans).decode()))
            value: ColumnElement[int] = literal_column("value")
            listed: Select[Any] = select(value).select_from(each)
            return and_(SPANS.c.id.in_(listed), has)

        return condition

    def _candidates(self, text: str) -> list[int] | None:
        """Return the spans that may have a text; `None` when they are many."""
        with self._reading() as index:
            query = _query(index, text)
            if not query:
                return None if query is None else []
            if _is_common(index, query):
                return None
            found = index.execute("SELECT rowid FROM texts WHERE texts MATCH ? LIMIT ?", (query, _RARE + 1))
            documents = [number for (number,) in found]
            if len(documents) > _RARE:
                return None
            spans = {number // 2 for number in documents if number % 2}
            pieces = orjson.dumps([number for number in documents if number % 2 == 0]).decode()
            linked = "SELECT DISTINCT span FROM links WHERE document IN (SELECT value FROM json_each(?)) LIMIT ?"
            spans.update(number for (number,) in index.execute(linked, (pieces, _RARE + 1)))
            return None if len(spans) > _RARE else sorted(spans)

    def _around(self, text: str, numbers: range) -> set[int]:
        """Return the spans of a range that may have a text of three characters or more."""
        first, last = numbers[0], numbers[-1]
        with self._reading() as index:
            (newest,) = index.execute("SELECT number FROM cursors WHERE name = 'spans'").fetchone()
            found = set(range(max(first, newest + 1), last + 1))
            found.update(span for (span,) in index.execute(_HAVE_PIECES, (first, last)))
            found.update(span for (span,) in index.execute(_WAIT, (first, last)))
            documents = (_query(index, text), document_of_span(first), document_of_span(last))
            found.update(number // 2 for (number,) in index.execute(_HAVE_TEXT, documents) if number % 2)
        return found

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._connected() as index:
            yield index

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._connected() as index:
            index.execute("BEGIN IMMEDIATE")
            try:
                _make(index, self._newest_span)
                yield index
            except BaseException:
                index.execute("ROLLBACK")
                raise
            index.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        self.path.touch(mode=0o600)
        index = sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
        try:
            index.execute("PRAGMA journal_mode = WAL")
            index.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is made again
            yield index
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"the search index {self.path} cannot be used ({error}): delete it, it will be made again"
            ) from error
        finally:
            index.close()

    def _newest_span(self) -> int:
        with self._database.read() as connection:
            return int(connection.execute(select(func.coalesce(func.max(SPANS.c.id), 0))).scalar_one())


def _make(index: sqlite3.Connection, newest_span: Any) -> None:
    """Make the tables where there are none, or those of another version, or of another store."""
    (version,) = index.execute("PRAGMA user_version").fetchone()
    if version == _VERSION:
        (last,) = index.execute("SELECT number FROM cursors WHERE name = 'spans'").fetchone()
        if last <= newest_span():
            index.execute(_BY_SPAN)  # what an earlier tracelm made has none
            return
    for name in ("terms", "texts", "links", "waiting", "cursors"):
        index.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in _SCHEMA.strip().split(";\n"):
        index.execute(statement.rstrip(";"))
    index.execute(_BY_SPAN)
    index.execute(f"PRAGMA user_version = {_VERSION}")


def _is_common(index: sqlite3.Connection, query: str) -> bool:
    """Say soon whether many documents fit: as some of them lie close to each other, in each part of the index."""
    (newest,) = index.execute("SELECT max(number) FROM cursors").fetchone()
    part = document_of_span(newest) // _PARTS
    length = part * _PARTS * _LOOKED_AT // (2 * _RARE)
    for first in range(0, part * _PARTS, max(1, part)):
        found = index.execute(_HAVE_TEXT + " LIMIT ?", (query, first, first + length, _LOOKED_AT)).fetchall()
        if len(found) < _LOOKED_AT:
            return False
    return True


def _query(index: sqlite3.Connection, text: str) -> str | None:
    """Return the query for documents that may have a text; empty when none has, `None` when most have it."""
    if len(text) >= 3:
        return " AND ".join(map(_quoted, trigrams(text, most=_MOST_TRIGRAMS)))
    terms = index.execute(
        "SELECT term FROM terms WHERE term >= ? AND term < ? LIMIT ?", (text, f"{text}\U0010ffff", _MOST_TERMS + 1)
    ).fetchall()
    return None if len(terms) > _MOST_TERMS else " OR ".join(_quoted(cast("str", term)) for (term,) in terms)


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
