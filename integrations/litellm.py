"""Records the calls of LiteLLM: each is one span, whichever client or provider it goes on to."""

import functools
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.frozen import frozen
from tracelm.integrations._base import begin
from tracelm.integrations._call import Call
from tracelm.integrations._chat_endpoint import ChatEndpoint
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Request
from tracelm.integrations._litellm.replies import LiteLLMChunks, answered, asked_of, described
from tracelm.integrations._litellm.spans import stepping_back
from tracelm.integrations._litellm.streams import follow
from tracelm.integrations._openai.completions import CompletionsEndpoint
from tracelm.integrations._openai.embeddings import EmbeddingsEndpoint
from tracelm.integrations._openai.response_endpoints import ResponsesEndpoint
from tracelm.integrations._patches import patch, patch_when_imported
from tracelm.integrations._stream import StreamRecord
from tracelm.integrations._watching import end_watched
from tracelm.pricing.listed import load_in_background
from tracelm.trace.safely import report


@frozen
class _Function:
    """A function of LiteLLM, and its asynchronous twin.

    Attributes:
        name: Of the first; that of the second begins with an `a`.
        operation: What it is.
        endpoint: Reads what it is given and what it returns: LiteLLM speaks OpenAI's language.
        positional: The names of its first arguments.
    """

    name: str
    operation: str
    endpoint: Endpoint
    positional: tuple[str, ...]


_FUNCTIONS: Final = (
    _Function(
        name="completion", operation="chat", endpoint=ChatEndpoint(), positional=("model", "messages", "timeout")
    ),
    _Function(
        name="text_completion",
        operation="text_completion",
        endpoint=CompletionsEndpoint(),
        positional=("prompt", "model"),
    ),
    _Function(name="embedding", operation="embeddings", endpoint=EmbeddingsEndpoint(), positional=("model", "input")),
    _Function(name="responses", operation="chat", endpoint=ResponsesEndpoint(), positional=("input", "model")),
)


class LiteLLMInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each call of a model as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the library are known to work."""
        return ("litellm >= 1.80",)

    def _instrument(self, **_options: Any) -> None:
        import litellm

        load_in_background()
        self._is_on = True
        self._undo = [
            undo
            for each in _FUNCTIONS
            for undo in (
                patch(litellm, each.name, functools.partial(_recording, each)),
                patch(litellm, f"a{each.name}", functools.partial(_arecording, each)),
            )
        ]
        undo = self._undo
        for name in ("_handle_success", "_handle_failure"):
            patch_when_imported(
                "litellm.integrations.opentelemetry",
                "OpenTelemetry",
                name,
                stepping_back,
                undo=undo,
                is_wanted=lambda: self._is_on and self._undo is undo,
            )

    def _uninstrument(self, **_options: Any) -> None:
        self._is_on = False
        for undo in self._undo:
            undo()
        end_watched()


class _Recorded:
    """One call that is being recorded."""

    def __init__(self, function: _Function, call: Call, asked: Asked) -> None:
        self._function = function
        self._asked = asked
        self.call = call

    @contextmanager
    def asking(self) -> Generator[None]:
        """Make the call the current one while LiteLLM works; an error ends it."""
        try:
            with self.call.current():
                yield
        except BaseException as error:
            self.call.end(error=error)
            raise

    def received(self, reply: Any) -> None:
        """End the span of a call that came back, or leave that to the stream that it gave."""
        try:
            if self._asked.streams and (hasattr(reply, "__next__") or hasattr(reply, "__anext__")):
                chunks = self._function.endpoint.collect(self._asked, keep_content=self.call.captures_content)
                follow(reply, self.call, StreamRecord(self.call, LiteLLMChunks(chunks, self._asked)))
                return
            self.call.end(answered(self._function.endpoint.read(self._asked, reply), reply, self._asked))
        except Exception as error:
            report("record the reply of LiteLLM", error)
            self.call.end()


def _begin(function: _Function, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Recorded | None:
    asked: list[Asked] = []

    def describe() -> Request:
        asked.append(asked_of({**dict(zip(function.positional, args, strict=False)), **kwargs}))
        return described(function.endpoint.describe(asked[0]))

    call = begin(describe, kind=function.operation)
    if call is None:
        return None
    return _Recorded(function, call, asked[0] if asked else Asked(path="", body={}, provider=""))


def _recording(function: _Function, method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        recorded = _begin(function, args, kwargs) if is_on() else None
        if recorded is None:
            return method(*args, **kwargs)
        with recorded.asking():
            reply = method(*args, **kwargs)
        recorded.received(reply)
        return reply

    return call


def _arecording(function: _Function, method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        recorded = _begin(function, args, kwargs) if is_on() else None
        if recorded is None:
            return await method(*args, **kwargs)
        with recorded.asking():
            reply = await method(*args, **kwargs)
        recorded.received(reply)
        return reply

    return call
