"""Spans that are open for more than a second are written as pending, so that they can be seen before they end.

`watch` is called as each span starts and only notes a weak reference; a thread looks once in half a second at what is
still open. Pending spans lie in a segment of their own, which is locked as long as the process lives and says by the
time of its last change when the process was last seen. The finished span replaces its pending form in the store.
"""

import contextlib
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import ref

from tracelm.trace import runtime
from tracelm.trace.fork import in_child
from tracelm.trace.safely import report, safely
from tracelm.trace.segments import create_segment

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from tracelm.trace.runtime import Runtime
    from tracelm.trace.segments import Segment

_Reference: TypeAlias = "ref[ReadableSpan]"
OPEN_FOR_S: Final = 1.0
"""A span that is open for longer is written as pending."""
_LOOK_S: Final = 0.5
_MAX_BYTES: Final = 16_000_000
"""A file of pending spans that grew past this is written anew, with those that are still open."""


class PendingFile:
    """The pending spans of one runtime on disk.

    Args:
        current: The runtime whose spans they are.
    """

    def __init__(self, current: "Runtime") -> None:
        self.runtime = current
        self._segment: Segment | None = None
        self._descriptors: list[int] = []
        self._size = 0

    def write(self, span: "ReadableSpan") -> None:
        """Add the present form of a span.

        Raises:
            OSError: It cannot be written.
        """
        line = self.runtime.lines.span(span, self.runtime.resource(span.resource)) + b"\n"
        if self._segment is None:
            settings = self.runtime.settings
            segment, lock = create_segment(settings.home, project=settings.project, destinations=())
            self._descriptors.append(lock)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            try:
                self._descriptors.append(os.open(segment.file("pending"), flags, 0o600))
            except OSError:
                self.close()
                raise
            self._segment = segment
        os.write(self._descriptors[-1], line)
        self._size += len(line)

    @property
    def is_full(self) -> bool:
        """Whether it is time for a new file."""
        return self._size > _MAX_BYTES

    def still_alive(self) -> None:
        """Note the time, for whoever asks later when this process died."""
        if len(self._descriptors) > 1:
            os.utime(self._descriptors[-1])

    def close(self) -> None:
        """Unlock it: spans in it that have not ended by then were lost."""
        self._segment = None
        while self._descriptors:
            os.close(self._descriptors.pop())


class Watcher:
    """Looks at open spans, in the background.

    Attributes:
        started: Spans that started since the last look.
        is_running: Whether the thread was started.
    """

    def __init__(self) -> None:
        self.started: Final[deque[_Reference]] = deque()
        self._begin()
        in_child(self._begin_in_child)

    def _begin(self) -> None:
        self.started.clear()
        self.is_running = False
        self._looking = threading.Lock()
        self._young: list[_Reference] = []
        self._noted: list[_Reference] = []
        self._file: PendingFile | None = None

    def _begin_in_child(self) -> None:
        """A forked child watches its own spans; those that were open before belong to its parent."""
        inherited = self._file
        self._begin()
        if inherited is not None:
            with contextlib.suppress(OSError):
                inherited.close()

    def run(self) -> None:
        """Start the thread, if nobody has."""
        self.is_running = True
        with contextlib.suppress(RuntimeError):  # the interpreter is shutting down
            threading.Thread(target=self._run, name="tracelm-pending", daemon=True).start()

    def _run(self) -> None:
        # Nobody sets it: it only waits, and unlike `time.sleep` a program that patches sleep does not hurry it.
        never = threading.Event()
        while not never.wait(_LOOK_S):
            try:
                self.look()
            except Exception as error:
                report("write the spans that are still open", error)

    def look(self) -> None:
        """Write what is open for long enough now."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        current = runtime.active
        if self._file is not None and (current is None or self._file.runtime is not current):
            self._file.close()
            self._file, self._noted = None, []
        candidates = self._young
        young: list[_Reference] = []
        while self.started:
            candidates.append(self.started.popleft())
        until_ns = time.time_ns() - round(OPEN_FOR_S * 1e9)
        for each in candidates:
            span = each()
            if current is None or span is None or span.end_time is not None or not _is_sampled(span):
                continue
            if (span.start_time or 0) <= until_ns:
                with safely("write a span that is still open"):
                    self._note(current, each, span)
            else:
                young.append(each)
        self._young = young
        self._noted = [each for each in self._noted if (span := each()) is not None and span.end_time is None]
        if self._file is not None and self._file.is_full:
            self._write_anew(self._file.runtime)
        if self._file is not None and self._noted:
            self._file.still_alive()

    def _note(self, current: "Runtime", reference: "_Reference", span: "ReadableSpan") -> None:
        if self._file is None:
            self._file = PendingFile(current)
        self._file.write(span)
        self._noted.append(reference)

    def _write_anew(self, current: "Runtime") -> None:
        full, self._file = self._file, PendingFile(current)
        for each in self._noted:
            span = each()
            if span is not None and span.end_time is None:
                self._file.write(span)
        if full is not None:  # after the new one: a reader finds each span in a file that is alive
            full.close()


def _is_sampled(span: "ReadableSpan") -> bool:
    return span.context is not None and span.context.trace_flags.sampled


_watcher: Final = Watcher()
_append: Final = _watcher.started.append


def watch(span: "ReadableSpan") -> None:
    """Note that a span has started. Costs a weak reference."""
    _append(ref(span))
    if not _watcher.is_running:
        _watcher.run()


def look() -> None:
    """Write the spans that are open for long enough now, instead of waiting for the thread."""
    _watcher.look()
