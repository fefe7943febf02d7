"""However a run ends, each row has its outcome."""

import asyncio
import subprocess
import sys
import textwrap
from collections import Counter
from typing import Any

import anyio
import pytest

import tracelm
from tests.unit.evals.squares import holds_nan, right, square_async, squares


@pytest.mark.anyio
async def test_after_a_cancellation_every_row_has_its_outcome(anyio_backend: str, spans: Any) -> None:
    async def stops(number: int) -> int:
        if number == 2:
            scope.cancel()
            await anyio.sleep_forever()
        return number * number

    evaluation = tracelm.Evaluation(dataset=squares(), scorers=[right], max_concurrency=1)
    with anyio.CancelScope() as scope:
        await evaluation.evaluate(stops)
    assert scope.cancelled_caught
    run = evaluation.last_run
    assert run is not None
    assert list(run.rows["outcome"]) == ["scored", "scored", "not_run", "not_run"]
    assert list(run.summary.loc["right", ["n", "scored", "errors"]]) == [4, 2, 0]
    assert not holds_nan(run.rows)
    recorded = [each.attributes["tracelm.row.outcome"] for each in spans.named("evaluation row")]
    assert recorded == ["scored", "scored", "not_run"]


INTERRUPTED = """
import os, signal
import tracelm

def square(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGINT)
        waited.wait()
    return number * number

import threading
waited = threading.Event()
signal.signal(signal.SIGINT, lambda *_: (waited.set(), signal.default_int_handler(2, None)))
dataset = tracelm.Dataset(name="squares", rows=[{"number": number} for number in range(1000)])
evaluation = tracelm.Evaluation(dataset=dataset, scorers=[lambda output: True], max_concurrency=1)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
outcomes = evaluation.last_run.rows["outcome"].value_counts().to_dict()
print(sum(outcomes.values()), outcomes["not_run"] > 0, outcomes["scored"] >= 3)
"""


@pytest.mark.parametrize("call", ["evaluation.run(square)", "import asyncio; asyncio.run(evaluation.evaluate(square))"])
def test_ctrl_c_ends_the_run_and_keeps_what_was_done(call: str) -> None:
    if "asyncio" in call:  # asyncio has a handler of its own; ours only tells the task that it came
        source = INTERRUPTED.replace("waited.wait()", "pass").replace("signal.signal(", "(lambda *_: None)(")
    else:
        source = INTERRUPTED
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source).replace("{call}", call)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "interrupted\n1000 True True\n", done.stderr


def test_an_exit_that_a_task_asks_for_is_not_swallowed() -> None:
    def leaves(number: int) -> int:
        raise SystemExit(3)

    evaluation = tracelm.Evaluation(dataset=squares(), scorers=[right], max_concurrency=1)
    with pytest.raises(SystemExit):
        evaluation.run(leaves)


@pytest.mark.anyio
async def test_run_works_where_a_loop_is_running(anyio_backend: str) -> None:
    run = tracelm.Evaluation(dataset=squares(), scorers=[right]).run(square_async)
    assert run.summary.loc["right", "mean"] == 1.0


@pytest.mark.parametrize("is_async", [True, False])
def test_a_task_that_raises_a_cancellation_of_its_own_is_one_failed_row(is_async: bool) -> None:
    def cancelled(number: int) -> int:
        if number == 2:
            raise asyncio.CancelledError
        return number * number

    async def cancelled_later(number: int) -> int:
        return cancelled(number)

    run = tracelm.Evaluation(dataset=squares(), scorers=[right]).run(cancelled_later if is_async else cancelled)
    assert Counter(run.rows["outcome"]) == {"scored": 3, "task_error": 1}
    assert "cancelled from inside" in run.rows["error"][2]


HANGS = """
import threading
import tracelm

def task(number):
    if number == 1:
        threading.Event().wait()
    return number

dataset = tracelm.Dataset(name="d", rows=[{"number": number} for number in range(3)])
limits = tracelm.Limits(timeout_s=0.2)
run = tracelm.Evaluation(dataset=dataset, scorers=[lambda output: True], limits=limits).run(task)
print(list(run.rows["outcome"]))
"""


def test_a_sync_task_that_hangs_for_ever_does_not_keep_the_program_from_ending() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "['scored', 'timeout', 'scored']\n"
