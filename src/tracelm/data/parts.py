"""Parts of a dataset that stay the same when it is chosen again, on any machine.

Rows are ordered by a hash of seed and content instead of drawn: a larger sample holds the smaller one, and a row
stays in its part when others are added, as far as the sizes of the parts allow.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tracelm.data.content import digest_of
from tracelm.errors import DatasetError


def sample(digests: Sequence[str], n: int, *, seed: int) -> list[int]:
    """Return the places of `n` rows, in the order of the dataset."""
    if not 1 <= n <= len(digests):
        raise DatasetError(f"a sample of {n} rows cannot be taken from {len(digests)}: give a number between")
    order = sorted(range(len(digests)), key=lambda index: (_place(seed, digests[index]), index))
    return sorted(order[:n])


def split(
    rows: Sequence[Mapping[str, Any]], digests: Sequence[str], shares: Mapping[str, float], *, seed: int
) -> dict[str, list[int]]:
    """Return the places of the rows of each part, in the order of the dataset. A cluster is never torn apart."""
    if not shares or any(share <= 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:
        raise DatasetError(f"shares {dict(shares)} do not add up to 1: split(train=0.8, test=0.2)")
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        key = digest_of(row["cluster"]) if row.get("cluster") is not None else digests[index]
        groups.setdefault(key, []).append(index)
    order = sorted(groups, key=lambda key: _place(seed, key))
    found: dict[str, list[int]] = {name: [] for name in shares}
    names, ends = list(shares), _ends(list(shares.values()), len(rows))
    taken = part = 0
    for key in order:
        while part < len(names) - 1 and taken >= ends[part]:
            part += 1
        found[names[part]] += groups[key]
        taken += len(groups[key])
    empty = [name for name, places in found.items() if not places]
    if empty:
        raise DatasetError(f"part {empty[0]!r} would have no rows: give it a larger share, or add rows")
    return {name: sorted(places) for name, places in found.items()}


def _ends(shares: Sequence[float], rows: int) -> list[int]:
    total, ends = 0.0, list[int]()
    for share in shares:
        total += share
        ends.append(round(total * rows))
    return ends


def _place(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
