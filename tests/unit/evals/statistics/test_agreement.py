"""Agreement: PandaLM's annotators and judges, and where agreement and kappa part."""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.evals.statistics.labels import pandalm
from tracelm.evals import calibrate
from tracelm.evals.statistics import (
    cohen_kappa,
    confusion,
    fleiss_kappa,
    kappa_interval,
    krippendorff_alpha,
    mean_interval,
)

ANNOTATORS = ("annotator1", "annotator2", "annotator3")


@pytest.mark.parametrize(("pair", "kappa"), [((0, 1), 0.8520), ((0, 2), 0.8789), ((1, 2), 0.8617)])
def test_pandalm_annotators_agree_as_published(shared: Path, pair: tuple[int, int], kappa: float) -> None:
    a, b = (pandalm(shared, ANNOTATORS[index]) for index in pair)
    assert cohen_kappa(a, b) == pytest.approx(kappa, abs=5e-5)


def test_pandalm_annotators_agree_together_as_published(shared: Path) -> None:
    ratings = [pandalm(shared, name) for name in ANNOTATORS]
    assert fleiss_kappa(ratings) == pytest.approx(0.864175, abs=5e-7)
    assert krippendorff_alpha(ratings) == pytest.approx(0.864221, abs=5e-7)


@pytest.mark.parametrize(
    ("judge", "accuracy", "kappa", "unparsable"), [("gpt35", 0.6927, 0.4705, 63), ("pandalm7b", 0.6677, 0.4354, 0)]
)
def test_pandalm_judges_agree_with_the_majority_as_published(
    shared: Path, judge: str, accuracy: float, kappa: float, unparsable: int
) -> None:
    votes = zip(*(pandalm(shared, name) for name in ANNOTATORS), strict=True)
    majority = [Counter(vote).most_common(1)[0][0] for vote in votes]
    verdicts = [each or None for each in pandalm(shared, judge)]
    assert verdicts.count(None) == unparsable
    agreed = mean_interval([x == y for x, y in zip(majority, verdicts, strict=True)])
    assert agreed.mean == pytest.approx(accuracy, abs=5e-5)
    assert cohen_kappa(majority, verdicts) == pytest.approx(kappa, abs=5e-5)
    found = kappa_interval(majority, verdicts)
    assert found is not None
    assert found.low is not None
    assert found.low < kappa < (found.high or 0)


def test_agreement_can_be_high_and_kappa_near_zero() -> None:
    human = [True] * 74 + [True] * 12 + [False] * 12 + [False] * 2
    judge = [True] * 74 + [False] * 12 + [True] * 12 + [False] * 2
    assert sum(x == y for x, y in zip(human, judge, strict=True)) == 76
    assert cohen_kappa(human, judge) == pytest.approx(0.0033, abs=5e-5)


def test_judges_who_say_one_thing_only_have_no_kappa() -> None:
    assert cohen_kappa([1, 1], [1, 1]) is None
    assert kappa_interval([1, 1], [1, 1]) is None
    assert fleiss_kappa([[1, 1], [1, 1]]) is None
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None
    assert krippendorff_alpha([[1, None], [None, 1]]) is None


def test_weights_forgive_small_misses() -> None:
    a, b = ["low", "mid", "high", "low"], ["mid", "mid", "high", "low"]
    order = ["low", "mid", "high"]
    plain, linear = cohen_kappa(a, b), cohen_kappa(a, b, weights="linear", labels=order)
    assert plain is not None
    assert linear is not None
    assert linear > plain


def test_the_names_of_labels_do_not_matter() -> None:
    for permuted in itertools.permutations("xyz"):
        names = dict(zip("abc", permuted, strict=True))
        a, b = "aabbccab", "ababccbb"
        renamed = cohen_kappa([names[each] for each in a], [names[each] for each in b])
        assert renamed == cohen_kappa(list(a), list(b))


def test_arrays_and_series_are_labels_too() -> None:
    a, b = [1, 2, 2, 1], [1, 2, 1, 1]
    for kind in (np.array, pd.Series):
        assert cohen_kappa(kind(a), kind(b)) == cohen_kappa(a, b)
        assert kappa_interval(kind(a), kind(b)) == kappa_interval(a, b)
        assert krippendorff_alpha([kind(a), kind(b)], scale="interval") == krippendorff_alpha([a, b], scale="interval")
    assert fleiss_kappa(np.array([a, b])) == fleiss_kappa([a, b])
    found = calibrate(np.array([True, False]), pd.Series([True, True]))
    assert (found.agreement.mean, found.sensitivity) == (0.5, mean_interval([True, False]))


def test_confusion_counts_what_meets_what() -> None:
    assert confusion(["a", "b", "a"], ["a", "a", "b"]) == {("a", "a"): 1, ("b", "a"): 1, ("a", "b"): 1}


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(ValueError, match="2 labels on one side and 1 on the other"):
        cohen_kappa([1, 2], [1])
    with pytest.raises(ValueError, match="no agreement about no rows"):
        cohen_kappa([], [])
    with pytest.raises(ValueError, match="have no order of their own"):
        cohen_kappa(["a"], ["b"], weights="linear")
    with pytest.raises(ValueError, match="'c' does not stand in"):
        cohen_kappa(["a"], ["c"], labels=["a", "b"])
    with pytest.raises(ValueError, match="two judges or more"):
        krippendorff_alpha([[1, 2]])
    with pytest.raises(ValueError, match="one entry for each row"):
        fleiss_kappa([[1, 2], [1]])
    with pytest.raises(ValueError, match="needs numbers"):
        krippendorff_alpha([["a"], ["b"]], scale="interval")
