"""Which errors a call is repeated after, how often, and how long to wait before.

Client libraries repeat calls themselves. A repeat of ours on top would multiply theirs: 3 x 3 requests where 3 were
meant. The clients that Stainless generates (openai, anthropic) send with each request how often they have repeated it;
the request hangs on the error. Those repeats are taken off our own.
"""

import email.utils
import time
from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final

from tracelm.evals.limits import RATE_LIMITED, Limits

_FIRST_S: Final = 0.5
_MOST_S: Final = 60.0
_MOST_ASKED_S: Final = 600.0
_CAUSES: Final = 10
_COUNT_HEADER: Final = "x-stainless-retry-count"


def is_retryable(error: BaseException, limits: Limits) -> bool:
    """Whether `retry_on` names the error, or one that caused it."""
    return any(_is_named(each, limits) for each in _chain(error))


def is_refusal(error: BaseException) -> bool:
    """Whether the provider said that it has enough for now: HTTP 429 or 529."""
    return any(_status(each) in RATE_LIMITED for each in _chain(error))


def repeats_of_client(error: BaseException) -> int:
    """Return how often the client library has repeated the call by itself before it raised."""
    for each in _chain(error):
        response: Any = getattr(each, "response", None)
        request: Any = getattr(response, "request", None) or getattr(each, "request", None)
        count = _header(request, _COUNT_HEADER)
        if count is not None and count.isdecimal():
            return int(count)
    return 0


def retry_after_s(error: BaseException) -> float | None:
    """Return how long the provider asks to wait, in seconds: `retry-after-ms`, else `Retry-After` (RFC 9110)."""
    for each in _chain(error):
        response: Any = getattr(each, "response", None)
        milliseconds, asked = _header(response, "retry-after-ms"), _header(response, "retry-after")
        found = _number(milliseconds, 1e-3) if milliseconds is not None else None
        if found is None and asked is not None:
            found = _number(asked, 1.0)
            if found is None:
                found = _until(asked)
        if found is not None:
            return min(max(0.0, found), _MOST_ASKED_S)
    return None


def backoff_s(repeat: int, *, draw: float, asked_s: float | None) -> float:
    """Return how long to wait before a repeat, in seconds.

    Full jitter: evenly drawn between 0 and a bound that doubles (Brooker 2015, "Exponential Backoff And Jitter").
    What the provider asks for is the least; repeats are then spread over as long again.

    Args:
        repeat: Which repeat, from 0.
        draw: From 0 to 1, drawn evenly.
        asked_s: What the provider asks for.
    """
    bound_s = min(_MOST_S, _FIRST_S * 2.0 ** min(repeat, 20))
    return asked_s + draw * min(bound_s, asked_s) if asked_s else draw * bound_s


def _is_named(error: BaseException, limits: Limits) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return any(
        isinstance(error, named)
        if isinstance(named, type)
        else (named in names if isinstance(named, str) else named == _status(error))
        for named in limits.retry_on
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code", "status"):
            found = getattr(holder, name, None)
            if isinstance(found, int) and not isinstance(found, bool):
                return found
    return None


def _header(message: Any, name: str) -> str | None:
    try:
        found = message.headers.get(name)
    except Exception:  # no headers, or none that can be read: somebody else's error object
        return None
    return found if isinstance(found, str) else None


def _number(text: str | None, scale: float) -> float | None:
    try:
        return float(text or "") * scale
    except ValueError:
        return None


def _until(date: str) -> float | None:
    try:
        at = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time.time()
