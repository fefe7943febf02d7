"""The exporter: a thread that reads the journal and brings it to an OTLP endpoint, at least once.

It sends what this process writes and what dead processes left behind for the same destination. A cursor moves when
the endpoint has acknowledged, never before; a record that the endpoint will not take even alone is counted as lost.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tracelm.trace.destination import Destination
from tracelm.trace.fork import in_child
from tracelm.trace.safely import report
from tracelm.trace.segments import SIGNALS, Segment, Signal, list_segments, locked
from tracelm.trace.sender import Sender, Sent, TryLater

if TYPE_CHECKING:
    from tracelm.trace.journal import Journal, OwnSegment

_POLL_S: Final = 1.0
_MAX_WAIT_S: Final = 30.0
_MAX_ASKED_S: Final = 3_600.0
_HURRIED_S: Final = (0.1, 1.0)
"""How long a `flush` that waits leaves an endpoint in peace after failures: the first time, and at most."""
_END_S: Final = 0.05
_inherited: Final[list[Sender]] = []
"""Connections of a parent process. Closing them here could end them there, so they are kept and never used."""


class _Stopped(Exception):  # noqa: N818 - not an error: it ends the thread
    pass


class Exporter:
    """Sends a journal to a destination, in the background.

    Attributes:
        delivered: Records of this process that the destination acknowledged and kept.
        lost: Records of this process that it refused for good.
    """

    def __init__(self, journal: "Journal", destination: Destination) -> None:
        self._journal = journal
        self._destination = destination
        self._stopping = False
        self._begin()
        journal.on_begun = self._ensure_thread
        in_child(self._begin_in_child)
        self._ensure_thread()

    def _begin(self) -> None:
        self._sender = Sender(self._destination)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._progress: dict[str, dict[Signal, int]] = {}
        self._wanted = False
        self._abandoned = False
        self._rounds = 0
        self._failed = 0
        self._next_s = self._earliest_s = 0.0
        self.delivered = 0
        self.lost = 0

    def _begin_in_child(self) -> None:
        """A forked child has no exporter thread, and gets one with its first record."""
        _inherited.append(self._sender)
        self._begin()

    @property
    def pending(self) -> int:
        """Records of this process that are in the journal and not yet at the destination."""
        settled = self.delivered + self.lost  # first: what is settled meanwhile was recorded before
        return self._journal.recorded - self._journal.lost - settled

    def flush(self, timeout_s: float) -> None:
        """Send everything there is; returns when that is done or `timeout_s` are over."""
        deadline = time.monotonic() + timeout_s
        self._ensure_thread()
        with self._changed:
            while self.pending > 0 and not self._stopping:
                self._wanted = True
                rounds = self._rounds
                self._changed.notify_all()
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait_for(
                    lambda r=rounds: self._rounds > r or self.pending <= 0,  # type: ignore[misc]
                    timeout=left,
                ):
                    break

    def stop(self, timeout_s: float) -> None:
        """Send what can be sent within `timeout_s`, then end the thread; a request that hangs is left alone."""
        deadline = time.monotonic() + timeout_s
        self.flush(timeout_s)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=max(deadline - time.monotonic(), _END_S))
        with self._changed:
            self._abandoned = True  # from here on the segments may be sent by somebody else
        self._sender.close()

    def _ensure_thread(self) -> None:
        with self._changed:
            if self._stopping or self._thread is not None:
                return
            thread = self._thread = threading.Thread(target=self._run, name="tracelm-export", daemon=True)
        # Not under the lock: a garbage collection in the new thread may want it while we wait for that thread.
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down: the next process delivers
            self._thread = None

    def _run(self) -> None:
        while self._wait():
            try:
                self._round()
            except _Stopped:
                return
            except TryLater as stop:
                report(f"export to {self._sender.addresses}", ConnectionError(str(stop)))
                self._pause(stop.retry_after_s)
            except Exception as error:
                report(f"export to {self._sender.addresses}", error)
                self._pause(None)
            else:
                self._failed = 0
                self._next_s, self._earliest_s = time.monotonic() + _POLL_S, 0.0
            with self._changed:
                self._rounds += 1
                self._changed.notify_all()

    def _wait(self) -> bool:
        """Wait until it is time to send; returns `False` at the end."""
        with self._changed:
            while not self._stopping:
                left = (self._earliest_s if self._wanted else self._next_s) - time.monotonic()
                if left <= 0:
                    self._wanted = False
                    return True
                self._changed.wait(left)
            return False

    def _pause(self, asked_s: float | None) -> None:
        """Leave the endpoint in peace: as long as it asks, else longer each time; a `flush` may try sooner."""
        now = time.monotonic()
        first, longest = _HURRIED_S
        doubled = 2 ** min(self._failed, 10)
        self._failed += 1
        if asked_s is not None:
            self._next_s = self._earliest_s = now + min(asked_s, _MAX_ASKED_S)
        else:
            self._next_s = now + min(_POLL_S * doubled, _MAX_WAIT_S)
            self._earliest_s = now + min(first * doubled, longest)

    def _round(self) -> None:
        self._send_own()
        for segment in list_segments(self._journal.home):
            if self._destination.id not in segment.destinations or self._journal.is_own(segment):
                continue
            with contextlib.suppress(FileNotFoundError):  # somebody else finished it
                if not _is_done(segment, segment.cursor(self._destination.id)):
                    self._adopt(segment)
                    self._send_own()

    def _send_own(self) -> None:
        for own in self._journal.own():
            closed = own.closed  # asked first: what is written afterwards is for the next round
            cursor = self._progress.setdefault(own.segment.name, dict.fromkeys(SIGNALS, 0))
            self._send_segment(own.segment, cursor, self._settle_own)
            if closed:
                self._finish_own(own, cursor)

    def _finish_own(self, own: "OwnSegment", cursor: Mapping[Signal, int]) -> None:
        with contextlib.suppress(OSError):
            own.segment.pass_torn(self._destination.id, cursor)
        self._progress.pop(own.segment.name, None)
        self._journal.release(own)

    def _adopt(self, segment: Segment) -> None:
        with locked(segment.path) as dead:
            if dead:
                cursor = segment.cursor(self._destination.id)
                self._send_segment(segment, cursor, self._settle_adopted)
                segment.pass_torn(self._destination.id, cursor)

    def _send_segment(
        self,
        segment: Segment,
        cursor: dict[Signal, int],
        settle: Callable[[Segment, Mapping[Signal, int], Sent], None],
    ) -> None:
        for signal in SIGNALS:
            while True:
                batch = segment.read(signal, cursor[signal], max_bytes=self._sender.batch_bytes)
                if not batch.lines:
                    break
                for sent in self._sender.send(signal, batch.lines):
                    with self._changed:
                        if self._abandoned:
                            raise _Stopped
                        cursor[signal] += sent.size
                        settle(segment, cursor, sent)
                        self._failed = 0
                        self._changed.notify_all()
                    if self._stopping:
                        raise _Stopped

    def _settle_own(self, segment: Segment, cursor: Mapping[Signal, int], sent: Sent) -> None:
        self.delivered += sent.delivered
        self.lost += sent.lost
        try:
            segment.move_cursor(self._destination.id, cursor)
        except OSError as error:  # a full disk; this process knows how far it is, only a crash would send twice
            report("note in the journal what was exported", error)

    def _settle_adopted(self, segment: Segment, cursor: Mapping[Signal, int], _sent: Sent) -> None:
        segment.move_cursor(self._destination.id, cursor)


def _is_done(segment: Segment, cursor: Mapping[Signal, int]) -> bool:
    return all(cursor[signal] >= segment.size(signal) for signal in SIGNALS)
