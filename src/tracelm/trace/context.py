"""What spans inherit: the conversation, the user, attributes of a block; and whether to record at all."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from opentelemetry import baggage, context
from opentelemetry.context import Context

from tracelm import semconv

_ATTRIBUTES: Final = context.create_key("tracelm.attributes")
# OpenTelemetry's `suppress_instrumentation()` sets the first, older instrumentations set the second.
_SUPPRESS: Final = (
    context._SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]  # no public name
    "suppress_instrumentation",
)


@contextmanager
def session(session_id: str, *, user_id: str | None = None) -> Generator[None]:
    """Mark every span started in the block as part of one conversation.

    The ids travel as OpenTelemetry baggage: they reach threads that run in a copied context, and other services
    where the program propagates baggage.

    Args:
        session_id: The conversation. Recorded as `gen_ai.conversation.id` and `session.id`.
        user_id: Who is talking. Recorded as `user.id`; left out when `None`.

    Example:
        >>> with session("conversation-7", user_id="ada"):
        ...     pass
    """
    inner = baggage.set_baggage(semconv.CONVERSATION_ID, str(session_id))
    if user_id is not None:
        inner = baggage.set_baggage(semconv.USER_ID, str(user_id), inner)
    token = context.attach(inner)
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def attributes(values: Mapping[str, Any]) -> Generator[None]:
    """Set attributes on every span started in the block, also on those of other libraries.

    Args:
        values: Strings, numbers, bools or sequences of them, by attribute name. An inner block adds to the outer.

    Example:
        >>> with attributes({"app.release": "2026-11"}):
        ...     pass
    """
    outer = cast("Mapping[str, Any]", context.get_value(_ATTRIBUTES) or {})
    token = context.attach(context.set_value(_ATTRIBUTES, {**outer, **values}))
    try:
        yield
    finally:
        context.detach(token)


def inherited(parent: Context | None) -> Mapping[str, Any]:
    """Return what a span that starts in `parent` (default: the current context) takes over."""
    parent = context.get_current() if parent is None else parent
    if not parent:
        return {}
    found = dict(cast("Mapping[str, Any]", parent.get(_ATTRIBUTES) or {}))
    carried = baggage.get_all(parent)
    if carried:
        conversation = carried.get(semconv.CONVERSATION_ID)
        if conversation is not None:
            found[semconv.CONVERSATION_ID] = found[semconv.SESSION_ID] = conversation
        user = carried.get(semconv.USER_ID)
        if user is not None:
            found[semconv.USER_ID] = user
    return found


def is_suppressed() -> bool:
    """Whether somebody asked instrumentations to be silent here (`suppress_instrumentation()`)."""
    current = context.get_current()
    return bool(current) and any(current.get(key) for key in _SUPPRESS)
