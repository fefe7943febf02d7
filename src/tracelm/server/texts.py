"""The index of texts, kept up to date in the background, so that a search finds little left to do."""

import logging
import threading
from typing import Final

from tracelm.errors import TracelmError
from tracelm.server.counters import Counters
from tracelm.server.intake import Intake
from tracelm.store.store import Store

_log: Final = logging.getLogger("tracelm.server")
_EVERY_S: Final = 1.0


class TextIndexing:
    """Takes texts into the index, a batch at a time, while no request waits to be written: senders go first.

    Args:
        store: Whose texts.
        intake: Says whether requests wait.
        counters: What is counted.
    """

    def __init__(self, store: Store, intake: Intake, counters: Counters) -> None:
        self._store = store
        self._intake = intake
        self._counters = counters
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tracelm-texts", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """End after the batch that is under way."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            try:
                while not self._stopped.is_set() and self._intake.waiting[0] == 0:
                    count = self._store.index_texts(batches=1)
                    self._counters.add("indexed_texts", count)
                    if count == 0:
                        break
            except TracelmError:
                _log.exception("the index of texts cannot be brought up to date; trying again")
