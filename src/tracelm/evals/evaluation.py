"""`Evaluation`: a dataset and scorers, to be run against tasks."""

import functools
import secrets
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread

from tracelm import semconv
from tracelm.data.dataset import Dataset
from tracelm.data.model import ModelVersion
from tracelm.errors import ConfigError, EvaluationError
from tracelm.evals.conditions import conditions_of
from tracelm.evals.limits import Budget, Limits
from tracelm.evals.pace import Pace
from tracelm.evals.progress import Progress
from tracelm.evals.provenance import Provenance, git_state
from tracelm.evals.run import FAILED, EvalRun, RowResult
from tracelm.evals.runner import not_run, run_rows
from tracelm.evals.task import Task, earlier_task, task_for
from tracelm.evals.together import Together
from tracelm.evals.trial import KnownOutput, Plan
from tracelm.scoring.call import parameters_of
from tracelm.scoring.judge import Judge
from tracelm.scoring.loop import run_in_own_loop
from tracelm.scoring.scorer import Scorer, ScorerLike, name_of
from tracelm.trace import runtime
from tracelm.trace.scores import emit
from tracelm.trace.spans import SpanHandle, span

if TYPE_CHECKING:
    from tracelm.store.stored import StoredRun

_OFFERED: Final = ("output", "inputs", "context")
_COLUMNS_OF_RUN: Final = frozenset({"row", "trial", "outcome", "output", "error", "latency_s", "cost_usd", "trace_id"})


@dataclass(slots=True)
class _Begun:
    """A run that begins: what of it is there already."""

    run_id: str
    results: list[RowResult]
    parent: "StoredRun | None" = None
    known: Mapping[tuple[str, int], KnownOutput] = field(default_factory=dict[tuple[str, int], KnownOutput])


class Evaluation:
    """A dataset and the scorers that judge what a task makes of it.

    A task is any function (also async, also an op), or an object with one method `predict`, `invoke` or
    `forward`; or outputs that were saved: the name of a column, or a mapping from a row's `id` or digest to its
    output. Parameters of tasks and scorers are filled by name from the columns of the row; a scorer may also
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
        limits: Timeout, retries, rates and budgets; left out, `Limits()`.

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
        limits: Limits | None = None,
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
        self.limits: Final = limits or Limits()
        self.last_run: EvalRun | None = None
        _check_scorers(self.scorers, dataset)

    async def evaluate(
        self,
        task: object,
        *,
        resume: bool | str = False,
        repeat_errors: bool = False,
        cache: bool = False,
        progress: bool | None = None,
        settings: Mapping[str, Any] | None = None,
        model: ModelVersion | None = None,
    ) -> EvalRun:
        """Run the task on every row, `trials` times, and score what it returns.

        Works under asyncio and trio. A sync task or scorer runs in a worker thread. What fails is a result like
        any other; only cancellation ends the run early, and passes: `last_run` then holds what was done.

        Args:
            task: What is evaluated.
            resume: Take up the newest run of this evaluation and task if it is not complete, or the run with this
                id: what has a result is not run again. Where nothing is unfinished, a new run begins.
            repeat_errors: In a run that is taken up, run again what ended in `task_error` or `timeout`.
            cache: Use outputs that earlier runs of the same version of the task gave for the same row and trial,
                instead of calling it.
            progress: Show a bar on stderr; left out, where that is a terminal and no CI.
            settings: Further facts for `EvalRun.provenance`.
            model: The version of a model that the task asks: the run leads back to its training.

        Raises:
            EvaluationError: The task cannot be called with the columns of the dataset. Nothing was called then.
            ResumeError: The run still goes on, or dataset, task, scorers or trials have changed since.
            ConfigError: `resume` or `cache` before `tracelm.init()`: nothing is recorded then.
        """
        ready = task_for(task, self.dataset)
        provenance = self._provenance(ready, settings or {}, model)
        if resume is False and not cache:
            begun = _Begun(secrets.token_hex(8), not_run(self.dataset, trials=self.trials))
        else:  # reads the store, which may take a while
            begin = functools.partial(self._begin, resume=resume, repeat_errors=repeat_errors, cache=cache)
            begun = await anyio.to_thread.run_sync(begin, ready, provenance)
        return await self._execute(ready, provenance, begun, progress=progress)

    def run(
        self,
        task: object,
        *,
        resume: bool | str = False,
        repeat_errors: bool = False,
        cache: bool = False,
        progress: bool | None = None,
        settings: Mapping[str, Any] | None = None,
        model: ModelVersion | None = None,
    ) -> EvalRun:
        """Do as `evaluate`, from sync code: a script, or a notebook whose event loop is running.

        Args:
            task: What is evaluated.
            resume: As for `evaluate`, like what follows.
            repeat_errors: Run again what failed, in a run that is taken up.
            cache: Use outputs of earlier runs.
            progress: Show a bar.
            settings: Further facts for `EvalRun.provenance`.
            model: The version of a model that the task asks.

        Raises:
            EvaluationError: The task cannot be called with the columns of the dataset. Nothing was called then.
            ResumeError: Dataset, task, scorers or trials have changed since the run that is to be taken up.
            ConfigError: `resume` or `cache` before `tracelm.init()`.
        """
        return run_in_own_loop(
            lambda: self.evaluate(
                task,
                resume=resume,
                repeat_errors=repeat_errors,
                cache=cache,
                progress=progress,
                settings=settings,
                model=model,
            )
        )

    def rescore(self, run: EvalRun | str, *, progress: bool | None = None) -> EvalRun:
        """Score the outputs of an earlier run with the scorers of this evaluation, without calling the task.

        What the task did not give then, or what was not recorded exactly, is `not_run` here, with the reason.

        Args:
            run: The run, or its id in the store.
            progress: Show a bar.

        Returns:
            A run of its own.

        Raises:
            EvaluationError: None of its rows is in the dataset.
            StoreError: No run has this id.
        """
        earlier = run if isinstance(run, EvalRun) else EvalRun.load(run)
        from tracelm.evals.stored import known_outputs

        known = dict(known_outputs(earlier.results))
        of_dataset = set(self.dataset.row_digests)
        if not any(digest in of_dataset for digest, _ in known):
            raise EvaluationError(
                f"no row of run {earlier.run_id} is in the dataset {self.dataset.name!r}: pass the dataset of that run"
            )
        absent = KnownOutput(None, missing=f"run {earlier.run_id} has no output for this row and trial")
        for digest in of_dataset:
            for trial in range(self.trials):
                known.setdefault((digest, trial), absent)
        then = earlier.provenance
        ready = earlier_task(
            earlier.task,
            "unknown" if then is None else then.task_version,
            () if then is None else tuple(each for each in then.task_parameters if each in self.dataset.columns),
        )
        provenance = self._provenance(ready, {"rescored": earlier.run_id})
        begun = _Begun(secrets.token_hex(8), not_run(self.dataset, trials=self.trials), known=known)
        return run_in_own_loop(lambda: self._execute(ready, provenance, begun, progress=progress))

    def _begin(
        self, task: Task, provenance: Provenance, *, resume: bool | str, repeat_errors: bool, cache: bool
    ) -> _Begun:
        """Find out what is there already, in the store."""
        results = not_run(self.dataset, trials=self.trials)
        begun = _Begun(secrets.token_hex(8), results)
        current = runtime.active
        if current is None:
            raise ConfigError("resume and cache read what was recorded: call tracelm.init('my-project') first")
        from tracelm.evals.stored import results_of, resumable
        from tracelm.store.open import open_local

        project = current.settings.project
        with open_local() as store:
            if resume is not False:
                run_id = resume if isinstance(resume, str) else None
                found = resumable(store, name=self.name, project=project, run_id=run_id, now=provenance)
                if found is not None:
                    begun.run_id, begun.parent = found.run_id, found
                    places = {(each.row, each.trial): index for index, each in enumerate(results)}
                    for each in results_of(store, found):
                        if not (repeat_errors and each.outcome in FAILED):
                            results[places[each.row, each.trial]] = each
            if cache:
                outputs = store.known_outputs(task.version, project=project)
                begun.known = {key: KnownOutput(output, trace_id) for key, (trace_id, output) in outputs.items()}
        return begun

    async def _execute(self, task: Task, provenance: Provenance, begun: _Begun, *, progress: bool | None) -> EvalRun:
        stopped: str | None = None
        with self._opened(begun, provenance) as opened, Progress(self.name, begun.results, shown=progress) as bar:
            limiter = anyio.CapacityLimiter(self.max_concurrency)
            available = list(dict.fromkeys((*self.dataset.columns, *_OFFERED)))
            plan = Plan(
                run_id=begun.run_id,
                run_span=opened.context,
                dataset=self.dataset,
                judges=[Judge(scorer, available) for scorer in self.scorers],
                max_concurrency=self.max_concurrency,
                limits=self.limits,
                task=task,
                known=begun.known,
                together=Together(limiter),
                limiter=limiter,
                pace=Pace(self.limits, most=self.max_concurrency, now_s=time.monotonic()),
            )
            budget = Budget(self.limits, planned=len(begun.results), now_s=time.monotonic)
            for each in begun.results:
                budget.add(cost_usd=each.cost_usd, tokens=0, failed=each.outcome in FAILED)
            if begun.parent is not None:  # the store knows what scorers took, too
                budget.cost_usd, budget.tokens = begun.parent.cost_usd or 0.0, begun.parent.tokens
            try:
                stopped = await run_rows(plan, begun.results, budget, on_result=bar.add)
            finally:
                if stopped is not None:
                    opened.set_attribute(semconv.RUN_STOPPED, stopped)
                self.last_run = EvalRun(
                    run_id=begun.run_id,
                    name=self.name,
                    task=task.name,
                    scorers=[name_of(scorer) for scorer in self.scorers],
                    results=begun.results,
                    dataset=self.dataset,
                    provenance=provenance,
                    stopped=stopped,
                    lower_is_better=self._lower_is_better(),
                    conditions=self.conditions,
                )
        return self.last_run

    def _lower_is_better(self) -> list[str]:
        return [each.name for each in self.scorers if isinstance(each, Scorer) and each.lower_is_better]

    @contextmanager
    def _opened(self, begun: _Begun, provenance: Provenance) -> Generator[SpanHandle]:
        """Open the span of a run, and say at once that it has begun: its process may die."""
        attributes: dict[str, Any] = {
            semconv.RUN_ID: begun.run_id,
            semconv.RUN_NAME: self.name,
            semconv.RUN_ROWS: provenance.rows,
            semconv.RUN_TRIALS: provenance.trials,
            semconv.DATASET_NAME: provenance.dataset,
            semconv.DATASET_DIGEST: provenance.dataset_digest,
            semconv.TASK_NAME: provenance.task,
            semconv.TASK_VERSION: provenance.task_version,
        }
        if provenance.dataset_version is not None:
            attributes[semconv.DATASET_VERSION] = provenance.dataset_version
        if provenance.model:
            attributes[semconv.MODEL_NAME] = provenance.model["name"]
            attributes[semconv.MODEL_VERSION] = provenance.model["version"]
            attributes[semconv.MODEL_DIGEST] = provenance.model["digest"]
        if self._lower_is_better():
            attributes[semconv.RUN_LOWER_IS_BETTER] = self._lower_is_better()
        if runtime.active is not None:
            attributes[semconv.RUN_PROVENANCE] = provenance.as_json()
        with span(f"evaluate {self.name}", attributes=attributes) as opened:
            emit(semconv.STARTED_EVENT, attributes, on=opened.context)
            yield opened

    def _provenance(self, task: Task, settings: Mapping[str, Any], model: ModelVersion | None = None) -> Provenance:
        commit, dirty = git_state()
        own: dict[str, Any] = {"max_concurrency": self.max_concurrency, **self.limits.as_dict(), **settings}
        available = list(dict.fromkeys((*self.dataset.columns, *_OFFERED)))
        judges = [Judge(scorer, available) for scorer in self.scorers]
        return Provenance(
            dataset=self.dataset.name,
            dataset_digest=self.dataset.digest,
            dataset_version=self.dataset.version,
            rows=len(self.dataset),
            trials=self.trials,
            task=task.name,
            task_version=task.version,
            task_parameters=list(task.parameters),
            model={} if model is None else model.reference(),
            scorers={each.name: each.version for each in judges},
            settings=own,
            git_commit=commit,
            git_dirty=dirty,
        )

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
