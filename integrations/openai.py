"""Records the calls of OpenAI's client: each call of a model becomes one span.

Everything the client sends passes `OpenAI.request` or `AsyncOpenAI.request`, whichever method, helper,
raw-response wrapper or subclass (Azure) it comes from, and above the loop of its retries. These two are
wrapped, and the hook that the client calls before each attempt, to count them. Where a request goes to says
which endpoint reads it.
"""

import functools
import types
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, get_origin
from urllib.parse import urlsplit

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.integrations._base import Call, begin
from tracelm.integrations._bodies import BodyRecord, answer_in
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import field
from tracelm.integrations._providers import provider_at
from tracelm.integrations._routes import find_endpoint
from tracelm.integrations._stream import StreamRecord, end_watched, find_record
from tracelm.integrations._stream_usage import asking, hides
from tracelm.pricing.listed import load_in_background
from tracelm.trace import runtime
from tracelm.trace.context import detach
from tracelm.trace.safely import report, safely

if TYPE_CHECKING:
    import openai

    Client: TypeAlias = openai.OpenAI | openai.AsyncOpenAI

_BEFORE_EACH_ATTEMPT: Final = "_prepare_request"
_AZURE: Final = frozenset({"azure.ai.openai", "azure.ai.inference"})
_MAX_BODY_BYTES: Final = 50_000_000
"""Of a larger body that the program reads itself nothing is kept."""


class OpenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each call of a model as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the client are known to work."""
        return ("openai >= 1.40",)

    def _instrument(self, **_options: Any) -> None:
        import openai

        load_in_background()
        self._undo = [
            self._patch(openai.OpenAI, "request", _request),
            self._patch(openai.AsyncOpenAI, "request", _arequest),
        ]
        for client in (openai.OpenAI, openai.AsyncOpenAI):
            if hasattr(client, _BEFORE_EACH_ATTEMPT):  # it is not part of the client's public face
                self._undo.append(self._patch(client, _BEFORE_EACH_ATTEMPT, _sent))

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        end_watched()

    @staticmethod
    def _patch(client: Any, name: str, recording: "Callable[[Any, Callable[[], bool]], Any]") -> Callable[[], None]:
        original = _own(client).get(name)
        is_on = True
        # On the class itself; the method may stand in a base class that has other children. A plain function in its
        # place: a wrapper object would be made anew for each call.
        patched = recording(getattr(client, name), lambda: is_on)
        setattr(client, name, patched)

        def undo() -> None:
            # What somebody else has put on top of ours stays; ours below it is off, for good.
            nonlocal is_on
            is_on = False
            if _own(client).get(name) is not patched:
                return
            if original is None:
                delattr(client, name)
            else:
                setattr(client, name, original)

        return undo


def _request(method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    @functools.wraps(method)
    def request(client: "openai.OpenAI", /, *args: Any, **kwargs: Any) -> Any:
        recorded = _begin(client, args, kwargs) if is_on() else None
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


def _arequest(method: Callable[..., Awaitable[Any]], is_on: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def request(client: "openai.AsyncOpenAI", /, *args: Any, **kwargs: Any) -> Any:
        recorded = _begin(client, args, kwargs) if is_on() else None
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


def _sent(method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    @functools.wraps(method)
    def prepare(client: "Client", /, *args: Any, **kwargs: Any) -> Any:
        # The client calls this hook of its subclasses before each attempt.
        call = _sending.get()
        if call is not None and is_on():
            call.sent()
        return method(client, *args, **kwargs)

    return prepare


_sending: Final[ContextVar[Call | None]] = ContextVar("tracelm_openai_call", default=None)


def _begin(client: "Client", args: Sequence[Any], kwargs: Mapping[str, Any]) -> "_Recorded | None":
    active = runtime.active
    if active is None:
        return None
    try:
        options = args[1] if len(args) > 1 else kwargs.get("options")
        method, url = getattr(options, "method", None), getattr(options, "url", None)
        if not isinstance(method, str) or not isinstance(url, str):
            return None
        found = find_endpoint(method, url)
        if found is None:
            return None
        kind, endpoint = found
        streams = bool(kwargs.get("stream"))
        injects = streams and active.settings.stream_usage == "inject"
        changed = asking(options, kind) if injects else None
        asked: list[Asked] = []

        def describe() -> Request:
            asked.append(_asked(client, options if changed is None else changed, url, streams=streams))
            return endpoint.describe(asked[0])

        call = begin(describe, kind=kind)
        if call is None:
            return None
        if not asked:
            return _Recorded(call, endpoint, None, args, kwargs)
        return _Recorded(call, endpoint, asked[0], args, kwargs, changed=changed)
    except Exception as error:
        report("read the request to a model", error)
        return None


@frozen
class _Target:
    """Where a client's requests go."""

    client: type["Client"]
    base_url: object
    path: str
    provider: str
    server: Mapping[str, AttributeValue]


_MOST_TARGETS: Final = 256
_targets: dict[int, _Target] = {}
"""By the identity of the client's `base_url`, which the target keeps alive."""


def _target(client: "Client", url: str) -> _Target:
    base_url = client.base_url
    if "://" in url:  # a whole address, as `client.post` takes it
        return _read_target(client, url, None)
    found = _targets.get(id(base_url))
    if found is None or found.base_url is not base_url or found.client is not type(client):
        if len(_targets) >= _MOST_TARGETS:
            _targets.clear()
        found = _targets[id(base_url)] = _read_target(client, str(base_url), base_url)
    return found


def _read_target(client: "Client", address: str, base_url: object) -> _Target:
    parts = urlsplit(address)
    host = parts.hostname or ""
    port = parts.port or (80 if parts.scheme == "http" else 443)
    provider = provider_at(host, port)
    if _is_azure(client) and provider not in _AZURE:
        provider = "azure.ai.openai"
    server: dict[str, AttributeValue] = {}
    if host:
        server[semconv.SERVER_ADDRESS] = host
        server[semconv.SERVER_PORT] = port
    if provider in _AZURE:
        server[semconv.AZURE_NAMESPACE] = "Microsoft.CognitiveServices"
    return _Target(client=type(client), base_url=base_url, path=parts.path, provider=provider, server=server)


def _asked(client: "Client", options: object, url: str, *, streams: bool) -> Asked:
    target = _target(client, url)
    params: object = getattr(options, "params", None)
    return Asked(
        path=url.partition("?")[0].rstrip("/"),
        body=_body(options, target.path),
        query=cast("Mapping[str, object]", params) if params and isinstance(params, Mapping) else {},
        files=getattr(options, "files", None),
        provider=target.provider,
        server=target.server,
        streams=streams,
    )


def _body(options: object, base_path: str) -> Mapping[str, object]:
    body: object = getattr(options, "json_data", None)
    more: object = getattr(options, "extra_json", None)
    whole: Mapping[str, object] = cast("Mapping[str, object]", body) if isinstance(body, dict | Mapping) else {}
    if more is not None and isinstance(more, Mapping):  # the client lays the second over the first, too
        whole = {**whole, **cast("Mapping[str, object]", more)}
    if "model" not in whole and "/deployments/" in base_path:  # Azure's way to name it
        return {**whole, "model": base_path.partition("/deployments/")[2].partition("/")[0]}
    return whole


def _is_azure(client: "Client") -> bool:
    import openai

    return isinstance(client, openai.AzureOpenAI | openai.AsyncAzureOpenAI)


class _Recorded:
    """One request that is being recorded, and what becomes of it. `asked` is missing where it is left out."""

    __slots__ = ("_asked", "_call", "_endpoint", "_stream", "_tokens", "args", "kwargs")

    def __init__(
        self,
        call: Call,
        endpoint: Endpoint,
        asked: Asked | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        changed: object = None,
    ) -> None:
        self._call = call
        self._endpoint = endpoint
        self._asked = asked
        self._stream: StreamRecord | None = None
        self._tokens: tuple[Any, Any, Any] = (None, None, None)
        # The arguments for the client: as given, but with a stream class that records, and `changed` options.
        self.args = args
        self.kwargs = kwargs
        if asked is not None and asked.streams:
            with safely("record a streamed reply"):
                chunks = endpoint.collect(asked, keep_content=call.captures_content)
                self._stream = StreamRecord(call, chunks, hides=None if changed is None else hides)
                self.kwargs = {**kwargs, "stream_cls": _recording_class(kwargs.get("stream_cls"))}
                if changed is not None and "options" in kwargs:
                    self.kwargs["options"] = changed
                elif changed is not None:
                    self.args = (*args[:1], changed, *args[2:])

    def enter(self) -> None:
        """Make the span current while the client works, and let the client's parts find what is recorded."""
        stream = self._stream
        self._tokens = (
            self._call.enter(),
            _sending.set(self._call),
            None if stream is None else stream.offer(),
        )

    def leave(self) -> None:
        """End what `enter` began."""
        for token in self._tokens:
            detach(token)

    def failed(self, error: BaseException) -> None:
        """End the span of a call that raised."""
        reply = None
        with safely("record the reply of a model"):
            # An answer that was cut short cannot be parsed; the error carries what came and was paid for.
            completion = field(error, "completion")
            reply = None if completion is None else self._read(completion)
        self._call.end(reply, error=error)

    def received(self, reply: Any) -> None:
        """End the span of a call that came back, or leave that to the response that is still open."""
        if self._asked is None:
            return
        try:
            is_read = _is_read(type(reply))  # type: ignore[arg-type]  # to mypy, not every class can be hashed
            response = None if is_read else _http_response(reply)
            if response is None:
                self._call.end(self._read(reply))
            elif self._stream is not None:
                self._stream.follow(response)
            elif response.is_closed:
                self._call.end(self._read(answer_in(response.content)))
            else:
                BodyRecord(self._call, self._read, max_bytes=_MAX_BODY_BYTES).follow(response)
        except Exception as error:
            report("record the reply of a model", error)
            self._call.end()

    def _read(self, answer: object) -> Reply:
        if self._asked is None:
            return Reply()
        return self._endpoint.read(self._asked, answer)


@functools.lru_cache(maxsize=256)
def _is_read(kind: type[Any]) -> bool:
    """Say whether a reply of this class is a value: nothing of it is still to be read."""
    import openai

    return issubclass(kind, openai.BaseModel | Mapping | str | types.NoneType)


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
    import openai

    readers: dict[Any, Any] = {openai.Stream: StreamRecord.read, openai.AsyncStream: StreamRecord.aread}
    origin = get_origin(stream_cls)
    if origin not in readers:
        return stream_cls  # a class of the program's own
    read, original = readers[origin], _own(origin)["__stream__"]

    def __stream__(self: Any) -> Any:  # noqa: N807 - the client's name for it
        record = find_record(self.response)
        return original(self) if record is None else read(record, original(self))

    names = {"__stream__": __stream__, "__module__": origin.__module__, "__qualname__": origin.__qualname__}
    return types.new_class(origin.__name__, (stream_cls,), exec_body=lambda namespace: namespace.update(names))


def _own(kind: Any) -> Mapping[str, Any]:
    """Return what stands on a class itself, not on its bases."""
    return cast("Mapping[str, Any]", vars(kind))
