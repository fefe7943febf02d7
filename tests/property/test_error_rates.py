"""How often a verdict is wrong, counted: many made-up comparisons whose truth is known, always the same ones."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tracelm.evals.difference import Pairs, Rules, Verdict, decided, difference_of
from tracelm.evals.statistics import paired_proportions

Draw = Callable[[random.Random], tuple[float, float]]


def coin(rate: float, other: float) -> Draw:
    """Right or wrong, where the harder half of the rows is hard for both."""

    def draw(random_: random.Random) -> tuple[float, float]:
        hard = random_.random() < 0.5
        shift = -0.2 if hard else 0.2
        return float(random_.random() < rate + shift), float(random_.random() < other + shift)

    return draw


def graded(better_by: float) -> Draw:
    def draw(random_: random.Random) -> tuple[float, float]:
        row = random_.random() * 0.6
        return row + random_.random() * 0.3 + better_by, row + random_.random() * 0.3

    return draw


def verdicts(draw: Draw, n: int, *, margin: float | None = None, times: int = 600) -> Counter[Verdict]:
    random_ = random.Random(n)
    found: Counter[Verdict] = Counter()
    rules = Rules(margin=margin)
    for _ in range(times):
        drawn = [draw(random_) for _ in range(n)]
        pairs = Pairs(run=[a for a, _ in drawn], baseline=[b for _, b in drawn], clusters=None, single=True)
        figures = difference_of("score", pairs, rules=rules)
        found[decided(replace(figures, p_adjusted=figures.p_value), pairs, rules=rules).verdict] += 1
    return found


@pytest.mark.parametrize("n", [5, 20, 100, 350])
@pytest.mark.parametrize("draw", [coin(0.6, 0.6), graded(0.0)], ids=["right or wrong", "graded"])
def test_without_a_difference_one_verdict_in_twenty_is_wrong_at_most(draw: Draw, n: int) -> None:
    found = verdicts(draw, n)
    # 5 % of 600 are 30; three standard deviations more are 46.
    assert found["better"] + found["worse"] <= 46


@pytest.mark.parametrize("n", [5, 20, 100])
def test_a_difference_as_large_as_the_margin_is_seldom_called_equivalent(n: int) -> None:
    assert verdicts(coin(0.65, 0.55), n, margin=0.1)["equivalent"] <= 46
    assert verdicts(graded(0.1), n, margin=0.1)["equivalent"] <= 46


def test_a_real_difference_is_found_as_often_as_promised() -> None:
    # 250 pairs are what `detectable` calls enough for 0.12 here.
    found = verdicts(coin(0.66, 0.54), 250)
    assert found["better"] >= 0.75 * 600
    assert found["worse"] == 0


@pytest.mark.parametrize("n", [5, 20, 60])
def test_tangos_interval_holds_the_truth_as_often_as_it_says(n: int) -> None:
    random_ = random.Random(n)
    draw = coin(0.7, 0.6)
    hits = 0
    for _ in range(1000):
        drawn = [draw(random_) for _ in range(n)]
        found = paired_proportions([a for a, _ in drawn], [b for _, b in drawn])
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.1 <= found.high
    assert hits >= 930
