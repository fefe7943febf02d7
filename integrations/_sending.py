"""The time in which an answer is waited for: what need not be done before the request goes out is done then."""

import functools
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

_STATE: Final = "_tracelm_sent"


def when_sent(request: Any, body: bytes, then: Callable[[], object]) -> bool:
    """Call `then` once the body of a request has been read for the last time that it takes to send it.

    The transport asks the stream of a request for its pieces, writes each, and asks for the next: that there is none is
    told when all has been written, and nothing has been waited for.

    Args:
        request: Of httpx or a successor, before it is sent.
        body: Its content.
        then: Must not raise.

    Returns:
        Whether that can be told. Even then a transport may send the content without asking for its pieces.
    """
    stream: Any = request.stream
    kept: dict[str, Any] = stream.__dict__
    if kept.get("_stream") is not body or len(kept) != 1:  # no plain stream of these bytes
        return False
    kind: Any = stream.__class__
    stream.__class__ = _telling_class(kind)
    kept[_STATE] = body, then
    return True


@functools.lru_cache(maxsize=16)
def _telling_class(kind: type[Any]) -> type[Any]:
    """Return a subclass of a class of byte streams, whose objects go back to it when they have told."""

    def told(stream: Any) -> None:
        stream.__class__ = kind
        stream.__dict__.pop(_STATE)[1]()

    def __iter__(stream: Any) -> Iterator[bytes]:  # noqa: N807
        yield stream.__dict__[_STATE][0]
        if _STATE in stream.__dict__:
            told(stream)

    async def __aiter__(stream: Any) -> AsyncIterator[bytes]:  # noqa: N807
        yield stream.__dict__[_STATE][0]
        if _STATE in stream.__dict__:
            told(stream)

    names = {"__iter__": __iter__, "__aiter__": __aiter__, "__module__": kind.__module__}
    return types.new_class(kind.__name__, (kind,), exec_body=lambda namespace: namespace.update(names))
