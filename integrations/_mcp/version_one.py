"""Version 1 of the library: it neither records nor hands a trace on. Both happens here."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, cast, get_args
from weakref import WeakKeyDictionary

from opentelemetry.util.types import AttributeValue
from pydantic import BaseModel

from tracelm import semconv
from tracelm.integrations._fields import field, text
from tracelm.integrations._mcp.network import came_over, sent_over
from tracelm.integrations._mcp.span import Exchange, Message, recorded
from tracelm.trace.context import detach
from tracelm.trace.propagation import inject
from tracelm.trace.safely import safely

_serving: Final[ContextVar[tuple[object, Exchange] | None]] = ContextVar("tracelm_mcp_serving", default=None)
"""What answers the request that is being served, and where that is recorded."""
_versions: Final[WeakKeyDictionary[Any, str]] = WeakKeyDictionary()
"""The version of the protocol that a session has agreed on."""


def sending(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    """Return what stands in the place of a session's `send_request`."""

    @functools.wraps(method)
    async def send_request(session: Any, /, *args: Any, **kwargs: Any) -> Any:
        request = args[0] if args else kwargs.get("request")
        message = _sent(session, request) if is_on() else None
        if message is None:
            return await method(session, *args, **kwargs)
        with recorded(message, is_server=False) as exchange:
            carrying = _carrying(request)  # that a trace is left out is handed on as well
            if args:
                args = (carrying, *args[1:])
            else:
                kwargs["request"] = carrying
            result = await method(session, *args, **kwargs)
            if exchange is not None:
                exchange.answered(result)
                # Only once something was sent it is known where to.
                exchange.learned(sent_over(getattr(session, "_write_stream", None)) | _agreed(session, message, result))
        return result

    return send_request


def serving(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    """Return what stands in the place of a server's `_handle_request`."""

    @functools.wraps(method)
    async def handle_request(server: Any, /, message: Any, req: Any, *args: Any, **kwargs: Any) -> Any:
        came = _came(message, req, args[0] if args else kwargs.get("session")) if is_on() else None
        if came is None:
            return await method(server, message, req, *args, **kwargs)
        with recorded(came, is_server=True) as exchange:
            token: Any = _serving.set(None if exchange is None else (message, exchange))
            try:
                return await method(server, message, req, *args, **kwargs)
            finally:
                detach(token)

    return handle_request


def responding(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    """Return what stands in the place of a responder's `respond`."""

    @functools.wraps(method)
    async def respond(responder: Any, /, response: Any, *args: Any, **kwargs: Any) -> Any:
        served = _serving.get()
        if served is not None and served[0] is responder and is_on():
            exchange = served[1]
            if isinstance(field(response, "code"), int):  # the library's `ErrorData`
                exchange.refused(response)
            else:
                exchange.answered(response)
        return await method(responder, response, *args, **kwargs)

    return respond


def _sent(session: Any, request: object) -> Message | None:
    with safely("read a request of the Model Context Protocol"):
        root = field(request, "root") or request
        method = text(field(root, "method"))
        if method:
            return Message(
                method=method,
                params=field(root, "params"),
                request_id=getattr(session, "_request_id", None),
                protocol_version=_versions.get(session),
            )
    return None


def _carrying(request: Any) -> Any:
    """Return a copy of a request that hands the current trace on; what the program wrote there itself stays."""
    with safely("hand a trace on"):
        carrier = inject()
        root = getattr(request, "root", request)
        params = root.params
        kind: Any = _params_class(root) if params is None else params.__class__
        if not carrier or kind is None:
            return request
        if params is None:
            changed = kind.model_validate({"_meta": carrier})
        else:
            given: dict[str, Any] = {} if params.meta is None else params.meta.model_dump(exclude_none=True)
            held = kind.model_validate({**_beside_meta(params), "_meta": {**carrier, **given}})
            changed = params.model_copy(update={"meta": held.meta})
        copied = root.model_copy(update={"params": changed})
        return copied if root is request else request.model_copy(update={"root": copied})
    return request


def _beside_meta(params: BaseModel) -> dict[str, Any]:
    return params.model_dump(by_alias=True, exclude_none=True, exclude={"meta"})


def _params_class(root: BaseModel) -> Any:
    """Return the class of the parameters of a request that has none."""
    declared = type(root).model_fields["params"].annotation
    classes = [each for each in (declared, *get_args(declared)) if isinstance(each, type)]
    return next((each for each in classes if issubclass(each, BaseModel)), None)


def _came(responder: Any, request: Any, session: Any) -> Message | None:
    with safely("read a request of the Model Context Protocol"):
        meta = getattr(responder, "request_meta", None)
        agreed = getattr(getattr(session, "client_params", None), "protocolVersion", None)
        return Message(
            method=request.method,
            params=getattr(request, "params", None),
            request_id=responder.request_id,
            protocol_version=None if agreed is None else str(agreed),
            carrier=cast("Mapping[str, object]", getattr(meta, "model_extra", None) or {}),
            network=came_over(field(getattr(responder, "message_metadata", None), "request_context")),
        )
    return None


def _agreed(session: Any, message: Message, result: object) -> dict[str, AttributeValue]:
    """Note, and return, the version of the protocol that the answer to the first request names."""
    version = field(result, "protocolVersion") if message.method == "initialize" else None
    if version is None:
        return {}
    _versions[session] = str(version)
    return {semconv.MCP_PROTOCOL_VERSION: str(version)}
