"""`EvalRun`: what one execution of an evaluation gave."""

import functools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tracelm.evals.report import Cell, Line, Report, summarize, summary_lines
from tracelm.scoring.score import Score

if TYPE_CHECKING:
    import pandas as pd

    from tracelm.data.dataset import Dataset
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
    ) -> None:
        self.run_id = run_id
        self.name = name
        self.task = task
        self.results = tuple(results)
        self.dataset = dataset
        self.provenance = provenance
        self.stopped = stopped
        self._scorers = tuple(scorers)

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
        for line in self._lines:
            scores = (each.scores.get(line.name) for each in results)
            columns[line.name] = _column([None if each is None else each.value for each in scores])
        return pd.DataFrame(columns)

    @functools.cached_property
    def summary(self) -> "pd.DataFrame":
        """One line a score: columns `n, scored, errors, mean, se, low, high`.

        `n` counts every trial of every row, `scored` those with a value, `errors` those where task or scorer
        failed. Mean, standard error and 95 % interval are over what was scored, clustered by row where trials
        repeat it; they are `pd.NA` for labels.
        """
        return summarize(self._cells(), n=len(self.results), scorers=self._scorers)

    def report(self) -> Report:
        """Return the summary to look at: `print` it, or give it to rich."""
        n = len(self.results)
        counted = Counter(each.outcome for each in self.results)
        facts = [f"{_trials(n)}: {', '.join(f'{count} {outcome}' for outcome, count in counted.items())}"]
        if self.stopped is not None:
            facts.append(f"stopped: {self.stopped}")
        costs = [each.cost_usd for each in self.results if each.cost_usd is not None]
        if costs:
            facts.append(f"cost of the task: {math.fsum(costs):.6f} USD, known for {len(costs)} of {n}")
        failures = [
            f"row {each.row}, trial {each.trial}, {each.outcome}: {each.error}"
            for each in self.results
            if each.outcome not in {"scored", "not_run"}
        ]
        title = f"{self.name}: {self.task} (run {self.run_id})"
        return Report(title=title, lines=self._lines, facts=facts, failures=failures)

    def __str__(self) -> str:
        return str(self.report())

    def __repr__(self) -> str:
        means = "".join(f", {line.name} {line.interval.mean:.4g}" for line in self._lines if line.interval is not None)
        return f"<EvalRun {self.name!r} of {self.task}: {_trials(len(self.results))}{means}>"

    @functools.cached_property
    def _lines(self) -> list[Line]:
        return summary_lines(self._cells(), n=len(self.results), scorers=self._scorers)

    def _cells(self) -> Iterator[Cell]:
        for each in self.results:
            if each.outcome in FAILED:
                yield Cell(each.row, each.trial, None, failed=True)
            for name, score in each.scores.items():
                yield Cell(each.row, each.trial, name, score.value)
            for name in each.failed_scorers:
                yield Cell(each.row, each.trial, name, failed=True)


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
