"""Bringing notices to their sinks; what goes wrong there is recorded and stops nothing."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import anyio

from tracelm.monitors.unrecorded import unrecorded
from tracelm.scoring.attempt import attempt
from tracelm.sinks.sink import by_name
from tracelm.store import alerts
from tracelm.store.alert_notice import WAITING, AlertNotice
from tracelm.store.listing import Listing
from tracelm.trace import redact, runtime
from tracelm.trace.safely import report
from tracelm.trace.values import type_name

if TYPE_CHECKING:
    from tracelm.monitors.monitor import Monitor
    from tracelm.store.store import Store

_LATEST_NS: Final = 86_400 * 10**9
"""What was not sent for so long is no news any more."""
_PATIENCE_S: Final = 60.0
"""A sink that takes longer is left behind in its thread."""
_LONGEST: Final = 500  # characters of what went wrong


async def deliver(store: "Store", monitor: "Monitor", *, now_ns: int) -> None:
    """Bring to the sinks what alerts of a monitor have said, and has not been brought there.

    Args:
        store: The store.
        monitor: The monitor.
        now_ns: The moment, nanoseconds since 1970, UTC.

    Raises:
        StoreError: The store failed.
    """
    listing = Listing(since_ns=now_ns - _LATEST_NS, limit=None)
    with store.reading() as connection:
        said = alerts.notices(connection, {"monitor": monitor.name}, listing)
    sinks = {each.name: by_name(each.to) for each in monitor.alerts}
    for notice in reversed(said):  # the earliest first: it begins before it is over
        waiting = [name for name, problem in notice.deliveries.items() if problem == WAITING]
        known = sinks.get(notice.alert, {})
        if not waiting or not any(name in known for name in waiting):
            continue
        done = {**notice.deliveries}

        async def send(name: str, to: Callable[[AlertNotice], Any], what: AlertNotice, into: dict[str, Any]) -> None:
            into[name] = await _problem_of(name, to, what)

        with unrecorded():
            async with anyio.create_task_group() as group:
                for name in waiting:
                    if name in known:
                        group.start_soon(send, name, known[name], notice, done)
        with store.writing() as connection:
            alerts.delivered(connection, notice.uid, done)


async def _problem_of(name: str, send: Callable[[AlertNotice], Any], notice: AlertNotice) -> str | None:
    """Bring a notice to a sink; return what kept it from there."""
    error: Exception = TimeoutError(f"it took longer than {_PATIENCE_S:g} s")
    with anyio.move_on_after(_PATIENCE_S):
        done = await attempt(lambda: send(notice), is_async=False, abandon=True)
        if done.error is None:
            return None
        error = done.error
    report(f"tell {name} of an alert", error)
    redactor = redact.default() if runtime.active is None else runtime.active.redactor
    try:
        text = f"{type_name(error)}: {error}"
    except Exception:  # an exception whose __str__ raises
        text = type_name(error)
    return redactor.string(text)[:_LONGEST]
