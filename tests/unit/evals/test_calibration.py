"""Is a judge any good: agreement beside kappa, people beside themselves, and the true rate."""

import random
from pathlib import Path

import pytest
from inline_snapshot import snapshot

import tracelm
from tests.unit.evals.statistics.labels import pandalm
from tracelm.evals import calibrate


@pytest.mark.parametrize(
    ("judge", "accuracy", "kappa", "unreadable"), [("gpt35", 0.6927, 0.4705, 63), ("pandalm7b", 0.6677, 0.4354, 0)]
)
def test_pandalm_judges_are_as_published(
    shared: Path, judge: str, accuracy: float, kappa: float, unreadable: int
) -> None:
    people = [pandalm(shared, f"annotator{n}") for n in (1, 2, 3)]
    found = calibrate([each or None for each in pandalm(shared, judge)], people)
    assert found.n == 999
    assert found.agreement.mean == pytest.approx(accuracy, abs=5e-5)
    assert found.kappa is not None
    assert found.kappa.mean == pytest.approx(kappa, abs=5e-5)
    assert found.unreadable == unreadable
    assert found.between_people is not None
    assert found.between_people.kappa == pytest.approx(0.864175, abs=5e-7)
    assert found.between_people.alpha == pytest.approx(0.864221, abs=5e-7)


def test_agreement_never_stands_without_kappa() -> None:
    people = [True] * 74 + [True] * 12 + [False] * 12 + [False] * 2
    judge = [True] * 74 + [False] * 12 + [True] * 12 + [False] * 2
    found = calibrate(judge, people)
    assert str(found) == snapshot(
        """\
agreement            0.760  0.668 to 0.833  (n = 100)
kappa                0.003  -0.194 to 0.201  (n = 100)
alpha                0.008  (n = 100)
agreement by chance  0.759  (n = 100)
sensitivity          0.860  0.772 to 0.918  (n = 86)
specificity          0.143  0.040 to 0.399  (n = 14)
rate as judged       0.860  0.779 to 0.915  (n = 100)
Agreement flatters here: one label dominates, and chance alone agrees in 76% of the rows. Go by kappa, and label more \
rows of the rare kind.\
"""
    )
    assert list(found.table.index[:2]) == ["agreement", "kappa"]
    assert found.confusion_table.to_numpy().tolist() == [[2, 12], [12, 74]]


def test_few_labels_and_many_verdicts_give_the_true_rate() -> None:
    random_ = random.Random(6)
    truth = [random_.random() < 0.6 for _ in range(3000)]
    judge = [label or random_.random() < 0.5 for label in truth]
    found = calibrate(judge[:200], truth[:200], judged_unlabelled=judge[200:])
    assert found.judged_rate is not None
    assert found.judged_rate.mean > 0.77
    assert found.true_rate is not None
    assert found.true_rate.low is not None
    assert found.true_rate.low < 0.6 < (found.true_rate.high or 0) < 0.7


def test_people_who_are_divided_leave_a_row_out() -> None:
    people: list[list[str | None]] = [["a", "b", "a"], ["a", "a", "b"], ["b", None, "a"]]
    found = calibrate(["a", "b", "a"], people)
    assert found.n == 2
    assert "1 rows were left out: people were divided." in found.notes
    assert found.between_people is not None
    assert found.between_people.kappa is None
    assert found.between_people.agreement == pytest.approx((1 / 3 + 0 + 1 / 3) / 3)


def test_a_judge_that_follows_the_place_is_found_out() -> None:
    found = calibrate([1, 1, 2, 1], [1, 2, 2, 1], swapped=[1, 2, 1, 1], repeats=[[1, 1, 2, 2], [1, 1, 2, 1]])
    assert found.swap is not None
    assert found.swap.mean == 0.5
    assert found.repeat is not None
    assert found.repeat.mean == pytest.approx((1 + 1 + 1 + 1 / 3) / 4)


def test_labels_with_an_order_forgive_small_misses() -> None:
    people, judge = [1, 2, 3, 4, 5, 3], [1, 3, 3, 5, 5, 2]
    plain, weighted = calibrate(judge, people), calibrate(judge, people, weights="quadratic", scale="interval")
    assert plain.kappa is not None
    assert weighted.kappa is not None
    assert weighted.kappa.mean > plain.kappa.mean + 0.3
    assert (plain.alpha or 0) < (weighted.alpha or 0)


def test_a_judge_who_only_says_yes_beside_people_who_do_has_no_kappa() -> None:
    found = calibrate([True] * 40, [True] * 40)
    assert found.kappa is None
    assert found.notes[0].startswith("No kappa: judge and people always say the same one thing.")


def test_lists_that_do_not_fit_are_named() -> None:
    with pytest.raises(tracelm.EvaluationError, match="people gave 1 labels and the judge 2 verdicts"):
        calibrate([True, False], [True])
    with pytest.raises(tracelm.EvaluationError, match="swapped has 1 verdicts and the judge 2"):
        calibrate([True, False], [True, False], swapped=[True])
    with pytest.raises(tracelm.EvaluationError, match="no row has both"):
        calibrate([True], [None])
