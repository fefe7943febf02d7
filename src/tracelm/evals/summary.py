"""The summary of an evaluation: one line a score, with its error bar and what is missing from it."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracelm.evals.statistics import Interval, mean_interval
from tracelm.scoring.score import ScoreValue

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Cell:
    """What one row and trial gave for one score.

    Attributes:
        row: Which row, counted from 0.
        trial: Which repetition of it, counted from 0.
        name: The score's name. For a failed scorer the scorer's name, which stands for all of its scores;
            for a failed task `None`, which stands for all scores.
        value: The value; `None` when there is none.
        failed: Whether the scorer or the task failed.
        cluster: What the row belongs to; `None` where it stands alone.
    """

    row: int
    trial: int
    name: str | None
    value: ScoreValue = None
    failed: bool = False
    cluster: Hashable | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the summary.

    Attributes:
        name: The score's name.
        n: Rows times trials, whatever became of them.
        scored: How many of them have a value.
        errors: How many failed, in the task or in the scorer.
        interval: Mean of the values and its interval; `None` for labels and where there is no value.
        bounds: What the mean would be if every trial that failed had scored 0, and if it had scored 1; `None` where
            none failed, and for scores that do not lie between 0 and 1.
    """

    name: str
    n: int
    scored: int
    errors: int
    interval: Interval | None
    bounds: tuple[float, float] | None = None


def summary_lines(cells: Iterable[Cell], *, n: int, scorers: Sequence[str] = ()) -> list[Line]:
    """Summarize an evaluation, one line a score.

    The mean is over what was scored; `n` and `errors` beside it tell what was not. The interval is clustered by the
    rows' clusters, where all have one, else by row where a row has several trials.

    Args:
        cells: In any order.
        n: Rows times trials of the run.
        scorers: Names of scorers, for the order and for a line even where nothing was scored.
    """
    given = list(cells)
    names = _names(given, scorers)
    values: dict[str, list[Cell]] = {name: [] for name in names}
    failed: dict[str, set[tuple[int, int]]] = {name: set() for name in names}
    for cell in given:
        if cell.failed:
            for name in names:
                if cell.name is None or belongs(name, cell.name):
                    failed[name].add((cell.row, cell.trial))
        elif cell.name is not None and cell.value is not None:
            values[cell.name].append(cell)
    return [_line(name, n, values[name], len(failed[name])) for name in names]


def summarize(cells: Iterable[Cell], *, n: int, scorers: Sequence[str] = ()) -> "pd.DataFrame":
    """Return `summary_lines` as a DataFrame.

    Returns:
        Index = score name; columns `n, scored, errors, mean, se, low, high`. What does not exist is `pd.NA`.
    """
    import pandas as pd

    lines = summary_lines(cells, n=n, scorers=scorers)
    intervals = [line.interval for line in lines]
    columns: dict[str, object] = {
        "n": pd.array([line.n for line in lines], dtype="int64"),
        "scored": pd.array([line.scored for line in lines], dtype="int64"),
        "errors": pd.array([line.errors for line in lines], dtype="int64"),
    }
    for name in ("mean", "se", "low", "high"):
        numbers = [None if each is None else getattr(each, name) for each in intervals]
        columns[name] = pd.array(numbers, dtype="Float64")
    return pd.DataFrame(columns, index=pd.Index([line.name for line in lines], name="score", dtype=object))


def _names(cells: Sequence[Cell], scorers: Sequence[str]) -> list[str]:
    scored = dict.fromkeys(cell.name for cell in cells if cell.name is not None and not cell.failed)
    failed = dict.fromkeys(cell.name for cell in cells if cell.name is not None and cell.failed)
    names: list[str] = []
    for scorer in dict.fromkeys((*scorers, *scored, *failed)):
        own = [name for name in scored if belongs(name, scorer)] or [scorer]
        names.extend(name for name in own if name not in names)
    return names


def belongs(name: str, scorer: str) -> bool:
    """Whether a score comes from a scorer: it has its name, or `scorer.key`."""
    return name == scorer or name.startswith(f"{scorer}.")


def _line(name: str, n: int, cells: Sequence[Cell], errors: int) -> Line:
    found = _interval(cells)
    if found is None or not errors or not all(0 <= float(cell.value or 0) <= 1 for cell in cells):
        return Line(name, n, len(cells), errors, found)
    total, count = found.mean * found.n, found.n + errors
    return Line(name, n, len(cells), errors, found, (total / count, (total + errors) / count))


def _interval(cells: Sequence[Cell]) -> Interval | None:
    numbers = [float(cell.value) for cell in cells if isinstance(cell.value, bool | int | float)]
    if not numbers or len(numbers) < len(cells):
        return None
    clusters = [cell.cluster for cell in cells]
    if None not in clusters:
        return mean_interval(numbers, cluster=clusters)
    rows = [cell.row for cell in cells]
    return mean_interval(numbers, cluster=rows if len(set(rows)) < len(rows) else None)
