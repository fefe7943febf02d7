"""What is recorded of a request is read while its answer is waited for, and is what was sent."""

import gc
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

import tracelm
from tests.integrations.answering import REPLY, RESPONSE
from tests.openai_client import http
from tracelm.integrations._chat_endpoint import ChatEndpoint
from tracelm.integrations._endpoint import Asked
from tracelm.integrations._exchange import Request
from tracelm.integrations._stainless import Library
from tracelm.testing import Spans
from tracelm.trace import runtime
from tracelm.trace.provider import JournalSpanProcessor
from tracelm.trace.tracer import JournalTracer

pytestmark = pytest.mark.anyio
INPUT = "gen_ai.input.messages"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Wire(http.BaseTransport, http.AsyncBaseTransport):
    """Sends as a real transport does: asks the request for the pieces of its body, then answers.

    Args:
        before: Called before the body is asked for.
        after: Called when the last piece has gone.
        statuses: Of the answers; the last for good.
    """

    def __init__(
        self,
        *,
        before: Callable[[http.Request], object] = id,
        after: Callable[[http.Request], object] = id,
        statuses: tuple[int, ...] = (200,),
    ) -> None:
        self.sent: list[Any] = []
        self._before = before
        self._after = after
        self._statuses = list(statuses)

    def handle_request(self, request: http.Request) -> http.Response:
        self._before(request)
        stream: Any = request.stream
        return self._answer(request, b"".join(stream))

    async def handle_async_request(self, request: http.Request) -> http.Response:
        self._before(request)
        stream: Any = request.stream
        return self._answer(request, b"".join([piece async for piece in stream]))

    def _answer(self, request: http.Request, body: bytes) -> http.Response:
        self.sent.append(json.loads(body))
        self._after(request)
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        is_response = request.url.path.endswith("responses")
        return http.Response(status, json=RESPONSE if is_response else REPLY, headers={"retry-after-ms": "1"})

    def client(self) -> Any:
        return openai.OpenAI(base_url="http://h/v1", api_key="test", http_client=http.Client(transport=self))

    def async_client(self) -> Any:
        http_client = http.AsyncClient(transport=self)
        return openai.AsyncOpenAI(base_url="http://h/v1", api_key="test", http_client=http_client)


def _told(spans: Spans) -> Any:
    return json.loads(str(spans.one().attributes[INPUT]))


class Noting:
    """Notes what the current span says."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []

    def __call__(self, _request: http.Request) -> None:
        span: Any = trace.get_current_span()
        self.seen.append((span.name, INPUT in span.attributes))


async def _ask(wire: Wire, way: str, **more: Any) -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "Really?"}]} | more
    if way == "sync":
        with wire.client() as client:
            client.chat.completions.create(**asked)
    else:
        async with wire.async_client() as client:
            await client.chat.completions.create(**asked)


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_the_request_is_read_once_it_is_on_its_way(way: str, spans: Spans) -> None:
    before, after = Noting(), Noting()
    await _ask(Wire(before=before, after=after), way)
    assert before.seen == [("chat", False)]
    assert after.seen == [("chat m", True)]
    assert _told(spans) == [{"role": "user", "parts": [{"type": "text", "content": "Really?"}]}]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_what_is_recorded_is_what_was_sent_whatever_becomes_of_the_messages_meanwhile(
    way: str, spans: Spans
) -> None:
    messages = [{"role": "user", "content": "Really?"}]

    def change(_request: http.Request) -> None:
        messages[0]["content"] = "something else"
        messages.append({"role": "assistant", "content": "not yet"})

    wire = Wire(before=change)
    asked: Any = {
        "body": {"model": "m", "messages": messages},
        "cast_to": object,
    }  # a body that the client never copies
    if way == "sync":
        with wire.client() as client:
            client.post("/chat/completions", **asked)
    else:
        async with wire.async_client() as client:
            await client.post("/chat/completions", **asked)
    assert wire.sent[0]["messages"] == [{"role": "user", "content": "Really?"}]
    assert _told(spans) == [{"role": "user", "parts": [{"type": "text", "content": "Really?"}]}]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_the_http_request_stays_as_it_was(way: str, spans: Spans) -> None:
    sent: list[http.Request] = []
    await _ask(Wire(after=sent.append), way)
    tracelm.shutdown()
    await _ask(Wire(after=sent.append), way)
    traced, plain = sent
    assert type(traced.stream) is type(plain.stream)
    assert vars(traced.stream) == vars(plain.stream)
    assert (traced.content, traced.extensions) == (plain.content, plain.extensions)


def test_a_body_that_is_sent_again_is_read_once(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[object] = []
    describe = ChatEndpoint.describe

    def noting(self: ChatEndpoint, asked: Any) -> Request:
        described.append(asked)
        return describe(self, asked)

    monkeypatch.setattr(ChatEndpoint, "describe", noting)
    wire = Wire(statuses=(500, 500, 200))
    with wire.client() as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Really?"}])
    assert (len(wire.sent), len(described)) == (3, 1)
    assert spans.one().attributes["http.request.resend_count"] == 2


def test_a_large_request_is_read_before_it_goes_out(spans: Spans) -> None:
    before = Noting()
    with Wire(before=before).client() as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a long story " * 100_000}])
    assert before.seen == [("chat m", True)]


def test_a_request_that_never_went_out_is_recorded(spans: Spans) -> None:
    def refuse(_request: http.Request) -> None:
        raise http.ConnectError("nobody is there")

    with Wire(before=refuse).client() as client, pytest.raises(openai.APIConnectionError):
        client.with_options(max_retries=0).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Really?"}]
        )
    assert spans.one().name == "chat m"
    assert spans.one().status == "error"
    assert _told(spans) == [{"role": "user", "parts": [{"type": "text", "content": "Really?"}]}]


@pytest.mark.openai(3, 0)
def test_what_the_context_carries_stays_where_the_request_says_it_too(spans: Spans) -> None:
    with Wire().client() as client, tracelm.session("of the program"):
        client.responses.create(model="m", input="Really?", extra_body={"conversation": "of the provider"})
    assert spans.one().attributes["gen_ai.conversation.id"] == "of the program"


def test_a_request_that_we_cannot_read_is_sent_and_counted_as_a_failure_of_ours(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: object, _asked: object) -> Request:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(ChatEndpoint, "describe", broken)
    before = tracelm.flush().failures
    with Wire().client() as client:
        reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Really?"}])
    assert reply.choices[0].message.content == "Yes."
    assert tracelm.flush().failures > before
    assert spans.one().name == "chat"
    assert spans.one().attributes["gen_ai.usage.output_tokens"] == 2


def test_a_call_whose_request_we_cannot_even_take_apart_ends_with_its_reply(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_more: object) -> Asked:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(Library, "asked", broken)
    with Wire().client() as client:
        reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Really?"}])
    assert reply.choices[0].message.content == "Yes."
    assert spans.one().name == "chat"


async def _left_behind(ask: Callable[[], Awaitable[object]]) -> int:
    """Return how many objects of ten calls only the garbage collector can free.

    Dicts do not count, as they have no cycle of their own: that of an object exists once somebody has looked into it,
    as we do with a part of the request, which older clients leave behind.
    """
    await ask()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(10):
            await ask()
        gc.collect()
        return sum(type(each) is not dict for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def _is_as_without(ask: Callable[[], Awaitable[object]]) -> None:
    with suppress_instrumentation():
        without = await _left_behind(ask)  # older clients leave something themselves
    assert await _left_behind(ask) == without


async def test_a_call_that_ended_leaves_no_more_to_the_garbage_collector(spans: Spans) -> None:
    with Wire().client() as client:

        async def ask() -> object:
            return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Really?"}])

        await _is_as_without(ask)
    assert len(spans.all()) == 11


async def test_an_async_call_that_ended_leaves_no_more_to_the_garbage_collector(spans: Spans) -> None:
    async with Wire().async_client() as client:

        async def ask() -> object:
            said = [{"role": "user", "content": "Really?"}]
            return await client.chat.completions.create(model="m", messages=said)

        await _is_as_without(ask)
    assert len(spans.all()) == 11


class _Starts(SpanProcessor):
    """A processor of the program's own."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def on_start(self, span: Span, parent_context: object = None) -> None:
        self.seen.append((span.name, dict(span.attributes or {})))

    def on_end(self, span: ReadableSpan) -> None:
        pass


def test_a_processor_of_the_programs_own_sees_the_request_as_the_span_starts(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runtime.active is not None
    starts, provider = _Starts(), TracerProvider(shutdown_on_exit=False)
    for each in (JournalSpanProcessor(), starts):
        provider.add_span_processor(each)
    monkeypatch.setattr(runtime.active, "tracer", JournalTracer(provider, "test", "1"))
    with Wire().client() as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Really?"}])
    [(name, attributes)] = starts.seen
    assert (name, attributes["gen_ai.request.model"]) == ("chat m", "m")
