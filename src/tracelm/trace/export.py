"""The exporter: a thread that reads the journal and brings it to an OTLP endpoint, at least once.

It sends what this process writes and what dead processes left behind for the same destination. A cursor moves when
the endpoint has acknowledged, never before; a record that the endpoint will not take even alone is counted as lost.
"""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tracelm.trace.destination import Destination
from tracelm.trace.fork import in_child
from tracelm.trace.safely import report
from tracelm.trace.segments import SIGNALS, Segment, Signal, list_segments, locked

if TYPE_CHECKING:
    from tracelm.trace.journal import Journal
    from tracelm.trace.transport import Answer, Transport

_POLL_S: Final = 1.0
_MAX_WAIT_S: Final = 30.0
_BATCH_BYTES: Final = 1_000_000
_SINGLE_TOO_LARGE_BYTES: Final = 1_000_000
"""A record alone below this size is not refused for its size: the endpoint is short of something else."""


class _TryLater(Exception):  # noqa: N818 - not an error: it ends a round
    def __init__(self, answer: "Answer") -> None:
        super().__init__(answer.reason)
        self.answer = answer


class Exporter:
    """Sends a journal to a destination, in the background.

    Attributes:
        delivered: Records of this process that the destination acknowledged and kept.
        lost: Records of this process that it refused for good.
    """

    def __init__(self, journal: "Journal", destination: Destination) -> None:
        self._journal = journal
        self._destination = destination
        self._transports: dict[Signal, Transport] = {}
        self._wake = threading.Condition()
        self._wanted = False
        self._stopping = False
        self._deadline: float | None = None
        self._pause_s = 0.0
        self._rounds = 0
        self.delivered = 0
        self.lost = 0
        self._thread = self._start()
        in_child(self._after_fork)

    @property
    def pending(self) -> int:
        """Records of this process that are in the journal and not yet at the destination."""
        return max(self._journal.written - self.delivered - self.lost, 0)

    def flush(self, timeout_s: float) -> None:
        """Send everything there is; returns when that is done or `timeout_s` are over."""
        deadline = time.monotonic() + timeout_s
        with self._wake:
            self._deadline = deadline
            self._pause_s = 0.0
            while self.pending and not self._stopping:
                self._wanted = True
                rounds = self._rounds
                self._wake.notify_all()
                left = deadline - time.monotonic()
                if left <= 0 or not self._wake.wait_for(lambda r=rounds: self._rounds > r, timeout=left):  # type: ignore[misc]
                    break
            self._deadline = None

    def stop(self, timeout_s: float) -> None:
        """Send what can be sent within `timeout_s`, then end the thread."""
        self.flush(timeout_s)
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(timeout=1.0)
        for transport in self._transports.values():
            transport.close()

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="tracelm-export", daemon=True)
        thread.start()
        return thread

    def _after_fork(self) -> None:
        """A forked child has no exporter thread and must not use its parent's connections."""
        if self._stopping:
            return
        self._transports = {}
        self._wake = threading.Condition()
        self.delivered = self.lost = 0
        self._thread = self._start()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._wanted or self._stopping, timeout=max(self._pause_s, _POLL_S))
                if self._stopping:
                    return
                self._wanted = False
            self._round()
            with self._wake:
                self._rounds += 1
                self._wake.notify_all()
            if self._pause_s:  # a flush that waits does not hammer an endpoint that is down
                with self._wake:
                    self._wake.wait_for(lambda: self._stopping, timeout=min(self._pause_s, 0.2))

    def _round(self) -> None:
        try:
            for segment in list_segments(self._journal.home):
                if self._destination.id not in segment.destinations or self._stopping:
                    continue
                if segment.name in self._journal.own:
                    self._send_segment(segment, own=True)
                else:
                    self._adopt(segment)
        except _TryLater as stop:
            report(f"export to {self._addresses()}", ConnectionError(str(stop)))
            asked = stop.answer.retry_after_s
            self._pause_s = asked if asked is not None else min(max(self._pause_s * 2, _POLL_S), _MAX_WAIT_S)
        except Exception as error:
            report(f"export to {self._addresses()}", error)
            self._pause_s = _MAX_WAIT_S
        else:
            self._pause_s = 0.0

    def _adopt(self, segment: Segment) -> None:
        try:
            with locked(segment.path) as dead:
                if dead:
                    self._send_segment(segment, own=False)
        except FileNotFoundError:  # somebody else finished it
            return

    def _send_segment(self, segment: Segment, *, own: bool) -> None:
        cursor = segment.cursor(self._destination.id)
        for signal in SIGNALS:
            while True:
                batch = segment.read(signal, cursor[signal], max_bytes=_BATCH_BYTES)
                if not batch.lines or self._stopping:
                    break
                lost = self._send(signal, batch.lines) if signal in self._destination.endpoints else 0
                cursor[signal] = batch.end
                segment.move_cursor(self._destination.id, cursor)
                if own:
                    self.delivered += len(batch.lines) - lost
                    self.lost += lost

    def _send(self, signal: Signal, lines: Sequence[bytes]) -> int:
        """Deliver lines; returns how many the destination refused for good. Raises `_TryLater`."""
        try:
            body = _request(signal, lines)
        except (ValueError, KeyError, TypeError) as error:
            if len(lines) > 1:
                return self._send_halves(signal, lines)
            report("read a line of the journal back for the export", error)
            return 1
        left = _MAX_WAIT_S if self._deadline is None else max(self._deadline - time.monotonic(), 0.05)
        answer = self._transport(signal).send(body, timeout_s=left)
        match answer.outcome:
            case "accepted":
                if answer.rejected:
                    refused = f"{answer.rejected} of {len(lines)} {signal} refused: {answer.reason}"
                    report(f"deliver everything to {self._addresses()}", ValueError(refused))
                return min(answer.rejected, len(lines))
            case "try_later":
                raise _TryLater(answer)
            case "too_large" | "refused":
                if len(lines) > 1:
                    return self._send_halves(signal, lines)
                if answer.outcome == "too_large" and len(body) < _SINGLE_TOO_LARGE_BYTES:
                    raise _TryLater(answer)
                report(f"deliver a record to {self._addresses()}", ValueError(answer.reason))
                return 1

    def _send_halves(self, signal: Signal, lines: Sequence[bytes]) -> int:
        middle = len(lines) // 2
        return self._send(signal, lines[:middle]) + self._send(signal, lines[middle:])

    def _transport(self, signal: Signal) -> "Transport":
        if signal not in self._transports:
            from tracelm.trace.transport import connect

            self._transports[signal] = connect(self._destination.endpoints[signal], signal)
        return self._transports[signal]

    def _addresses(self) -> str:
        return ", ".join(sorted({endpoint.url for endpoint in self._destination.endpoints.values()}))


def _request(signal: Signal, lines: Sequence[bytes]) -> bytes:
    from tracelm.otlp.protobuf import logs_request, trace_request

    request = trace_request(lines) if signal == "spans" else logs_request(lines)
    return bytes(request.SerializeToString())
