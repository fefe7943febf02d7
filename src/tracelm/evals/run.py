"""`EvalRun`: what one execution of an evaluation gave."""

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tracelm.errors import ConfigError
from tracelm.evals.measured import Measured
from tracelm.evals.report import Report
from tracelm.evals.summary import summarize
from tracelm.scoring.score import Score

if TYPE_CHECKING:
    import pandas as pd

    from tracelm.data.dataset import Dataset
    from tracelm.evals.classification import Classification
    from tracelm.evals.compare import Comparison, Margin
    from tracelm.evals.gates import Checks
    from tracelm.evals.provenance import Provenance

Outcome: TypeAlias = Literal["scored", "task_error", "scorer_error", "timeout", "refused_to_score", "not_run"]
"""What became of a trial. `timeout`: the task took longer than it may. `refused_to_score`: a scorer gave no value.
`not_run`: the run was interrupted, or stopped at a limit, before."""

FAILED: Final[frozenset[str]] = frozenset({"task_error", "timeout"})
"""Outcomes of trials whose task gave no output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What one trial of one row gave.

    Attributes:
        row: Which row, counted from 0.
        trial: Which repetition, counted from 0.
        outcome: What became of it.
        output: What the task returned; `None` where it did not.
        error: Why there is no score, in words.
        latency_s: How long the task took, in seconds.
        cost_usd: What the task's model calls cost, in US dollars; `None` when not known.
        trace_id: Its trace, 32 hex digits; `None` when nothing was recorded.
        scores: The scores by name.
        failed_scorers: Names of the scorers that failed.
        row_digest: The SHA-256 of the row, 64 hex digits.
        is_exact: Whether `output` is what the task returned. Read from the store, it may have been redacted or cut.
    """

    row: int
    trial: int
    outcome: Outcome = "not_run"
    output: Any = None
    error: str | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    trace_id: str | None = None
    scores: Mapping[str, Score] = field(default_factory=dict[str, Score])
    failed_scorers: tuple[str, ...] = ()
    row_digest: str | None = None
    is_exact: bool = True


class EvalRun:
    """One execution of an evaluation against a task.

    Attributes:
        run_id: Its id, 16 hex digits: `tracelm.run.id` on everything that was recorded.
        name: The evaluation's name.
        task: What was evaluated.
        results: One a row and trial, in the order of the dataset; none is missing.
        dataset: The rows; `None` where the run was read from the store.
        provenance: Dataset, task and scorers with their versions, commit, packages, settings; `None` where a stored
            run does not tell.
        stopped: The limit that ended the run early, as a sentence; `None` where none did.
    """

    def __init__(
        self,
        *,
        run_id: str,
        name: str,
        task: str,
        scorers: Sequence[str],
        results: Sequence[RowResult],
        dataset: "Dataset | None" = None,
        provenance: "Provenance | None" = None,
        stopped: str | None = None,
        lower_is_better: Collection[str] = (),
        conditions: Sequence[str] = (),
    ) -> None:
        self.run_id = run_id
        self.name = name
        self.task = task
        self.results = tuple(results)
        self.dataset = dataset
        self.provenance = provenance
        self.stopped = stopped
        self._scorers = tuple(scorers)
        self._lower_is_better = tuple(lower_is_better)
        self._conditions = tuple(conditions)

    @property
    def is_complete(self) -> bool:
        """Whether every row and trial was run."""
        return all(each.outcome != "not_run" for each in self.results)

    @classmethod
    def load(cls, run_id: str, *, project: str | None = None, url: str | None = None) -> "EvalRun":
        """Read a run from the store: what `evaluate` returned, as far as it was recorded.

        Args:
            run_id: The id, or at least its first 4 characters if no other run begins so.
            project: Where to look.
            url: The store, as for `tracelm.open_store`.

        Raises:
            StoreError: No run has this id, or several begin so.
        """
        from tracelm.evals.stored import load_run
        from tracelm.store.open import open_store

        with open_store(url) as store:
            return load_run(store, store.run(run_id, project=project))

    @functools.cached_property
    def rows(self) -> "pd.DataFrame":
        """One line a row and trial.

        Columns `row, trial, outcome, output, error, latency_s, cost_usd, trace_id`, then one a score. A cell
        without a value is `None` or `pd.NA`, never NaN.
        """
        import pandas as pd

        results = self.results
        columns: dict[str, object] = {
            "row": pd.array([each.row for each in results], dtype="int64"),
            "trial": pd.array([each.trial for each in results], dtype="int64"),
            "outcome": _objects([each.outcome for each in results]),
            "output": _objects([each.output for each in results]),
            "error": _objects([each.error for each in results]),
            "latency_s": pd.array([each.latency_s for each in results], dtype="Float64"),
            "cost_usd": pd.array([each.cost_usd for each in results], dtype="Float64"),
            "trace_id": _objects([each.trace_id for each in results]),
        }
        for line in self.measured.lines:
            scores = (each.scores.get(line.name) for each in results)
            columns[line.name] = _column([None if each is None else each.value for each in scores])
        return pd.DataFrame(columns)

    @functools.cached_property
    def summary(self) -> "pd.DataFrame":
        """One line a score: columns `n, scored, errors, mean, se, low, high`.

        `n` counts every trial of every row, `scored` those with a value, `errors` those where task or scorer
        failed. Mean, standard error and 95 % interval are over what was scored, clustered by the dataset's column
        `cluster`, else by row where trials repeat it; they are `pd.NA` for labels.
        """
        return summarize(self.measured.cells(), n=len(self.results), scorers=self._scorers)

    def report(self, *, baseline: "EvalRun | None" = None, by: Sequence[str] = ()) -> Report:
        """Return the summary to look at: `print` it, or write it as Markdown, HTML, JSON or JUnit XML.

        Args:
            baseline: A run to compare with.
            by: Columns of the dataset, or keys of its `metadata`, to show slice by slice.

        Raises:
            ConfigError: The run's conditions speak of a baseline, and none is given.
            EvaluationError: The baseline has no row in common, or no row has a column of `by`.
        """
        return Report.of(
            self.measured,
            comparison=None if baseline is None else self.compare(baseline),
            checks=self.check(baseline=baseline) if self._conditions else None,
            by=by,
            facts=[] if self.stopped is None else [f"stopped: {self.stopped}"],
        )

    def compare(
        self,
        baseline: "EvalRun",
        *,
        on: Sequence[str] | None = None,
        margin: "Margin" = None,
        level: float = 0.95,
        power: float = 0.8,
    ) -> "Comparison":
        """Compare with another run, row by row: rows are paired by their content, never by their place.

        Args:
            baseline: The run to compare with.
            on: The scores; also `latency_s` and `cost_usd`. Left out, all that both runs have and that are numbers.
            margin: Differences below it do not matter (one number, or one by score): the verdict can be "equivalent"
                then, and `not_worse` says whether the run is shown to be no worse by more than that.
            level: The confidence level of the intervals.
            power: How often a difference that is there is to be seen, for `detectable`.

        Raises:
            ConfigError: An impossible margin, level or power.
            EvaluationError: The runs have no row in common, or a score of `on` cannot be compared.
        """
        from tracelm.evals.compare import compare

        return compare(self.measured, baseline.measured, on=on, margin=margin, level=level, power=power)

    def classification(self, score: str) -> "Classification":
        """Return how well the task tells labels apart: precision, recall, F1, accuracy, what is taken for what.

        Args:
            score: The name of a score of `LabelMatch`, or of one whose details tell `expected` and `found`.

        Raises:
            EvaluationError: The run has no such score, or that one tells no labels.
        """
        from tracelm.evals.classification import classification

        return classification(self.results, score)

    def check(self, conditions: Sequence[str] | None = None, *, baseline: "EvalRun | None" = None) -> "Checks":
        """Hold conditions against the run.

        Args:
            conditions: Such as `"relevance >= 0.8"`, `"low(relevance) >= 0.75"`, `"p90(latency_s) <= 2"` or
                `"no worse than baseline by 0.02 on relevance"`. Left out, those of the evaluation.
            baseline: What "than baseline" means.

        Returns:
            One result a condition, with the figure, its interval and why; `.answer` is passed, failed or underpowered.

        Raises:
            ConfigError: There are no conditions, one cannot be read, names a score that the run does not have, or
                speaks of a baseline where none is given.
            EvaluationError: Run and baseline have no row in common.
        """
        from tracelm.evals.conditions import conditions_of
        from tracelm.evals.gates import check_conditions

        wanted = self._conditions if conditions is None else conditions_of(conditions)
        if not wanted:
            raise ConfigError("there is nothing to check: give conditions, here or to Evaluation(conditions=[...])")
        other = None if baseline is None else baseline.measured
        return check_conditions(self.measured, wanted, baseline=other)

    @functools.cached_property
    def passed(self) -> bool | None:
        """Whether the run holds the evaluation's conditions; `None` where its rows cannot tell, or it has none.

        Raises:
            ConfigError: A condition names a score that the run does not have, or speaks of a baseline: then ask
                `check(baseline=...)`.
        """
        return self.check().passed if self._conditions else None

    @functools.cached_property
    def measured(self) -> Measured:
        """The run as comparisons, gates and reports see it."""
        known = self.dataset
        digests = {each.row: each.row_digest for each in self.results if each.row_digest is not None}
        return Measured(
            run_id=self.run_id,
            name=self.name,
            task=self.task,
            scorers=self._scorers,
            results=self.results,
            digests=digests if known is None else dict(enumerate(known.row_digests)),
            columns={} if known is None else _Columns(known),
            lower_is_better=self._lower_is_better,
        )

    def __str__(self) -> str:
        return str(self.report())

    def __repr__(self) -> str:
        means = "".join(
            f", {line.name} {line.interval.mean:.4g}" for line in self.measured.lines if line.interval is not None
        )
        return f"<EvalRun {self.name!r} of {self.task}: {_trials(len(self.results))}{means}>"


class _Columns(Mapping[int, Mapping[str, Any]]):
    """The rows of a dataset by their number, copied one by one when they are asked for."""

    def __init__(self, dataset: "Dataset") -> None:
        self._dataset = dataset

    def __getitem__(self, row: int) -> Mapping[str, Any]:
        if not 0 <= row < len(self._dataset):
            raise KeyError(row)
        return self._dataset.rows[row]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._dataset)))

    def __len__(self) -> int:
        return len(self._dataset)


def _objects(values: Sequence[object]) -> "pd.Series[Any]":
    import pandas as pd

    # Told to keep objects: pandas would turn None into NaN.
    return pd.Series(list(values), dtype=object)


def _column(values: Sequence[Any]) -> object:
    import pandas as pd

    kinds: set[type] = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return pd.array(values, dtype="boolean")
    if kinds <= {float}:
        return pd.array(values, dtype="Float64")
    return _objects(values)


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"
