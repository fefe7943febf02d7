"""Version 2 of the library: it makes a span of each request by itself, and hands the trace on.

Its spans know neither what a tool is called with nor what it answers, and those of a client have another name than the
conventions give them. Where a request is recorded here, the library's own span steps back: there is one a side.
"""

import functools
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.trace import INVALID_SPAN

from tracelm import semconv
from tracelm.integrations._fields import field, text
from tracelm.integrations._mcp.network import came_over, sent_over
from tracelm.integrations._mcp.span import Exchange, Message, recorded
from tracelm.trace.context import detach
from tracelm.trace.safely import safely

_VERSION_IN_META: Final = "io.modelcontextprotocol/protocolVersion"
_VERSION_HEADER: Final = "mcp-protocol-version"
_current: Final[ContextVar[Exchange | None]] = ContextVar("tracelm_mcp_exchange", default=None)
"""The request whose span the library is about to start."""
_direct: Final[ContextVar[Exchange | None]] = ContextVar("tracelm_mcp_direct", default=None)
"""The request that a client makes of a server in the same process: there the server gives it its number."""


def sending(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    """Return what stands in the place of a dispatcher's `send_raw_request`."""

    @functools.wraps(method)
    async def send_raw_request(dispatcher: Any, /, *args: Any, **kwargs: Any) -> Any:
        message = _sent(args, kwargs) if is_on() else None
        if message is None:
            return await method(dispatcher, *args, **kwargs)
        stream = getattr(dispatcher, "_write_stream", None)
        with recorded(message, is_server=False) as exchange, _offered(exchange, directly=stream is None):
            result = await method(dispatcher, *args, **kwargs)
            if exchange is not None:
                exchange.answered(result)
                # Only once something was sent it is known where to.
                exchange.learned(sent_over(stream) | _agreed(message, result))
        return result

    return send_raw_request


def answering(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    """Return what stands in the place of what the library's middleware does with a message."""

    @functools.wraps(method)
    async def middleware(own: Any, /, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        message = _came(ctx) if is_on() else None
        if message is None:
            with _offered(None):
                return await method(own, ctx, call_next)
        asking = _direct.get()
        if asking is not None:
            asking.learned({semconv.JSONRPC_REQUEST_ID: str(message.request_id)})
        with recorded(message, is_server=True) as exchange, _offered(exchange):
            result = await method(own, ctx, call_next)
            if exchange is not None:
                exchange.answered(result)
        return result

    return middleware


def stepping_back(function: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    """Return what stands in the place of the function that makes the library's spans."""

    @functools.wraps(function)
    def otel_span(*args: Any, **kwargs: Any) -> Any:
        exchange = _current.get()
        if exchange is None or not is_on():
            return function(*args, **kwargs)
        return _no_span(exchange, kwargs.get("attributes"))

    return otel_span


@contextmanager
def _no_span(exchange: Exchange, attributes: object) -> Generator[Any]:
    _current.set(None)  # what happens inside is none of it
    with safely("take the number of a request"):
        number = text(field(attributes, semconv.JSONRPC_REQUEST_ID))
        if number:
            exchange.learned({semconv.JSONRPC_REQUEST_ID: number})
    yield INVALID_SPAN


@contextmanager
def _offered(exchange: Exchange | None, *, directly: bool = False) -> Generator[None]:
    tokens: tuple[Any, Any] = _current.set(exchange), _direct.set(exchange if directly else None)
    try:
        yield
    finally:
        for token in tokens:
            detach(token)


def _sent(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Message | None:
    with safely("read a request of the Model Context Protocol"):
        given = {**dict(zip(("method", "params", "opts"), args, strict=False)), **kwargs}
        method, params = given.get("method"), given.get("params")
        if isinstance(method, str):
            headers = field(given.get("opts"), "headers")
            version = field(field(params, "_meta"), _VERSION_IN_META) or field(headers, _VERSION_HEADER)
            return Message(method=method, params=params, protocol_version=text(version))
    return None


def _came(ctx: Any) -> Message | None:
    with safely("read a request of the Model Context Protocol"):
        if ctx.request_id is None:  # a notification: the library's own span says all that there is
            return None
        return Message(
            method=ctx.method,
            params=ctx.params,
            request_id=ctx.request_id,
            protocol_version=text(ctx.protocol_version),
            carrier=ctx.meta or {},
            network=came_over(ctx.request),
        )
    return None


def _agreed(message: Message, result: object) -> dict[str, str]:
    """Return the version of the protocol that the answer to the first request names."""
    version = text(field(result, "protocolVersion")) if message.method == "initialize" else None
    return {semconv.MCP_PROTOCOL_VERSION: version} if version else {}
