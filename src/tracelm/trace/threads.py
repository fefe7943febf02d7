"""Carries OpenTelemetry's context into threads: the spans of a thread are children of what started it.

Python copies a context into a task, but not into a thread. `Thread.start` and `ThreadPoolExecutor.submit` are patched
for that: what is current there is current in the thread, or for the one job of the pool. Only OpenTelemetry's context
is carried (span, baggage, attributes), no other context variable. Where nothing is current, nothing is done.
"""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from tracelm.trace import runtime
from tracelm.trace.context import detach

_OUR_THREADS: Final = "tracelm-"
"""What our own threads do is part of no span of the program."""

_patched: Final[list[tuple[type, str, Any, Any]]] = []
"""Class, method, what stood there before, what stands there now."""


def propagate() -> None:
    """Carry the context into the threads that are started from now on."""
    if not _patched:
        _patch(threading.Thread, "start", _start)
        _patch(ThreadPoolExecutor, "submit", _submit)


def stop_propagating() -> None:
    """Take the patches back. One that somebody else has patched over stays in place, and does nothing."""
    for owner, name, before, ours in _patched:
        if vars(owner).get(name) is ours:
            setattr(owner, name, before)
    _patched.clear()


def _patch(owner: type, name: str, with_context: Callable[..., Any]) -> None:
    before = vars(owner)[name]

    @functools.wraps(before)
    def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        around = otel_context.get_current() if runtime.active is not None else None
        return with_context(before, around, self, *args, **kwargs) if around else before(self, *args, **kwargs)

    setattr(owner, name, method)
    _patched.append((owner, name, before, method))


def _start(before: Callable[..., Any], around: Context, thread: threading.Thread, /) -> Any:
    if thread.name.startswith(_OUR_THREADS):
        return before(thread)
    attributes = vars(thread)
    own = attributes.get("run")  # set on the object, where it is no method

    def restore() -> None:
        if attributes.get("run") is run:
            del attributes["run"]
            if own is not None:
                attributes["run"] = own

    def run() -> None:
        restore()
        _run_in(around, thread.run)

    attributes["run"] = run
    try:
        return before(thread)
    except BaseException:  # it was started before, or there are too many threads
        restore()
        raise


def _submit(before: Callable[..., Any], around: Context, pool: ThreadPoolExecutor, /, *args: Any, **kwargs: Any) -> Any:
    if not args:
        return before(pool, **kwargs)  # Python says what is missing
    # The pool may start a thread for this, which outlives the job: it begins with nothing.
    token = otel_context.attach(Context())
    try:
        return before(pool, _run_in, around, *args, **kwargs)
    finally:
        detach(token)


def _run_in(around: Context, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = otel_context.attach(around)
    try:
        return function(*args, **kwargs)
    finally:
        detach(token)
