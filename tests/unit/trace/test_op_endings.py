"""However a call ends: the span ends, the context is what it was, and the program sees what it would have seen."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

import tracelm
from tracelm import semconv
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans
from tracelm.trace import runtime
from tracelm.trace.provider import JournalSpanProcessor
from tracelm.trace.tracer import JournalTracer


@tracelm.op
async def forever() -> None:
    await anyio.sleep_forever()


@tracelm.op
def sibling() -> None: ...


def check_cancelled(spans: Spans, *, name: str = "forever") -> SpanRecord:
    """The span ended without an error, and what came after it is no child of it."""
    span = spans.one(name)
    assert (span.status, span.attributes[semconv.OUTCOME], list(span.events)) == ("unset", "cancelled", [])
    assert spans.one("sibling").parent_span_id is None
    return span


async def by_task() -> None:
    task = asyncio.create_task(forever())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_wait_for() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(forever(), 0.01)


async def by_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await forever()


async def by_task_group() -> None:
    async def fail() -> None:
        raise ValueError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(forever())
            await asyncio.sleep(0)
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        await both()


@pytest.mark.parametrize("cancel", [by_task, by_wait_for, by_timeout, by_task_group])
def test_asyncio_cancels_an_op(spans: Spans, cancel: Callable[[], Any]) -> None:
    async def run() -> None:
        await cancel()
        sibling()

    asyncio.run(run())
    check_cancelled(spans)


def test_trio_cancels_an_op(spans: Spans) -> None:
    async def run() -> None:
        with trio.move_on_after(0.01):
            await forever()
        sibling()

    trio.run(run)
    check_cancelled(spans)


def test_an_op_whose_nursery_is_cancelled_is_cancelled(spans: Spans) -> None:
    @tracelm.op(name="nursery")
    async def nursery() -> None:
        async with trio.open_nursery() as children:
            children.start_soon(trio.sleep_forever)
            children.start_soon(trio.sleep_forever)

    async def run() -> None:
        with trio.move_on_after(0.01):
            await nursery()
        sibling()

    trio.run(run)
    check_cancelled(spans, name="nursery")


@pytest.mark.anyio
async def test_an_anyio_scope_cancels_an_op(spans: Spans) -> None:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(forever)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    sibling()
    check_cancelled(spans)


@pytest.mark.anyio
async def test_a_timeout_inside_an_op_that_leaves_it_is_an_error(spans: Spans) -> None:
    @tracelm.op
    async def slow() -> None:
        with anyio.fail_after(0.01):
            await anyio.sleep_forever()

    with pytest.raises(TimeoutError):
        await slow()
    assert spans.all()[0].attributes[semconv.ERROR_TYPE] == "TimeoutError"


def test_a_coroutine_that_is_closed_elsewhere_ends_its_span_and_logs_nothing(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    import contextvars

    @tracelm.op
    async def wait() -> None:
        await asyncio.sleep(0)

    running = wait()
    contextvars.copy_context().run(running.send, None)
    running.close()
    sibling()
    assert spans.one("sibling").parent_span_id is None
    assert len(spans.all()) == 2
    assert caplog.records == []


class Custom(BaseException):
    pass


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit(), Custom(), ExceptionGroup("", [OSError()])]
)
@pytest.mark.parametrize("is_async", [False, True])
def test_every_exception_passes_as_it_is_and_the_context_is_restored(
    spans: Spans, error: BaseException, is_async: bool
) -> None:
    @tracelm.op(name="stop")
    def stop() -> None:
        raise error

    @tracelm.op(name="stop")
    async def stop_later() -> None:
        raise error

    def call() -> None:
        if is_async:
            with pytest.raises(StopIteration):
                stop_later().send(None)
        else:
            stop()

    with pytest.raises(type(error)) as raised:
        call()
    assert raised.value is error
    sibling()
    assert spans.one("sibling").parent_span_id is None
    assert (spans.one("stop").status == "error") == (not isinstance(error, GeneratorExit))
    assert len(spans.one("stop").events) <= 1


def test_an_exception_is_recorded_once_for_each_span_that_it_leaves(spans: Spans) -> None:
    @tracelm.op(name="inner")
    def inner() -> None:
        raise ValueError("no")

    @tracelm.op(name="outer")
    def outer() -> None:
        inner()

    with pytest.raises(ValueError, match="no"):
        outer()
    assert [(each.name, each.status, len(each.events)) for each in spans.all()] == [
        ("inner", "error", 1),
        ("outer", "error", 1),
    ]


def break_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(_self: object, _value: object) -> str:
        raise RuntimeError("encoder")

    monkeypatch.setattr(runtime.Runtime, "encode", encode)


def test_an_encoder_that_fails_costs_the_content_but_not_the_span(
    spans: Spans, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = tracelm.flush().failures
    with monkeypatch.context() as patched:
        break_encoder(patched)
        assert tracelm.op(name="f")(_same)(3) == 3
        assert list(tracelm.op(name="g")(_two)([1])) == [[1], [1]]
        assert asyncio.run(tracelm.op(name="h")(_later)(4)) == 4
    found = {each.name: each for each in spans.all()}
    assert set(found) == {"f", "g", "h"}
    assert found["f"].attributes[semconv.INPUT_VALUE] == '"[not recorded: RuntimeError]"'
    assert found["f"].attributes[semconv.OP_NAME] == "f"
    assert tracelm.flush().failures > before
    messages = [each.getMessage() for each in caplog.records]
    assert len(messages) == len(set(messages))
    assert all("RuntimeError: encoder" in each for each in messages)


def _one(x: object) -> int:
    return 1


def _same(x: int) -> int:
    return x


def _two(x: list[int]) -> Any:
    yield x
    yield x


async def _later(x: int) -> int:
    return x


def test_an_argument_that_refuses_to_be_looked_at_does_not_cost_the_span(spans: Spans) -> None:
    from collections.abc import Iterator, Mapping

    class Odd(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            raise RuntimeError(key)

        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("no")

        def __len__(self) -> int:
            return 1

    assert tracelm.op(_one)(Odd()) == 1
    assert tracelm.op(_one)({object(): Odd()}) == 1
    assert len(spans.all()) == 2


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [Unprintable(), object()])
def test_a_broken_attribute_costs_itself_and_never_raises(spans: Spans, value: object) -> None:
    deep: Any = 1
    for _ in range(2_000):
        deep = [deep]
    with tracelm.span("step", attributes={"odd": deep, "good": 1}) as step:
        step.set_attribute("value", value)
        step.set_attribute("deep", deep)
        step.set_attributes({"deep": deep, "fine": 2})
        step.set_attributes(None)  # type: ignore[arg-type]  # pyright: ignore
        step.set_output(value)
    found = spans.one("step").attributes
    assert (found["good"], found["fine"]) == (1, 2)


def test_a_listener_of_the_program_that_fails_does_not_reach_the_caller(tmp_path: Path) -> None:
    class Broken(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raise RuntimeError("on_end")

    provider = TracerProvider()
    provider.add_span_processor(JournalSpanProcessor())
    provider.add_span_processor(Broken())
    tracelm.init("test", home=tmp_path)
    current = runtime.active
    assert current is not None
    current.tracer = JournalTracer(provider, "test", "1")
    before = tracelm.flush().failures
    assert tracelm.op(lambda: 1)() == 1
    with tracelm.span("block"):
        pass
    assert tracelm.flush().failures == before + 2


def test_a_session_or_span_block_that_is_left_in_another_context_logs_nothing(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    import contextvars

    def steps() -> Any:
        with tracelm.session("s"), tracelm.attributes({"a": 1}), tracelm.span("block"):
            yield 1

    running = steps()
    contextvars.copy_context().run(next, running)
    running.close()
    sibling()
    assert caplog.records == []
    assert spans.one("sibling").parent_span_id is None
    assert spans.one("block").status == "unset"


def test_recursion_to_pythons_limit_ends_as_recursion_error(spans: Spans) -> None:
    @tracelm.op
    def down(n: int) -> int:
        return down(n + 1)

    with pytest.raises(RecursionError):
        down(0)
    sibling()
    assert spans.one("sibling").parent_span_id is None
