"""Quick sync calls of many trials in one worker thread.

A hop into a thread and back costs more than most scorers do, and beside a busy event loop the thread waits for the
interpreter each time. So whoever comes first takes one hop for all that wait meanwhile, then hands over.
"""

from collections.abc import Callable

import anyio
import anyio.to_thread


class _Waiting:
    __slots__ = ("call", "done", "is_done")

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.done = anyio.Event()
        self.is_done = False


class Together:
    """Takes calls that return nothing and raise nothing, and runs those that wait together, one after another.

    Args:
        limiter: Bounds the worker threads.
    """

    def __init__(self, limiter: anyio.CapacityLimiter) -> None:
        self._limiter = limiter
        self._waiting: list[_Waiting] = []
        self._is_led = False

    async def run(self, call: Callable[[], None]) -> None:
        """Run a call in a worker thread, with others, and wait for it."""
        own = _Waiting(call)
        self._waiting.append(own)
        while not own.is_done:
            if self._is_led:
                await self._wait(own)
                continue
            self._is_led = True
            batch, self._waiting = self._waiting, []
            try:
                await anyio.to_thread.run_sync(_run, batch, limiter=self._limiter)
            finally:
                self._is_led = False
                for each in batch:
                    each.is_done = True
                    each.done.set()
                if self._waiting:  # one of those who came meanwhile leads from here
                    self._waiting[0].done.set()

    async def _wait(self, own: _Waiting) -> None:
        try:
            await own.done.wait()
        except BaseException:
            # Cancelled. If it was to lead, somebody else has to.
            if own in self._waiting:
                self._waiting.remove(own)
            if not self._is_led and self._waiting:
                self._waiting[0].done.set()
            raise
        if not own.is_done:
            own.done = anyio.Event()


def _run(batch: list[_Waiting]) -> None:
    for each in batch:
        each.call()
