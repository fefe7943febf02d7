"""The summary of an evaluation: one line a score, with its error bar and what is missing from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Final

from tracelm.evals.statistics import Interval, mean_interval
from tracelm.scoring.score import ScoreValue

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

_SHOWN_FAILURES: Final = 5
_WIDTH: Final = 100


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
    """

    row: int
    trial: int
    name: str | None
    value: ScoreValue = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the summary.

    Attributes:
        name: The score's name.
        n: Rows times trials, whatever became of them.
        scored: How many of them have a value.
        errors: How many failed, in the task or in the scorer.
        interval: Mean of the values and its interval; `None` for labels and where there is no value.
    """

    name: str
    n: int
    scored: int
    errors: int
    interval: Interval | None


def summary_lines(cells: Iterable[Cell], *, n: int, scorers: Sequence[str] = ()) -> list[Line]:
    """Summarize an evaluation, one line a score.

    The mean is over what was scored; `n` and `errors` beside it tell what was not. Where a row has several
    trials, the interval is clustered by row.

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
                if cell.name is None or _belongs(name, cell.name):
                    failed[name].add((cell.row, cell.trial))
        elif cell.name is not None and cell.value is not None:
            values[cell.name].append(cell)
    return [Line(name, n, len(values[name]), len(failed[name]), _interval(values[name])) for name in names]


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


@dataclass(frozen=True, slots=True)
class Report:
    """A summary to look at: `print` gives plain text, `rich.print` a table.

    Attributes:
        title: What was evaluated.
        lines: One a score.
        facts: Sentences about the whole run.
        failures: What failed, one a row and trial.
    """

    title: str
    lines: Sequence[Line]
    facts: Sequence[str]
    failures: Sequence[str]

    def __rich__(self) -> "RenderableType":
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
        table.add_column("score", overflow="fold")
        for name in ("mean", "95% interval", "scored", "errors", "n"):
            table.add_column(name, justify="right")
        for line in self.lines:
            mean, interval = _shown(line)
            cells = (line.name, mean, interval, str(line.scored), str(line.errors), str(line.n))
            table.add_row(*map(Text, cells))
        shown = [f"  {each}" for each in self.failures[:_SHOWN_FAILURES]]
        if len(self.failures) > _SHOWN_FAILURES:
            shown.append(f"  and {len(self.failures) - _SHOWN_FAILURES} more: see .rows")
        return Group(Text(self.title, style="bold"), table, *map(Text, [*self.facts, *shown]))

    def __str__(self) -> str:
        from rich.console import Console

        text = StringIO()
        Console(file=text, width=_WIDTH, color_system=None, force_terminal=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().rstrip().split("\n"))


def _names(cells: Sequence[Cell], scorers: Sequence[str]) -> list[str]:
    scored = dict.fromkeys(cell.name for cell in cells if cell.name is not None and not cell.failed)
    failed = dict.fromkeys(cell.name for cell in cells if cell.name is not None and cell.failed)
    names: list[str] = []
    for scorer in dict.fromkeys((*scorers, *scored, *failed)):
        own = [name for name in scored if _belongs(name, scorer)] or [scorer]
        names.extend(name for name in own if name not in names)
    return names


def _belongs(name: str, scorer: str) -> bool:
    return name == scorer or name.startswith(f"{scorer}.")


def _interval(cells: Sequence[Cell]) -> Interval | None:
    numbers = [float(cell.value) for cell in cells if isinstance(cell.value, bool | int | float)]
    if not numbers or len(numbers) < len(cells):
        return None
    rows = [cell.row for cell in cells]
    return mean_interval(numbers, cluster=rows if len(set(rows)) < len(rows) else None)


def _shown(line: Line) -> tuple[str, str]:
    found = line.interval
    if found is None:
        return ("labels" if line.scored else "-"), "-"
    if found.low is None or found.high is None:
        return f"{found.mean:.4g}", "-"
    return f"{found.mean:.4g}", f"{found.low:.4g} to {found.high:.4g}"
