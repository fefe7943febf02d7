"""How requests of the Model Context Protocol travel: which connection a stream of messages belongs to."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._fields import field, text
from tracelm.trace.safely import safely

_HTTP: Final[Mapping[str, AttributeValue]] = {semconv.NETWORK_TRANSPORT: "tcp", semconv.NETWORK_PROTOCOL: "http"}
_SESSION_HEADER: Final = "mcp-session-id"
_transports: Final[WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()
"""What sends over HTTP, by the stream that it takes messages from."""


def noting(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    """Return what stands in the place of the HTTP transport's `post_writer`: it notes which stream is whose."""

    @functools.wraps(method)
    async def post_writer(transport: Any, /, *args: Any, **kwargs: Any) -> Any:
        if is_on():
            with safely("note how requests travel"):
                stream = kwargs.get("write_stream", args[3] if len(args) > 3 else None)
                if stream is not None:
                    _transports[_inner(stream)] = transport
        return await method(transport, *args, **kwargs)

    return post_writer


def sent_over(stream: object) -> dict[str, AttributeValue]:
    """Return how what is written to a stream travels, as far as that is known."""
    with safely("tell how a request travels"):
        transport = None if stream is None else _transports.get(_inner(stream))
        if transport is not None:
            address = urlsplit(str(transport.url))
            found: dict[str, AttributeValue] = dict(_HTTP)
            if address.hostname:
                found[semconv.SERVER_ADDRESS] = address.hostname
                found[semconv.SERVER_PORT] = address.port or (443 if address.scheme == "https" else 80)
            session = text(transport.session_id)
            return found | {semconv.MCP_SESSION_ID: session} if session else found
    return {}


def _inner(stream: object) -> object:
    """Return what can be held weakly: version 2 of the library wraps its streams."""
    return getattr(stream, "_inner", stream)


def came_over(request: object) -> dict[str, AttributeValue]:
    """Return how a request came to a server.

    Args:
        request: The HTTP request that brought it, as Starlette has it; `None` where none did.
    """
    headers: object = getattr(request, "headers", None)
    if headers is None:
        return {}
    found: dict[str, AttributeValue] = dict(_HTTP)
    with safely("tell how a request came"):
        session = text(field(headers, _SESSION_HEADER))
        if session:
            found[semconv.MCP_SESSION_ID] = session
        client: object = getattr(request, "client", None)
        host, port = text(getattr(client, "host", None)), getattr(client, "port", None)
        if host and isinstance(port, int):
            found |= {semconv.CLIENT_ADDRESS: host, semconv.CLIENT_PORT: port}
    return found
