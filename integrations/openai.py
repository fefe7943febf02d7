"""Records the calls of OpenAI's client: each chat completion becomes one `chat` span.

Everything the client sends passes `OpenAI.request` or `AsyncOpenAI.request`, whichever method, helper,
raw-response wrapper or subclass (Azure) it comes from, and above the loop of its retries. These two are
wrapped and nothing else.
"""

import functools
import types
import weakref
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, get_origin
from urllib.parse import urlsplit

import orjson
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._base import ModelCall, Reply, Request, begin
from tracelm.integrations._chat import (
    field,
    input_messages,
    read_reply,
    request_attributes,
    text,
    tool_definitions,
)
from tracelm.integrations._chunks import ChatChunks
from tracelm.integrations._stream import Response, StreamRecord, end_watched, find_record, watch
from tracelm.trace.safely import safely

if TYPE_CHECKING:
    import openai

    Client: TypeAlias = openai.OpenAI | openai.AsyncOpenAI

_PROVIDERS: Final = {
    "api.openai.com": "openai",
    "api.cerebras.ai": "cerebras",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks_ai",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.together.xyz": "together_ai",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "models.inference.ai.azure.com": "azure.ai.inference",
    "openrouter.ai": "openrouter",
    "router.huggingface.co": "huggingface",
}
_PROVIDERS_BY_DOMAIN: Final = {
    ".openai.azure.com": "azure.ai.openai",
    ".cognitiveservices.azure.com": "azure.ai.openai",
    ".services.ai.azure.com": "azure.ai.inference",
    ".aiplatform.googleapis.com": "gcp.vertex_ai",
    "-aiplatform.googleapis.com": "gcp.vertex_ai",
    ".cloud.databricks.com": "databricks",
}


class OpenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each chat completion as one `chat` span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the client are known to work."""
        return ("openai >= 1.40",)

    def _instrument(self, **_options: Any) -> None:
        import openai

        self._undo = [self._patch(openai.OpenAI, _request), self._patch(openai.AsyncOpenAI, _arequest)]

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        end_watched()

    def _patch(self, client: Any, wrapper: Any) -> Callable[[], None]:
        from wrapt import FunctionWrapper

        is_on: Any = lambda: self.is_instrumented_by_opentelemetry  # noqa: E731 - has no types
        # On the class itself; the method stands in a base class that may have other children.
        patched = client.request = FunctionWrapper(client.request, wrapper, enabled=is_on)

        def undo() -> None:
            # What somebody else has put on top of ours stays; ours below it is off.
            if _own(client).get("request") is patched:
                del client.request

        return undo


def _request(
    wrapped: Callable[..., Any], client: "openai.OpenAI", args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    recorded = _begin(client, args, kwargs)
    if recorded is None:
        return wrapped(*args, **kwargs)
    with recorded.current():
        try:
            reply = wrapped(*args, **recorded.kwargs)
        except BaseException as error:
            recorded.failed(error)
            raise
    recorded.received(reply)
    return reply


async def _arequest(
    wrapped: Callable[..., Awaitable[Any]],
    client: "openai.AsyncOpenAI",
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    recorded = _begin(client, args, kwargs)
    if recorded is None:
        return await wrapped(*args, **kwargs)
    with recorded.current():
        try:
            reply = await wrapped(*args, **recorded.kwargs)
        except BaseException as error:
            recorded.failed(error)
            raise
    recorded.received(reply)
    return reply


def _begin(client: "Client", args: Sequence[Any], kwargs: Mapping[str, Any]) -> "_Recorded | None":
    with safely("read the request to a model"):
        options = args[1] if len(args) > 1 else kwargs.get("options")
        if not _is_chat(options):
            return None
        body = _body(options)
        call = begin(lambda: _describe(client, str(field(options, "url")), body))
        return None if call is None else _Recorded(call, body, kwargs)
    return None


def _is_chat(options: object) -> bool:
    method, url = field(options, "method"), field(options, "url")
    if not isinstance(method, str) or not isinstance(url, str) or method.lower() != "post":
        return False
    return url.partition("?")[0].rstrip("/").endswith("/chat/completions")


def _body(options: object) -> Mapping[str, object]:
    whole: dict[str, object] = {}
    for name in ("json_data", "extra_json"):  # the client lays the second over the first, too
        part = field(options, name)
        if isinstance(part, Mapping):
            whole.update(cast("Mapping[str, object]", part))
    return whole


def _describe(client: "Client", url: str, body: Mapping[str, object]) -> Request:
    target = urlsplit(url if "://" in url else str(client.base_url))
    host = target.hostname or ""
    attributes: dict[str, AttributeValue] = {semconv.OPENAI_API_TYPE: "chat_completions"}
    if host:
        attributes[semconv.SERVER_ADDRESS] = host
        attributes[semconv.SERVER_PORT] = target.port or (80 if target.scheme == "http" else 443)
    tier = text(body.get("service_tier"))
    if tier and tier != "auto":
        attributes[semconv.OPENAI_REQUEST_SERVICE_TIER] = tier
    return Request(
        operation="chat",
        provider=_provider(client, host),
        model=text(body.get("model")),
        attributes=attributes | request_attributes(body),
        messages=lambda: input_messages(body),
        tools=lambda: tool_definitions(body),
    )


def _provider(client: "Client", host: str) -> str:
    import openai

    if isinstance(client, openai.AzureOpenAI | openai.AsyncAzureOpenAI):
        return "azure.ai.openai"
    if host.startswith("bedrock-runtime"):
        return "aws.bedrock"
    for domain, provider in _PROVIDERS_BY_DOMAIN.items():
        if host.endswith(domain):
            return provider
    # A proxy or a server of one's own: what it speaks is OpenAI's.
    return _PROVIDERS.get(host, "openai")


class _Recorded:
    """One request that is being recorded, and what becomes of it."""

    def __init__(self, call: ModelCall, body: Mapping[str, object], kwargs: Mapping[str, Any]) -> None:
        self._call = call
        self._stream: StreamRecord | None = None
        self.kwargs = dict(kwargs)
        """The arguments for the client: as given, but with a stream class that records."""
        if kwargs.get("stream"):
            choices = body.get("n")
            expected = choices if isinstance(choices, int) else 1
            chunks = ChatChunks(expected=expected, keep_content=call.captures_content)
            self._stream = StreamRecord(call, chunks)
            with safely("record a streamed reply"):
                self.kwargs["stream_cls"] = _recording_class(kwargs.get("stream_cls"))

    def current(self) -> ExitStack:
        """Make the span current while the client works."""
        stack = ExitStack()
        stack.enter_context(self._call.current())
        if self._stream is not None:
            stack.enter_context(self._stream.offered())
        return stack

    def failed(self, error: BaseException) -> None:
        """End the span of a call that raised."""
        reply = None
        with safely("record the reply of a model"):
            # An answer that was cut short cannot be parsed; the error carries what came and was paid for.
            completion = field(error, "completion")
            reply = None if completion is None else read_reply(completion)
        self._call.end(reply, error=error)

    def received(self, reply: object) -> None:
        """End the span of a call that came back, or leave that to the response that is still open."""
        with safely("record the reply of a model"):
            response = _http_response(reply)
            if response is None:
                self._call.end(read_reply(reply))
            elif self._stream is not None:
                self._stream.follow(response)
                return
            elif response.is_closed:
                self._call.end(_read_body(response))
            else:
                watch(response, _Unread(self._call, response).closed)
                return
        self._call.end()


class _Unread:
    """A reply whose body the program reads itself: `with_streaming_response`."""

    def __init__(self, call: ModelCall, response: Response) -> None:
        self._call = call
        self._response = weakref.ref(response)
        self._was_closed = False

    def closed(self) -> None:
        """End the span once the body is there, at the latest when the response is closed a second time."""
        response = cast("Any", self._response())
        reply = None
        with safely("record the reply of a model"):
            reply = None if response is None else _read_body(response)
        # A response that is being read closes itself when its last byte arrives, just before the body can be seen.
        is_being_read = response is not None and response.is_stream_consumed and not self._was_closed
        self._was_closed = True
        if reply is not None or not is_being_read:
            self._call.end(reply)


def _http_response(reply: object) -> Any:
    """Return the HTTP response of a reply that may not have been read yet; `None` for a reply that has."""
    import openai

    if isinstance(reply, openai.BaseModel | Mapping | str) or reply is None:
        return None
    if isinstance(reply, openai.Stream | openai.AsyncStream):
        return cast("openai.Stream[object]", reply).response
    return getattr(reply, "http_response", reply if hasattr(reply, "extensions") else None)


def _read_body(response: object) -> Reply | None:
    """Read the body of a response without a trace; `None` if it has not arrived, or is no completion."""
    # Reading `content` raises until the body is there.
    try:
        content = cast("bytes", cast("Any", response).content)
    except Exception:
        return None
    body: object = orjson.loads(content)
    return read_reply(cast("object", body)) if isinstance(body, Mapping) else None


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
