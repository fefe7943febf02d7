"""Has a share moved away from its baseline? What is remembered from look to look, and what it says. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from tracelm.evals.statistics import FallTest, lowest_mean
from tracelm.monitors.alerts.condition import Change, Share
from tracelm.monitors.windows import Verdict

_NS: Final = 10**9
_LOWEST: Final = 1e-6  # a line that is left to fall below


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is normal.

    Attributes:
        mean: The share in the traffic that it was learned from, or that was said.
        until_ns: Where that traffic ends: spans that began later are tested.
    """

    mean: float
    until_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a test of a change needs to go on.

    Attributes:
        versions: Of the scorers. With others all begins anew: their figures are never mixed.
        since_ns: Where the traffic begins that the baseline is learned from.
        learns_until_ns: Before this moment there is nothing to learn it from yet.
        after: The number of the last score that was tested.
        baseline: What is normal, once it is known.
        test: Whether the share, or 1 - the share where a rise is bad, has fallen.
    """

    versions: tuple[str, ...]
    since_ns: int
    learns_until_ns: int = 0
    after: int = 0
    baseline: Baseline | None = None
    test: FallTest | None = None

    def told(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Read what `told` gave."""
        baseline, test = told["baseline"], told["test"]
        return cls(
            versions=tuple(told["versions"]),
            since_ns=told["since_ns"],
            learns_until_ns=told["learns_until_ns"],
            after=told["after"],
            baseline=None if baseline is None else Baseline(**baseline),
            test=None
            if test is None
            else FallTest(line=test["line"], alpha=test["alpha"], seen=test["seen"], capital=tuple(test["capital"])),
        )

    def again(self) -> "Memory":
        """Return it as it begins anew when an alarm is over."""
        return self if self.test is None else replace(self, test=self.test.again())


def said(kind: Change, share: float, memory: Memory, *, alpha: float, until_ns: int) -> Memory:
    """Return a memory whose baseline is known without learning."""
    line = (share if kind.turn == "falls" else 1 - share) - kind.by
    return replace(
        memory, baseline=Baseline(mean=share, until_ns=until_ns), test=FallTest(line=max(line, _LOWEST), alpha=alpha)
    )


def learned(
    kind: Change,
    verdicts: Sequence[Verdict],
    memory: Memory,
    *,
    alpha: float,
    length_s: int,
    min_n: int,
    greatest_weight: float,
    now_ns: int,
) -> Memory:
    """Return a memory whose baseline is known, if there is enough to learn from.

    Half of `alpha` goes to what was learned, half to the test: a baseline from few verdicts makes the test slow, and
    not wrong.

    Args:
        kind: The change.
        verdicts: Since `memory.since_ns`, one kind of score.
        memory: What was known.
        alpha: How likely a false alarm may be.
        length_s: How much time is learned from, in seconds, from the first verdict on.
        min_n: How many verdicts it takes; with fewer, it goes on learning.
        greatest_weight: The greatest weight that a verdict can have.
        now_ns: The moment of this look.
    """
    values = [each for each in verdicts if _value_of(kind.metric, each) is not None]
    if not values:
        return memory
    until_ns = min(each.at_ns for each in values) + length_s * _NS
    if now_ns < until_ns:
        return replace(memory, learns_until_ns=until_ns)
    taken = [each for each in values if each.at_ns < until_ns]
    if len(taken) < min_n:
        taken, until_ns = values, now_ns
    if len(taken) < min_n:
        return memory
    units = _units(kind, taken, greatest_weight)
    low = lowest_mean([value for value, _ in units], [share for _, share in units], alpha=alpha / 2)
    total = math.fsum(share for _, share in units)
    mean = math.fsum(value * share for value, share in units) / total
    test = FallTest(line=max(low - kind.by, _LOWEST), alpha=alpha / 2)
    shown = mean if kind.turn == "falls" else 1 - mean
    return replace(memory, baseline=Baseline(mean=shown, until_ns=until_ns), test=test)


def tested(kind: Change, verdicts: Sequence[Verdict], memory: Memory, *, greatest_weight: float) -> Memory:
    """Return a memory that has seen further verdicts.

    Args:
        kind: The change.
        verdicts: One kind of score; those that were tested or belong to the baseline are passed over.
        memory: What was known.
        greatest_weight: The greatest weight that a verdict can have.
    """
    if memory.test is None or memory.baseline is None:
        return memory
    begun = memory.baseline.until_ns
    new = sorted((each for each in verdicts if each.number > memory.after), key=lambda each: each.number)
    if not new:
        return memory
    units = _units(kind, [each for each in new if each.at_ns >= begun], greatest_weight)
    test = memory.test.after([value for value, _ in units], [share for _, share in units])
    return replace(memory, after=new[-1].number, test=test)


def is_back(kind: Change, share: float, memory: Memory) -> bool:
    """Say whether a share is on the good side of the line that is tested."""
    return memory.test is not None and (share if kind.turn == "falls" else 1 - share) >= memory.test.line


def _units(kind: Change, verdicts: Sequence[Verdict], greatest_weight: float) -> list[tuple[float, float]]:
    """Return one value a trace, with its weight over the greatest one: what is in one trace is not independent."""
    traces: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for each in verdicts:
        value = _value_of(kind.metric, each)
        if value is not None:
            traces.setdefault((each.project, each.trace_id), []).append((value, each.weight))
    found: list[tuple[float, float]] = []
    for values in traces.values():
        total = math.fsum(weight for _, weight in values)
        mean = min(1.0, math.fsum(value * weight for value, weight in values) / total)
        share = min(1.0, total / len(values) / greatest_weight)
        found.append((mean if kind.turn == "falls" else 1 - mean, share))
    return found


def _value_of(metric: Share, verdict: Verdict) -> float | None:
    if metric == "error_rate":
        return float(verdict.is_error)
    return None if verdict.is_error or verdict.passed is None else float(verdict.passed)
