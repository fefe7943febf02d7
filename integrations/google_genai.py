"""Records the calls of Google's client: each request to a model becomes one span, each function that it calls another.

Whatever the program uses of the client (models, chats, sync or async, the Gemini API or Vertex AI), its requests pass
four functions of one class, above the loop of its retries. They are wrapped, and what sends one attempt, to count them.
The functions that the client calls for a model are taken, each time, from one function that lists them by name: there
each is replaced by one that records, and nothing of it reaches the program's own list.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, cast
from urllib.parse import urlsplit

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._base import begin
from tracelm.integrations._call import Call
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Request
from tracelm.integrations._fields import field, text
from tracelm.integrations._google.fields import answer_in
from tracelm.integrations._google.routes import find_endpoint
from tracelm.integrations._patches import own, patch
from tracelm.integrations._stream import Chunks, NoChunks, StreamRecord
from tracelm.integrations._watching import end_watched, watch_held
from tracelm.pricing.listed import load_in_background
from tracelm.trace import runtime
from tracelm.trace.context import detach
from tracelm.trace.op import is_op, op
from tracelm.trace.safely import report, safely

_ATTEMPTS: Final = ("_request_once", "_async_request_once")
"""What sends one attempt. It is not part of the client's public face."""


class GoogleGenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each request to a model as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the client are known to work."""
        return ("google-genai >= 1.24",)

    def _instrument(self, **_options: Any) -> None:
        from google.genai import _extra_utils
        from google.genai._api_client import BaseApiClient as client  # noqa: N813 - it is one of a client's parts

        load_in_background()
        points = (
            (client, "request", _request),
            (client, "async_request", _arequest),
            (client, "request_streamed", _streamed),
            (client, "async_request_streamed", _astreamed),
            (_extra_utils, "get_function_map", _functions),
        )
        for owner, name, _ in points:  # before the first is replaced
            getattr(owner, name)
        self._undo = [patch(*point) for point in points]
        self._undo += [patch(client, name, _attempt) for name in _ATTEMPTS if name in own(client)]

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        end_watched()


def _request(method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    @functools.wraps(method)
    def request(client: Any, /, *args: Any, **kwargs: Any) -> Any:
        recorded = _begin(client, args, kwargs) if is_on() else None
        if recorded is None:
            return method(client, *args, **kwargs)
        with recorded.working():
            reply = method(client, *args, **kwargs)
        recorded.received(reply)
        return reply

    return request


def _arequest(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def request(client: Any, /, *args: Any, **kwargs: Any) -> Any:
        recorded = _begin(client, args, kwargs) if is_on() else None
        if recorded is None:
            return await method(client, *args, **kwargs)
        with recorded.working():
            reply = await method(client, *args, **kwargs)
        recorded.received(reply)
        return reply

    return request


def _streamed(method: Callable[..., Iterator[Any]], is_on: Callable[[], bool]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(method)
    def request(client: Any, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        recorded = _begin(client, args, kwargs, streams=True) if is_on() else None
        stream = method(client, *args, **kwargs)
        return stream if recorded is None else recorded.reading(_Opening(recorded, stream))

    return request


def _astreamed(
    method: Callable[..., Awaitable[AsyncIterator[Any]]], is_on: Callable[[], bool]
) -> Callable[..., Awaitable[AsyncIterator[Any]]]:
    @functools.wraps(method)
    async def request(client: Any, /, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        recorded = _begin(client, args, kwargs, streams=True) if is_on() else None
        if recorded is None:
            return await method(client, *args, **kwargs)
        with recorded.working():
            stream = await method(client, *args, **kwargs)
        return recorded.areading(stream)

    return request


def _attempt(method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    def note() -> None:
        call = _sending.get()
        if call is not None and is_on():
            call.sent()

    @functools.wraps(method)
    def send(client: Any, /, *args: Any, **kwargs: Any) -> Any:
        note()
        return method(client, *args, **kwargs)

    @functools.wraps(method)
    async def asend(client: Any, /, *args: Any, **kwargs: Any) -> Any:
        note()
        return await method(client, *args, **kwargs)

    # What repeats it asks which of the two it is.
    return asend if inspect.iscoroutinefunction(method) else send


_sending: Final[ContextVar[Call | None]] = ContextVar("tracelm_google_call", default=None)


def _functions(function: Callable[..., dict[str, Any]], is_on: Callable[[], bool]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(function)
    def get_function_map(*args: Any, **kwargs: Any) -> dict[str, Any]:
        found = function(*args, **kwargs)
        if is_on() and runtime.active is not None and found:
            with safely("record the functions that a model calls"):
                return {name: _recorded_tool(name, each) for name, each in found.items()}
        return found

    return get_function_map


def _recorded_tool(name: str, function: Any) -> Any:
    """Return an op of a function: to the client it is the function. A tool of an MCP session is recorded there."""
    if not callable(function) or inspect.isclass(function) or is_op(function):
        return function
    return op(name=name, kind="tool")(function)


def _begin(
    client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, streams: bool = False
) -> "_Recorded | None":
    if runtime.active is None:
        return None
    try:
        given = {**dict(zip(("http_method", "path", "request_dict", "http_options"), args, strict=False)), **kwargs}
        method, path, sent = given.get("http_method"), given.get("path"), given.get("request_dict")
        if not isinstance(method, str) or not isinstance(path, str) or not isinstance(sent, dict):
            return None
        body = cast("dict[str, object]", sent)
        found = find_endpoint(method, path, body)
        if found is None:
            return None
        kind, endpoint = found
        asked: list[Asked] = []

        def describe() -> Request:
            asked.append(_asked(client, path, body, given.get("http_options"), streams=streams))
            return endpoint.describe(asked[0])

        call = begin(describe, kind=kind, asks_itself=True)
        return None if call is None else _Recorded(call, endpoint, asked[0] if asked else None)
    except Exception as error:
        report("read the request to a model", error)
        return None


def _asked(client: Any, path: str, body: Mapping[str, object], options: object, *, streams: bool) -> Asked:
    address = field(options, "base_url") or field(getattr(client, "_http_options", None), "base_url")
    return Asked(
        path=path.partition("?")[0],
        body=body,
        provider="gcp.vertex_ai" if getattr(client, "vertexai", False) else "gcp.gemini",
        server=_server(text(address) or ""),
        streams=streams,
    )


@functools.lru_cache(maxsize=256)
def _server(address: str) -> Mapping[str, AttributeValue]:
    parts = urlsplit(address)
    if not parts.hostname:
        return {}
    port = parts.port or (80 if parts.scheme == "http" else 443)
    return {semconv.SERVER_ADDRESS: parts.hostname, semconv.SERVER_PORT: port}


class _Recorded:
    """One request that is being recorded, and what becomes of it. `asked` is missing where it is left out."""

    __slots__ = ("_asked", "_call", "_endpoint")

    def __init__(self, call: Call, endpoint: Endpoint, asked: Asked | None) -> None:
        self._call = call
        self._endpoint = endpoint
        self._asked = asked

    @contextmanager
    def working(self) -> Generator[None]:
        """Make the span current while the client works; it ends here if that fails."""
        with self.current():
            try:
                yield
            except BaseException as error:
                self._call.end(error=error)
                raise

    @contextmanager
    def current(self) -> Generator[None]:
        """Make the span current, and let the client's parts find what is recorded."""
        sending: Any = _sending.set(self._call)
        try:
            with self._call.current():
                yield
        finally:
            detach(sending)

    def received(self, reply: object) -> None:
        """End the span of a call that came back."""
        found = None
        with safely("record the reply of a model"):
            if self._asked is not None:
                found = self._endpoint.read(self._asked, answer_in(reply))
        self._call.end(found)

    def reading(self, stream: Iterator[Any]) -> Iterator[Any]:
        """Return what passes every chunk on as it is, and ends the span with the last."""
        record = self._record()
        reading = record.read(stream)
        watch_held(reading, record.closed)
        return reading

    def areading(self, stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Return what passes every chunk on as it is, and ends the span with the last."""
        record = self._record()
        reading = record.aread(stream)
        watch_held(reading, record.closed)
        return reading

    def _record(self) -> StreamRecord:
        chunks: Chunks = NoChunks()
        with safely("record a streamed reply"):
            if self._asked is not None:
                chunks = self._endpoint.collect(self._asked, keep_content=self._call.captures_content)
        return StreamRecord(self._call, chunks)


class _Opening(Iterator[Any]):
    """A stream whose request goes out when its first chunk is asked for."""

    def __init__(self, recorded: _Recorded, stream: Iterator[Any]) -> None:
        self._recorded: _Recorded | None = recorded
        self._stream = stream

    def __next__(self) -> Any:
        if self._recorded is None:
            return next(self._stream)
        recorded, self._recorded = self._recorded, None
        with recorded.current():
            return next(self._stream)
