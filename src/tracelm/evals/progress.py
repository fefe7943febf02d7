"""A bar on stderr while a run goes on: rate, cost, errors, time left, and the mean of each score so far."""

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tracelm.evals.run import FAILED, RowResult
from tracelm.evals.trial import Taken

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_SHOWN_SCORES = 4


class Progress:
    """Shows how far a run is, where somebody looks.

    Args:
        name: What is evaluated.
        results: All of the run; what a resumed run has already counts as done.
        shown: Whether to show it; `None`: on a terminal or in a notebook, and not in CI.
        console: Where; by default stderr.
    """

    def __init__(
        self, name: str, results: Sequence[RowResult], *, shown: bool | None, console: "Console | None" = None
    ) -> None:
        self._name = name
        self._total = len(results)
        self._shown = shown
        self._console = console
        self._bar: Bar | None = None
        self._line: TaskID | None = None
        self._done = self._errors = 0
        self._cost_usd: float | None = None
        self._sums: dict[str, tuple[float, int]] = {}
        for each in results:
            if each.outcome != "not_run":
                self._count(each, each.cost_usd)

    def __enter__(self) -> Self:
        if not (_is_looked_at() if self._shown is None and self._console is None else self._shown is not False):
            return self
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[facts]}", markup=False),
            console=self._console or Console(stderr=True),
            refresh_per_second=4,
        )
        self._bar.start()
        self._line = self._bar.add_task(
            self._name, total=self._total, completed=self._done, rate="", facts=self._facts()
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def add(self, taken: Taken) -> None:
        """Count a result."""
        if self._bar is None or self._line is None:
            return
        self._count(taken.result, taken.cost_usd)
        speed = self._bar.tasks[0].speed
        rate = "" if speed is None else f"{speed:.3g}/s"
        self._bar.update(self._line, completed=self._done, rate=rate, facts=self._facts())

    def _count(self, result: RowResult, cost_usd: float | None) -> None:
        self._done += 1
        self._errors += result.outcome in FAILED or result.outcome == "scorer_error"
        if cost_usd is not None:
            self._cost_usd = (self._cost_usd or 0.0) + cost_usd
        for name, score in result.scores.items():
            if isinstance(score.value, bool | float):
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = (total + score.value, count + 1)

    def _facts(self) -> str:
        found = [f"{self._errors} errors"] if self._errors else []
        if self._cost_usd is not None:
            found.append(f"${self._cost_usd:.4g}")
        found += [f"{name} {total / count:.3g}" for name, (total, count) in list(self._sums.items())[:_SHOWN_SCORES]]
        return "  ".join(found)


def _is_looked_at() -> bool:
    if os.environ.get("CI", "").lower() not in {"", "0", "false"} or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules
