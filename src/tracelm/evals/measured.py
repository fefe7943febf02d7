"""A run as comparisons, gates and reports see it: results, and what the dataset says about each row."""

import functools
import math
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from tracelm.errors import EvaluationError
from tracelm.evals.statistics import Interval, mean_interval
from tracelm.evals.summary import Cell, Line, belongs, summary_lines

if TYPE_CHECKING:
    from tracelm.evals.run import RowResult

METRICS: Final = ("latency_s", "cost_usd")
"""What is measured of every trial besides the scores; of both, less is better."""

_MOST_SLICES: Final = 50
_FEW_SLICES: Final = 12
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one run gave.

    Attributes:
        run_id: The run's id.
        name: The evaluation's name.
        task: What was evaluated.
        scorers: Names of the scorers.
        results: One a row and trial.
        digests: The digest of each row, by its number.
        columns: The columns of each row, by its number; rows that are not known are missing.
        lower_is_better: Names of scorers or scores of which less is better.
    """

    run_id: str
    name: str
    task: str
    scorers: Sequence[str]
    results: "Sequence[RowResult]"
    digests: Mapping[int, str] = field(default_factory=dict[int, str])
    columns: Mapping[int, Mapping[str, Any]] = field(default_factory=dict[int, Mapping[str, Any]])
    lower_is_better: Collection[str] = ()

    @functools.cached_property
    def lines(self) -> list[Line]:
        """The summary, one line a score."""
        return summary_lines(self.cells(), n=len(self.results), scorers=self.scorers)

    @property
    def scores(self) -> list[str]:
        """The names of the scores, labels too."""
        return [line.name for line in self.lines]

    @property
    def labels(self) -> list[str]:
        """The names of the scores that are labels, and so have no mean."""
        return [line.name for line in self.lines if line.scored and line.interval is None]

    @property
    def not_run(self) -> int:
        """How many trials were never begun."""
        return sum(each.outcome == "not_run" for each in self.results)

    @property
    def failed(self) -> int:
        """How many trials failed, in the task or in a scorer."""
        return sum(each.outcome not in {"scored", "not_run", "refused_to_score"} for each in self.results)

    def cells(self) -> list[Cell]:
        """Return what the summary is made of."""
        found: list[Cell] = []
        for each in self.results:
            cluster = self.cluster(each.row)
            if each.outcome in {"task_error", "timeout"}:
                found.append(Cell(each.row, each.trial, None, failed=True, cluster=cluster))
            for name, score in each.scores.items():
                found.append(Cell(each.row, each.trial, name, score.value, cluster=cluster))
            failed = each.failed_scorers
            found.extend(Cell(each.row, each.trial, name, failed=True, cluster=cluster) for name in failed)
        return found

    def cluster(self, row: int) -> Hashable | None:
        """Return what the column `cluster` says of a row; `None` where the dataset has no such column."""
        return self._clusters.get(row)

    @functools.cached_property
    def _clusters(self) -> dict[int, Hashable]:
        first = next(iter(self.columns), None)
        if first is None or "cluster" not in self.columns[first]:
            return {}  # without a look at the other rows, each of which is a copy
        found = {row: columns.get("cluster") for row, columns in self.columns.items()}
        return {row: value for row, value in found.items() if isinstance(value, str | int | float)}

    @functools.cached_property
    def has_clusters(self) -> bool:
        """Whether every row says to which cluster it belongs."""
        return bool(self._clusters) and all(each.row in self._clusters for each in self.results)

    def less_is_better(self, name: str) -> bool:
        """Whether less is better of a score or metric."""
        return name in METRICS or any(belongs(name, each) for each in self.lower_is_better)

    def value(self, result: "RowResult", name: str) -> float | None:
        """Return one trial's number; `None` where there is none, or a label."""
        if name in METRICS and name not in result.scores:
            return cast("float | None", getattr(result, name))
        score = result.scores.get(name)
        value = None if score is None else score.value
        return None if value is None or isinstance(value, str) else float(value)

    def trials(self, name: str) -> dict[int, list[float | None]]:
        """Return the numbers of a score by row, `None` for each trial without one; trials not run are left out."""
        found: dict[int, list[float | None]] = {}
        for each in self.results:
            if each.outcome != "not_run":
                found.setdefault(each.row, []).append(self.value(each, name))
        return found

    def interval(self, trials: Mapping[int, Sequence[float]], *, level: float = 0.95) -> Interval | None:
        """Return the mean of numbers by row, clustered by the column `cluster`, else by row where trials repeat it."""
        values = [value for numbers in trials.values() for value in numbers]
        if not values:
            return None
        rows = [row for row, numbers in trials.items() for _ in numbers]
        if self.has_clusters:
            return mean_interval(values, cluster=[self.cluster(row) for row in rows], level=level)
        return mean_interval(values, cluster=rows if len(set(rows)) < len(rows) else None, level=level)

    def worst_value(self, name: str, seen: Collection[float]) -> float | None:
        """Return what a trial without a value counts as where it counts as the worst.

        Args:
            name: The score.
            seen: The values that there are; of scores between 0 and 1 the worst is an end, of others the worst seen.
        """
        if not seen:
            return None
        less = self.less_is_better(name)
        if is_bounded(seen):
            return 1.0 if less else 0.0
        return max(seen) if less else min(seen)

    def keys(self) -> dict[tuple[str, int], int]:
        """Return the rows by digest; the second of two equal rows has a 1 beside its digest, and so on.

        Raises:
            EvaluationError: The digest of a row that was run is not known.
        """
        seen: Counter[str] = Counter()
        found: dict[tuple[str, int], int] = {}
        ran = {each.row for each in self.results if each.outcome != "not_run"}
        for row in sorted({each.row for each in self.results}):
            digest = self.digests.get(row)
            if digest is None and row not in ran:
                continue
            if digest is None:
                raise EvaluationError(
                    f"run {self.run_id}: the digest of row {row} is not known, so nothing can be paired with it"
                )
            found[digest, seen[digest]] = row
            seen[digest] += 1
        return found

    def only(self, rows: Collection[int]) -> "Measured":
        """Return the part of the run that is about these rows."""
        kept = set(rows)
        return replace(self, results=[each for each in self.results if each.row in kept])

    def dividing_columns(self) -> list[str]:
        """Return the columns and keys of `metadata` that have 2 to 12 values, and twice as many rows or more."""
        values: dict[str, set[str]] = {}
        unfit: set[str] = set()
        for columns in self.columns.values():
            for name, value in {**_metadata(columns), **columns}.items():
                seen = values.setdefault(name, set())
                seen.add(str(value)[:_LONGEST_NAME])
                if len(seen) > _FEW_SLICES or not isinstance(value, str | int | float | None):
                    unfit.add(name)
                    seen.clear()
        most = len(self.columns) // 2
        return [name for name, found in values.items() if name not in unfit and 2 <= len(found) <= most]

    def slices(self, column: str) -> dict[str, list[int]]:
        """Return the rows by what stands in a column, most rows first.

        Args:
            column: A column of the dataset, or a key of its column `metadata`.

        Raises:
            EvaluationError: No row has it, or it has too many different values to be a slice.
        """
        found: dict[str, list[int]] = {}
        for row, columns in self.columns.items():
            place = columns if column in columns else _metadata(columns)
            if column in place:
                found.setdefault(str(place[column]), []).append(row)
        if not found:
            known = sorted({name for columns in self.columns.values() for name in columns})
            raise EvaluationError(f"no row has {column!r} among its columns or metadata: {', '.join(known) or 'none'}")
        if len(found) > _MOST_SLICES:
            raise EvaluationError(
                f"{column!r} has {len(found)} different values: slices want few, {_MOST_SLICES} or less"
            )
        return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _metadata(columns: Mapping[str, Any]) -> Mapping[str, object]:
    found: object = columns.get("metadata")
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}


def is_bounded(values: Collection[float]) -> bool:
    """Whether all values lie between 0 and 1."""
    return all(0 <= value <= 1 for value in values)


def mean_of(values: Collection[float]) -> float:
    """Return the mean of one or more values."""
    return math.fsum(values) / len(values)
