"""One score of two runs over the same rows: how far apart they are, and what may be said about it.

Which test and interval is taken when, and why: docs/explanation/statistics.md.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final, Literal, TypeAlias

from tracelm.evals.measured import is_bounded, mean_of
from tracelm.evals.statistics import (
    Interval,
    effect_size,
    mcnemar,
    paired_difference,
    paired_proportions,
    wilcoxon,
)
from tracelm.evals.statistics.paired import paired_t

Verdict: TypeAlias = Literal["better", "worse", "equivalent", "no evidence", "underpowered"]
"""What a comparison says of a score."""

SMALLEST_EFFECT: Final = 0.05
"""The difference that should be seen where no margin is given, for scores between 0 and 1: five points."""

SMALLEST_STANDARD_EFFECT: Final = 0.2
"""The same for other numbers, in standard deviations of the baseline: what Cohen calls a small effect."""

_FEW_PAIRS: Final = 300
_FEW_DISCORDANT: Final = 10


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a comparison goes by.

    Attributes:
        level: The confidence level of the intervals; 1 - level is how often chance alone may pass for a difference.
        power: How often a difference that is there is to be seen.
        margin: Differences below it do not matter; `None` where nobody said.
    """

    level: float = 0.95
    power: float = 0.8
    margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One score over the paired rows: the mean over the trials of each, on both sides.

    Attributes:
        run: One number a pair.
        baseline: The other number of the same pair.
        clusters: What each pair belongs to; `None` where all stand alone.
        single: Whether every number is one trial's.
    """

    run: Sequence[float]
    baseline: Sequence[float]
    clusters: Sequence[Hashable] | None
    single: bool

    @property
    def units(self) -> int:
        """How many independent observations there are: pairs, or clusters of them."""
        return len(self.run) if self.clusters is None else len(set(self.clusters))

    @property
    def are_right_or_wrong(self) -> bool:
        """Whether McNemar's test applies."""
        return self.single and self.clusters is None and {*self.run, *self.baseline} <= {0.0, 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a comparison found about one score.

    Attributes:
        name: The score.
        n: Pairs with a value on both sides.
        unscored: Pairs that lack one.
        mean: Over the pairs, of the run.
        baseline_mean: Over the same pairs, of the baseline.
        difference: `mean - baseline_mean`.
        se: Its standard error, clustered where rows belong together.
        low: Lower end of its interval; `None` where the values cannot tell.
        high: Upper end of it.
        p_value: Of the exact McNemar test for right and wrong, else of the paired t-test.
        p_adjusted: The same, made larger for the number of scores (and slices) after Holm.
        q_value: The same after Benjamini and Hochberg.
        p_t: Of the paired (clustered) t-test.
        p_wilcoxon: Of Wilcoxon's signed-rank test; `None` for right and wrong, where it is McNemar's test.
        p_mcnemar: Of the exact McNemar test.
        effect_size: Cohen's d of the pairs.
        detectable: The smallest difference that as many such pairs can be expected to see.
        difference_if_failed: The difference where each trial without a value counts as the worst, on both sides.
        not_worse: Whether the run is shown to be no worse than the baseline by the margin; `None` without a margin.
        margin: The margin; `None` where nobody gave one.
        better: Pairs in which the run is better.
        worse: Pairs in which it is worse.
        same: Pairs in which both are the same.
        lower_is_better: Whether less is better.
        verdict: better, worse, equivalent, no evidence or underpowered.
        why: The sentence that says why.
    """

    name: str
    n: int = 0
    unscored: int = 0
    mean: float | None = None
    baseline_mean: float | None = None
    difference: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    q_value: float | None = None
    p_t: float | None = None
    p_wilcoxon: float | None = None
    p_mcnemar: float | None = None
    effect_size: float | None = None
    detectable: float | None = None
    difference_if_failed: float | None = None
    not_worse: bool | None = None
    margin: float | None = None
    better: int = 0
    worse: int = 0
    same: int = 0
    lower_is_better: bool = False
    verdict: Verdict = "underpowered"
    why: str = ""


def difference_of(name: str, pairs: Pairs, *, rules: Rules, unscored: int = 0, less: bool = False) -> Difference:
    """Compute all figures of one score, except for its verdict, which `decided` gives.

    Args:
        name: The score.
        pairs: Its values.
        rules: What the comparison goes by.
        unscored: Pairs that lack a value.
        less: Whether less is better.
    """
    if not pairs.run:
        return Difference(name=name, unscored=unscored, lower_is_better=less, margin=rules.margin)
    found = _interval(pairs, rules.level)
    plain = paired_difference(pairs.run, pairs.baseline, cluster=pairs.clusters, level=rules.level)
    exact = mcnemar(pairs.run, pairs.baseline).p_value if pairs.are_right_or_wrong else None
    student = paired_t(plain, freedom=pairs.units - 1)
    p_value = exact if exact is not None else student if student is not None else _sign_test(pairs)
    sign = -1 if less else 1
    apart = [sign * (one - other) for one, other in zip(pairs.run, pairs.baseline, strict=True)]
    alone = plain if pairs.clusters is None else paired_difference(pairs.run, pairs.baseline)
    return Difference(
        name=name,
        n=len(pairs.run),
        unscored=unscored,
        mean=mean_of(pairs.run),
        baseline_mean=mean_of(pairs.baseline),
        difference=found.mean,
        se=plain.se,
        low=found.low,
        high=found.high,
        p_value=p_value,
        p_t=student,
        p_wilcoxon=wilcoxon(pairs.run, pairs.baseline) if exact is None else None,
        p_mcnemar=exact,
        effect_size=effect_size(alone),
        detectable=_detectable(found, rules),
        not_worse=_not_worse(found, rules.margin, sign),
        margin=rules.margin,
        better=sum(each > 0 for each in apart),
        worse=sum(each < 0 for each in apart),
        same=apart.count(0),
        lower_is_better=less,
    )


def decided(found: Difference, pairs: Pairs, *, rules: Rules) -> Difference:
    """Return the figures with their verdict, and the sentence that says why.

    Args:
        found: From `difference_of`, with `p_adjusted` filled in.
        pairs: The values it was made of.
        rules: What the comparison goes by.
    """
    verdict, why = _verdict(found, pairs, rules)
    return replace(found, verdict=verdict, why=why)


def reconciled(found: Difference, as_failed: Difference) -> Difference:
    """Return the verdict that holds whether trials without a value are left out or count as the worst.

    Args:
        found: Over the pairs with a value on both sides.
        as_failed: Over all pairs, a trial without a value being the worst.
    """
    found = replace(found, difference_if_failed=as_failed.difference)
    if found.not_worse is not None:
        found = replace(found, not_worse=found.not_worse and bool(as_failed.not_worse))
    if found.verdict == as_failed.verdict or as_failed.difference is None:
        return found
    lack = f"{_count(found.unscored, 'pair')} without a value on one side"
    if found.verdict in {"better", "worse"}:
        why = (
            f"{found.verdict} over what was scored ({_signed(found.difference)}), but there "
            f"{_are(found.unscored)} {lack}: where that counts as the worst, the difference is "
            f"{_signed(as_failed.difference)}, and the verdict {as_failed.verdict!r}"
        )
        return replace(found, verdict="no evidence", why=why)
    if as_failed.verdict in {"better", "worse"}:
        why = (
            f"{lack}: where that counts as the worst, the difference is {_signed(as_failed.difference)}; "
            f"over what was scored alone: {found.verdict}"
        )
        return replace(found, verdict=as_failed.verdict, why=why)
    return replace(found, why=f"{found.why}; {lack} {_are(found.unscored)} left out")


def _interval(pairs: Pairs, level: float) -> Interval:
    found = paired_difference(pairs.run, pairs.baseline, cluster=pairs.clusters, level=level)
    if pairs.are_right_or_wrong:
        discordant = sum(one != other for one, other in zip(pairs.run, pairs.baseline, strict=True))
        if len(pairs.run) < _FEW_PAIRS or discordant < _FEW_DISCORDANT:
            return paired_proportions(pairs.run, pairs.baseline, level=level)
        return found
    if found.se is None or found.se > 0:
        return found
    if not is_bounded([*pairs.run, *pairs.baseline]):
        return Interval(found.mean, found.se, None, None, found.n)
    # All differences are the same. Of n such, a share of 1 - (1 - level)^(1/n) may still be anything ("rule of three").
    spare = 1 - (1 - level) ** (1 / pairs.units)
    return Interval(found.mean, found.se, max(-1.0, found.mean - spare), min(1.0, found.mean + spare), found.n)


def _sign_test(pairs: Pairs) -> float | None:
    """Return the p-value where all differences are the same: were they different, could all fall on one side?"""
    if pairs.run[0] == pairs.baseline[0]:
        return 1.0
    return None if pairs.units < 2 else min(1.0, 2 * 0.5**pairs.units)


def _detectable(found: Interval, rules: Rules) -> float | None:
    if found.low is None or found.high is None:
        return None
    normal = NormalDist()
    critical = normal.inv_cdf((1 + rules.level) / 2)
    return (found.high - found.low) / 2 * (critical + normal.inv_cdf(rules.power)) / critical


def _not_worse(found: Interval, margin: float | None, sign: int) -> bool | None:
    if margin is None:
        return None
    end = found.low if sign > 0 else found.high
    return end is not None and sign * end > -margin


def _verdict(found: Difference, pairs: Pairs, rules: Rules) -> tuple[Verdict, str]:
    if found.difference is None or found.low is None or found.high is None or found.p_adjusted is None:
        why = "no pair has a value on both sides" if not found.n else f"{_count(found.n, 'pair')} cannot tell"
        return "underpowered", why
    over = f"over {_count(found.n, 'pair')}"
    seen = (
        f"{_signed(found.difference)} ({rules.level:.0%} interval {_signed(found.low)} to {_signed(found.high)}, "
        f"p {_p(found.p_adjusted)}) {over}"
    )
    if rules.margin is not None:
        inner = _interval(pairs, 1 - 2 * (1 - rules.level))
        if inner.low is not None and inner.high is not None and -rules.margin < inner.low <= inner.high < rules.margin:
            return "equivalent", f"{seen}: with {rules.level:.0%} confidence the difference is within ±{rules.margin:g}"
    if found.p_adjusted <= 1 - rules.level and not found.low <= 0 <= found.high:
        wanted = (found.difference > 0) != found.lower_is_better
        return ("better" if wanted else "worse"), f"{seen}: more than chance gives"
    if found.not_worse:
        seen += f", no worse by more than {rules.margin:g}"
    wished = _wished(pairs, rules)
    can_see = f"such pairs can be expected to show {found.detectable:.3g}" if found.detectable else "they do not vary"
    if found.detectable and wished is not None and found.detectable > wished:
        rows = math.ceil(pairs.units * (found.detectable / wished) ** 2)
        unit = "rows" if pairs.clusters is None else "clusters"
        return "underpowered", f"{seen}: {can_see}, not {wished:.3g}; that takes about {rows} {unit}"
    return "no evidence", f"{seen}: chance explains it, and {can_see}"


def _wished(pairs: Pairs, rules: Rules) -> float | None:
    """Return the difference that the comparison should be able to see."""
    if rules.margin:
        return rules.margin
    if is_bounded([*pairs.run, *pairs.baseline]):
        return SMALLEST_EFFECT
    middle = mean_of(pairs.baseline)
    spread = math.fsum((value - middle) ** 2 for value in pairs.baseline) / max(1, len(pairs.baseline) - 1)
    return SMALLEST_STANDARD_EFFECT * math.sqrt(spread) or None


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.3g}"


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 0.0001 else "< 0.0001"


def _count(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
