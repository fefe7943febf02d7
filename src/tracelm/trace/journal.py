"""The journal: where a record goes before the call returns, and where everybody else reads it.

A write appends one line to this process's own segment and is over: no queue, no thread, no flush. What was written
is in the kernel's hands, so `kill -9` right afterwards takes nothing away. After a short write or an error the line
may be torn; the journal then leaves that segment and writes the whole line into a new one.
"""

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


class Journal:
    """Appends the records of this process to its segment.

    Args:
        home: The folder that holds `journal/`.
        project: What the records belong to.
        destinations: Ids of the OTLP endpoints that shall get them.
        segment_max_bytes: A segment that grew past this is closed and a new one begun.
        on_closed: Called, on the thread that wrote, each time a segment was closed because it was full.
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
        # Reentrant: a garbage collection inside the critical section can end the span of a generator.
        self._lock = threading.RLock()
        self._segment: Segment | None = None
        self._descriptors: dict[str, int] = {}
        self._size = 0
        self._retry_at = 0.0
        self._open = True
        self.own: set[str] = set()
        """Names of the segments that this process wrote."""
        self.written = 0
        """Records that are on disk."""
        self.lost = 0
        """Records that could not be written."""
        in_child(self._after_fork)

    def append(self, signal: Signal, line: bytes) -> bool:
        """Write one record. Never raises; returns whether the record is on disk."""
        data = line + b"\n"
        with self._lock:
            if self._write(signal, data):
                self.written += 1
                self._size += len(data)
                if self._size > self._segment_max_bytes:
                    self._leave_segment()
                    self._on_closed()
                return True
            self.lost += 1
            return False

    def close(self) -> None:
        """Close the segment: from now on any process may adopt it."""
        with self._lock:
            self._open = False
            self._leave_segment()

    @property
    def segment(self) -> Segment | None:
        """The segment that is being written, if one is."""
        return self._segment

    def _write(self, signal: Signal, data: bytes) -> bool:
        if not self._open or time.monotonic() < self._retry_at:
            return False
        failure = self._try(signal, data) and self._try(signal, data)  # the second time into a new segment
        if failure is None:
            return True
        self._retry_at = time.monotonic() + _RETRY_S
        report(f"write the journal in {self.home} ({_remedy(failure)})", failure)
        return False

    def _try(self, signal: Signal, data: bytes) -> OSError | None:
        try:
            _write_whole(self._descriptor(signal), data)
        except OSError as error:
            self._leave_segment()
            return error
        return None

    def _descriptor(self, signal: Signal) -> int:
        descriptor = self._descriptors.get(signal)
        if descriptor is not None:
            return descriptor
        if self._segment is None:
            self._segment, self._descriptors["lock"] = create_segment(
                self.home, project=self._project, destinations=self._destinations
            )
            self._size = 0
            self.own.add(self._segment.name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = self._descriptors[signal] = os.open(self._segment.file(signal), flags, 0o600)
        return descriptor

    def _leave_segment(self) -> None:
        self._segment = None
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()

    def _after_fork(self) -> None:
        """Begin anew in a forked child; what it inherited is only closed, so that the parent keeps its lock."""
        self._lock = threading.RLock()
        self._leave_segment()
        self.own.clear()
        self.written = self.lost = 0


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
