"""A bar on stderr while a run goes on: rate, cost, errors, time left, and below it each score's mean so far."""

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tracelm.evals.run import FAILED, RowResult
from tracelm.evals.trial import Taken

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import Progress as Bar

_SHOWN_SCORES = 12
"""A live view that is taller than its terminal flickers; the report has all of them."""


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
        self._live: Live | None = None
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
        from rich.live import Live
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = self._console or Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[facts]}", markup=False),
            console=console,
        )
        self._bar.add_task(self._name, total=self._total, completed=self._done, rate="", facts=self._facts())
        self._live = Live(get_renderable=self._view, console=console, refresh_per_second=4)
        self._live.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()  # which draws once more, and leaves that
            self._live = None

    def add(self, taken: Taken) -> None:
        """Count a result."""
        if self._bar is None or self._live is None:
            return
        self._count(taken.result, taken.cost_usd)
        line = self._bar.tasks[0]
        rate = "" if line.speed is None else f"{line.speed:.3g}/s"
        self._bar.update(line.id, completed=self._done, rate=rate, facts=self._facts())

    def _view(self) -> "Group":
        """What is drawn, by a thread of rich."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        assert self._bar is not None
        sums = list(self._sums.items())
        if not sums:
            return Group(self._bar.get_renderable())
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("score")
        table.add_column("mean so far", justify="right")
        table.add_column("scored", justify="right")
        for name, (total, count) in sums[:_SHOWN_SCORES]:
            table.add_row(Text(name), f"{total / count:.4g}", str(count))
        more = len(sums) - _SHOWN_SCORES
        return Group(self._bar.get_renderable(), table, *([Text(f"and {more} more", "dim")] if more > 0 else ()))

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
        return "  ".join(found)


def _is_looked_at() -> bool:
    if os.environ.get("CI", "").lower() not in {"", "0", "false"} or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules
