"""Threads for scorers that must not hold up a request: a bounded number, and one that hangs is left behind.

The threads are daemons. One that never comes back holds neither a caller nor the end of the program; its place in the
pool stays taken until it does.
"""

import contextvars
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")

MAX_THREADS: Final = 32
_log: Final = logging.getLogger("tracelm")


class Workers:
    """A pool of at most `size` daemon threads, started as they are needed."""

    def __init__(self, size: int = MAX_THREADS) -> None:
        self._size = size
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._free = 0
        self.abandoned = 0
        """How many jobs were left behind while they ran, or never began, since the program started."""

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Run `work` in a thread, in a copy of the caller's context; it waits where all threads are taken."""
        future: Future[T] = Future()
        run = contextvars.copy_context().run
        with self._lock:
            self._jobs.put((future, lambda: run(work)))
            if self._free > 0:
                self._free -= 1
            elif self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name="tracelm guardrail", daemon=True).start()
        return future

    def abandon(self, future: "Future[Any]") -> None:
        """Leave a job behind: one that has not begun never will, what another one returns is thrown away."""
        if future.done():
            return
        future.cancel()
        with self._lock:
            self.abandoned += 1
            is_first = self.abandoned == 1
        if is_first:
            _log.warning(
                "a guardrail's scorer took longer than its timeout_s and was left behind in its thread; "
                "of %d such threads each is taken until its scorer returns. Further ones are only counted.",
                self._size,
            )

    def _work(self) -> None:
        while True:
            future, work = self._jobs.get()
            if future.set_running_or_notify_cancel():
                try:
                    result = work()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del future, work
            with self._lock:
                self._free += 1


workers = Workers()
"""The pool of this process."""


def _after_fork_in_child() -> None:
    workers.__init__()  # type: ignore[misc]  # the threads of the parent are not here


os.register_at_fork(after_in_child=_after_fork_in_child)


async def result_of(future: "Future[T]") -> T:
    """Wait for a job without holding up the event loop, asyncio's or trio's."""
    import anyio

    done = anyio.Event()
    here, notify = threading.get_ident(), _notifier()

    def tell(_future: "Future[T]") -> None:
        if threading.get_ident() == here:
            done.set()
            return
        try:  # noqa: SIM105 - the loop may have ended meanwhile: nobody waits any more
            notify(done.set)
        except RuntimeError:
            pass

    future.add_done_callback(tell)
    await done.wait()
    return future.result()


def _notifier() -> Callable[[Callable[[], object]], object]:
    import asyncio

    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        import trio.lowlevel

        return trio.lowlevel.current_trio_token().run_sync_soon
