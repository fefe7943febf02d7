"""Quick sync scorers share a thread, never the event loop; slow ones have a thread of their own."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

import tracelm
from tests.unit.evals.squares import square_async, squares
from tracelm.evals.together import Together
from tracelm.scoring.judge import Judge


@pytest.mark.anyio
async def test_calls_that_wait_share_a_hop_and_each_runs_once_off_the_loop(anyio_backend: str) -> None:
    together = Together(anyio.CapacityLimiter(4))
    ran: list[int] = []
    threads: set[int] = set()
    first_runs, go_on = threading.Event(), threading.Event()

    def call(number: int) -> Callable[[], None]:
        def run() -> None:
            if number == 0:
                first_runs.set()
                go_on.wait(timeout=30)
            ran.append(number)
            threads.add(threading.get_ident())

        return run

    async with anyio.create_task_group() as group:
        group.start_soon(together.run, call(0))
        await anyio.to_thread.run_sync(first_runs.wait)
        for number in range(1, 20):
            group.start_soon(together.run, call(number))
        await anyio.lowlevel.checkpoint()
        go_on.set()
    assert sorted(ran) == list(range(20))
    assert threading.get_ident() not in threads


@pytest.mark.anyio
async def test_when_the_one_that_leads_is_cancelled_the_others_go_on(anyio_backend: str) -> None:
    together = Together(anyio.CapacityLimiter(4))
    first_runs, go_on = threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        first_runs.set()
        go_on.wait(timeout=30)

    async def other(name: str) -> None:
        await together.run(lambda: ran.append(name))

    async with anyio.create_task_group() as group:
        leads, waits = anyio.CancelScope(), anyio.CancelScope()

        async def within(scope: anyio.CancelScope, call: Callable[[], None]) -> None:
            with scope:
                await together.run(call)

        group.start_soon(within, leads, first)
        await anyio.to_thread.run_sync(first_runs.wait)
        group.start_soon(within, waits, lambda: ran.append("cancelled"))
        group.start_soon(other, "second")
        group.start_soon(other, "third")
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        waits.cancel()
        leads.cancel()
        go_on.set()
    assert sorted(ran) == ["second", "third"]


def scorer_that_takes(seconds: list[float]) -> Judge:
    def scorer(output: int) -> bool:
        return True

    judge = Judge(scorer, ["output"])
    for each in seconds:
        judge.took(each)
    return judge


@pytest.mark.parametrize(
    ("seconds", "is_quick"),
    [
        ([], False),
        ([1e-5, 1e-5], False),
        ([1e-5, 1e-5, 1e-5], True),
        ([5e-3, 1e-5, 5e-3], True),  # it waited for the interpreter twice
        ([1e-3, 1e-3, 1e-3], False),
        ([1e-5] * 3 + [0.2], False),
        ([1e-5] * 3 + [0.2] + [1e-5] * 100, False),  # once is enough
        ([1e-5] * 3 + [0.01] * 5, False),
        ([1e-5] * 3 + [0.005] + [1e-5] * 20, True),
    ],
)
def test_what_was_quick_shares_a_thread_until_it_is_slow(seconds: list[float], is_quick: bool) -> None:
    assert scorer_that_takes(seconds).is_quick is is_quick


def test_an_async_scorer_is_never_put_into_a_thread() -> None:
    async def scorer(output: int) -> bool:
        return True

    judge = Judge(scorer, ["output"])
    for _ in range(10):
        judge.took(1e-6)
    assert not judge.is_quick


def test_no_sync_scorer_runs_in_the_event_loop_however_quick_it_is() -> None:
    seen: set[bool] = set()

    def looks(output: int) -> bool:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            seen.add(False)
        else:
            seen.add(True)
        return True

    def runs_a_loop(output: int) -> bool:
        async def judge() -> bool:
            return True

        return asyncio.run(judge())

    rows: list[dict[str, Any]] = [{"number": number, "expected": 0} for number in range(100)]
    run = tracelm.Evaluation(dataset=squares(rows), scorers=[looks, runs_a_loop]).run(square_async)
    assert set(run.rows["outcome"]) == {"scored"}
    assert seen == {False}
