"""What spans inherit: the conversation, the user, attributes of a block; and whether to record at all."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import Token
from typing import Any, Final, cast

from opentelemetry import baggage, context
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from tracelm import semconv

_ATTRIBUTES: Final = context.create_key("tracelm.attributes")
# OpenTelemetry's `suppress_instrumentation()` sets the first, older instrumentations set the second.
SUPPRESS_KEY: Final = context._SUPPRESS_INSTRUMENTATION_KEY  # pyright: ignore[reportPrivateUsage]  # no public name
SUPPRESS_KEY_BEFORE: Final = "suppress_instrumentation"
SPAN_KEY: Final = next(iter(set_span_in_context(INVALID_SPAN, Context())))
"""The key under which OpenTelemetry keeps the current span."""
AS_IT_IS: Final = Context()
"""Says that a call is left out, and that the current context need not change for it."""


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
        detach(token)


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
        detach(token)


def detach(token: Token[Context] | None) -> None:
    """Undo `attach`, where that can be done: in the context in which it was done.

    A generator, a coroutine or a block may be left in another task or thread than it was entered in, or by the
    garbage collector. What is current there was never changed by us: there is nothing to undo, and nothing to log
    (OpenTelemetry's own `detach` logs an error with a traceback).
    """
    if token is None:
        return
    try:  # noqa: SIM105 - on every call: `suppress` costs more than what it would hold
        token.var.reset(token)
    except ValueError:
        pass


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
    return bool(current) and bool(current.get(SUPPRESS_KEY) or current.get(SUPPRESS_KEY_BEFORE))
