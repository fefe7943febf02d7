"""A store in use: its database, and the journal that is read into it."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypedDict

from tracelm.errors import StoreError
from tracelm.store.database import Database
from tracelm.store.filters import parse
from tracelm.store.filters.syntax import Node, searches
from tracelm.store.index import IndexReport, index
from tracelm.store.outline import Outlines

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tracelm.store.search import SearchIndex


class OpenedStore:
    """A store in use: its database, and the journal that is read into it. Also a context manager."""

    def __init__(self, database: Database, home: Path, *, owned: bool) -> None:
        """Read `database`, and the journal under `home`; use `open_store` instead.

        Args:
            database: The store's file.
            home: The folder with the journal.
            owned: Whether this is the store that the home belongs to: then it may delete what it has indexed.
        """
        self._database = database
        self._home = home
        self._owned = owned
        self._open = True
        self._outlines = Outlines()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.place}>"

    @property
    def place(self) -> str:
        """The database: the path of its file, or its URL without the password."""
        return self._database.place

    @property
    def home(self) -> Path:
        """The folder whose journal is read into this store."""
        return self._home

    @property
    def outlines(self) -> Outlines:
        """What is remembered of the large traces that were looked at last."""
        return self._outlines

    def close(self) -> None:
        """End the use of this object: its connections to a server are given up. No file stays open between queries."""
        self._open = False
        self._database.close()

    def index(self) -> IndexReport:
        """Read what the journal holds into the store; every query does it first.

        Raises:
            StoreError: The store is closed, or cannot be written.
        """
        if not self._open:
            raise StoreError("this store is closed: call tracelm.open_store() again")
        return index(self._database, self._home, remove=self._owned)

    def index_texts(self, *, batches: int | None = None) -> int:
        """Take new texts into the index that a search in texts uses; such a search else does it first.

        Args:
            batches: Stop after so many; `None` for all.

        Returns:
            How many spans and pieces of text that were.

        Raises:
            StoreError: The store cannot be read, or the index cannot be written.
        """
        from tracelm.store.search import open_search

        return open_search(self._database).catch_up(batches=batches)

    @contextmanager
    def kept_open(self) -> Generator[None]:
        """Make the transactions within the block faster: the database stays open between them.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """
        with self._database.kept_open():
            yield

    @contextmanager
    def writing(self) -> Generator["Connection"]:
        """Give a connection that alone may write: for versioned objects, see `tracelm.store.objects`.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """
        with self._database.write() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Generator["Connection"]:
        """Give a connection that sees one unchanging state of the store.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """
        with self._database.read() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Generator["Connection"]:
        self.index()
        with self._database.read() as connection:
            yield connection

    def _asked(self, where: str) -> "_Asked":
        """Read a filter; where it looks for a text, the index of texts is brought up to date for it."""
        node = parse(where)
        if not searches(node):
            return {"where": node, "search": None}
        from tracelm.store.search import open_search

        self.index()
        search = open_search(self._database)
        search.catch_up()
        return {"where": node, "search": search}


class _Asked(TypedDict):
    where: Node
    search: "SearchIndex | None"
