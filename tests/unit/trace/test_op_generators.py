"""Generators under `@op`: one span from the first step to the last, and the generator that the program wrote."""

import asyncio
import contextlib
import contextvars
import gc
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import anyio
import pytest

import tracelm
from tracelm import semconv
from tracelm.testing import Spans
from tracelm.trace import runtime

Decorator = Callable[[Any], Any]


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


async def outcome_later(call: Callable[[], Any]) -> object:
    try:
        return await call()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def talk(log: list[object]) -> Generator[object, object, str]:
    """Say what arrives, whatever it is."""
    try:
        for number in range(6):
            try:
                log.append((yield number))
            except ValueError as error:
                log.append(error.args)
                yield "caught"
        return "end"
    finally:
        log.append("finally")


def stubborn(log: list[object]) -> Generator[object, object, str]:
    for number in range(3):
        try:
            yield number
        except GeneratorExit:
            log.append("ignored")
            yield "still here"
    return "end"


def gives_a_value_when_closed(log: list[object]) -> Generator[object, object, str]:
    try:
        yield 1
    except GeneratorExit:
        log.append("closed")
    return "result"


def raises_when_closed(log: list[object]) -> Generator[object, object, str]:
    try:
        yield 1
    finally:
        log.append("closed")
        raise KeyError("on close")


def raises_stop(log: list[object]) -> Generator[object, object, str]:
    yield 1
    raise StopIteration("no return")


def delegates(log: list[object]) -> Generator[object, object, str]:
    return "outer " + (yield from talk(log))


BODIES: list[Any] = [talk, stubborn, gives_a_value_when_closed, raises_when_closed, raises_stop, delegates]
SCRIPTS: dict[str, Callable[[Any], list[Callable[[], object]]]] = {
    "exhausted": lambda g: [lambda: list(g), lambda: next(g), lambda: next(g)],
    "sent to": lambda g: [lambda: next(g), lambda: g.send("a"), lambda: g.send("b"), g.close],
    "sent to too early": lambda g: [lambda: g.send(1), lambda: next(g), g.close],
    "thrown into": lambda g: [lambda: next(g), lambda: g.throw(ValueError("v")), lambda: next(g), g.close],
    "thrown a stranger": lambda g: [lambda: next(g), lambda: g.throw(KeyError("k")), lambda: next(g)],
    "thrown StopIteration": lambda g: [lambda: next(g), lambda: g.throw(StopIteration(4)), lambda: next(g)],
    "thrown GeneratorExit": lambda g: [lambda: next(g), lambda: g.throw(GeneratorExit()), lambda: next(g), g.close],
    "thrown into too early": lambda g: [lambda: g.throw(ValueError("early")), lambda: next(g)],
    "closed": lambda g: [lambda: next(g), g.close, g.close, lambda: next(g)],
    "closed too early": lambda g: [g.close, lambda: next(g)],
    "interrupted": lambda g: [lambda: next(g), lambda: g.throw(KeyboardInterrupt()), lambda: next(g)],
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_generator_answers_as_without_op(spans: Spans, body: Any, script: str) -> None:
    def run(decorate: Decorator) -> object:
        log: list[object] = []
        return [outcome(call) for call in SCRIPTS[script](decorate(body)(log))], log

    assert run(tracelm.op) == run(lambda function: function)
    assert tracelm.current_span().trace_id == "0" * 32


async def talk_later(log: list[object]) -> AsyncGenerator[object, object]:
    try:
        for number in range(6):
            try:
                log.append((yield number))
            except ValueError as error:
                log.append(error.args)
                await anyio.lowlevel.checkpoint()
                yield "caught"
    finally:
        log.append("finally")


async def stubborn_later(log: list[object]) -> AsyncGenerator[object, object]:
    for number in range(3):
        try:
            yield number
        except GeneratorExit:
            log.append("ignored")
            yield "still here"


async def awaits_when_closed(log: list[object]) -> AsyncGenerator[object, object]:
    try:
        yield 1
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
        log.append("closed")


async def raises_stop_later(log: list[object]) -> AsyncGenerator[object, object]:
    yield 1
    raise StopAsyncIteration("no end")


ASYNC_SCRIPTS: dict[str, Callable[[Any], list[Callable[[], Any]]]] = {
    "sent to": lambda g: [lambda: anext(g), lambda: g.asend("a"), lambda: g.asend("b"), g.aclose],
    "sent to too early": lambda g: [lambda: g.asend(1), lambda: anext(g), g.aclose],
    "thrown into": lambda g: [lambda: anext(g), lambda: g.athrow(ValueError("v")), lambda: anext(g), g.aclose],
    "thrown a stranger": lambda g: [lambda: anext(g), lambda: g.athrow(KeyError("k")), lambda: anext(g)],
    "thrown an end": lambda g: [lambda: anext(g), lambda: g.athrow(StopAsyncIteration()), lambda: anext(g)],
    "closed": lambda g: [lambda: anext(g), g.aclose, g.aclose, lambda: anext(g)],
    "closed too early": lambda g: [g.aclose, lambda: anext(g)],
    "exhausted": lambda g: [lambda: anext(g) for _ in range(8)],
}


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as without op: it ignores its end
@pytest.mark.parametrize("body", [talk_later, stubborn_later, awaits_when_closed, raises_stop_later])
@pytest.mark.parametrize("script", ASYNC_SCRIPTS)
async def test_an_async_generator_answers_as_without_op(spans: Spans, body: Any, script: str) -> None:
    async def run(decorate: Decorator) -> object:
        log: list[object] = []
        return [await outcome_later(call) for call in ASYNC_SCRIPTS[script](decorate(body)(log))], log

    assert await run(tracelm.op) == await run(lambda function: function)


@tracelm.op
def count_up(stop: int) -> Generator[int]:
    yield from range(stop)


@tracelm.op
async def count_up_later(stop: int) -> AsyncGenerator[int]:
    for number in range(stop):
        yield number


def test_close_returns_what_the_generator_returns(spans: Spans) -> None:
    def closed(function: Any) -> object:
        steps = function([])
        next(steps)
        return steps.close()

    # Since Python 3.13 a value, before that None.
    assert closed(tracelm.op(gives_a_value_when_closed)) == closed(gives_a_value_when_closed)


def test_a_generator_that_was_never_started_leaves_no_span(spans: Spans) -> None:
    steps = count_up(3)
    del steps
    count_up(3).close()
    assert spans.names() == []


def test_a_generator_closed_early_says_so_and_one_that_ran_out_does_not(spans: Spans) -> None:
    list(count_up(1))
    steps = count_up(3)
    next(steps)
    steps.close()
    whole, early = spans.all()
    assert semconv.STREAM_OUTCOME not in whole.attributes
    assert (early.status, early.attributes[semconv.STREAM_OUTCOME]) == ("unset", "closed_early")


def test_an_error_in_a_generator_is_recorded_with_what_was_yielded_before(spans: Spans) -> None:
    @tracelm.op
    def fail() -> Generator[int]:
        yield 1
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        list(fail())
    span = spans.one()
    assert (span.status, span.attributes[semconv.OUTPUT_VALUE]) == ("error", "[1]")
    assert len(span.events) == 1


@pytest.mark.parametrize("how", ["another thread", "another context", "the garbage collector"])
def test_a_generator_may_end_elsewhere_and_nothing_is_logged(
    spans: Spans, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    steps: Any = contextvars.copy_context().run(lambda: (made := count_up(3), next(made))[0])
    if how == "another thread":
        thread = threading.Thread(target=steps.close)
        thread.start()
        thread.join()
    elif how == "another context":
        contextvars.Context().run(steps.close)
    del steps
    gc.collect()
    assert spans.names() == ["count_up"]
    assert caplog.records == []


def test_an_async_generator_may_be_closed_by_another_task(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        steps = count_up_later(3)
        await asyncio.create_task(anext(steps))
        await asyncio.create_task(steps.aclose())
        assert tracelm.current_span().trace_id == "0" * 32

    asyncio.run(run())
    assert spans.one().attributes[semconv.STREAM_OUTCOME] == "closed_early"
    assert caplog.records == []


@pytest.mark.anyio
async def test_an_async_generator_that_is_cancelled_half_way_ends_as_cancelled(spans: Spans) -> None:
    @tracelm.op
    async def slow() -> AsyncGenerator[int]:
        yield 1
        await anyio.sleep_forever()

    with anyio.move_on_after(0.02):
        async for _ in slow():
            pass
    tracelm.op(lambda: None)()
    span = spans.one("slow")
    assert (span.status, span.attributes[semconv.OUTCOME]) == ("unset", "cancelled")
    assert spans.all()[-1].parent_span_id is None


@pytest.mark.anyio
async def test_a_task_group_inside_an_async_generator_works_across_its_yields(spans: Spans) -> None:
    @tracelm.op
    async def work(number: int) -> int:
        return number

    @tracelm.op
    async def grouped() -> AsyncGenerator[str]:
        async with anyio.create_task_group() as group:
            group.start_soon(work, 1)
            yield "first"
            group.start_soon(work, 2)
            yield "second"

    assert [each async for each in grouped()] == ["first", "second"]
    parent = spans.one("grouped").span_id
    assert {each.parent_span_id for each in spans.all() if each.name.endswith("work")} == {parent}


def test_spans_of_the_consumer_are_no_children_of_the_generator(spans: Spans) -> None:
    @tracelm.op
    def inside() -> None: ...

    @tracelm.op
    def steps() -> Generator[None]:
        for _ in range(2):
            inside()
            yield

    @tracelm.op
    def consumer() -> None: ...

    for _ in steps():
        consumer()
    parent = spans.one("steps").span_id
    assert {each.parent_span_id for each in spans.named("inside")} == {parent}
    assert {each.parent_span_id for each in spans.named("consumer")} == {None}


def test_a_generator_still_open_at_shutdown_is_recorded_as_closed_early(spans: Spans) -> None:
    steps = count_up(3)
    next(steps)
    assert tracelm.shutdown().recorded == 1
    span = spans.one()
    assert (span.attributes[semconv.STREAM_OUTCOME], span.attributes[semconv.OUTPUT_VALUE]) == ("closed_early", "[0]")
    assert list(steps) == [1, 2]


def test_items_are_kept_up_to_a_number_and_the_rest_is_counted(spans: Spans) -> None:
    assert sum(1 for _ in count_up(2_500)) == 2_500
    span = spans.one()
    assert str(span.attributes[semconv.OUTPUT_VALUE]).endswith(',999,"[cut: 1,500 more items]"]')
    assert span.attributes[semconv.STREAM_CUT] == 1_500


def test_items_are_kept_up_to_a_size(spans: Spans) -> None:
    @tracelm.op
    def chunks() -> Generator[dict[str, str]]:
        for _ in range(100):
            yield {"text": "x" * 10_000}

    assert len(list(chunks())) == 100
    current = runtime.active
    assert current is not None
    span = spans.one()
    assert len(str(span.attributes[semconv.OUTPUT_VALUE])) < current.settings.max_attribute_bytes + 100
    assert span.attributes[semconv.STREAM_CUT] == 94


def test_items_are_recorded_as_they_were_when_they_were_yielded(spans: Spans) -> None:
    @tracelm.op
    def growing() -> Generator[list[int]]:
        row: list[int] = []
        for number in range(3):
            row.append(number)
            yield row

    assert len(list(growing())) == 3
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == "[[0],[0,1],[0,1,2]]"


def test_no_item_is_kept_alive_by_being_recorded(spans: Spans) -> None:
    class Large:
        pass

    @tracelm.op
    def larges() -> Generator[Large]:
        for _ in range(3):
            yield Large()

    steps = larges()
    for _ in range(3):
        reference = weakref.ref(next(steps))
        assert reference() is None


def test_summarize_folds_what_was_yielded(spans: Spans) -> None:
    @tracelm.op(summarize="".join)
    def words() -> Generator[str]:
        yield from ["Hel", "lo"]

    assert list(words()) == ["Hel", "lo"]
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == '"Hello"'


def test_what_summarize_gets_is_bounded_too(spans: Spans) -> None:
    assert sum(1 for _ in tracelm.op(summarize=len)(_steps)(10_500)) == 10_500
    span = spans.one("_steps")
    assert (span.attributes[semconv.OUTPUT_VALUE], span.attributes[semconv.STREAM_CUT]) == ("10000", 500)


def _steps(stop: int) -> Generator[int]:
    yield from range(stop)


def test_a_summarize_that_raises_is_reported_and_costs_only_the_output(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    @tracelm.op(summarize=lambda items: items["no"])  # type: ignore[call-overload]
    def words() -> Generator[str]:
        yield "hidden"

    before = tracelm.flush().failures
    assert list(words()) == ["hidden"]
    assert list(words()) == ["hidden"]
    assert tracelm.flush().failures == before + 2
    assert spans.all()[0].attributes[semconv.OUTPUT_VALUE] == '"[not recorded: summarize raised TypeError]"'
    logged = [each.getMessage() for each in caplog.records]
    assert len(logged) <= 1
    assert all("could not summarize a stream (TypeError" in each for each in logged)


def test_nothing_is_collected_where_output_is_not_captured(spans: Spans) -> None:
    @tracelm.op(capture_output=False, summarize=lambda _: pytest.fail("there is nothing to fold"))
    def words() -> Generator[str]:
        yield "hidden"

    assert list(words()) == ["hidden"]
    assert semconv.OUTPUT_VALUE not in spans.one().attributes


def test_a_generator_that_awaits_is_still_awaitable_and_closes_its_loop_quietly(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave_it() -> None:
        async with contextlib.aclosing(count_up_later(3)) as steps:
            async for _ in steps:
                break
        async for _ in count_up_later(3):
            break

    asyncio.run(leave_it())
    gc.collect()
    assert [each.status for each in spans.all()] == ["unset", "unset"]
    assert caplog.records == []
