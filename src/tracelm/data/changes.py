"""What differs between two versions of a dataset."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracelm.data.content import digest_of


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is in both versions, by its `id`, with other content.

    Attributes:
        id: The row's `id`.
        before: The row in the earlier version.
        after: The row in the later version.
        columns: The columns that differ.
    """

    id: Any
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDiff:
    """What differs between two versions of a dataset. It is true when anything does.

    Attributes:
        added: Rows that only the later version has.
        removed: Rows that only the earlier version has.
        changed: Rows with the same `id` and other content; without a column `id` none can be told.
        unchanged: How many rows both have.
    """

    added: tuple[Mapping[str, Any], ...]
    removed: tuple[Mapping[str, Any], ...]
    changed: tuple[RowChange, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        counts = (
            f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed, "
            f"{self.unchanged} unchanged"
        )
        lines = [f"  {each.id!r}: {', '.join(each.columns)}" for each in self.changed]
        return "\n".join([counts, *lines])


def differences(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> DatasetDiff:
    """Compare rows: by `id` where both versions have that column, else by their content alone."""
    if "id" in before[0] and "id" in after[0]:
        return _by_id(before, after)
    old, new = Counter(map(digest_of, before)), Counter(map(digest_of, after))
    return DatasetDiff(
        added=_left(after, new - old),
        removed=_left(before, old - new),
        changed=(),
        unchanged=(old & new).total(),
    )


def _by_id(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> DatasetDiff:
    old = {digest_of(row["id"]): row for row in before}
    new = {digest_of(row["id"]): row for row in after}
    both = [key for key in new if key in old]
    changed = [
        RowChange(new[key]["id"], old[key], new[key], columns)
        for key in both
        if (columns := _differing(old[key], new[key]))
    ]
    return DatasetDiff(
        added=tuple(row for key, row in new.items() if key not in old),
        removed=tuple(row for key, row in old.items() if key not in new),
        changed=tuple(changed),
        unchanged=len(both) - len(changed),
    )


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    columns = dict.fromkeys((*old, *new))
    return tuple(
        each for each in columns if each not in old or each not in new or digest_of(old[each]) != digest_of(new[each])
    )


def _left(rows: Sequence[dict[str, Any]], counts: Counter[str]) -> tuple[Mapping[str, Any], ...]:
    left = Counter(counts)
    found: list[Mapping[str, Any]] = []
    for row in rows:
        digest = digest_of(row)
        if left[digest] > 0:
            left[digest] -= 1
            found.append(row)
    return tuple(found)
