"""The index of a PostgreSQL store: pg_trgm, in tables of its own beside the others.

From three characters up the trigram index finds a text. For one or two characters PostgreSQL has none to look up: it
reads all texts, some 300 ms for 100,000. In a database whose locale is `C` (not `C.UTF-8`), pg_trgm takes only ASCII
for letters, and reads all texts for other scripts too.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    inspect,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from tracelm.errors import StoreError
from tracelm.store.filters.compile import TextMatches
from tracelm.store.search.index import (
    SearchIndex,
    document_of_piece,
    document_of_span,
    new_pieces,
    spans_to_take,
)
from tracelm.store.search.texts import fold
from tracelm.store.statements import add
from tracelm.store.tables import SPANS

_METADATA: Final = MetaData()
_TEXTS: Final = Table(
    "search_texts",
    _METADATA,
    Column("document", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Index("search_texts_trigrams", "text", postgresql_using="gin", postgresql_ops={"text": "gin_trgm_ops"}),
)
_LINKS: Final = Table(
    "search_links",
    _METADATA,
    Column("document", BigInteger, primary_key=True, autoincrement=False),
    Column("span", BigInteger, primary_key=True, autoincrement=False),
)
_WAITING: Final = Table("search_waiting", _METADATA, Column("span", BigInteger, primary_key=True, autoincrement=False))
_CURSORS: Final = Table(
    "search_cursors", _METADATA, Column("name", String, primary_key=True), Column("number", BigInteger, nullable=False)
)
_ALONE: Final = text("SELECT pg_advisory_xact_lock(7209874612)")
_EXTENSION: Final = text("CREATE EXTENSION IF NOT EXISTS pg_trgm")


class PostgresSearch(SearchIndex):
    """The index in a PostgreSQL database."""

    def delete(self) -> None:
        """Delete the index; it is made anew when it is next brought up to date."""
        with self._writing() as connection:
            _METADATA.drop_all(connection)

    def _take_batch(self) -> int:
        with self._writing() as connection:
            _make(connection)
            cursors: dict[str, int] = dict(tuple(row) for row in connection.execute(select(_CURSORS)))
            pieces = new_pieces(connection, cursors["pieces"])
            waiting = list(connection.execute(select(_WAITING.c.span)).scalars())
            taken, open_spans, last = spans_to_take(connection, cursors["spans"], waiting)
            texts = [{"document": document_of_piece(number), "text": found} for number, found in pieces]
            texts += [{"document": document_of_span(number), "text": found} for number, found, _ in taken]
            add(connection, _TEXTS, texts)
            links = [(document_of_piece(piece), number) for number, _, of_span in taken for piece in of_span]
            add(connection, _LINKS, [{"document": document, "span": span} for document, span in links])
            connection.execute(delete(_WAITING))
            later = set(waiting).difference(number for number, _, _ in taken) | set(open_spans)
            add(connection, _WAITING, [{"span": number} for number in sorted(later)])
            _move(connection, "spans", last)
            if pieces:
                _move(connection, "pieces", pieces[-1][0])
            return len(pieces) + len(taken)

    def matches(self, connection: Connection) -> TextMatches:  # noqa: ARG002 - SQL needs none
        """Return what turns a text into a condition on spans."""

        def condition(given: str) -> ColumnElement[bool]:
            has = _TEXTS.c.text.contains(fold(given), autoescape=True)
            own = select((_TEXTS.c.document - 1) // 2).where(_TEXTS.c.document % 2 == 1, has)
            of_pieces = select(_LINKS.c.span).join(_TEXTS, _TEXTS.c.document == _LINKS.c.document).where(has)
            return or_(SPANS.c.id.in_(own), SPANS.c.id.in_(of_pieces))

        return condition

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        """Give a connection that alone writes the index; who writes spans does not wait for it."""
        try:
            with self._database.engine.begin() as connection:
                connection.execute(_ALONE)
                yield connection
        except DBAPIError as error:
            raise StoreError(
                f"the search index in {self._database.place} cannot be written ({error.orig}): it needs the extension "
                "pg_trgm, which an administrator can make there with 'CREATE EXTENSION pg_trgm'"
            ) from error


def _make(connection: Connection) -> None:
    if inspect(connection).has_table(_CURSORS.name):
        newest = connection.execute(select(func.coalesce(func.max(SPANS.c.id), 0))).scalar_one()
        last = connection.execute(select(_CURSORS.c.number).where(_CURSORS.c.name == "spans")).scalar_one()
        if last <= newest:
            return
        _METADATA.drop_all(connection)  # it was of other spans
    connection.execute(_EXTENSION)
    _METADATA.create_all(connection)
    add(connection, _CURSORS, [{"name": "spans", "number": 0}, {"name": "pieces", "number": 0}])


def _move(connection: Connection, name: str, number: int) -> None:
    connection.execute(update(_CURSORS).where(_CURSORS.c.name == name).values(number=number))
