"""What is older than it may be is deleted in the background: when the server starts, then each hour."""

import logging
import threading
from typing import Final

from tracelm.errors import TracelmError
from tracelm.server.counters import Counters
from tracelm.store.retention import Retention
from tracelm.store.store import Store

_log: Final = logging.getLogger("tracelm.server")
_EVERY_S: Final = 3_600.0


class Retaining:
    """Deletes what is kept no longer, in short transactions: senders hardly wait.

    Args:
        store: Where.
        retention: What is kept; `None` for everything.
        counters: What is counted.
    """

    def __init__(self, store: Store, retention: Retention | None, counters: Counters) -> None:
        self._store = store
        self._retention = retention
        self._counters = counters
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tracelm-retaining", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        if self._retention is not None:
            self._thread.start()

    def close(self) -> None:
        """Begin nothing more. What is being deleted ends with its transaction, wherever the process stops."""
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.is_set() and self._retention is not None:
            try:
                removed = self._store.maintenance.retain(self._retention)
                self._counters.add("retired_traces", removed.traces)
            except TracelmError:
                _log.exception("what is too old cannot be deleted; trying again in an hour")
            self._stopped.wait(_EVERY_S)
