"""The scores of a monitor beside the program, on their way from the store to a collector: at least once.

What a score waits in is written together with the score. It is forgotten when the collector has acknowledged, so that
a process that is killed in between sends a request again, and the collector knows the records by `log.record.uid`.
"""

import time
from typing import TYPE_CHECKING, Final, Self

from tracelm.settings import Settings
from tracelm.store import monitor_outbox
from tracelm.trace import runtime
from tracelm.trace.destination import Destination, find_destination
from tracelm.trace.safely import report
from tracelm.trace.sender import Sender, TryLater

if TYPE_CHECKING:
    from tracelm.store.store import Store

_MAX_WAIT_S: Final = 30.0


class Delivery:
    """Sends what monitors have scored to one collector.

    Args:
        destination: The collector.

    Attributes:
        addresses: Where that is, for people.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._sender = Sender(destination)
        self._failed = 0
        self._not_before_s = 0.0
        self.addresses = self._sender.addresses

    @classmethod
    def found(cls) -> Self | None:
        """Return that to where this process exports log records, by `tracelm.init` or the environment; else `None`.

        Raises:
            ConfigError: A variable of the environment says what cannot be.
        """
        settings = Settings.from_env(project="-") if runtime.active is None else runtime.active.settings
        destination = find_destination(settings)
        return cls(destination) if destination is not None and "logs" in destination.endpoints else None

    def queue(self, monitor: str) -> str:
        """Return what the scores of a monitor wait in; another collector has another one."""
        return f"monitor {self._destination.id} {monitor}"

    def send(self, store: "Store", monitor: str) -> int:
        """Send what waits, and return how many scores the collector took; what it cannot take now waits on."""
        if time.monotonic() < self._not_before_s:
            return 0
        queue, taken = self.queue(monitor), 0
        try:
            while True:
                with store.reading() as connection:
                    lines, ends = monitor_outbox.next_lines(connection, queue, max_bytes=self._sender.batch_bytes)
                if not lines:
                    return taken
                settled = 0
                for sent in self._sender.send("logs", lines):
                    settled += sent.lines
                    taken += sent.delivered
                    with store.writing() as connection:
                        monitor_outbox.forget(connection, queue, ends[settled - 1])
                self._failed = 0
        except TryLater as later:
            self._wait(later)
            return taken

    def waiting(self, store: "Store", monitor: str) -> int:
        """Return how many scores of a monitor the collector has not taken yet."""
        with store.reading() as connection:
            return monitor_outbox.count(connection, self.queue(monitor))

    def close(self) -> None:
        """Give the connections back."""
        self._sender.close()

    def _wait(self, later: TryLater) -> None:
        report(f"bring the scores of a monitor to {self.addresses}", later)
        asked_s = later.retry_after_s
        self._not_before_s = time.monotonic() + (min(2.0**self._failed, _MAX_WAIT_S) if asked_s is None else asked_s)
        self._failed += 1
