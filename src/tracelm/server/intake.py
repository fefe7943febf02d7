"""The way of requests with records into the store: bounded, in order, and answered after the commit.

One thread reads requests, another one writes them: up to 16 that wait are one transaction, so that many senders share
the cost of a commit. What is refused is refused before it is taken; what is acknowledged is committed.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from sqlalchemy import Connection

from tracelm.errors import DecodeError, TracelmError
from tracelm.server.counters import Counters, Name
from tracelm.server.delivery import Contents, Delivery, Rejected, read
from tracelm.server.options import ServerOptions
from tracelm.store.ingest import write_logs, write_spans
from tracelm.store.refused import is_of_a_record, write_each
from tracelm.store.store import Store

_log: Final = logging.getLogger("tracelm.server")
_T = TypeVar("_T")
_GROUP: Final = 16
_READY_BYTES: Final = 16_000_000
"""So much, inflated, is read ahead of the writer: records take several times their size."""


class OverloadError(TracelmError, RuntimeError):
    """The server holds all that it may hold at once, or stops: send it again later.

    Attributes:
        retry_after_s: When, in seconds.
    """

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request. Its accepted records are committed."""

    accepted: int
    rejected: Rejected


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    answer: "Future[Outcome]"
    contents: Contents
    since: float


class Intake:
    """Takes requests, and gives a future for the outcome of each.

    Args:
        store: Where they are written; nobody else uses this object.
        options: The bounds.
        counters: What is counted.
        on_commit: Called after each commit, from the thread that writes.
    """

    def __init__(
        self, store: Store, *, options: ServerOptions, counters: Counters, on_commit: Callable[[], None]
    ) -> None:
        self._store = store
        self._options = options
        self._counters = counters
        self._on_commit = on_commit
        self._changed = threading.Condition()
        self._unread: deque[_Waiting] = deque()
        self._ready: deque[_Waiting] = deque()
        self._ready_bytes = 0
        self._held_bytes = 0
        self._held = 0
        self._closing = False
        self._all_read = False
        self._threads = [
            threading.Thread(target=work, name=f"tracelm-{name}", daemon=True)
            for name, work in (("reader", self._read_forever), ("writer", self._write_forever))
        ]

    def start(self) -> None:
        """Begin to work."""
        for each in self._threads:
            each.start()

    def close(self) -> None:
        """Write what was taken, then end. New requests are refused."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for each in self._threads:
            each.join()

    @property
    def waiting(self) -> tuple[int, int]:
        """How many requests are held, and how many bytes of them."""
        with self._changed:
            return self._held, self._held_bytes

    @property
    def lag_s(self) -> float:
        """For how long the request that is next has waited, in seconds."""
        with self._changed:
            waiting = self._ready or self._unread
            return time.monotonic() - waiting[0].since if waiting else 0.0

    def hold(self, size_bytes: int) -> None:
        """Reserve room for a part of a body that is being read; `release` gives it back.

        Raises:
            OverloadError: There is none.
        """
        with self._changed:
            self._check(size_bytes)
            self._held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Give room back."""
        with self._changed:
            self._held_bytes -= size_bytes

    def submit(self, delivery: Delivery) -> "Future[Outcome]":
        """Take a request.

        Returns:
            Its outcome, once it is committed. Else the future raises `DecodeError` (it is no such request, or too
            large) or `StoreError` (nothing of it was written).

        Raises:
            OverloadError: Too much waits. Nothing was taken.
        """
        answer: Future[Outcome] = Future()
        answer.set_running_or_notify_cancel()  # a sender that hangs up cannot take back what is being written
        size = len(delivery.body)
        with self._changed:
            self._check(size)
            if self._held >= self._options.max_waiting_requests:
                raise self._refusal(f"{self._held} requests wait to be written")
            self._held += 1
            self._held_bytes += size
            self._unread.append(_Waiting(delivery, answer, Contents(0, [], [], Rejected()), time.monotonic()))
            self._changed.notify_all()
        return answer

    def _check(self, size_bytes: int) -> None:
        if self._closing:
            raise self._refusal("the server stops", retry_after_s=5)
        if self._held_bytes + size_bytes > self._options.max_waiting_bytes:
            raise self._refusal(f"{self._held_bytes:,} bytes wait to be written")

    def _refusal(self, why: str, *, retry_after_s: int = 1) -> OverloadError:
        self._counters.add("refused_requests")
        return OverloadError(f"{why}: send it again later", retry_after_s=retry_after_s)

    def _read_forever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready_bytes < _READY_BYTES if self._unread else self._closing)
                if not self._unread:
                    self._all_read = True
                    self._changed.notify_all()
                    return
                waiting = self._unread.popleft()
            try:
                waiting.contents = read(waiting.delivery, max_bytes=self._options.max_body_bytes)
            except Exception as error:
                self._counters.add("malformed_requests")
                if not isinstance(error, DecodeError):
                    _log.exception("a request cannot be read")
                self._fail([waiting], error)
                continue
            with self._changed:
                self._ready.append(waiting)
                self._ready_bytes += waiting.contents.size_bytes
                self._changed.notify_all()

    def _write_forever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._all_read)
                group = [self._ready.popleft() for _ in range(min(_GROUP, len(self._ready)))]
                if not group:
                    return
                self._ready_bytes -= sum(each.contents.size_bytes for each in group)
                self._changed.notify_all()
            self._write(group)

    def _write(self, group: list[_Waiting]) -> None:
        """Write a group in one transaction; where one request breaks it, each on its own."""
        try:
            self._commit(group)
        except Exception as error:
            if not is_of_a_record(error):
                self._fail(group, error)
            elif len(group) > 1:
                for each in group:
                    self._write([each])
                return
            else:
                self._write_each_record(group[0])
        else:
            for each in group:
                self._answer(each)
        self._on_commit()

    def _commit(self, group: Sequence[_Waiting]) -> None:
        with self._store.writing() as connection:
            write_spans(connection, [span for each in group for span in each.contents.spans])
            write_logs(connection, [log for each in group for log in each.contents.logs])
        self._counters.add("commits")

    def _write_each_record(self, waiting: _Waiting) -> None:
        """Write what can be written of a request with a record that the database does not take."""
        found = waiting.contents
        kept = replace(found, spans=[], logs=[])
        try:
            with self._store.writing() as connection:
                kept.spans = self._kept(connection, found.spans, write_spans, kept)
                kept.logs = self._kept(connection, found.logs, write_logs, kept)
        except Exception as error:
            self._fail([waiting], error)
            return
        self._counters.add("commits")
        waiting.contents = kept
        self._answer(waiting)

    def _kept(
        self,
        connection: Connection,
        records: Sequence[_T],
        write: Callable[[Connection, Sequence[_T]], None],
        found: Contents,
    ) -> list[_T]:
        refused = write_each(connection, records, write)
        for error in refused.values():
            found.rejected = found.rejected.with_reason(f"the store does not take it: {type(error).__name__}")
        return [record for index, record in enumerate(records) if index not in refused]

    def _answer(self, waiting: _Waiting) -> None:
        found = waiting.contents
        signal: tuple[Name, Name, Name] = (
            ("received_spans", "committed_spans", "rejected_spans")
            if waiting.delivery.signal == "spans"
            else ("received_logs", "committed_logs", "rejected_logs")
        )
        for name, count in zip(
            signal, (found.count + found.rejected.count, found.count, found.rejected.count), strict=True
        ):
            self._counters.add(name, count)
        self._done(waiting)
        waiting.answer.set_result(Outcome(found.count, found.rejected))

    def _fail(self, group: Sequence[_Waiting], error: Exception) -> None:
        if not isinstance(error, DecodeError):
            self._counters.add("failed_commits")
            _log.error("%d requests were not written", len(group), exc_info=error)
        for each in group:
            self._done(each)
            each.answer.set_exception(error)

    def _done(self, waiting: _Waiting) -> None:
        with self._changed:
            self._held -= 1
            self._held_bytes -= len(waiting.delivery.body)
