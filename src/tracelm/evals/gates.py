"""Whether a run may pass: conditions held against its figures, with three answers.

`passed` and `failed` say what they say; `underpowered` means that the rows cannot tell. A gate that has only two
answers gives one of them by chance.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tracelm.errors import ConfigError
from tracelm.evals.conditions import AgainstBaseline, Condition, Figure, Threshold, is_reducer, parse_conditions
from tracelm.evals.measured import METRICS, Measured
from tracelm.evals.statistics import Interval, mean_interval, quantile_interval, reduce_trials
from tracelm.evals.summary import belongs

if TYPE_CHECKING:
    import pandas as pd

    from tracelm.evals.compare import Comparison

Answer: TypeAlias = Literal["passed", "failed", "underpowered"]

PASS: Final = 0
FAIL: Final = 1
ERROR: Final = 2
UNDERPOWERED: Final = 3

COUNTS: Final = ("errors", "error_rate", "not_run")
"""What of the whole run a condition may name besides scores and metrics."""

_WORST: Final[Mapping[Answer, int]] = {"passed": 0, "underpowered": 1, "failed": 2}


@dataclass(frozen=True, slots=True)
class Check:
    """One condition and what became of it.

    Attributes:
        condition: As it was read.
        answer: passed, failed or underpowered.
        figure: The number that it is about; `None` where there is none.
        low: Lower end of its 95% interval, where it has one.
        high: Upper end of it.
        why: The sentence that says why.
    """

    condition: str
    answer: Answer
    figure: float | None
    low: float | None
    high: float | None
    why: str


@dataclass(frozen=True)
class Checks:
    """All conditions of a gate.

    Attributes:
        results: One a condition, in their order.
    """

    results: Sequence[Check]

    @property
    def answer(self) -> Answer:
        """`failed` when one failed, else `underpowered` when one cannot be told, else `passed`."""
        answers = {each.answer for each in self.results}
        return "failed" if "failed" in answers else "underpowered" if "underpowered" in answers else "passed"

    @property
    def passed(self) -> bool | None:
        """True, False, or `None`: it cannot be told."""
        return {"passed": True, "failed": False, "underpowered": None}[self.answer]

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 underpowered; 2 stands for an error, which has no `Checks`."""
        return exit_code(self.answer)

    @property
    def table(self) -> "pd.DataFrame":
        """One line a condition: columns `condition, answer, figure, low, high, why`."""
        import pandas as pd

        columns: dict[str, object] = {
            "condition": [each.condition for each in self.results],
            "answer": [each.answer for each in self.results],
        }
        for name in ("figure", "low", "high"):
            columns[name] = pd.array([getattr(each, name) for each in self.results], dtype="Float64")
        return pd.DataFrame(columns | {"why": [each.why for each in self.results]})

    def __str__(self) -> str:
        return "\n".join(f"{each.answer}: {each.condition}: {each.why}" for each in self.results)


def exit_code(answer: Answer) -> int:
    """Return the exit code of a program that ran a gate: 0 passed, 1 failed, 3 underpowered.

    Example:
        >>> exit_code("underpowered")
        3
    """
    return {"passed": PASS, "failed": FAIL, "underpowered": UNDERPOWERED}[answer]


def check_conditions(
    run: Measured, conditions: str | Iterable[str] | Sequence[Condition], *, baseline: Measured | None = None
) -> Checks:
    """Hold conditions against a run.

    Args:
        run: The run.
        conditions: Texts, or what `parse_conditions` made of them.
        baseline: What "than baseline" means.

    Raises:
        ConfigError: A text is no condition, it names a score that the run does not have, or it needs a baseline and
            none is given.
        EvaluationError: Run and baseline have no row in common.
    """
    parsed: list[Condition] = []
    for each in [conditions] if isinstance(conditions, str) else conditions:
        parsed += parse_conditions(each) if isinstance(each, str) else [each]

    def compared(name: str, margin: float) -> "Comparison":
        from tracelm.evals.compare import compare

        if baseline is None:
            raise ConfigError("a condition speaks of a baseline, and there is none: run.check(baseline=...)")
        return compare(run, baseline, on=[name], margin=margin)

    results = [
        _threshold(run, each) if isinstance(each, Threshold) else _against(run, each, compared) for each in parsed
    ]
    return Checks(tuple(_if_complete(run, each) for each in results))


def _if_complete(run: Measured, check: Check) -> Check:
    """A run that ended early does not pass: what was not run is not known."""
    if check.answer != "passed" or not run.not_run or check.condition.startswith("not_run "):
        return check
    why = f"{check.why}; but {run.not_run} of {len(run.results)} trials were not run"
    return Check(check.condition, "underpowered", check.figure, check.low, check.high, why)


def _against(run: Measured, condition: AgainstBaseline, compared: "Callable[[str, float], Comparison]") -> Check:
    _known(run, condition.name)
    found = compared(condition.name, condition.by)[condition.name]
    sign = -1 if found.lower_is_better else 1
    if found.difference is None or found.low is None or found.high is None:
        return Check(str(condition), "underpowered", found.difference, found.low, found.high, found.why)
    low, high = sorted((sign * found.low, sign * found.high))
    line = condition.by if condition.better else -condition.by
    answer: Answer = "passed" if low > line else "failed" if high < line else "underpowered"
    as_failed = found.difference_if_failed
    told = f"difference {found.difference:+.3g} (95% interval {found.low:+.3g} to {found.high:+.3g})"
    told = f"{told} over {found.n} pairs"
    if answer == "passed" and as_failed is not None and not found.not_worse and not condition.better:
        answer, told = "underpowered", f"{told}; not where {found.unscored} pairs without a value count as the worst"
    falls = as_failed is not None and (sign * as_failed <= line or found.verdict == "no evidence")
    if answer == "passed" and condition.better and falls:
        answer, told = "underpowered", f"{told}; {as_failed:+.3g} where pairs without a value count as the worst"
    ends = {
        "passed": "the whole interval is on the right side",
        "failed": "the whole interval is on the wrong side",
        "underpowered": "the interval lies on both sides: more rows would tell",
    }
    return Check(str(condition), answer, found.difference, found.low, found.high, f"{told}: {ends[answer]}")


def _threshold(run: Measured, condition: Threshold) -> Check:
    name = condition.figure.name
    if name in COUNTS and name not in run.scores:
        return _count(run, condition)
    _known(run, name)
    trials = run.trials(name)
    scored = {row: [value for value in values if value is not None] for row, values in trials.items()}
    scored = {row: values for row, values in scored.items() if values}
    lacking = sum(value is None for values in trials.values() for value in values)
    if not scored:
        # A metric that nobody measured cannot be told; a score that nothing got has failed.
        answer: Answer = "underpowered" if name in METRICS else "failed"
        return Check(str(condition), answer, None, None, None, _nothing(name, lacking))
    worst = run.worst_value(name, [value for values in scored.values() for value in values])
    filled = {row: [worst or 0.0 if value is None else value for value in values] for row, values in trials.items()}
    if is_reducer(condition.figure.function):
        # "Two of three trials" is about all three, also where one failed.
        scored, lacking = filled, 0
    first = _held(condition, _figure(run, condition.figure, scored))
    if not lacking:
        return first
    if name in METRICS:
        known = f"{first.why}; known for {sum(map(len, scored.values()))} trials, not for {lacking}"
        open_answer: Answer = "underpowered" if name == "cost_usd" and first.answer == "passed" else first.answer
        return Check(first.condition, open_answer, first.figure, first.low, first.high, known)
    second = _held(condition, _figure(run, condition.figure, filled))
    if _WORST[second.answer] > _WORST[first.answer]:
        why = f"{first.why}; but where {lacking} without a value count as the worst: {second.why}"
        return Check(first.condition, second.answer, first.figure, first.low, first.high, why)
    return Check(
        first.condition, first.answer, first.figure, first.low, first.high, f"{first.why}; {lacking} without a value"
    )


def _count(run: Measured, condition: Threshold) -> Check:
    n = len(run.results)
    name = condition.figure.name
    if condition.figure.function is not None or condition.figure.end is not None:
        raise ConfigError(f"{name} is one number of the whole run: write {name} {condition.operator} ...")
    value = {"errors": run.failed, "not_run": run.not_run, "error_rate": run.failed / n}[name]
    return _held(condition, Interval(float(value), None, None, None, n))


def _held(condition: Threshold, found: Interval) -> Check:
    figure, operator, number = condition.figure, condition.operator, condition.number
    told = f"{found.mean:.4g}"
    if found.low is not None or found.high is not None:
        told += f" (95% interval {_end(found.low)} to {_end(found.high)})"
    answer: Answer
    if figure.end is None:
        answer = "passed" if _holds(found.mean, operator, number) else "failed"
    else:
        near, far = (found.low, found.high) if figure.end == "low" else (found.high, found.low)
        # low(x) >= t asks for proof: an interval below t proves the contrary, one around it proves nothing.
        asks_for_proof = (figure.end == "low") == (operator in {">=", ">"})
        if near is None:
            answer = "underpowered"
        elif _holds(near, operator, number):
            answer = "passed"
        elif not asks_for_proof or (far is not None and not _holds(far, operator, number)):
            answer = "failed"
        else:
            answer = "underpowered"
    return Check(str(condition), answer, found.mean, found.low, found.high, told)


def _holds(value: float, operator: str, number: float) -> bool:
    match operator:
        case ">=":
            return value >= number
        case ">":
            return value > number
        case "<=":
            return value <= number
        case _:
            return value < number


def _figure(run: Measured, figure: Figure, trials: Mapping[int, Sequence[float]]) -> Interval:
    values = [value for numbers in trials.values() for value in numbers]
    function = figure.function or ("total" if figure.name == "cost_usd" and figure.end is None else "mean")
    match function:
        case "mean":
            found = run.interval(trials)
            assert found is not None  # for there are values
            return found
        case "min" | "max" | "total":
            if figure.end is not None:
                raise ConfigError(f"{function}(...) has no interval, so {figure} says nothing: leave {figure.end} out")
            whole = min(values) if function == "min" else max(values) if function == "max" else math.fsum(values)
            return Interval(whole, None, None, None, len(values))
        case "median":
            found = quantile_interval(values, 0.5)
            return Interval(statistics.median(values), None, found.low, found.high, found.n)
        case _ if function.startswith("p") and function[1:].isdigit():
            return quantile_interval(values, int(function[1:]) / 100)
        case _:
            return _reduced(run, figure, function, trials)


def _reduced(run: Measured, figure: Figure, reducer: str, trials: Mapping[int, Sequence[float]]) -> Interval:
    try:
        reduced = {row: reduce_trials(numbers, reducer) for row, numbers in trials.items()}
    except ValueError as error:
        raise ConfigError(f"{figure}: {error}") from None
    clusters = [run.cluster(row) for row in reduced] if run.has_clusters else None
    return mean_interval(reduced.values(), cluster=clusters)


def _known(run: Measured, name: str) -> None:
    if name in run.labels:
        raise ConfigError(f"{name!r} is a label, which has no number to hold against a condition")
    # A scorer whose every row failed has no scores: then its name stands for them.
    if name in run.scores or name in METRICS or any(belongs(name, each) for each in run.scorers):
        return
    known = ", ".join((*run.scores, *METRICS, *COUNTS))
    raise ConfigError(f"a condition names {name!r}, which the run does not have: there are {known}")


def _nothing(name: str, lacking: int) -> str:
    if name == "cost_usd":
        return "no cost is known: no model was called, or its price is not known (tracelm.init(prices=...))"
    return f"nothing was scored ({lacking} trials without a value)"


def _end(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"
