"""The finished spans of the newest traces, in memory: kept only as long as somebody who reads them is alive."""

import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

MAX_TRACES: Final = 256
MAX_SPANS: Final = 2_000
"""Of one trace. What is beyond either is read from the store instead."""

_lock: Final = threading.Lock()
_traces: Final[OrderedDict[int, list["ReadableSpan"]]] = OrderedDict()
readers: Final[set[int]] = set()
"""Who reads. Asked on the way of each span, so it is no function."""


def keep_for(reader: object) -> None:
    """Keep what ends from now on, until `reader` is collected.

    Args:
        reader: Any object that can be referred to weakly.
    """
    key = id(reader)
    with _lock:
        readers.add(key)
    weakref.finalize(reader, _forget, key).atexit = False


def note(span: "ReadableSpan") -> None:
    """Keep a finished span."""
    context = span.context
    if context is None:
        return
    with _lock:
        found = _traces.get(context.trace_id)
        if found is None:
            found = _traces[context.trace_id] = []
            if len(_traces) > MAX_TRACES:
                _traces.popitem(last=False)
        if len(found) <= MAX_SPANS:
            found.append(span)


def finished(trace_id: str) -> list["ReadableSpan"] | None:
    """Return the spans of a trace that ended in this process; `None` where they are not all here.

    Args:
        trace_id: 32 hex digits.
    """
    with _lock:
        found = _traces.get(int(trace_id, 16))
        return None if found is None or len(found) > MAX_SPANS else list(found)


def clear() -> None:
    """Drop what is kept: what recorded it has ended."""
    with _lock:
        _traces.clear()


def _forget(key: int) -> None:
    # Called by the garbage collector, perhaps in a thread that holds the lock: sets and dicts need none for this.
    readers.discard(key)
    if not readers:
        _traces.clear()
