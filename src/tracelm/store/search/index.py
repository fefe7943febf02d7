"""What an index of texts is, whatever database it lies in.

A document is either a piece of contents, indexed once however many spans have it, or what is short in a span's own
record. Two cursors, the numbers of the last span and of the last piece that are in it, say how far it has come.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, select

from tracelm.store.contents import numbers_of
from tracelm.store.database import Database
from tracelm.store.filters.compile import TextMatches
from tracelm.store.record import decompress, with_nulls
from tracelm.store.search.texts import text_of_piece, text_of_record
from tracelm.store.tables import CONTENTS, SPANS

BATCH: Final = 500
"""Spans or pieces that are read and written at once: small enough that nobody waits for long."""


def document_of_piece(number: int) -> int:
    """Return the number of the document that a piece of contents is."""
    return 2 * number


def document_of_span(number: int) -> int:
    """Return the number of the document that a span's own record is."""
    return 2 * number + 1


class SearchIndex(ABC):
    """An index of the texts in a store."""

    def __init__(self, database: Database) -> None:
        """Index the texts of `database`."""
        self._database = database

    def catch_up(self, *, batches: int | None = None) -> int:
        """Take what is new into the index, and return how many spans and pieces that were.

        Several processes may do it at once; each batch and the cursors behind it are written together.

        Args:
            batches: Stop after so many; `None` for all.

        Raises:
            StoreError: The store cannot be read, or the index cannot be written.
        """
        total = done = 0
        while batches is None or done < batches:
            count = self._take_batch()
            if count == 0:
                break
            total += count
            done += 1
        return total

    @abstractmethod
    def _take_batch(self) -> int:
        """Take one batch of pieces and of spans, and return how many."""

    @abstractmethod
    def matches(self, connection: Connection) -> TextMatches:
        """Return what turns a text into a condition on spans.

        Args:
            connection: The one that will execute the query, to the store.
        """

    @abstractmethod
    def delete(self) -> None:
        """Delete the index; it is made anew when it is next brought up to date."""


def new_pieces(connection: Connection, after: int) -> list[tuple[int, str]]:
    """Return the next pieces of contents: the numbers and the texts."""
    found = connection.execute(
        select(CONTENTS.c.id, CONTENTS.c.content).where(CONTENTS.c.id > after).order_by(CONTENTS.c.id).limit(BATCH)
    )
    return [(number, text_of_piece(decompress(bytes(content)))) for number, content in found]


def spans_to_take(
    connection: Connection, after: int, waiting: Iterable[int]
) -> tuple[list[tuple[int, str, list[int]]], list[int], int]:
    """Return the spans that can be taken into an index.

    Args:
        connection: To the store.
        after: The number of the last span that was looked at.
        waiting: Spans that had not ended when they were looked at.

    Returns:
        Of each that has ended, or was lost: its number, the text of its own record, the numbers of its pieces. Then
        those that have not ended, for the next time, and the number of the last one that was looked at.
    """
    columns = (SPANS.c.id, SPANS.c.state, SPANS.c.record)
    found = list(connection.execute(select(*columns).where(SPANS.c.id > after).order_by(SPANS.c.id).limit(BATCH)))
    last = found[-1].id if found else after
    found += connection.execute(select(*columns).where(SPANS.c.id.in_(list(waiting)[:BATCH])))
    ended = [row for row in found if row.state != "in flight"]
    records = [(row.id, *with_nulls(bytes(row.record))) for row in ended]
    known = numbers_of(connection, {digest for _, _, cut in records for digest in cut})
    taken = [
        (number, text_of_record(body), [known[digest] for digest in cut if digest in known])
        for number, body, cut in records
    ]
    return taken, [row.id for row in found if row.state == "in flight"], last


def trigrams(text: str, *, most: int) -> Sequence[str]:
    """Return the distinct trigrams of a text of three characters or more, at most so many, spread over it."""
    found = list(dict.fromkeys(text[start : start + 3] for start in range(len(text) - 2)))
    return found if len(found) <= most else found[:: -(-len(found) // most)]
