"""A model that is asked while another one is being asked, or read: two calls, two spans, and to each its own tokens."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import openai
import pytest

from tests.integrations.answering import Server
from tests.integrations.test_openai_choices import chat_chunk, events
from tests.openai_client import ASK, http
from tracelm.integrations._base import begin
from tracelm.integrations._exchange import Request
from tracelm.testing import Spans


def answer(model: str, tokens: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"by {model}"}
    return {
        "id": f"of {model}",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1},
    }


def told(spans: Spans) -> list[tuple[Any, ...]]:
    wanted = ("gen_ai.response.id", "gen_ai.usage.input_tokens")
    found = [(span.name, *map(span.attributes.get, wanted)) for span in spans.all()]
    return sorted(found, key=lambda each: each[0])


def hooked(hook: Any) -> Any:
    """Return a client that calls a hook with each response, before it is read."""

    def reply(_request: http.Request) -> http.Response:
        return http.Response(200, json=answer("m", 10))

    http_client = http.Client(transport=http.MockTransport(reply), event_hooks={"response": [hook]})
    return openai.OpenAI(base_url="https://api.openai.com/v1", api_key="test", http_client=http_client)


def test_a_model_that_a_hook_of_the_client_asks_is_a_call_of_its_own(spans: Spans) -> None:
    with Server(answer("judge", 7)).client() as judge:

        def hook(_response: object) -> None:
            judge.chat.completions.create(**{**ASK, "model": "judge"})

        with hooked(hook) as client:
            client.chat.completions.create(**ASK)
    assert told(spans) == [("chat judge", "of judge", 7), ("chat m", "of m", 10)]
    inner, outer = (spans.one(f"chat {name}") for name in ("judge", "m"))
    assert inner.parent_span_id == outer.span_id


def test_a_model_that_is_asked_in_the_context_of_a_call_that_has_ended_is_a_call_of_its_own(spans: Spans) -> None:
    kept: list[contextvars.Context] = []

    def keep(_response: object) -> None:
        kept.append(contextvars.copy_context())

    with hooked(keep) as client:
        client.chat.completions.create(**ASK)
    with Server(answer("later", 7)).client() as later:
        kept[0].run(lambda: later.chat.completions.create(**{**ASK, "model": "later"}))
    assert told(spans) == [("chat later", "of later", 7), ("chat m", "of m", 10)]


class _Framework:
    """Asks a client for a stream, and hands its chunks out inside of its own call."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def chunks(self) -> Iterable[Any]:
        call = begin(lambda: Request(operation="chat", provider="openai", model="m", attributes={}))
        assert call is not None
        with call.current():
            yield from self._client.chat.completions.create(**ASK, stream=True)
        call.end()


def test_what_the_program_asks_while_it_reads_the_stream_of_a_framework_is_a_call_of_its_own(spans: Spans) -> None:
    usage: dict[str, Any] = {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, "choices": []}
    body = events(chat_chunk(0, "a"), chat_chunk(0, "b", "stop"), {**chat_chunk(0), **usage})
    with Server(body, content_type="text/event-stream").client() as client, Server(answer("n", 7)).client() as other:
        for chunk in _Framework(client).chunks():
            if chunk.choices and chunk.choices[0].delta.content:
                other.chat.completions.create(**{**ASK, "model": "n"})
    assert told(spans) == [("chat m", "c", 3), ("chat n", "of n", 7), ("chat n", "of n", 7)]


def test_what_is_asked_in_the_context_of_a_frameworks_call_that_has_ended_is_a_call_of_its_own(spans: Spans) -> None:
    call = begin(lambda: Request(operation="chat", provider="openai", model="m", attributes={}))
    assert call is not None
    with call.current():
        kept = contextvars.copy_context()
        assert call.is_asking
    call.end()
    with Server(answer("later", 7)).client() as later:
        kept.run(lambda: later.chat.completions.create(**{**ASK, "model": "later"}))
    assert told(spans) == [("chat later", "of later", 7), ("chat m", None, None)]


def test_a_framework_that_asks_again_after_a_stream_is_one_call_with_the_tokens_of_both(spans: Spans) -> None:
    usage: dict[str, Any] = {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, "choices": []}
    body = events(chat_chunk(0, "a", "stop"), {**chat_chunk(0), **usage})
    call = begin(lambda: Request(operation="chat", provider="openai", model="m", attributes={}))
    assert call is not None
    with (
        Server(body, content_type="text/event-stream").client() as client,
        Server(answer("m", 7)).client() as again,
        call.current(),
    ):
        first, second = (client.chat.completions.create(**ASK, stream=True) for _ in range(2))
        assert not call.is_asking
        list(second)  # the other one is a call of its own by now
        list(first)
        assert call.is_asking
        again.chat.completions.create(**ASK)
    call.end()
    assert [each[2] for each in told(spans)] == [3, 10]


@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "tasks"])
def test_a_stream_that_two_read_at_once_is_recorded_by_the_one_that_gets_its_chunks(
    is_async: bool, spans: Spans
) -> None:
    got, barrier, waiting = threading.Event(), threading.Event(), asyncio.Event()

    def body() -> Iterator[bytes]:
        yield events(chat_chunk(0, "a"))[: -len(b"data: [DONE]\n\n")]
        got.set()
        assert barrier.wait(30)
        yield events(chat_chunk(0, "b", "stop"))

    class Slow(http.SyncByteStream, http.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return body()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            pieces = body()
            yield next(pieces)
            waiting.set()
            assert await asyncio.to_thread(barrier.wait, 30)
            yield next(pieces)

    headers = {"content-type": "text/event-stream"}
    transport = http.MockTransport(lambda _request: http.Response(200, stream=Slow(), headers=headers))

    def in_threads() -> None:
        http_client = http.Client(transport=transport)
        with openai.OpenAI(base_url="http://h/v1", api_key="k", http_client=http_client) as client:
            stream = client.chat.completions.create(**ASK, stream=True)
            reader = threading.Thread(target=lambda: list(stream))
            reader.start()
            assert got.wait(30)
            with pytest.raises(ValueError, match="already executing"):
                next(stream)
            barrier.set()
            reader.join()

    async def in_tasks() -> None:
        http_client = http.AsyncClient(transport=transport)
        async with openai.AsyncOpenAI(base_url="http://h/v1", api_key="k", http_client=http_client) as client:
            stream = await client.chat.completions.create(**ASK, stream=True)
            await anext(stream)
            reader = asyncio.create_task(anext(stream))
            await waiting.wait()
            with pytest.raises(RuntimeError, match="already running"):
                await anext(stream)
            barrier.set()
            await reader
            with contextlib.suppress(StopAsyncIteration):
                await anext(stream)

    if is_async:
        asyncio.run(in_tasks())
    else:
        in_threads()
    span = spans.one()
    assert (span.status, span.attributes["gen_ai.response.finish_reasons"]) == ("unset", ["stop"])


@pytest.mark.openai(2, 0)
def test_the_function_that_gives_a_key_may_ask_a_model(spans: Spans) -> None:
    async def run() -> None:
        vault = Server(answer("vault", 7)).async_client()

        async def key() -> str:
            await vault.chat.completions.create(**{**ASK, "model": "vault"})
            return "test"

        server = Server(answer("m", 10))
        async with server.async_client() as plain, plain.with_options(api_key=key) as client, vault:
            await client.chat.completions.create(**ASK)

    asyncio.run(run())
    assert told(spans) == [("chat m", "of m", 10), ("chat vault", "of vault", 7)]
