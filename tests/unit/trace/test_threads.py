"""A span that starts in a thread is a child of what started the thread."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tracelm
from tracelm import semconv
from tracelm.testing import Spans


@tracelm.op(name="work")
def work(number: int = 0) -> int:
    return number


def join(thread: threading.Thread) -> None:
    thread.start()
    thread.join()


class Overrides(threading.Thread):
    def run(self) -> None:
        work(1)


def by_thread() -> None:
    join(threading.Thread(target=work, args=(1,)))


def by_subclass() -> None:
    join(Overrides())


def by_run_on_the_object() -> None:
    thread = threading.Thread()
    thread.run = work  # type: ignore[method-assign,assignment]
    join(thread)
    assert vars(thread)["run"] is work


def by_timer() -> None:
    join(threading.Timer(0, work))


def by_submit() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work, number=4).result() == 4


def by_map() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, [1, 2])) == [1, 2]


def by_a_thread_in_a_thread() -> None:
    join(threading.Thread(target=by_thread))


def by_to_thread() -> None:
    asyncio.run(asyncio.to_thread(work))


def by_run_in_executor() -> None:
    async def run() -> None:
        await asyncio.get_running_loop().run_in_executor(None, work)
        with ThreadPoolExecutor(1) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, work)

    asyncio.run(run())


def by_gather() -> None:
    async def each(number: int) -> int:
        return work(number)

    async def run() -> None:
        await asyncio.gather(each(1), each(2))
        async with asyncio.TaskGroup() as group:
            group.create_task(each(3))

    asyncio.run(run())


WAYS: list[Callable[[], None]] = [
    by_thread,
    by_subclass,
    by_run_on_the_object,
    by_timer,
    by_submit,
    by_map,
    by_a_thread_in_a_thread,
    by_to_thread,
    by_run_in_executor,
    by_gather,
]


@pytest.mark.parametrize("way", WAYS)
def test_the_parent_is_right_in(spans: Spans, way: Callable[[], None]) -> None:
    tracelm.op(name="outer")(way)()
    parent = spans.one("outer").span_id
    found = spans.named("work")
    assert found
    assert {each.parent_span_id for each in found} == {parent}


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_is_current_a_thread_starts_a_trace_of_its_own(spans: Spans, way: Callable[[], None]) -> None:
    way()
    assert {each.parent_span_id for each in spans.named("work")} == {None}


def test_a_thread_of_a_pool_forgets_the_job_that_started_it(spans: Spans) -> None:
    with ThreadPoolExecutor(1) as pool:
        tracelm.op(name="outer")(lambda: pool.submit(work).result())()
        pool.submit(work).result()
    first, second = spans.named("work")
    assert first.parent_span_id == spans.one("outer").span_id
    assert second.parent_span_id is None


def test_sessions_reach_threads_too(spans: Spans) -> None:
    with tracelm.session("conversation-7"):
        by_thread()
        by_submit()
    assert [each.attributes[semconv.SESSION_ID] for each in spans.all()] == ["conversation-7"] * 2


def test_other_context_variables_stay_where_they_are(spans: Spans) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    variable.set("mine")
    seen: list[str] = []
    with tracelm.span("outer"):
        join(threading.Thread(target=lambda: seen.append(variable.get())))
    assert seen == ["none"]


def test_a_thread_is_what_it_was_after_it_was_started(spans: Spans) -> None:
    thread = Overrides()
    with tracelm.span("outer"):
        join(thread)
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start()
    assert "run" not in vars(thread)
    assert len(spans.named("work")) == 1


def test_errors_of_threads_and_pools_are_pythons_own(spans: Spans) -> None:
    with tracelm.span("outer"), ThreadPoolExecutor(1) as pool:
        with pytest.raises(TypeError, match="submit"):
            pool.submit()  # type: ignore[call-arg]  # pyright: ignore
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result()


@pytest.fixture
def not_carried(tmp_path: Path) -> Iterator[Spans]:
    tracelm.init("test", home=tmp_path, propagate_threads=False)
    yield Spans(tmp_path)
    tracelm.shutdown()


def test_it_can_be_switched_off(not_carried: Spans) -> None:
    tracelm.op(name="outer")(by_thread)()
    assert not_carried.one("work").parent_span_id is None


def test_shutdown_puts_back_what_was_there(tmp_path: Path) -> None:
    before = threading.Thread.start, ThreadPoolExecutor.submit
    tracelm.init("test", home=tmp_path)
    assert (threading.Thread.start, ThreadPoolExecutor.submit) != before
    assert threading.Thread.start.__name__ == "start"
    tracelm.shutdown()
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before


def test_a_patch_over_ours_survives_shutdown_and_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.Thread.start
    tracelm.init("test", home=tmp_path)
    ours, started = threading.Thread.start, list[str]()

    def theirs(self: threading.Thread) -> None:
        started.append(self.name)
        ours(self)

    monkeypatch.setattr(threading.Thread, "start", theirs)
    tracelm.shutdown()
    by_thread()
    assert len(started) == 1
    monkeypatch.undo()
    threading.Thread.start = before  # type: ignore[method-assign]
