"""Functions that hand a stream on: the span ends when that ends."""

# ruff: noqa: PLW0108  # a lambda around a function is a function that returns what that makes

import asyncio
import gc
import io
import types
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Iterator
from typing import Any
from unittest import mock

import httpx2
import openai
import pytest

import tracelm
from tracelm import semconv
from tracelm.testing import Spans


@tracelm.op
def returns_generator() -> Generator[int, Any, str]:
    def steps() -> Generator[int, Any, str]:
        heard = yield 1
        yield 2
        return str(heard)

    return steps()


@tracelm.op
def returns_coroutine() -> Coroutine[Any, Any, str]:
    async def work() -> str:
        await asyncio.sleep(0)
        inside()
        return "done"

    return work()


@tracelm.op
def returns_async_generator() -> AsyncGenerator[int]:
    async def steps() -> AsyncGenerator[int]:
        yield 1
        yield 2

    return steps()


@tracelm.op
def inside() -> None: ...


def test_a_returned_generator_stays_one_and_the_span_ends_with_it(spans: Spans) -> None:
    steps: Any = returns_generator()
    assert type(steps).__name__ == "generator"
    assert steps.__name__ == "steps"
    assert (next(steps), spans.names()) == (1, [])
    assert steps.send("heard") == 2
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == "heard"
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == "[1,2]"


def test_a_returned_generator_that_nobody_starts_ends_its_span_when_it_is_dropped(spans: Spans) -> None:
    steps = returns_generator()
    assert spans.names() == []
    del steps
    gc.collect()
    assert spans.one().attributes[semconv.STREAM_OUTCOME] == "closed_early"


def test_a_returned_coroutine_is_awaited_within_the_span(spans: Spans) -> None:
    assert asyncio.run(returns_coroutine()) == "done"
    outer = spans.one("returns_coroutine")
    assert outer.attributes[semconv.OUTPUT_VALUE] == '"done"'
    assert spans.one("inside").parent_span_id == outer.span_id


def test_a_returned_coroutine_that_fails_is_an_error_of_its_span(spans: Spans) -> None:
    async def work() -> None:
        raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        asyncio.run(tracelm.op(lambda: work())())
    assert spans.one().status == "error"


def test_a_returned_coroutine_that_is_never_awaited_warns_once(spans: Spans, recwarn: pytest.WarningsRecorder) -> None:
    running = returns_coroutine()
    del running
    gc.collect()
    warned = [str(each.message) for each in recwarn]
    assert len(warned) == 1
    assert warned[0].endswith("work' was never awaited")
    recwarn.clear()  # a warning keeps its coroutine
    gc.collect()
    assert spans.names() == ["returns_coroutine"]


def test_a_returned_async_generator_is_one_and_the_span_ends_with_it(spans: Spans) -> None:
    async def run() -> list[int]:
        steps: Any = returns_async_generator()
        assert type(steps).__name__ == "async_generator"
        return [each async for each in steps]

    assert asyncio.run(run()) == [1, 2]
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == "[1,2]"


def test_an_async_function_that_returns_an_async_generator_ends_with_that(spans: Spans) -> None:
    @tracelm.op
    async def later() -> Any:
        return returns_async_generator()

    async def run() -> list[int]:
        return [each async for each in await later()]

    assert asyncio.run(run()) == [1, 2]
    inner, outer = spans.all()
    assert (inner.name, inner.parent_span_id) == ("returns_async_generator", outer.span_id)
    assert outer.attributes[semconv.OUTPUT_VALUE] == "[1,2]"


def test_a_returned_generator_that_can_be_awaited_stays_so(spans: Spans) -> None:
    @types.coroutine
    def pause() -> Generator[None, None, str]:
        yield
        return "rested"

    async def rest() -> str:
        return await tracelm.op(lambda: pause())()

    assert asyncio.run(rest()) == "rested"
    assert len(spans.all()) == 1


class Lines:
    """An iterator that is no generator."""

    def __init__(self) -> None:
        self.left = [1, 2]

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if not self.left:
            raise StopIteration
        return self.left.pop()


def test_another_iterator_is_the_same_object_and_its_span_ends_when_it_is_garbage(spans: Spans) -> None:
    made = [Lines()]
    got = tracelm.op(lambda: made[0])()
    assert got is made[0]
    assert list(got) == [2, 1]
    assert spans.names() == []
    made.clear()
    del got
    gc.collect()
    assert len(spans.all()) == 1


def test_an_iterator_that_is_still_alive_at_shutdown_ends_its_span_there(spans: Spans) -> None:
    lines = tracelm.op(lambda: Lines())()
    assert tracelm.shutdown().recorded == 1
    assert lines.left == [1, 2]
    assert len(spans.all()) == 1


@pytest.mark.parametrize("make", [lambda: map(str, [1]), lambda: iter([1]), io.BytesIO, mock.MagicMock])
def test_what_cannot_be_followed_to_its_end_ends_its_span_at_the_return(spans: Spans, make: Callable[[], Any]) -> None:
    result = tracelm.op(lambda: make())()
    assert len(spans.all()) == 1
    if hasattr(result, "close"):
        result.close()


class StreamingResponse:
    """Stands for Starlette's: the body is an async iterable, which the server reads after the function returned."""

    def __init__(self, content: AsyncIterable[str]) -> None:
        self.body_iterator = content

    async def send(self) -> list[str]:
        return [each async for each in self.body_iterator]


class Chunks:
    def __aiter__(self) -> AsyncIterator[str]:
        async def chunks() -> AsyncGenerator[str]:
            inside()
            yield "a"
            yield "b"

        return chunks()


@pytest.mark.parametrize("make", [lambda: aiter(Chunks()), Chunks])
def test_a_streaming_response_is_the_same_object_and_its_span_ends_with_its_body(
    spans: Spans, make: Callable[[], AsyncIterable[str]]
) -> None:
    response = StreamingResponse(make())

    @tracelm.op
    async def endpoint() -> StreamingResponse:
        return response

    assert asyncio.run(endpoint()) is response
    assert spans.names() == []
    assert asyncio.run(response.send()) == ["a", "b"]
    outer = spans.all()[-1]
    assert spans.one("inside").parent_span_id == outer.span_id
    assert outer.attributes[semconv.OUTPUT_VALUE] == '["a","b"]'


def test_a_streaming_response_that_is_never_sent_ends_its_span_when_it_is_dropped(spans: Spans) -> None:
    tracelm.op(lambda: StreamingResponse(Chunks()))()
    gc.collect()
    assert len(spans.all()) == 1


def test_a_stream_of_openai_is_the_same_object_and_the_span_ends_with_its_last_chunk(spans: Spans) -> None:
    body = b'data: {"id":"1","choices":[],"created":1,"model":"m","object":"chat.completion.chunk"}\n\ndata: [DONE]\n\n'
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=body))
    client = openai.OpenAI(api_key="test", max_retries=0, http_client=httpx2.Client(transport=transport))
    made: list[object] = []

    @tracelm.op
    def ask() -> openai.Stream[Any]:
        made.append(client.chat.completions.create(model="m", messages=[], stream=True))
        return made[0]  # type: ignore[return-value]

    stream = ask()
    assert stream is made[0]
    assert "ask" not in " ".join(spans.names())
    assert [chunk.id for chunk in stream] == ["1"]
    assert any(name.endswith("ask") for name in spans.names())


def test_the_result_of_a_returned_stream_can_be_summarized(spans: Spans) -> None:
    def steps() -> Generator[int]:
        yield from (1, 2, 3)

    assert list(tracelm.op(summarize=sum)(lambda: steps())()) == [1, 2, 3]
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == "6"


def test_types_of_results_are_remembered_without_keeping_them_all(spans: Spans) -> None:
    from tracelm.trace.results import over

    def make_one() -> object:
        return type("Made", (), {})()

    make = tracelm.op(make_one)
    reference: Any = weakref.ref(type(make()))
    for _ in range(1_100):
        make()
    gc.collect()
    assert reference() is None
    assert len(over) <= 1_000
