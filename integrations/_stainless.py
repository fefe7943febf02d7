"""Records the calls of the clients that Stainless generates, as those of OpenAI and of Anthropic are.

Everything such a client sends passes one method, `request`, whichever method, helper, raw-response wrapper or subclass
it comes from, and above the loop of its retries. It is wrapped, and a hook that the client calls before each attempt,
to count them. Where a request goes to says which endpoint reads it.
"""

import copy
import functools
import inspect
import types
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, cast, get_origin
from urllib.parse import urlsplit

import orjson
from opentelemetry.util.types import AttributeValue
from pydantic import BaseModel

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.integrations._base import begin
from tracelm.integrations._bodies import BodyRecord, answer_in
from tracelm.integrations._call import Call
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import field
from tracelm.integrations._patches import own
from tracelm.integrations._sending import when_sent
from tracelm.integrations._stream import NoChunks, StreamRecord, find_record
from tracelm.pricing.listed import AZURE
from tracelm.trace import runtime
from tracelm.trace.context import detach
from tracelm.trace.safely import report, safely

_MAX_BODY_BYTES: Final = 50_000_000
"""Of a larger body that the program reads itself nothing is kept."""
_MAX_SENT_BYTES: Final = 1_000_000
"""A larger request is described before it goes out: parsing its body once more would take as long."""
_MOST_TARGETS: Final = 256

_NONE: Final = Call()

sending: Final[ContextVar["_Recorded | None"]] = ContextVar("tracelm_stainless_call", default=None)
"""What is recorded of the call for which a client is sending a request."""


@frozen
class _Target:
    """Where a client's requests go."""

    client: type[Any]
    base_url: object
    path: str
    provider: str
    server: Mapping[str, AttributeValue]


class Library(ABC):
    """One client library: what it shares with its like, and what each subclass of this says of it."""

    def __init__(self) -> None:
        # By the identity of the client's `base_url`, which the target keeps alive.
        self._targets: dict[int, _Target] = {}

    find_endpoint: Callable[[str, str], tuple[str, Endpoint] | None]
    """Returns, by method and address, which operation a request is and which endpoint reads it; `None` for others."""

    @abstractmethod
    def provider_of(self, client: Any, host: str, port: int) -> str:
        """Return `gen_ai.provider.name` of a client that sends to this server."""

    def completed(self, body: Mapping[str, object], path: str) -> Mapping[str, object]:
        """Return a body that names no model with what the path of the client's address says in its place."""
        return body

    def changed(self, options: Any, endpoint: Endpoint) -> Any:
        """Return options with which a stream says more than the program asked for; `None` to leave them."""
        return None

    def hides(self, chunk: object) -> bool:
        """Say of a chunk of such a stream that it is recorded, and not passed on."""
        return False

    def recording_class(self, stream_cls: Any) -> Any:
        """Return the class of stream to ask the client for, instead of this one."""
        return _recording_class(stream_cls)

    def request(self, method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
        """Return what stands in the place of a synchronous client's `request`."""

        @functools.wraps(method)
        def request(client: Any, /, *args: Any, **kwargs: Any) -> Any:
            recorded = self._begin(client, args, kwargs) if is_on() else None
            if recorded is None:
                return method(client, *args, **kwargs)
            recorded.enter()
            try:
                reply = method(client, *recorded.args, **recorded.kwargs)
            except BaseException as error:
                recorded.leave()
                recorded.failed(error)
                raise
            recorded.leave()
            recorded.received(reply)
            return reply

        return request

    def arequest(
        self, method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]
    ) -> Callable[..., Awaitable[Any]]:
        """Return what stands in the place of an asynchronous client's `request`."""

        @functools.wraps(method)
        async def request(client: Any, /, *args: Any, **kwargs: Any) -> Any:
            recorded = self._begin(client, args, kwargs) if is_on() else None
            if recorded is None:
                return await method(client, *args, **kwargs)
            recorded.enter()
            try:
                reply = await method(client, *recorded.args, **recorded.kwargs)
            except BaseException as error:
                recorded.leave()
                recorded.failed(error)
                raise
            recorded.leave()
            recorded.received(reply)
            return reply

        return request

    def _begin(self, client: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> "_Recorded | None":
        active = runtime.active
        if active is None:
            return None
        try:
            options = args[1] if len(args) > 1 else kwargs.get("options")
            method, url = getattr(options, "method", None), getattr(options, "url", None)
            if not isinstance(method, str) or not isinstance(url, str):
                return None
            found = self.find_endpoint(method, url)
            if found is None:
                return None
            kind, endpoint = found
            recorded = _Recorded(self, client, options, url, endpoint, args, kwargs)
            streams = kwargs.get("stream")
            if streams and active.settings.stream_usage == "inject":
                recorded.changes(self.changed(options, endpoint))
            call = begin(recorded.describe, kind=kind, later=True, asks_itself=True)
            if call is None:
                return None
            recorded.call = call
            parses = getattr(options, "post_parser", None)
            if callable(parses):
                recorded.keep_unparsed(parses)
            if streams:
                recorded.follow_stream()
            recorded.apply_changes()
        except Exception as error:
            report("read the request to a model", error)
            return None
        return recorded

    def asked(
        self, client: Any, options: object, url: str, sent: Mapping[str, object] | None, streams: object
    ) -> Asked:
        """Return what a client is asked to do.

        Args:
            client: Of the library.
            options: What it was given.
            url: Where to, as far as that is not said by the client.
            sent: The body as it went out, if it is at hand.
            streams: Whether the reply is to come in chunks.
        """
        target = self._target(client, url)
        body = sent
        if body is None or "model" not in body:  # the clients for the clouds move some fields into the address
            body = {**_body(options), **(body or {})}
        params: object = getattr(options, "params", None)
        return Asked(
            path=url.partition("?")[0].rstrip("/"),
            body=body if "model" in body else self.completed(body, target.path),
            query=cast("Mapping[str, object]", params) if params and isinstance(params, Mapping) else {},
            files=getattr(options, "files", None),
            provider=target.provider,
            server=target.server,
            streams=bool(streams),
        )

    def _target(self, client: Any, url: str) -> _Target:
        if "://" in url:  # a whole address, as `client.post` takes it
            return self._read_target(client, url, None)
        kind = client.__class__
        base_url = client.__dict__.get("_base_url") if _holds_its_address(kind) else None
        if base_url is None:
            base_url = client.base_url
        found = self._targets.get(id(base_url))
        if found is None or found.base_url is not base_url or found.client is not kind:
            if len(self._targets) >= _MOST_TARGETS:
                self._targets.clear()
            found = self._targets[id(base_url)] = self._read_target(client, str(client.base_url), base_url)
        return found

    def _read_target(self, client: Any, address: str, base_url: object) -> _Target:
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = parts.port or (80 if parts.scheme == "http" else 443)
        provider = self.provider_of(client, host, port)
        server: dict[str, AttributeValue] = {}
        if host:
            server[semconv.SERVER_ADDRESS] = host
            server[semconv.SERVER_PORT] = port
        if provider in AZURE:
            server[semconv.AZURE_NAMESPACE] = "Microsoft.CognitiveServices"
        return _Target(client=client.__class__, base_url=base_url, path=parts.path, provider=provider, server=server)


def counting(method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    """Return what stands in the place of a hook that the client calls before each attempt, with or for its request."""

    @functools.wraps(method)
    def prepare(client: Any, /, *args: Any, **kwargs: Any) -> Any:
        made = method(client, *args, **kwargs)
        recorded = sending.get()
        if recorded is not None and is_on():
            recorded.goes_out(made if hasattr(made, "extensions") else args[0] if args else None)
        return made

    return prepare


def _body(options: object) -> Mapping[str, object]:
    body: object = getattr(options, "json_data", None)
    more: object = getattr(options, "extra_json", None)
    whole: Mapping[str, object] = cast("Mapping[str, object]", body) if isinstance(body, dict | Mapping) else {}
    if more is not None and isinstance(more, Mapping):  # the client lays the second over the first, too
        whole = {**whole, **cast("Mapping[str, object]", more)}
    return whole


class _Recorded:
    """One request that is being recorded, and what becomes of it."""

    # As they are at first.
    call = _NONE
    _asked: Asked | None = None  # as long as nobody asks for it, and for good where the call is left out
    _sent: bytes | None = None
    _stream: StreamRecord | None = None
    _tokens: tuple[Any, ...] = ()
    _changed: Any = None  # the options with which a stream says more, or that keep what is to be parsed
    _hides: Callable[[object], bool] | None = None
    _unparsed: Sequence[object] = ()

    def __init__(
        self,
        library: Library,
        client: Any,
        options: Any,
        url: str,
        endpoint: Endpoint,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self._library = library
        self._client = client
        self._options = options
        self._url = url
        self._endpoint = endpoint
        # The arguments for the client: as given, but with a stream class that records, and changed options.
        self.args = args
        self.kwargs: Mapping[str, Any] = kwargs

    def changes(self, options: Any) -> None:
        """Ask the client with other options, where the call is recorded; `None` to leave them."""
        if options is not None:
            self._options = self._changed = options
            self._hides = self._library.hides

    def keep_unparsed(self, parses: Callable[[Any], Any]) -> None:
        """Keep what the client is about to parse for the program: where that fails, the error does not have it.

        Args:
            parses: How the client does it, as the options say.
        """
        unparsed: list[object] = []

        def parse(answer: Any) -> Any:  # it does not hold what holds it
            unparsed.append(answer)
            return parses(answer)

        changed = copy.copy(self._options)
        changed.post_parser = parse
        self._options = self._changed = changed
        self._unparsed = unparsed

    def apply_changes(self) -> None:
        """Have the client get the changed options."""
        changed = self._changed
        if changed is None or (self._asked is None and not self.call.is_put_off):  # or it is left out
            return
        if "options" in self.kwargs:
            self.kwargs = {**self.kwargs, "options": changed}
        else:
            self.args = (*self.args[:1], changed, *self.args[2:])

    def describe(self) -> Request:
        """Read what is asked: from the body as it went out, if that is at hand, else from what the client was given."""
        sent: Mapping[str, object] | None = None
        if self._sent is not None:
            try:  # no `safely`, which costs more than what it would hold, here and where a request goes out
                sent = orjson.loads(self._sent)
            except orjson.JSONDecodeError as error:
                report("read the body of a request", error)
            self._sent = None
        asked = self._asked = self._library.asked(
            self._client, self._options, self._url, sent, self.kwargs.get("stream")
        )
        if self._stream is not None:
            self._stream.chunks = self._endpoint.collect(asked, keep_content=self.call.captures_content)
        return self._endpoint.describe(asked)

    def follow_stream(self) -> None:
        """Have the chunks recorded of what is about to be asked for."""
        call, asked = self.call, self._asked
        if not call.is_put_off and asked is None:  # it is left out
            return
        with safely("record a streamed reply"):
            # What puts the chunks together depends on what is asked: where that is put off, so is this.
            chunks = NoChunks() if asked is None else self._endpoint.collect(asked, keep_content=call.captures_content)
            self._stream = StreamRecord(call, chunks, hides=self._hides)
            self.kwargs = {**self.kwargs, "stream_cls": self._library.recording_class(self.kwargs.get("stream_cls"))}

    def goes_out(self, request: Any) -> None:
        """Note that an HTTP request is about to be sent, more than once where the client tries again by itself."""
        call = self.call
        call.sent()
        if not call.is_put_off or self._sent is not None:
            return
        try:
            body: object = request.content
        except Exception:  # an upload is not in memory
            body = None
        if isinstance(body, bytes) and body[:1] == b"{" and len(body) <= _MAX_SENT_BYTES:
            try:
                self._sent = body if when_sent(request, body, call.describe) else None
            except Exception as error:
                report("put off what is recorded of a request", error)
        if self._sent is None:
            call.describe()

    def enter(self) -> None:
        """Make the span current while the client works, and let the client's parts find what is recorded."""
        tokens = (self.call.enter(), sending.set(self))
        self._tokens = tokens if self._stream is None else (*tokens, self._stream.offer())

    def leave(self) -> None:
        """End what `enter` began."""
        for token in self._tokens:
            detach(token)
        self._tokens = ()  # they hold what was current before

    def failed(self, error: BaseException) -> None:
        """End the span of a call that raised."""
        self.call.describe()
        reply = None
        with safely("record the reply of a model"):
            # An answer that was cut short cannot be parsed; the error carries what came and was paid for.
            answer = field(error, "completion") or next(reversed(self._unparsed), None)
            reply = None if answer is None else self._read(answer)
        with safely("keep the key of a client out of an error"):
            self._tell_secret()
        self.call.end(reply, error=error)

    def received(self, reply: Any) -> None:
        """End the span of a call that came back, or leave that to the response that is still open."""
        self.call.describe()  # where the way to the server did not say that the request was on it
        if self._asked is None:  # it is left out, or could not be read: then it ends without what it was answered
            if self.call is not _NONE:
                self.call.end()
            return
        try:
            self._tell_secret()
            is_read = _is_read(type(reply))  # type: ignore[arg-type]  # to mypy, not every class can be hashed
            response = None if is_read else _http_response(reply)
            if response is None:
                self.call.end(self._endpoint.read(self._asked, reply))
            elif self._stream is not None:
                self._stream.follow(response)
                self.call.streams()
            elif response.is_closed:
                self.call.end(self._read(answer_in(response.content)))
            else:
                BodyRecord(self.call, self._read, max_bytes=_MAX_BODY_BYTES).follow(response)
        except Exception as error:
            report("record the reply of a model", error)
            self.call.end()

    def _tell_secret(self) -> None:
        key: object = getattr(self._client, "api_key", None)  # only now: it may have asked the program for it
        if type(key) is str and self.call is not _NONE:
            self.call.secret = key

    def _read(self, answer: object) -> Reply:
        if self._asked is None:
            return Reply()
        return self._endpoint.read(self._asked, answer)


@functools.lru_cache(maxsize=256)
def _holds_its_address(kind: type[Any]) -> bool:
    """Say whether a client's `base_url` is the library's own: its property may import something each time."""
    getter = getattr(inspect.getattr_static(kind, "base_url", None), "fget", None)
    # Not of `openai` itself: the client of the module has the address that the module has at the moment.
    return getattr(getter, "__module__", "").startswith(("openai.", "anthropic."))


@functools.lru_cache(maxsize=256)
def _is_read(kind: type[Any]) -> bool:
    """Say whether a reply of this class is a value: nothing of it is still to be read."""
    return issubclass(kind, BaseModel | Mapping | str | types.NoneType)


def _http_response(reply: object) -> Any:
    """Return the HTTP response of a reply that may not have been read yet, if it has one."""
    for name in ("http_response", "response"):
        response = getattr(reply, name, None)
        if hasattr(response, "extensions"):
            return response
    return reply if hasattr(reply, "extensions") else None


@functools.lru_cache(maxsize=32)
def _recording_class(stream_cls: Any) -> Any:
    """Return a subclass of the client's stream class whose chunks are recorded."""
    origin = get_origin(stream_cls)
    original = None if origin is None else own(origin).get(READING)
    if origin is None or original is None:
        return stream_cls  # a class of the program's own
    names = {
        READING: recording_stream(original),
        "__module__": origin.__module__,
        "__qualname__": origin.__qualname__,
    }
    return types.new_class(origin.__name__, (stream_cls,), exec_body=lambda namespace: namespace.update(names))


READING: Final = "__stream__"
"""The method of a client's class of streams that makes what its chunks are read from."""


def recording_stream(original: Callable[..., Any], _is_on: object = None) -> Callable[..., Any]:
    """Return what stands in the place of that method: it passes each chunk on, and records it."""
    read: Any = StreamRecord.aread if inspect.isasyncgenfunction(original) else StreamRecord.read

    @functools.wraps(original)
    def __stream__(self: Any) -> Any:  # noqa: N807 - the client's name for it
        record = find_record(self.response)
        return original(self) if record is None else read(record, original(self))

    return __stream__
