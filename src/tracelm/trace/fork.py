"""What has to happen in a forked child."""

import os
import weakref
from collections.abc import Callable
from typing import Any

_callbacks: list["weakref.WeakMethod[Callable[[], Any]]"] = []


def in_child(callback: Callable[[], Any]) -> None:
    """Call a bound method in each child that this process forks, as long as its object lives."""
    _callbacks.append(weakref.WeakMethod(callback))


def _run() -> None:
    for reference in list(_callbacks):
        callback = reference()
        if callback is None:
            _callbacks.remove(reference)
        else:
            callback()


os.register_at_fork(after_in_child=_run)
