"""What a monitor's verdicts say: by window of time and version of the scorer, by model, op or release. Pure."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from tracelm.evals.statistics import Interval, corrected_rate, weighted_interval

LEVEL: Final = 0.95
_NS: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One score of a monitor, with what is told of the span.

    Attributes:
        score: The score's name.
        version: The scorer's version.
        at_ns: When the span began, nanoseconds since 1970, UTC.
        value: The number; 1 or 0 for true or false; `None` for a label, or where there is none.
        passed: Whether the output is acceptable; `None` where no line was drawn.
        is_error: Whether the scorer failed.
        weight: For how many spans it stands.
        number: Of its row in the store: the order in which verdicts were given.
    """

    score: str
    version: str
    at_ns: int
    value: float | None
    passed: bool | None
    is_error: bool
    weight: float
    project: str
    trace_id: str
    span_id: str
    op: str | None = None
    model: str | None = None
    release: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What several verdicts say together.

    Attributes:
        n: How many verdicts, with failures of the scorer.
        spans: How many spans they stand for: the sum of the weights.
        errors: How often the scorer failed; such verdicts count in nothing else.
        pass_rate: The share of spans that pass; `None` where no verdict draws a line.
        mean: The mean of the numbers; `None` where there are none.
        true_rate: The pass rate, corrected for how often the scorer errs, with an interval that also carries how little
            is known of that; `None` where it was not measured.
    """

    n: int
    spans: float
    errors: int
    pass_rate: Interval | None
    mean: Interval | None
    true_rate: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRates:
    """How often a scorer errs, with `n` counting the labels of people.

    Attributes:
        sensitivity: Of what people call true, the share that it calls true.
        specificity: Of what people call false, the share that it calls false.
    """

    sensitivity: Interval
    specificity: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One score, one version of its scorer, one window of time.

    Attributes:
        score: The score's name.
        version: The scorer's version: figures of two versions are never mixed.
        start_ns: Where the window begins, nanoseconds since 1970, UTC; a multiple of its width.
        end_ns: Where the next one begins.
        figures: What the verdicts say.
    """

    score: str
    version: str
    start_ns: int
    end_ns: int
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One score, one version of its scorer, one model, op or release.

    Attributes:
        score: The score's name.
        version: The scorer's version.
        key: Which model, op or release; `None` for spans without one.
        figures: What the verdicts say.
    """

    score: str
    version: str
    key: str | None
    figures: Figures


def figures(verdicts: Sequence[Verdict], *, level: float = LEVEL) -> Figures:
    """Return what verdicts say together, weighted; verdicts on one trace are not independent.

    Args:
        verdicts: Any number of them.
        level: Of the confidence intervals.
    """
    judged = [each for each in verdicts if not each.is_error]
    return Figures(
        n=len(verdicts),
        spans=sum(each.weight for each in verdicts),
        errors=len(verdicts) - len(judged),
        pass_rate=_interval([(each, float(each.passed)) for each in judged if each.passed is not None], level),
        mean=_interval([(each, each.value) for each in judged if each.value is not None], level),
    )


def corrected(found: Figures, known: ErrorRates | None, *, level: float = LEVEL) -> Figures:
    """Return figures with the true rate, if it is known how often the scorer errs.

    Args:
        found: The figures.
        known: How often it errs.
        level: Of the confidence interval.
    """
    passed = found.pass_rate
    if known is None or passed is None or min(known.sensitivity.n, known.specificity.n) < 1:
        return found
    # A weighted sample, or one with several verdicts a trace, tells as much as a smaller one would.
    spread = passed.mean * (1 - passed.mean)
    n = min(passed.n, spread / passed.se**2) if passed.se and spread else passed.n
    rate = corrected_rate(passed.mean, n, sensitivity=known.sensitivity, specificity=known.specificity, level=level)
    return replace(found, true_rate=None if rate is None else replace(rate, n=passed.n))


def by_window(verdicts: Iterable[Verdict], width_s: int) -> list[Window]:
    """Return figures by score, window and version of the scorer, in that order; windows without verdicts are left out.

    Args:
        verdicts: In any order.
        width_s: How long a window is, in seconds.

    Raises:
        ValueError: The width is not above 0.
    """
    if width_s < 1:
        raise ValueError(f"width_s={width_s} is no window: give 1 or more")
    width_ns = width_s * _NS
    found = _grouped(verdicts, lambda each: each.at_ns // width_ns)
    return [
        Window(
            score=score,
            version=version,
            start_ns=number * width_ns,
            end_ns=(number + 1) * width_ns,
            figures=figures(some),
        )
        for (score, number, version), some in sorted(found.items(), key=lambda each: each[0])
    ]


def by_model(verdicts: Iterable[Verdict]) -> list[Group]:
    """Return figures by score, version of the scorer and model."""
    return _by(verdicts, lambda each: each.model)


def by_op(verdicts: Iterable[Verdict]) -> list[Group]:
    """Return figures by score, version of the scorer and op."""
    return _by(verdicts, lambda each: each.op)


def by_release(verdicts: Iterable[Verdict]) -> list[Group]:
    """Return figures by score, version of the scorer and release of the program."""
    return _by(verdicts, lambda each: each.release)


def _by(verdicts: Iterable[Verdict], key: Callable[[Verdict], str | None]) -> list[Group]:
    found = _grouped(verdicts, key)
    ordered = sorted(found.items(), key=lambda each: (each[0][0], each[0][2], each[0][1] is None, each[0][1] or ""))
    return [
        Group(score=score, version=version, key=name, figures=figures(some)) for (score, name, version), some in ordered
    ]


Key = TypeVar("Key", bound=Hashable)


def _grouped(verdicts: Iterable[Verdict], key: Callable[[Verdict], Key]) -> dict[tuple[str, Key, str], list[Verdict]]:
    found: dict[tuple[str, Key, str], list[Verdict]] = {}
    for each in verdicts:
        found.setdefault((each.score, key(each), each.version), []).append(each)
    return found


def _interval(found: Sequence[tuple[Verdict, float]], level: float) -> Interval | None:
    if not found:
        return None
    traces = [(each.project, each.trace_id) for each, _ in found]
    weights = [each.weight for each, _ in found]
    return weighted_interval([value for _, value in found], weights, cluster=traces, level=level)
