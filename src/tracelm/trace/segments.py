"""A segment: the folder in which one process keeps the records that it wrote, and how others read it.

    TRACELM_HOME/journal/<started>-<pid>-<random>/
        meta.json      project, destinations, when it began
        lock           locked as long as the writing process lives (the kernel frees it, whatever kills the process)
        spans.jsonl    one OTLP/JSON ExportTraceServiceRequest a line
        logs.jsonl     one OTLP/JSON ExportLogsServiceRequest a line
        pending.jsonl  spans that have not ended, like spans.jsonl; in a segment of their own
        cursor.<destination>   how far that OTLP endpoint has acknowledged, in bytes a file
        moved.json     up to where the records lie in the store instead of here, once the journal grew too large

A segment is made under a hidden name, locked, then renamed: no reader ever sees one that is alive and unlocked.
Readers take whole lines only, so a line that a crash or a full disk tore in two is passed over and counted.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import orjson

Signal: TypeAlias = Literal["spans", "logs"]
SIGNALS: Final[tuple[Signal, ...]] = ("spans", "logs")
Kind: TypeAlias = Literal["spans", "logs", "pending"]
KINDS: Final[tuple[Kind, ...]] = (*SIGNALS, "pending")
"""What a segment can hold. Pending spans are for the store only, and are no records yet."""

_META: Final = "meta.json"
_LOCK: Final = "lock"
_MOVED: Final = "moved.json"
_FORMAT: Final = 1
_NEW: Final = ".new-"
_OLD: Final = ".old-"

_last_started_ns = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole lines of one file of a segment.

    Attributes:
        lines: The lines without their newline.
        start: The offset before the first of them, in bytes.
        ends: The offset behind each of them.
    """

    lines: list[bytes]
    start: int
    ends: list[int]

    @property
    def end(self) -> int:
        """Where the next batch starts."""
        return self.ends[-1] if self.ends else self.start


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment on disk, for reading.

    Attributes:
        path: Its folder.
        project: What its records belong to.
        destinations: Ids of the OTLP endpoints that must acknowledge it before it may go.
    """

    path: Path
    project: str
    destinations: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the folder: unique, and sorted by when it began."""
        return self.path.name

    def file(self, kind: Kind) -> Path:
        """Return the file that holds the records of `kind`."""
        return self.path / f"{kind}.jsonl"

    def size(self, kind: Kind) -> int:
        """Return how many bytes were written of `kind`, wherever they lie now; 0 if none."""
        moved = None if kind == "pending" else self.moved()
        return self.bytes_here(kind) if moved is None or kind == "pending" else moved[kind]

    def bytes_here(self, kind: Kind) -> int:
        """Return how many bytes of `kind` lie in the journal."""
        try:
            return self.file(kind).stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, kind: Kind, offset: int = 0, *, max_bytes: int = 1_000_000) -> Batch:
        """Read whole lines from `offset` on, about `max_bytes` of them (one line may be longer)."""
        try:
            with self.file(kind).open("rb") as file:
                file.seek(offset)
                data = file.read(max_bytes)
                if len(data) == max_bytes and not data.endswith(b"\n"):
                    data += file.readline()
        except FileNotFoundError:
            return Batch([], offset, [])
        lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
        ends = accumulate((len(line) + 1 for line in lines), initial=offset)
        return Batch(lines, offset, list(ends)[1:])

    def tail(self, kind: Kind, offset: int) -> bytes:
        """Return all bytes from `offset` on: what is left when no whole line is."""
        with self.file(kind).open("rb") as file:
            file.seek(offset)
            return file.read()

    def moved(self) -> dict[Signal, int] | None:
        """Return up to where the records of each signal lie in the store; `None` as long as they lie here."""
        try:
            stored: Mapping[str, Any] = orjson.loads((self.path / _MOVED).read_bytes())
        except FileNotFoundError:
            return None
        return {signal: int(stored[signal]) for signal in SIGNALS}

    def note_moved(self, ends: Mapping[Signal, int]) -> None:
        """Note that the records lie in the store, and delete them here. Only while it is locked."""
        _write_atomically(self.path / _MOVED, orjson.dumps(dict(ends)))
        for signal in SIGNALS:
            self.file(signal).unlink(missing_ok=True)

    def is_closed(self) -> bool:
        """Whether no process writes to it any more."""
        with contextlib.suppress(FileNotFoundError), locked(self.path) as free:
            return free
        return True

    def cursor(self, destination: str) -> dict[Signal, int]:
        """Return how far `destination` has acknowledged each file, in bytes."""
        try:
            stored: Mapping[str, Any] = orjson.loads((self.path / f"cursor.{destination}").read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            stored = {}
        return {signal: int(stored.get(signal, 0)) for signal in SIGNALS}

    def move_cursor(self, destination: str, cursor: Mapping[Signal, int]) -> None:
        """Note how far `destination` has acknowledged each file. A crash in between sends a batch twice."""
        _write_atomically(self.path / f"cursor.{destination}", orjson.dumps(dict(cursor)))

    def acknowledged(self) -> dict[Signal, int]:
        """Return how far all destinations have acknowledged each file, in bytes; its end if there are none."""
        cursors = [self.cursor(destination) for destination in self.destinations]
        return {signal: min((each[signal] for each in cursors), default=self.size(signal)) for signal in SIGNALS}

    def is_delivered(self) -> bool:
        """Whether every destination has acknowledged every record."""
        acknowledged = self.acknowledged()
        return all(acknowledged[signal] >= self.size(signal) for signal in SIGNALS)

    def pass_torn(self, destination: str, cursor: Mapping[Signal, int]) -> None:
        """Move a cursor over torn last lines, of which the writer knows: only when nobody writes any more."""
        ends: dict[Signal, int] = {signal: self.size(signal) for signal in SIGNALS}
        if cursor != ends:
            self.move_cursor(destination, ends)

    def remove(self) -> None:
        """Delete the segment."""
        # Out of sight first: a crash midway must not leave half a segment for a reader to find. What such a crash
        # left behind goes with the next one.
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(self.path.with_name(f"{_OLD}{self.name}"))
        for hidden in self.path.parent.glob(f"{_OLD}*"):
            shutil.rmtree(hidden, ignore_errors=True)


def list_segments(home: Path) -> list[Segment]:
    """Return the segments under `home`, the oldest first; one that cannot be read is left out."""
    journal = home / "journal"
    try:
        paths = sorted(path for path in journal.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return list(_readable(paths))


def journal_bytes(home: Path) -> int:
    """Return how much the journal under `home` holds, in bytes."""
    return sum(segment.bytes_here(kind) for segment in list_segments(home) for kind in KINDS)


def create_segment(home: Path, *, project: str, destinations: Iterable[str]) -> tuple[Segment, int]:
    """Make a new, empty segment for this process.

    Returns:
        The segment, and the file descriptor that holds its lock: it is alive as long as that stays open.

    Raises:
        OSError: The folder cannot be written.
    """
    global _last_started_ns  # noqa: PLW0603 - one order a process
    # A clock that is set back does not change the order of one process's segments.
    started_ns = _last_started_ns = max(time.time_ns(), _last_started_ns + 1)
    journal = home / "journal"
    for folder in (home, journal):  # `mkdir` would give the outer one the default mode
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True, mode=0o700)
    name = f"{started_ns:020d}-{os.getpid()}-{secrets.token_hex(4)}"
    hidden = journal / f"{_NEW}{name}"
    path = journal / name
    wanted = tuple(destinations)
    meta = {"version": _FORMAT, "project": project, "destinations": wanted, "started_ns": str(started_ns)}
    descriptor: int | None = None
    try:
        hidden.mkdir(mode=0o700)
        _write(hidden / _META, orjson.dumps(meta))
        descriptor = os.open(hidden / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden.rename(path)
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return Segment(path, project, wanted), descriptor


def remove_leftovers(home: Path) -> None:
    """Delete the half-made segments of processes that died while they made one."""
    for hidden in (home / "journal").glob(f"{_NEW}*"):
        try:
            with locked(hidden) as dead:
                pass
        except OSError:  # it died, or is, between the folder and the lock
            dead = not _is_alive(hidden.name.split("-")[2])
        if dead:
            shutil.rmtree(hidden, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Generator[bool]:
    """Try to lock the segment at `path` for the block; yields whether that worked.

    Raises:
        FileNotFoundError: The segment is gone.
    """
    # Closing the descriptor frees the lock. An explicit unlock would also free it for a process that forked.
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except OSError:
        return True
    return True


def _readable(paths: Iterable[Path]) -> Iterator[Segment]:
    for path in paths:
        with contextlib.suppress(OSError, orjson.JSONDecodeError, KeyError, TypeError):
            meta = orjson.loads((path / _META).read_bytes())
            yield Segment(path, str(meta["project"]), tuple(str(each) for each in meta["destinations"]))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _write_atomically(path: Path, data: bytes) -> None:
    hidden = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    _write(hidden, data)
    hidden.replace(path)
