"""How often an address may show a wrong key."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST: Final = 10
_WITHIN_S: Final = 60.0
_ADDRESSES: Final = 4_096


class Failures:
    """Counts failures by address, of so many addresses at most: the one that failed longest ago is forgotten first.

    Args:
        clock: Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def add(self, address: str) -> int:
        """Count a failure.

        Returns:
            For how many seconds more this address is told to wait; 0 as long as it may try.
        """
        now = self._clock()
        with self._lock:
            since, count = self._found.pop(address, (now, 0))
            if now - since >= _WITHIN_S:
                since, count = now, 0
            self._found[address] = (since, count + 1)
            while len(self._found) > _ADDRESSES:
                self._found.popitem(last=False)
        return max(1, round(since + _WITHIN_S - now)) if count >= _MOST else 0
