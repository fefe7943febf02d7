"""Which rows of a run to look at first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracelm.evals.measured import Measured, mean_of

if TYPE_CHECKING:
    from tracelm.evals.compare import Comparison
    from tracelm.evals.run import RowResult


@dataclass(frozen=True, slots=True)
class Ranked:
    """A trial in the order of how bad it is.

    Attributes:
        result: The trial.
        difference: By how much its row differs from the baseline, where there is one.
        is_bad: Whether it failed, fell against the baseline, or is below the best score.
    """

    result: "RowResult"
    difference: float | None
    is_bad: bool


def worst_first(run: Measured, comparison: "Comparison | None" = None) -> list[Ranked]:
    """Return what failed, then what fell most against the baseline, then what scored worst; only what was run."""
    first = comparison.differences[0].name if comparison is not None and comparison.differences else None
    apart = dict(comparison.row_differences(first)) if comparison is not None and first is not None else {}
    sign = -1 if first is not None and run.less_is_better(first) else 1
    spans = _spans(run)

    def rank(each: "RowResult") -> tuple[int, float, float]:
        if each.outcome not in {"scored", "refused_to_score"}:
            return 0, 0.0, 0.0
        parts: list[float] = []
        for name, (low, high) in spans.items():
            value = run.value(each, name)
            if value is not None and high > low:
                share = (value - low) / (high - low)
                parts.append(1 - share if run.less_is_better(name) else share)
        return 1, sign * apart.get(each.row, 0.0), mean_of(parts) if parts else 1.0

    ranks = [(rank(each), each) for each in run.results if each.outcome != "not_run"]
    ranks.sort(key=lambda found: found[0])
    return [Ranked(each, apart.get(each.row), found < (1, 0.0, 1.0)) for found, each in ranks]


def _spans(run: Measured) -> Mapping[str, tuple[float, float]]:
    """Return the least and the greatest value of each score that is a number."""
    found: dict[str, tuple[float, float]] = {}
    for line in run.lines:
        values = [value for each in run.results if (value := run.value(each, line.name)) is not None]
        if line.interval is not None and values:
            found[line.name] = min(values), max(values)
    return found
