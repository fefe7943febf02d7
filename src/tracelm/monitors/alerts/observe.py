"""What the verdicts of a window say about an alert: surely bad, good, or not enough to tell. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracelm.evals.statistics import Interval, weighted_interval
from tracelm.monitors.alerts.condition import BurnRate, Metric, Threshold
from tracelm.monitors.alerts.state import Finding
from tracelm.monitors.windows import LEVEL, ErrorRates, Verdict, corrected, figures

_NS: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen at one look.

    Attributes:
        finding: What it means.
        value: The figure; `None` where there is none.
        low: Lower end of its confidence interval.
        high: Upper end of it.
        n: How many verdicts it is made of.
    """

    finding: Finding
    value: float | None
    low: float | None
    high: float | None
    n: int


def latest(verdicts: Sequence[Verdict], *, now_ns: int, width_s: float) -> list[Verdict]:
    """Return the verdicts on spans that began within the last `width_s` seconds."""
    since_ns = now_ns - round(width_s * _NS)
    return [each for each in verdicts if since_ns <= each.at_ns < now_ns]


def figure_of(
    metric: Metric, verdicts: Sequence[Verdict], *, level: float | None, errors: ErrorRates | None = None
) -> Interval | None:
    """Return a figure of verdicts; `None` where they have none.

    Args:
        metric: Which.
        verdicts: Any number of them.
        level: Of its confidence interval; `None`: the usual one.
        errors: How often the scorer errs, for the true rate.
    """
    sure = LEVEL if level is None else level
    if metric == "n":
        return Interval(len(verdicts), None, None, None, len(verdicts))
    if metric == "error_rate":
        if not verdicts:
            return None
        weights = [each.weight for each in verdicts]
        traces = [(each.project, each.trace_id) for each in verdicts]
        return weighted_interval([each.is_error for each in verdicts], weights, cluster=traces, level=sure)
    found = figures(verdicts, level=sure)
    if metric == "true_rate":
        return corrected(found, errors, level=sure).true_rate
    return found.mean if metric == "mean" else found.pass_rate


def threshold(
    kind: Threshold,
    verdicts: Sequence[Verdict],
    *,
    min_n: int,
    level: float | None,
    errors: ErrorRates | None = None,
) -> Observation:
    """Return whether a figure has crossed its line.

    Beyond is only what is so with the end of the interval that is nearest to the line; within is what the figure itself
    says. Between the two, an alert stays as it is.

    Args:
        kind: The figure and its line.
        verdicts: Those of the window.
        min_n: With fewer there are no data.
        level: Of the interval; `None`: the bare figure decides.
        errors: How often the scorer errs, for the true rate.
    """
    found = figure_of(kind.metric, verdicts, level=level, errors=errors)
    if found is None or (found.n < min_n and kind.metric != "n"):
        return _nothing(found)
    end = found.high if kind.is_below else found.low
    surely = found.mean if level is None or kind.metric == "n" else end
    if surely is not None and kind.holds(surely):
        return _seen("beyond", found)
    return _seen("unclear" if kind.holds(found.mean) else "within", found)


def share(metric: Metric, verdicts: Sequence[Verdict], *, min_n: int, level: float | None) -> Observation:
    """Return a figure of a window without a line: it is well wherever there is enough data."""
    found = figure_of(metric, verdicts, level=level)
    return _nothing(found) if found is None or found.n < min_n else _seen("within", found)


def burn_rate(
    kind: BurnRate,
    verdicts: Sequence[Verdict],
    short: Sequence[Verdict],
    *,
    objective: float,
    min_n: int,
    level: float | None,
) -> Observation:
    """Return whether outputs fail too fast: over the window, and still.

    Two windows, since a long one is slow to notice that it is over, and a short one has few values: Beyer et al. 2018,
    "The Site Reliability Workbook", chapter 5.

    Args:
        kind: How many times too fast.
        verdicts: Those of the window.
        short: Those of its last part.
        objective: The share that should pass.
        min_n: With fewer in the window there are no data.
        level: Of the interval; `None`: the bare figure decides.
    """
    passing, still = figure_of("pass_rate", verdicts, level=level), figure_of("pass_rate", short, level=level)
    if passing is None or passing.n < min_n:
        return _nothing(passing and _burning(passing, objective))
    found = _burning(passing, objective)
    now = None if still is None else _burning(still, objective)
    surely = found.mean if level is None else found.low
    # Of few calls in the short window none may fail by chance: that it is over must be sure too.
    calm = None if now is None else now.mean if level is None else now.high
    if found.mean <= kind.number or (calm is not None and calm <= kind.number):
        return _seen("within", found)
    is_sure = surely is not None and surely > kind.number and now is not None and now.mean > kind.number
    return _seen("beyond" if is_sure else "unclear", found)


def _burning(passing: Interval, objective: float) -> Interval:
    def rate(share: float | None) -> float | None:
        return None if share is None else (1 - share) / (1 - objective)

    burnt = (1 - passing.mean) / (1 - objective)
    return Interval(burnt, None, rate(passing.high), rate(passing.low), passing.n)


def _nothing(found: Interval | None) -> Observation:
    return (
        Observation(finding="no data", value=None, low=None, high=None, n=0)
        if found is None
        else _seen("no data", found)
    )


def _seen(finding: Finding, found: Interval) -> Observation:
    return Observation(finding=finding, value=found.mean, low=found.low, high=found.high, n=found.n)
