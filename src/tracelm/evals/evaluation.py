"""`Evaluation`: a dataset and scorers, to be run against tasks."""

import secrets
from collections.abc import Sequence
from typing import Final

from tracelm import semconv
from tracelm.data.dataset import Dataset
from tracelm.errors import ConfigError, EvaluationError
from tracelm.evals.conditions import conditions_of
from tracelm.evals.run import EvalRun
from tracelm.evals.runner import Plan, not_run, run_rows
from tracelm.evals.task import task_for
from tracelm.scoring.call import parameters_of
from tracelm.scoring.loop import run_in_own_loop
from tracelm.scoring.scorer import Scorer, ScorerLike, name_of
from tracelm.trace.spans import span

_OFFERED: Final = ("output", "inputs", "context")
_COLUMNS_OF_RUN: Final = frozenset({"row", "trial", "outcome", "output", "error", "latency_s", "cost_usd", "trace_id"})


class Evaluation:
    """A dataset and the scorers that judge what a task makes of it.

    A task is any function (also async, also an op), or an object with one method `predict`, `invoke` or
    `forward`. Parameters of tasks and scorers are filled by name from the columns of the row; a scorer may also
    ask for `output` (what the task returned), `inputs` (the task's arguments) and `context`
    (a `ScoreContext`: all of it).

    Args:
        dataset: The rows.
        scorers: Functions, ops or `Scorer` objects. They return a bool, number, label, `Score`, or a dict of
            those; a dict gives one score a key, named `scorer.key`.
        name: What runs are called; left out, the dataset's name.
        trials: How often each row is run.
        max_concurrency: How many rows are in work at once.
        conditions: What a run must hold to pass, such as `"relevance >= 0.8"` or `"p90(latency_s) <= 2"`:
            `EvalRun.passed` and `EvalRun.check` go by them.

    Attributes:
        last_run: The newest `EvalRun`, also one that was interrupted; `None` before the first.

    Raises:
        ConfigError: No dataset, no scorers, two of one name, a number below 1, or a text that is no condition.
        EvaluationError: A scorer cannot be called with what a row offers.

    Example:
        >>> sums = Dataset(name="sums", rows=[{"a": 1, "b": 1, "expected": 2}])
        >>> def right(output: int, expected: int) -> bool:
        ...     return output == expected
        >>> run = Evaluation(dataset=sums, scorers=[right]).run(lambda a, b: a + b)
        >>> float(run.summary.loc["right", "mean"])
        1.0
    """

    def __init__(
        self,
        *,
        dataset: Dataset,
        scorers: Sequence[ScorerLike],
        name: str | None = None,
        trials: int = 1,
        max_concurrency: int = 10,
        conditions: Sequence[str] = (),
    ) -> None:
        if not isinstance(dataset, Dataset):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError("dataset is none: pass tracelm.Dataset(name='questions', rows=[...])")
        if callable(scorers) or isinstance(scorers, Scorer):
            raise ConfigError("scorers must be a list, also where there is one: scorers=[a_function]")
        for argument, number in (("trials", trials), ("max_concurrency", max_concurrency)):
            if not isinstance(number, int) or number < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigError(f"{argument}={number!r} cannot work: give a whole number, 1 or more")
        self.dataset: Final = dataset
        self.scorers: Final = tuple(scorers)
        self.name: Final = name or dataset.name
        self.trials: Final = trials
        self.max_concurrency: Final = max_concurrency
        self.conditions: Final = conditions_of(conditions)
        self.last_run: EvalRun | None = None
        _check_scorers(self.scorers, dataset)

    async def evaluate(self, task: object) -> EvalRun:
        """Run the task on every row, `trials` times, and score what it returns.

        Works under asyncio and trio. A sync task or scorer runs in a worker thread. What fails is a result like
        any other; only cancellation ends the run early, and passes: `last_run` then holds what was done.

        Args:
            task: What is evaluated.

        Raises:
            EvaluationError: The task cannot be called with the columns of the dataset. Nothing was called then.
        """
        ready = task_for(task, self.dataset)
        run_id = secrets.token_hex(8)
        results = not_run(self.dataset, trials=self.trials)
        with span(f"evaluate {self.name}", attributes=self._attributes(run_id)) as opened:
            plan = Plan(
                run_id=run_id,
                run_span=opened.context,
                dataset=self.dataset,
                scorers=self.scorers,
                trials=self.trials,
                max_concurrency=self.max_concurrency,
                task=ready,
            )
            try:
                await run_rows(plan, results)
            finally:
                names = [name_of(scorer) for scorer in self.scorers]
                run = EvalRun(
                    run_id=run_id,
                    name=self.name,
                    task=ready.name,
                    scorers=names,
                    results=results,
                    dataset=self.dataset,
                    lower_is_better=self._lower_is_better(),
                    conditions=self.conditions,
                )
                self.last_run = run
        return run

    def run(self, task: object) -> EvalRun:
        """Do as `evaluate`, from sync code: a script, or a notebook whose event loop is running.

        Args:
            task: What is evaluated.

        Raises:
            EvaluationError: The task cannot be called with the columns of the dataset. Nothing was called then.
        """
        return run_in_own_loop(lambda: self.evaluate(task))

    def _lower_is_better(self) -> list[str]:
        return [each.name for each in self.scorers if isinstance(each, Scorer) and each.lower_is_better]

    def _attributes(self, run_id: str) -> dict[str, str | int | Sequence[str]]:
        less: dict[str, Sequence[str]] = {}
        if self._lower_is_better():
            less[semconv.RUN_LOWER_IS_BETTER] = self._lower_is_better()
        return {
            semconv.RUN_ID: run_id,
            semconv.RUN_NAME: self.name,
            semconv.RUN_ROWS: len(self.dataset),
            semconv.RUN_TRIALS: self.trials,
            semconv.DATASET_NAME: self.dataset.name,
            semconv.DATASET_DIGEST: self.dataset.digest,
            **less,
        }

    def __repr__(self) -> str:
        names = ", ".join(map(name_of, self.scorers))
        return f"<Evaluation {self.name!r}: {self.dataset!r}, scorers {names}, {self.trials} trials>"


def _check_scorers(scorers: Sequence[ScorerLike], dataset: Dataset) -> None:
    if not scorers:
        raise ConfigError("an evaluation needs at least one scorer: scorers=[a_function]")
    available = list(dict.fromkeys((*dataset.columns, *_OFFERED)))
    names: list[str] = []
    for scorer in scorers:
        if not (isinstance(scorer, Scorer) or callable(scorer)):
            raise EvaluationError(f"a {type(scorer).__name__} is no scorer: pass a function or a Scorer")
        names.append(name_of(scorer))
        parameters_of(scorer, available)
    for index, name in enumerate(names):
        # `a` can give the score `a.b`: a scorer `a.b` beside it would be a second one of that name.
        if any(other == name or name.startswith(f"{other}.") for other in names[:index] + names[index + 1 :]):
            raise ConfigError(f"two scorers are called {name!r}: name one with @tracelm.scorer(name='...')")
        if name in _COLUMNS_OF_RUN:
            raise ConfigError(
                f"a scorer cannot be called {name!r}, which is a column of the results: "
                "name it with @tracelm.scorer(name='...')"
            )
