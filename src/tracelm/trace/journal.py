"""The journal: where a record goes before the call returns, and where everybody else reads it.

A write appends one line to this process's own segment and is over: no queue, no thread, no flush. What was written
is in the kernel's hands, so `kill -9` right afterwards takes nothing away. After a short write or an error the line
may be torn; the journal then leaves that segment and writes the whole line into a new one.

A signal handler, or the end of a generator in a garbage collection, may record while the same thread is recording:
the lock lets it in. So a segment that was left is closed by the outermost call only, or its descriptor could belong to
another file by the time that call writes.
"""

import contextlib
import ctypes
import errno
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tracelm.trace.fork import in_child
from tracelm.trace.safely import report
from tracelm.trace.segments import Segment, Signal, create_segment

# `os.write` gives up the interpreter lock; beside one busy thread it then waits milliseconds to get it back. The C
# function called through PyDLL keeps the lock. Long lines go the ordinary way, so that nobody waits for their copy.
_libc: Final = ctypes.PyDLL(None, use_errno=True)
_libc.write.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
_libc.write.restype = ctypes.c_ssize_t
_KEEP_LOCK_BYTES: Final = 65_536
_RETRY_S: Final = 1.0


class OwnSegment:
    """A segment of this process, with its open files.

    Attributes:
        segment: For reading.
        size: Bytes that were written.
        closed: Nothing more will be written to it.
    """

    __slots__ = ("_files", "_lock", "closed", "segment", "size")

    def __init__(self, segment: Segment, lock: int) -> None:
        self.segment = segment
        self.size = 0
        self.closed = False
        self._lock = [lock]
        self._files: dict[Signal, int] = {}

    def file(self, signal: Signal) -> int:
        """Return the descriptor to write records of `signal` to."""
        descriptor = self._files.get(signal)
        if descriptor is None:
            opened = os.open(self.segment.file(signal), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            descriptor = self._files.setdefault(signal, opened)
            if descriptor != opened:  # a signal handler was here in between
                os.close(opened)
        return descriptor

    def grew(self, by: int) -> bool:
        """Say whether a write that was interrupted has reached the file."""
        try:
            return sum(os.fstat(each).st_size for each in self._files.values()) - self.size >= by
        except OSError:
            return False

    def close_files(self) -> None:
        """End the writing; the lock stays, so that no other process adopts the segment."""
        self.closed = True
        while self._files:
            os.close(self._files.popitem()[1])

    def unlock(self) -> None:
        """Leave the segment to everybody."""
        while self._lock:
            os.close(self._lock.pop())


class Journal:
    """Appends the records of this process to its segment.

    Args:
        home: The folder that holds `journal/`.
        project: What the records belong to.
        destinations: Ids of the OTLP endpoints that shall get them.
        segment_max_bytes: A segment that grew past this is closed and a new one begun.
        on_closed: Called each time that a full segment was closed and is everybody's.

    Attributes:
        recorded: Records that were to be written.
        lost: Records that could not be written.
        on_begun: Called, on the thread that wrote, each time a segment was begun.
    """

    def __init__(
        self,
        home: Path,
        *,
        project: str,
        destinations: Sequence[str] = (),
        segment_max_bytes: int,
        on_closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.home = home
        self._project = project
        self._destinations = tuple(destinations)
        self._segment_max_bytes = segment_max_bytes
        self._on_closed = on_closed
        self.on_begun: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._depth = 0
        self._current: OwnSegment | None = None
        self._own: dict[str, OwnSegment] = {}
        self._left: list[OwnSegment] = []
        self._begun = False
        self._retry_at = 0.0
        self._open = True
        self.recorded = 0
        self.lost = 0
        in_child(self._after_fork)

    def append(self, signal: Signal, *lines: bytes) -> bool:
        """Write records at once, each a line. Never raises; returns whether they are on disk."""
        data = b"%b\n" % b"\n".join(lines)
        kept = unlocked = False
        opened: OwnSegment | None = None
        failure: OSError | None = None
        with self._lock:
            self._depth += 1
            self.recorded += len(lines)
            try:
                for _ in range(2 if self._open and (not self._retry_at or time.monotonic() >= self._retry_at) else 0):
                    try:
                        opened = self._current or self._begin()
                        _write_whole(opened.file(signal), data)
                    except OSError as error:
                        failure = error
                        self._leave(opened)  # and a second time, into a new segment
                        continue
                    opened.size += len(data)
                    kept = True
                    if opened.size > self._segment_max_bytes:
                        self._leave(opened)
                    break
            except BaseException:  # Ctrl-C came right after the write, or right before
                if not kept and opened is not None and opened.grew(len(data)):
                    opened.size += len(data)
                    kept = True
                raise
            finally:
                self._depth -= 1
                if not kept:
                    self.lost += len(lines)
            if self._left and not self._depth:
                unlocked = self._close_left()
        if not kept and failure is not None:
            self._retry_at = time.monotonic() + _RETRY_S
            report(f"write the journal in {self.home} ({_remedy(failure)})", failure)
        # Outside of the lock: these start threads, and a new thread may have something to record itself.
        if self._begun:
            self._begun = False
            self.on_begun()
        if unlocked:
            self._on_closed()
        return kept

    def miss(self) -> None:
        """Count a record that could not even be encoded: recorded, and lost."""
        with self._lock:
            self.recorded += 1
            self.lost += 1

    @property
    def written(self) -> int:
        """Records that are on disk."""
        return self.recorded - self.lost

    def own(self) -> list[OwnSegment]:
        """Return the segments that this process has not released, in the order in which it wrote them."""
        return list(self._own.values())

    def is_own(self, segment: Segment) -> bool:
        """Say whether this process holds `segment`."""
        return segment.name in self._own

    def release(self, own: OwnSegment) -> None:
        """Give up a closed segment that its destinations have: from now on any process may take it."""
        if self._own.pop(own.segment.name, None) is not None:
            own.unlock()
            self._on_closed()

    def close(self) -> None:
        """Close all segments: from now on any process may adopt them."""
        with self._lock:
            self._open = False
            self._leave(self._current)
            self._close_left()
            for own in self.own():
                own.unlock()
            self._own.clear()

    def _begin(self) -> OwnSegment:
        segment, lock = create_segment(self.home, project=self._project, destinations=self._destinations)
        if self._current is not None:  # a signal handler was faster: one segment is enough
            segment.remove()
            os.close(lock)
            return self._current
        own = self._current = OwnSegment(segment, lock)
        self._own[segment.name] = own
        self._begun = True
        return own

    def _leave(self, own: OwnSegment | None) -> None:
        if own is not None and self._current is own:
            self._current = None
            self._left.append(own)

    def _close_left(self) -> bool:
        """Close the files of the segments that were left; returns whether one of them is everybody's now."""
        unlocked = False
        while self._left:
            own = self._left.pop()
            own.close_files()
            # With a destination it stays ours until our exporter has sent it: two processes that send the same
            # segment send it twice, and neither could count.
            if not self._destinations:
                self._own.pop(own.segment.name, None)
                own.unlock()
                unlocked = True
        return unlocked

    def _after_fork(self) -> None:
        """Begin anew in a forked child; what it inherited is only closed, so that the parent keeps its locks."""
        self._lock = threading.RLock()
        self._depth = 0
        inherited, self._own, self._left, self._current = self.own() + self._left, {}, [], None
        for own in inherited:
            with contextlib.suppress(OSError):
                own.close_files()
                own.unlock()
        self._begun = False
        self.recorded = self.lost = 0


def _write_whole(descriptor: int, data: bytes) -> None:
    if len(data) <= _KEEP_LOCK_BYTES:
        written = _libc.write(descriptor, data, len(data))
        if written < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    else:
        written = os.write(descriptor, data)
    if written < len(data):
        raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")


def _remedy(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full: free some space, recording then goes on by itself"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "it cannot be written: set TRACELM_HOME to a folder that can"
    return "set TRACELM_HOME to another folder if this stays"
