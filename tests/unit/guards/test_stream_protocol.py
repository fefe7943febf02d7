"""A guarded stream is to its reader and its maker what it is without a guard."""

import asyncio
import gc
import inspect
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

import tracelm
from tests.unit.guards.test_recording import decisions
from tests.unit.guards.test_streams import CLEAN, WORDS, mask_pii, masked, read
from tracelm.scorers import PII
from tracelm.testing import Spans

# --- the protocol ---------------------------------------------------------------------------------------------


def test_a_guarded_generator_is_a_generator_function() -> None:
    async def later() -> AsyncIterator[str]:
        yield "x"

    assert inspect.isgeneratorfunction(masked)
    assert isinstance(masked([]), types.GeneratorType)
    guarded = tracelm.guard(mask_pii)(later)
    assert inspect.isasyncgenfunction(guarded)
    assert guarded.__name__ == "later"


def test_send_throw_and_return_reach_the_generator_and_come_back() -> None:
    seen: list[object] = []

    @tracelm.guard(tracelm.Guardrail(PII(), mode="shadow"))
    def stream() -> Generator[str, str, str]:
        seen.append((yield "one "))
        try:
            yield "two "
        except LookupError as error:
            seen.append(str(error))
        yield "three "
        return "done"

    reading = stream()
    assert next(reading) == "one "
    assert reading.send("hello") == "two "
    assert reading.throw(LookupError("thrown")) == "three "
    with pytest.raises(StopIteration) as stopped:
        next(reading)
    assert stopped.value.value == "done"
    assert seen == ["hello", "thrown"]


def test_what_a_generator_returns_is_judged_as_well() -> None:
    @tracelm.guard(mask_pii)
    def stream() -> Generator[str, None, str]:
        yield "nothing"
        return "".join(WORDS)

    reading = stream()
    assert next(reading) == "nothing"
    with pytest.raises(StopIteration) as stopped:
        next(reading)
    assert stopped.value.value == CLEAN


@pytest.mark.parametrize("way", ["close", "break", "forget"])
def test_a_stream_that_is_left_early_is_closed_and_gives_nothing_more(way: str, spans: Spans) -> None:
    closed: list[str] = []

    @tracelm.guard(mask_pii)
    def stream() -> Iterator[str]:
        try:
            yield from ["one ", "two ", "ana@example.com "]
        finally:
            closed.append(way)

    reading = stream()
    assert next(reading).strip() == "one"
    if way == "close":
        reading.close()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    if way == "break":
        for _ in reading:
            break
    del reading
    gc.collect()
    assert closed == [way]
    assert len(decisions(spans)) == 1


def test_an_error_midway_comes_after_what_had_come_before_it() -> None:
    @tracelm.guard(mask_pii)
    def stream() -> Iterator[str]:
        yield "Write to ana@exam"
        yield "ple.com"
        raise LookupError("mine")

    got: list[str] = []
    with pytest.raises(LookupError, match="mine"):
        read(stream(), got)
    assert "".join(got) == "Write to [EMAIL]"


def test_an_error_thrown_in_comes_back_at_once() -> None:
    reading: Any = masked(WORDS)
    next(reading)
    with pytest.raises(LookupError, match="thrown"):
        reading.throw(LookupError("thrown"))


def test_an_input_of_a_generator_is_judged_at_its_first_step() -> None:
    @tracelm.guard(tracelm.Guardrail(PII(), on="input"))
    def stream(question: str) -> Iterator[str]:
        yield question

    reading = stream("ana@example.com")
    with pytest.raises(tracelm.GuardrailTripped):
        next(reading)
    assert list(stream("why?")) == ["why?"]


@pytest.mark.anyio
async def test_an_async_generator_is_masked_and_takes_what_is_sent_and_thrown() -> None:
    seen: list[object] = []

    @tracelm.guard(mask_pii)
    async def stream() -> AsyncGenerator[str, Any]:
        seen.append((yield "Write to ana@exam"))
        seen.append((yield "ple.com today "))
        try:
            yield "and tomorrow "
        except LookupError as error:
            seen.append(str(error))
        yield "end"

    reading = stream()
    assert (await anext(reading)).strip() == "Write to"
    assert (await reading.asend("hello")).strip() == "[EMAIL] today"
    assert await anext(reading) == "and tomorrow "
    assert await reading.athrow(LookupError("thrown")) == "end"
    assert [each async for each in reading] == []
    assert seen == ["hello", None, "thrown"]


def test_an_async_stream_that_is_cancelled_is_closed_and_stays_cancelled() -> None:
    closed: list[bool] = []

    @tracelm.guard(mask_pii)
    async def stream() -> AsyncIterator[str]:
        try:
            yield "one "
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def main() -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in stream():
                begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed == [True]


@pytest.mark.anyio
async def test_an_async_stream_that_is_left_is_closed() -> None:
    closed: list[bool] = []

    @tracelm.guard(mask_pii)
    async def stream() -> AsyncGenerator[str, Any]:
        try:
            while True:
                yield "one "
        finally:
            closed.append(True)

    reading = stream()
    await anext(reading)
    await reading.aclose()
    assert closed == [True]


# --- what only shows at the call ------------------------------------------------------------------------------


class Words:
    """An iterator of the program's own."""

    def __init__(self) -> None:
        self._words = iter(WORDS)

    def __iter__(self) -> "Words":
        return self

    def __next__(self) -> str:
        return next(self._words)


class AsyncWords:
    """Async iterable, with an iterator of its own."""

    def __aiter__(self) -> AsyncIterator[str]:
        async def words() -> AsyncIterator[str]:
            for word in WORDS:
                yield word

        return words()


def words() -> Iterator[str]:
    return Words()


def async_words() -> AsyncWords:
    return AsyncWords()


@pytest.mark.parametrize("make", [lambda: iter(WORDS), lambda: map(str, WORDS), words, lambda: (w for w in WORDS)])
def test_an_iterator_that_is_handed_on_cannot_pass_by(make: Callable[[], Iterator[str]]) -> None:
    assert "".join(tracelm.guard(mask_pii)(make)()) == CLEAN


@pytest.mark.anyio
async def test_an_async_iterator_that_is_handed_on_cannot_pass_by() -> None:
    async def later() -> Any:
        return AsyncWords()

    for stream in (tracelm.guard(mask_pii)(async_words)(), await tracelm.guard(mask_pii)(later)()):
        assert "".join([each async for each in stream]) == CLEAN


class StreamingResponse:
    """As Starlette's: the body is an async iterator of text or bytes."""

    def __init__(self, body: Any) -> None:
        self.body_iterator = body


@pytest.mark.anyio
async def test_the_body_of_a_streaming_response_is_guarded_and_the_response_stays_itself() -> None:
    response = StreamingResponse(aiter(AsyncWords()))
    assert tracelm.guard(mask_pii)(lambda: response)() is response
    assert "".join([each async for each in response.body_iterator]) == CLEAN
