"""A private event loop in a thread: how sync code runs async code, whatever loop the caller may be in."""

import contextvars
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def run_in_own_loop(begin: Callable[[], Awaitable[T]]) -> T:
    """Run async work to its end in an event loop of its own, and return its result.

    The caller's context variables are seen by the work. A running asyncio or trio loop of the caller does no
    harm; it waits meanwhile. An interrupt (Ctrl-C) cancels the work, waits for it to end, and is raised.

    Args:
        begin: Called in the new loop; returns the awaitable.
    """
    import asyncio
    from concurrent.futures import Future

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = Future()
    done: Future[T] = Future()

    async def main() -> T:
        async def work() -> T:
            return await begin()

        loop = asyncio.get_running_loop()
        task = loop.create_task(work())
        started.set_result((loop, task))
        return await task

    def run() -> None:
        # The copied context may say "trio", the caller's loop; anyio would then await trio's things in this one.
        sniffio = sys.modules.get("sniffio")
        if sniffio is not None:
            sniffio.current_async_library_cvar.set("asyncio")
        try:
            result = asyncio.run(main())
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(result)

    # A daemon, though it is always joined: worker threads inherit it, and one that hangs must not hold up the exit.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="tracelm loop", daemon=True)
    thread.start()
    try:
        return done.result()
    except BaseException:
        if not done.done():
            loop, task = started.result()
            loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        thread.join()
