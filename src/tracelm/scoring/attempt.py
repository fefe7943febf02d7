"""Calling somebody else's function for its result or its failure, and how long it took."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

if TYPE_CHECKING:
    from anyio import CapacityLimiter

_NEVER_AWAITED: Final = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a call gave.

    Attributes:
        returned: What the function returned; `None` when it failed.
        error: The exception that it raised; `None` when it returned.
        latency_s: How long it ran, in seconds; waiting for a free thread does not count.
    """

    returned: Any
    error: Exception | None
    latency_s: float


def can_be_awaited(value: object) -> TypeGuard[Awaitable[Any]]:
    """Say whether a value is an awaitable; quicker than `inspect` for what mostly comes."""
    return type(value) not in _NEVER_AWAITED and inspect.isawaitable(value)


def attempt_now(call: Callable[[], Any]) -> Attempt:
    """Call a function here; an awaitable that it returns is not awaited."""
    start = time.perf_counter()
    try:
        returned = call()
    except Exception as error:
        return Attempt(None, error, time.perf_counter() - start)
    return Attempt(returned, None, time.perf_counter() - start)


async def attempt(
    call: Callable[[], Any], *, is_async: bool, limiter: "CapacityLimiter | None" = None, abandon: bool = False
) -> Attempt:
    """Call a function without holding up the event loop, and await what it returns if that can be awaited.

    Args:
        call: The function.
        is_async: It is known to return an awaitable: it is called in the event loop. Otherwise it runs in a
            worker thread, in a copy of the caller's context.
        limiter: Bounds the worker threads; left out, anyio's own limit.
        abandon: Leave a worker thread alone when cancelled, and what it will return; else it is waited for.
    """
    if is_async:
        first = attempt_now(call)
    else:
        import anyio.to_thread

        first = await anyio.to_thread.run_sync(_attempt_in_thread, call, limiter=limiter, abandon_on_cancel=abandon)
    if first.error is not None or not can_be_awaited(first.returned):
        return first
    return await _awaited(first.returned, spent_s=first.latency_s)


def _attempt_in_thread(call: Callable[[], Any]) -> Attempt:
    start = time.perf_counter()
    try:
        return attempt_now(call)
    except asyncio.CancelledError as error:  # nobody cancels a thread: the function raised it
        return Attempt(None, _from_inside(error), time.perf_counter() - start)


async def _awaited(awaitable: Awaitable[Any], *, spent_s: float) -> Attempt:
    start = time.perf_counter() - spent_s
    try:
        returned = await awaitable
    except Exception as error:
        return Attempt(None, error, time.perf_counter() - start)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():  # somebody wants us to stop
            raise
        return Attempt(None, _from_inside(error), time.perf_counter() - start)
    return Attempt(returned, None, time.perf_counter() - start)


def _from_inside(error: asyncio.CancelledError) -> Exception:
    """Return a cancellation that the function itself raised, say of a task that it waited for, as a failure."""
    failure = RuntimeError("the call was cancelled from inside (CancelledError)")
    failure.__cause__ = error
    return failure
