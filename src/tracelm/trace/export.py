"""The exporter: a thread that reads the journal and brings it to an OTLP endpoint, at least once.

It sends what this process writes and what dead processes left behind for the same destination. A cursor moves when
the endpoint has acknowledged, never before; a record that the endpoint will not take even alone is counted as lost.

When the endpoint takes less than is written, and the journal has grown too large, full segments of this process are
moved into the store, all into one (`Outbox`). They stay this process's own, and are sent from there.
"""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, Protocol

from tracelm.trace.destination import Destination
from tracelm.trace.fork import in_child
from tracelm.trace.safely import report, safely
from tracelm.trace.segments import SIGNALS, Batch, Segment, Signal, journal_bytes, list_segments, locked
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


class Outbox(Protocol):
    """Keeps in the store what an endpoint has not taken, so that the journal need not."""

    def move(self, segment: Segment, acknowledged: Mapping[Signal, int], *, into: Segment) -> None:
        """Move the records of a closed segment behind `acknowledged`; `into` stands for them from then on.

        The caller holds both, which may be the same. If they are not, `segment` is gone afterwards.
        """
        ...

    def read(self, segment: Segment, signal: Signal, offset: int, *, max_bytes: int) -> Batch:
        """Read records that were moved, as `Segment.read` does."""
        ...


class Exporter:
    """Sends a journal to a destination, in the background.

    Args:
        journal: What is sent.
        destination: Where to.
        outbox: Gives what takes full segments that the destination has not taken; only called when it is needed.
        journal_max_bytes: The size of the journal from which on it does.

    Attributes:
        delivered: Records of this process that the destination acknowledged and kept.
        lost: Records of this process that it refused for good.
    """

    def __init__(
        self, journal: "Journal", destination: Destination, *, outbox: Callable[[], Outbox], journal_max_bytes: int
    ) -> None:
        self._journal = journal
        self._destination = destination
        self._outbox = outbox
        self._journal_max_bytes = journal_max_bytes
        self._stopping = False
        self._begin()
        journal.on_begun = self._grew
        in_child(self._begin_in_child)
        self._ensure_thread()

    def _begin(self) -> None:
        self._sender = Sender(self._destination)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._progress: dict[str, dict[Signal, int]] = {}
        self._moved: OwnSegment | None = None
        self._wanted = False
        self._has_grown = False
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

    def _grew(self) -> None:
        """Note that a segment was begun: the one before it is full, or this is the first."""
        self._ensure_thread()
        with self._changed:
            self._has_grown = True
            self._changed.notify_all()

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
        while (due := self._wait()) is not None:
            if due == "send" and not self._try_round():
                return
            self._bound_journal()

    def _wait(self) -> Literal["send", "bound"] | None:
        """Wait until it is time to send, or to look at the size of the journal; returns `None` at the end."""
        with self._changed:
            while not self._stopping:
                left = (self._earliest_s if self._wanted else self._next_s) - time.monotonic()
                if left <= 0:
                    self._wanted = False
                    return "send"
                if self._has_grown:
                    self._has_grown = False
                    return "bound"
                self._changed.wait(left)
            return None

    def _try_round(self) -> bool:
        """Send what there is; returns `False` when the thread is to end."""
        try:
            self._round()
        except _Stopped:
            return False
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
        return True

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
                self._bound_journal()

    def _finish_own(self, own: "OwnSegment", cursor: Mapping[Signal, int]) -> None:
        with contextlib.suppress(OSError):
            own.segment.pass_torn(self._destination.id, cursor)
        if own is self._moved:
            self._moved = None
        self._give_up(own)

    def _give_up(self, own: "OwnSegment") -> None:
        self._progress.pop(own.segment.name, None)
        self._journal.release(own)

    def _bound_journal(self) -> None:
        """Move full segments into the store, the oldest first, as long as the journal is too large."""
        with safely("move what the collector has not taken from the journal into the store"):
            for own in self._journal.own():
                if not own.closed or own is self._moved:
                    continue
                if self._stopping or journal_bytes(self._journal.home) <= self._journal_max_bytes:
                    return
                acknowledged = self._progress.get(own.segment.name, dict.fromkeys(SIGNALS, 0))
                if self._moved is None:
                    self._outbox().move(own.segment, acknowledged, into=own.segment)
                    self._moved = own
                else:
                    self._outbox().move(own.segment, acknowledged, into=self._moved.segment)
                    self._give_up(own)

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
                batch = self._read(segment, signal, cursor[signal])
                if not batch.lines:
                    break
                settled = 0
                for sent in self._sender.send(signal, batch.lines):
                    settled += sent.lines
                    with self._changed:
                        if self._abandoned:
                            raise _Stopped
                        cursor[signal] = batch.ends[settled - 1]
                        settle(segment, cursor, sent)
                        self._failed = 0
                        self._changed.notify_all()
                    if self._stopping:
                        raise _Stopped

    def _read(self, segment: Segment, signal: Signal, offset: int) -> Batch:
        read = segment.read if segment.moved() is None else functools.partial(self._outbox().read, segment)
        return read(signal, offset, max_bytes=self._sender.batch_bytes)

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
