"""The one place where tracelm's own failures end: logged once with their cause, counted, never raised."""

import logging
import os
import threading
from types import TracebackType
from typing import Final

_log: Final = logging.getLogger("tracelm")
_lock = threading.RLock()  # a garbage collection in here may end a span, and report in turn
_said: set[tuple[str, type[BaseException]]] = set()
_count: int = 0


def report(doing: str, error: BaseException) -> None:
    """Count a failure of ours and log it, the first time that this kind of it happens.

    Args:
        doing: What failed, as it reads behind "could not": `"write the journal"`.
        error: The cause.
    """
    global _count  # noqa: PLW0603 - one counter a process
    with _lock:
        _count += 1
        kind = (doing, type(error))
        if kind in _said:
            return
        _said.add(kind)
    _log.warning(
        "tracelm could not %s (%s: %s). Your program goes on; further failures of this kind are only counted.",
        doing,
        type(error).__name__,
        error,
        exc_info=_log.isEnabledFor(logging.DEBUG) and error,
    )


class safely:  # noqa: N801 - reads as what it does; a generator would cost three times as much on each call's way
    """Run a block of ours inside somebody else's call: whatever it raises is reported, not raised.

    Args:
        doing: What could fail, as in `report`.
    """

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Report what ended the block, unless that is an interrupt."""
        if not isinstance(error, Exception):
            return False
        report(self._doing, error)
        return True


def failures() -> int:
    """Return how many failures of ours were swallowed in this process so far."""
    return _count


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork_in_child)
