"""Recorded calls that somebody found worth keeping become rows of a dataset."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracelm.data.dataset import Dataset
from tracelm.data.published import load_from, publish_into
from tracelm.data.traces import row_of_span, with_same_columns
from tracelm.errors import DatasetError
from tracelm.store import objects
from tracelm.store.objects import ObjectVersion

if TYPE_CHECKING:
    from tracelm.store.store import Store
    from tracelm.store.stored import StoredSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What became of calls that were to be added to a dataset.

    Attributes:
        version: The version that has them.
        added: How many rows are new.
        known: How many were in the dataset before.
        without_inputs: How many have not ended, or no arguments that were recorded.
    """

    version: ObjectVersion
    added: int
    known: int
    without_inputs: int


def add_calls(
    store: "Store", name: str, spans: "Iterable[StoredSpan]", *, with_output: bool = True, note: str | None = None
) -> Collected:
    """Add recorded calls to the newest version of a dataset, or begin one; the result is its next version.

    Rows stay as they are, so that runs of earlier versions can be compared, unless a call has arguments for which the
    dataset has no column: then all rows get it.

    Args:
        store: Where it is published.
        name: What the dataset is called.
        spans: The calls; each is named by its trace and span, and comes in once.
        with_output: Whether what a call returned is what is expected.
        note: What there is to say about the new version.

    Raises:
        DatasetError: No call has arguments that were recorded, or the rows do not form a dataset.
        StoreError: The store cannot be written.
    """
    with store.reading() as connection:
        is_new = name not in objects.names(connection, "dataset")
    rows = [] if is_new else load_from(store, name)[1]
    have = {row.get("id") for row in rows}
    before = len(rows)
    known = without_inputs = 0
    for span in spans:
        row = row_of_span(span, with_output=with_output)
        if row is None:
            without_inputs += 1
        elif row["id"] in have:
            known += 1
        else:
            have.add(row["id"])
            rows.append(row)
    if not rows:
        raise DatasetError("none of these calls has arguments that were recorded: choose the spans of ops")
    dataset = Dataset(name=name, rows=with_same_columns(rows))
    made = publish_into(store, dataset, note=note)
    return Collected(version=made, added=len(rows) - before, known=known, without_inputs=without_inputs)
