"""Labels over a whole run: precision, recall, F1, and what is taken for what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.evals.classification import NO_LABEL, Classification, classification
from tracelm.evals.run import RowResult
from tracelm.scorers import LabelMatch

LABELS = ("spam", "ham", "news")


def results(*pairs: tuple[str, str | None], trials: int = 1) -> list[RowResult]:
    return [
        RowResult(
            row=number // trials,
            trial=number % trials,
            outcome="scored",
            scores={"label": tracelm.Score(value=wanted == found, details={"expected": wanted, "found": found})},
        )
        for number, (wanted, found) in enumerate(pairs)
    ]


def figures(*pairs: tuple[str, str | None]) -> Classification:
    return classification(results(*pairs), "label")


def test_the_figures_of_a_run_are_those_worked_out_by_hand() -> None:
    # spam: 2 of 3 found, once found wrongly. ham: 1 of 2, once wrongly. news: expected once, never found.
    found = figures(
        ("spam", "spam"), ("spam", "spam"), ("spam", "ham"), ("ham", "ham"), ("ham", "spam"), ("news", None)
    )
    lines = found.table.astype(object).where(found.table.notna(), None).to_dict("index")
    assert lines["spam"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "expected": 3, "found": 3})
    assert lines["ham"] == pytest.approx({"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "expected": 2, "found": 2})
    assert lines["news"] == {"precision": None, "recall": 0, "f1": 0, "expected": 1, "found": 0}
    assert (found.accuracy.mean, found.accuracy.n) == (0.5, 6)
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert found.weighted_f1 == pytest.approx((3 * 2 / 3 + 2 * 1 / 2) / 6)
    assert found.micro_f1 == pytest.approx(2 * 3 / (6 + 5))
    assert found.confusion.loc["news", NO_LABEL] == 1
    assert found.confusion.to_dict("index")["spam"] == {"ham": 1, "news": 0, "spam": 2, NO_LABEL: 0}


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1))
def test_where_every_output_is_a_label_micro_f1_is_the_accuracy(pairs: list[tuple[str, str]]) -> None:
    found = figures(*pairs)
    assert found.micro_f1 == pytest.approx(found.accuracy.mean)
    assert int(found.confusion.to_numpy().sum()) == len(pairs)
    assert 0 <= found.macro_f1 <= 1
    assert found.table["expected"].sum() == found.table["found"].sum() == len(pairs)


def test_rows_without_a_score_are_counted_and_in_no_figure() -> None:
    found = classification([*results(("ham", "ham")), RowResult(row=1, trial=0, outcome="task_error")], "label")
    assert (found.unscored, found.accuracy.n) == (1, 1)


def test_trials_of_a_row_widen_the_interval_of_the_accuracy() -> None:
    pairs = [("ham", "ham")] * 8 + [("ham", "spam")] * 8
    widths: list[float] = []
    for trials in (1, 4):
        accuracy = classification(results(*pairs, trials=trials), "label").accuracy
        assert accuracy.low is not None
        assert accuracy.high is not None
        widths.append(accuracy.high - accuracy.low)
    assert widths[1] > widths[0]


def test_a_score_that_tells_no_labels_is_refused_with_those_there_are() -> None:
    with pytest.raises(tracelm.EvaluationError, match="which has label"):
        classification(results(("ham", "ham")), "other")


def test_a_run_with_label_match_has_them() -> None:
    dataset = tracelm.Dataset(
        name="mails", rows=[{"text": "win!", "expected": "spam"}, {"text": "hi", "expected": "ham"}]
    )

    def guess(text: str) -> str:
        return "spam" if "!" in text else "no idea"

    run = tracelm.Evaluation(dataset=dataset, scorers=[LabelMatch(labels=("spam", "ham"))]).run(guess)
    found = run.classification("label_match")
    assert (found.accuracy.mean, found.table.loc["spam", "f1"]) == (0.5, 1.0)
    assert found.confusion.loc["ham", NO_LABEL] == 1
