"""However a stream ends, its span ends once, says how, and keeps what had come."""

import asyncio
import base64
import gc
import hashlib
import json
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

import tracelm
from tests.openai_client import http
from tests.recordings.made_by_hand import STREAMS
from tests.recordings.recorded import Recorded, can_be_asked
from tests.recordings.server import load
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.anyio

OUTCOME = "tracelm.stream.outcome"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


KINDS = {
    name: recording
    for name, recording in (load() | STREAMS).items()
    if name
    in {
        "local-chat-completions-stream-usage",
        "local-completions-stream-basic",
        "local-responses-stream-basic",
        "made-images-stream",
        "made-transcriptions-stream",
    }
    and can_be_asked(recording)
}
SOME = 6
"""So many chunks of each kind bring a part of the answer, and not all of it."""


@pytest.fixture(params=sorted(KINDS))
def stream(request: pytest.FixtureRequest, own_url: str) -> Recorded:
    """One stream of each kind."""
    return Recorded(KINDS[request.param], own_url)


@pytest.fixture
def chat(own_url: str) -> Recorded:
    """A streamed chat, with its usage."""
    return Recorded(KINDS["local-chat-completions-stream-usage"], own_url)


def _content(span: SpanRecord) -> str:
    """Return what the only reply on a span says or shows."""
    [message] = json.loads(str(span.attributes["gen_ai.output.messages"]))
    return "".join(part["content"] if part["type"] == "text" else part["uri"] for part in message["parts"])


def _said_in(recorded: Recorded, chunks: int) -> str:
    """Return what the first chunks of a stream say; of an image where the last draft is kept."""
    first = recorded.chunks[:chunks]
    if recorded.endpoint == "images":
        return f"tracelm-media:sha256/{hashlib.sha256(base64.b64decode(first[-1]['b64_json'])).hexdigest()}"
    if recorded.endpoint == "chat.completions":
        return "".join(each["delta"].get("content") or "" for chunk in first for each in chunk["choices"])
    if recorded.endpoint == "completions":
        return "".join(each["text"] for chunk in first for each in chunk["choices"])
    if first[-1:] and first[-1]["type"] == "transcript.text.done":
        return str(first[-1]["text"])
    return "".join(chunk["delta"] for chunk in first if chunk["type"].endswith("text.delta"))


def _output_tokens(recorded: Recorded) -> int:
    last = recorded.chunks[-1]
    usage = last.get("usage") or last["response"]["usage"]
    return int(usage.get("completion_tokens") or usage["output_tokens"])


def _check_whole(span: SpanRecord, stream: Recorded) -> None:
    assert span.status == "unset"
    assert span.attributes["gen_ai.response.finish_reasons"] in (["stop"], ["length"])
    assert span.attributes["gen_ai.usage.output_tokens"] == _output_tokens(stream)
    assert OUTCOME not in span.attributes
    assert _content(span) == _said_in(stream, len(stream.chunks))


def _check_early(span: SpanRecord, stream: Recorded) -> None:
    assert span.status == "unset"
    assert span.attributes[OUTCOME] == "closed_early"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]
    assert "gen_ai.usage.output_tokens" not in span.attributes
    assert "gen_ai.usage.cost.amount" not in span.attributes
    assert _content(span) == _said_in(stream, SOME) != ""
    assert _said_in(stream, SOME) != _said_in(stream, len(stream.chunks))


# --- read to the end ----------------------------------------------------------------------------------------


def test_the_program_gets_the_recorded_chunks(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        chunks = list(stream.ask(client))
    assert [chunk.to_dict(warnings=False) for chunk in chunks] == stream.chunks
    _check_whole(spans.one(), stream)


def test_the_span_ends_with_the_last_chunk_not_before(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        reply = stream.ask(client)
        for _ in stream.chunks:
            assert spans.all() == []
            next(reply)
        assert list(reply) == []
        assert len(spans.all()) == 1


def test_a_stream_that_was_read_and_closed_twice_is_one_span(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client, stream.ask(client) as reply:
        list(reply)
        reply.close()
        reply.close()
    _check_whole(spans.one(), stream)


@pytest.mark.openai(2, 0)
def test_helper_read_to_the_end(chat: Recorded, spans: Spans) -> None:
    arguments = chat.arguments()
    del arguments["stream"]
    with chat.client() as client, client.chat.completions.stream(**arguments) as events:
        kinds = {event.type for event in events}
        final = events.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.content == _said_in(chat, len(chat.chunks))
    _check_whole(spans.one(), chat)


@pytest.mark.openai(2, 0)
async def test_async_helper_read_to_the_end(chat: Recorded, spans: Spans) -> None:
    arguments = chat.arguments()
    del arguments["stream"]
    async with chat.async_client() as client, client.chat.completions.stream(**arguments) as events:
        final = await events.get_final_completion()
    assert final.choices[0].message.content == _said_in(chat, len(chat.chunks))
    _check_whole(spans.one(), chat)


def test_raw_response_whose_stream_is_parsed_later(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        raw = _raw(stream, client)(**stream.arguments())
        assert raw.headers["content-type"].startswith("text/event-stream")
        assert spans.all() == []
        parsed: Any = raw.parse()
        assert openai.Stream in type(parsed).__mro__
        assert len(list(parsed)) == len(stream.chunks)
    _check_whole(spans.one(), stream)


async def test_async_raw_response_whose_stream_is_parsed_later(stream: Recorded, spans: Spans) -> None:
    async with stream.async_client() as client:
        raw = await _raw(stream, client)(**stream.arguments())
        parsed: Any = raw.parse()
        assert openai.AsyncStream in type(parsed).__mro__
        assert len([chunk async for chunk in parsed]) == len(stream.chunks)
    _check_whole(spans.one(), stream)


def test_lines_that_the_program_reads_itself_are_left_to_it(stream: Recorded, spans: Spans) -> None:
    with (
        stream.client() as client,
        _streamed(stream, client)(**stream.arguments()) as raw,
    ):
        lines = list(raw.iter_lines())
    assert lines == stream.recording["response"]["sse"].splitlines()
    span = spans.one()
    assert span.status == "unset"
    assert "gen_ai.output.messages" not in span.attributes
    assert OUTCOME not in span.attributes


# --- left early ---------------------------------------------------------------------------------------------


def test_break_and_close(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        reply = stream.ask(client)
        for index, _ in enumerate(reply):
            if index == SOME - 1:
                break
        assert spans.all() == []
        reply.close()
        _check_early(spans.one(), stream)


async def test_async_break_and_close(stream: Recorded, spans: Spans) -> None:
    async with stream.async_client() as client:
        reply = await stream.ask(client)
        read = 0
        async for _ in reply:
            read += 1
            if read == SOME:
                break
        assert spans.all() == []
        await reply.close()
        _check_early(spans.one(), stream)


def test_break_inside_a_with_block(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        with stream.ask(client) as reply:
            for index, _ in enumerate(reply):
                if index == SOME - 1:
                    break
        _check_early(spans.one(), stream)


@pytest.mark.openai(2, 0)
def test_helper_left_early(chat: Recorded, spans: Spans) -> None:
    arguments = chat.arguments()
    del arguments["stream"]
    with chat.client() as client:
        with client.chat.completions.stream(**arguments) as events:
            for event in events:
                if event.type == "content.delta":
                    break
        span = spans.one()
        assert span.attributes[OUTCOME] == "closed_early"
        assert _content(span) in {_said_in(chat, count) for count in range(2, 6)}


def test_a_stream_closed_before_its_first_chunk(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        stream.ask(client).close()
    span = spans.one()
    assert span.attributes[OUTCOME] == "closed_early"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]
    assert "gen_ai.output.messages" not in span.attributes
    assert "gen_ai.response.time_to_first_chunk" not in span.attributes


def test_a_forgotten_stream_ends_with_the_garbage_collection(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        reply = stream.ask(client)
        for _ in range(SOME):
            next(reply)
        assert spans.all() == []
        del reply
        gc.collect()
        _check_early(spans.one(), stream)


def test_a_stream_that_nobody_read_ends_with_the_garbage_collection(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        stream.ask(client)
        gc.collect()
        assert spans.one().attributes[OUTCOME] == "closed_early"


def test_a_raw_response_that_nobody_parsed_ends_with_the_garbage_collection(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        _raw(stream, client)(**stream.arguments())
        gc.collect()
        assert spans.one().status == "unset"


def _is_freed(stream: Recorded, client: openai.OpenAI) -> bool:
    """Read a stream; return whether its response is gone without the garbage collector."""
    reply = stream.ask(client)
    response = weakref.ref(reply.response)
    gc.disable()
    try:
        for _ in reply:
            pass
        del reply
        return response() is None
    finally:
        gc.enable()


def test_a_stream_that_ended_leaves_no_more_to_the_garbage_collector(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client:
        with suppress_instrumentation():
            is_freed_without = _is_freed(stream, client)  # older clients hold it in a cycle themselves
        assert _is_freed(stream, client) == is_freed_without
    assert spans.one().status == "unset"


def test_all_choices_finished_is_not_early(chat: Recorded, spans: Spans) -> None:
    with chat.client() as client:
        reply = chat.ask(client)
        for chunk in reply:
            if chunk.choices and chunk.choices[0].finish_reason:
                break
        reply.close()
    span = spans.one()
    assert OUTCOME not in span.attributes
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert "gen_ai.usage.output_tokens" not in span.attributes


# --- failures -----------------------------------------------------------------------------------------------


def test_a_broken_connection_keeps_what_came(stream: Recorded, spans: Spans) -> None:
    with stream.client() as client, pytest.raises((openai.APIError, http.HTTPError)) as caught:
        list(stream.asking(client)(**stream.arguments(fault=_cut(stream))))
    span = spans.one()
    assert span.status == "error"
    assert span.attributes["error.type"] == f"{caught.type.__module__}.{caught.type.__qualname__}"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]
    assert _content(span) in {_said_in(stream, count) for count in range(1, len(stream.chunks))}
    assert [event.name for event in span.events] == ["exception"]


async def test_async_broken_connection_keeps_what_came(stream: Recorded, spans: Spans) -> None:
    async with stream.async_client() as client:
        with pytest.raises((openai.APIError, http.HTTPError)):
            async for _ in await stream.asking(client)(**stream.arguments(fault=_cut(stream))):
                pass
    span = spans.one()
    assert span.status == "error"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]


async def test_a_cancelled_stream_is_no_failure_of_the_provider(stream: Recorded, spans: Spans) -> None:
    first = asyncio.Event()
    client: Any = _stalling_client(stream)

    async def read() -> None:
        async for _ in await stream.ask(client):
            first.set()

    task = asyncio.create_task(read())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.close()
    span = spans.one()
    assert span.status == "unset"
    assert span.attributes["error.type"] == "asyncio.exceptions.CancelledError"
    assert span.attributes[OUTCOME] == "closed_early"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]


async def test_a_cancelled_request_is_no_failure_of_the_provider(stream: Recorded, spans: Spans) -> None:
    asked = asyncio.Event()

    async def answer(_request: http.Request) -> http.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    http_client = http.AsyncClient(transport=http.MockTransport(answer))
    client: Any = openai.AsyncOpenAI(api_key="test", max_retries=0, http_client=http_client)
    task = asyncio.create_task(stream.ask(client))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("unset", "asyncio.exceptions.CancelledError")
    assert "gen_ai.response.finish_reasons" not in span.attributes


async def test_a_forgotten_async_stream_troubles_no_event_loop(stream: Recorded, spans: Spans) -> None:
    troubles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: troubles.append(context))
    async with stream.async_client() as client:
        for _ in range(5):
            await _leave(client, stream)
            gc.collect()
            for _ in range(10):
                await asyncio.sleep(0)
    gc.collect()
    assert troubles == []
    assert [span.attributes[OUTCOME] for span in spans.all()] == ["closed_early"] * 5


async def _leave(client: Any, stream: Recorded) -> None:
    async for _ in await stream.ask(client):
        break


async def test_an_async_stream_left_by_its_task_ends(stream: Recorded, spans: Spans) -> None:
    async with stream.async_client() as client:
        await _leave(client, stream)
        gc.collect()
        for _ in range(10):  # the loop closes the generator in its own time
            await asyncio.sleep(0)
        gc.collect()
        assert spans.one().attributes[OUTCOME] == "closed_early"


def _cut(stream: Recorded) -> str:
    return f"drop-after-bytes={len(stream.recording['response']['sse']) * 6 // 10}"


def _raw(stream: Recorded, client: Any) -> Any:
    *path, name = stream.method.split(".")
    for each in path:
        client = getattr(client, each)
    return getattr(client.with_raw_response, name)


def _streamed(stream: Recorded, client: Any) -> Any:
    *path, name = stream.method.split(".")
    for each in path:
        client = getattr(client, each)
    return getattr(client.with_streaming_response, name)


def _stalling_client(stream: Recorded) -> openai.AsyncOpenAI:
    """Return a client whose reply stops in the middle and never goes on."""

    class Stalling(http.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in stream.chunks[:SOME]:
                yield f"data: {json.dumps(chunk)}\n\n".encode()
            await asyncio.Event().wait()

    def answer(_request: http.Request) -> http.Response:
        return http.Response(200, headers={"content-type": "text/event-stream"}, stream=Stalling())

    http_client = http.AsyncClient(transport=http.MockTransport(answer))
    return openai.AsyncOpenAI(api_key="test", max_retries=0, http_client=http_client)


# --- beside the stream --------------------------------------------------------------------------------------


def test_spans_between_chunks_are_not_below_the_model_call(chat: Recorded, spans: Spans) -> None:
    with chat.client() as client, tracelm.span("outer") as outer:
        for index, _ in enumerate(chat.ask(client)):
            assert trace.get_current_span().get_span_context().span_id == outer.context.span_id
            if index == 2:
                with tracelm.span("between"):
                    pass
    assert spans.one("between").parent_span_id == spans.one("outer").span_id
    assert spans.one("chat smollm2-135m").parent_span_id == spans.one("outer").span_id


def test_a_stream_that_another_thread_reads_is_one_span(stream: Recorded, spans: Spans) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with stream.client() as client, ThreadPoolExecutor(1) as pool:
        reply = stream.ask(client)
        assert len(pool.submit(list[Any], reply).result()) == len(stream.chunks)
    _check_whole(spans.one(), stream)


def test_a_stream_class_of_the_programs_own_is_left_alone(chat: Recorded, spans: Spans) -> None:
    class Own(openai.Stream[dict[str, object]]):
        def __stream__(self) -> Iterator[dict[str, object]]:
            yield {"own": True}

    body = chat.request
    with chat.client() as client:
        reply = client.post("/chat/completions", cast_to=dict[str, object], body=body, stream=True, stream_cls=Own)
        assert type(reply) is Own
        assert list(reply) == [{"own": True}]
        reply.close()
    assert spans.one().status == "unset"
