"""Runs a task over the rows of a dataset, as many at once as allowed, until all is done or a limit is reached."""

import itertools
import time
from collections.abc import Callable

import anyio
import anyio.lowlevel

from tracelm.data.dataset import Dataset
from tracelm.evals.limits import Budget
from tracelm.evals.pace import Pace
from tracelm.evals.run import FAILED, RowResult
from tracelm.evals.trial import Plan, Taken, run_trial


def not_run(dataset: Dataset, *, trials: int) -> list[RowResult]:
    """Return one result for each row and trial, before anything was run."""
    return [
        RowResult(row=row, trial=trial, row_digest=dataset.row_digests[row])
        for row, trial in itertools.product(range(len(dataset)), range(trials))
    ]


async def run_rows(
    plan: Plan, results: list[RowResult], budget: Budget, *, on_result: Callable[[Taken], None]
) -> str | None:
    """Run what is `not_run`, and put each result in its place as soon as it is there.

    A task or scorer that fails is a result. Cancellation passes; what had no result then keeps `not_run`.

    Args:
        plan: What to run.
        results: In the order of the dataset.
        budget: What was taken so far.
        on_result: Called with each result.

    Returns:
        The limit at which the run stopped; `None` when everything was run.
    """
    todo = iter([index for index, each in enumerate(results) if each.outcome == "not_run"])
    turn = _Turn(plan.pace)
    stopped: list[str] = []

    # A few workers that pull, not one task a row: 50,000 rows do not make 50,000 tasks.
    async def work() -> None:
        for index in todo:
            await anyio.lowlevel.checkpoint()
            await turn.wait()
            reason = budget.reached()
            if reason is not None:
                stopped.append(reason)
                return
            turn.started()
            requests = tokens = 0
            try:
                taken = await run_trial(plan, row=results[index].row, trial=results[index].trial)
                requests, tokens = taken.requests, taken.tokens
            finally:
                turn.ended(requests=requests, tokens=tokens)
            results[index] = taken.result
            budget.add(cost_usd=taken.cost_usd, tokens=tokens, failed=taken.result.outcome in FAILED)
            on_result(taken)

    async with anyio.create_task_group() as group:
        for _ in range(min(plan.max_concurrency, len(results))):
            group.start_soon(work)
    return stopped[0] if stopped else None


class _Turn:
    """Lets workers wait until the pace allows another trial."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._freed = anyio.Event()

    async def wait(self) -> None:
        while (delay_s := self._pace.wait_s(time.monotonic())) != 0.0:
            if delay_s is None:
                await self._freed.wait()
            else:
                await anyio.sleep(delay_s)

    def started(self) -> None:
        self._pace.started(time.monotonic())

    def ended(self, *, requests: int, tokens: int) -> None:
        self._pace.ended(time.monotonic(), requests=requests, tokens=tokens)
        if self._freed.statistics().tasks_waiting:
            self._freed.set()
            self._freed = anyio.Event()
