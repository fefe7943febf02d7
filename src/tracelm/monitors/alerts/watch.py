"""A look at the alerts of a monitor over a store."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracelm.monitors.alerts.deliver import deliver
from tracelm.monitors.alerts.evaluate import evaluate
from tracelm.monitors.status import verdicts_of
from tracelm.store import alerts, monitors
from tracelm.store.alert_notice import AlertNotice

if TYPE_CHECKING:
    from tracelm.monitors.monitor import Monitor
    from tracelm.monitors.windows import Verdict
    from tracelm.store.store import Store


async def look(store: "Store", monitor: "Monitor", *, now_ns: int) -> Sequence[AlertNotice]:
    """Look at the alerts of a monitor once, and bring to their sinks what they say.

    Where they stand and what they say are committed together, and before anything is sent: after `kill -9` what was
    not sent is, and no notice is made twice. Of two processes that look at the same moment, one counts.

    Args:
        store: The store.
        monitor: The monitor.
        now_ns: The moment, nanoseconds since 1970, UTC: windows end here.

    Returns:
        What they said.

    Raises:
        StoreError: The store failed. What a sink raises is recorded with the notice.
    """
    if not monitor.alerts:
        return ()
    with store.reading() as connection:

        def read(since_ns: int, after: int) -> list["Verdict"]:
            name = monitor.name
            return verdicts_of(monitors.verdicts(connection, name, since_ns=since_ns, until_ns=now_ns, after=after))

        before = alerts.states(connection, monitor.name)
        found = evaluate(monitor, before, read, now_ns=now_ns)
    with store.writing() as connection:
        is_kept = alerts.keep(connection, monitor.name, before, found.alerts, found.notices)
    await deliver(store, monitor, now_ns=now_ns)
    return found.notices if is_kept else ()
