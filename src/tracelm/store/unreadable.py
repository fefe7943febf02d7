"""What the journal holds and the store cannot read: set aside, never destroyed with its segment."""

import logging
import os
from pathlib import Path
from typing import Final

from tracelm.errors import StoreError
from tracelm.trace.segments import Kind, Segment

MAX_BYTES: Final = 100_000_000
"""How much is kept; past this the oldest goes, with a warning."""

_log: Final = logging.getLogger("tracelm")


def folder(home: Path) -> Path:
    """Return where unreadable records of `home` lie."""
    return home / "unreadable"


def set_aside(segment: Segment, signal: Kind, offset: int, data: bytes) -> Path:
    """Keep bytes of a segment that are no record. The same bytes again replace themselves.

    Args:
        segment: Where they stand.
        signal: In which of its files.
        offset: Where the batch begins in which they were found, in bytes.
        data: The bytes.

    Raises:
        StoreError: They cannot be written; they then stay in the segment.
    """
    place = folder(segment.path.parent.parent)
    path = place / f"{segment.name}.{signal}.{offset}.jsonl"
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        hidden.replace(path)
        _bound(place, keep=path)
    except OSError as error:
        raise StoreError(
            f"records that cannot be read could not be set aside in {place} ({error.strerror or error}): free some "
            "space, or make it writable for this user"
        ) from error
    return path


def _bound(place: Path, *, keep: Path) -> None:
    found = [(path.stat(), path) for path in place.glob("*.jsonl")]
    total = sum(stat.st_size for stat, _ in found)
    for stat, path in sorted(found, key=lambda each: (each[0].st_mtime_ns, each[1].name)):
        if total <= MAX_BYTES:
            return
        if path != keep:
            path.unlink(missing_ok=True)
            total -= stat.st_size
            _log.warning("tracelm deleted %s: unreadable records are kept up to %d MB", path, MAX_BYTES // 1_000_000)
