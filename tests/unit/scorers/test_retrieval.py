"""Scorers of a ranking."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.scorers import HitRate, Ndcg, On, Precision, Recall, ReciprocalRank
from tracelm.scorers.retrieval import RankingScorer

IDS = st.lists(st.integers(0, 9), max_size=12)
EVERY = [kind(k=k) for kind in (Precision, Recall, HitRate, ReciprocalRank, Ndcg) for k in (None, 1, 3)]


@pytest.mark.parametrize("scorer", EVERY, ids=lambda scorer: scorer.name)
@given(ranking=IDS, relevant=st.sets(st.integers(0, 9), min_size=1))
def test_every_measure_is_a_share_and_1_is_only_for_what_is_perfect(
    scorer: RankingScorer, ranking: list[int], relevant: set[int]
) -> None:
    value = scorer.score(output=ranking, expected=relevant).value
    assert isinstance(value, float)
    assert 0 <= value <= 1
    found = set(list(dict.fromkeys(ranking))[: scorer.k]) & relevant
    assert (value > 0) is bool(found)
    best = scorer.score(output=[*relevant, *(set(range(10)) - relevant)][: len(relevant)], expected=relevant).value
    assert best == 1 or (isinstance(scorer, Precision | Recall) and scorer.k is not None)


# Worked by hand.
RANKING, RELEVANT = ["x", "a", "y", "b", "z"], ["a", "b", "c"]


@pytest.mark.parametrize(
    ("scorer", "value"),
    [
        (Precision(), 2 / 5),
        (Precision(k=2), 1 / 2),
        (Precision(k=10), 2 / 10),
        (Recall(), 2 / 3),
        (Recall(k=2), 1 / 3),
        (HitRate(k=1), 0),
        (HitRate(k=2), 1),
        (ReciprocalRank(), 1 / 2),
        (ReciprocalRank(k=1), 0),
        (Ndcg(), (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2)),
        (Ndcg(k=2), (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
    ],
    ids=str,
)
def test_values_worked_by_hand(scorer: RankingScorer, value: float) -> None:
    assert scorer.score(output=RANKING, expected=RELEVANT).value == pytest.approx(value)


def test_grades_count_in_ndcg_and_a_grade_of_zero_is_not_relevant() -> None:
    grades = {"a": 3, "b": 2, "c": 0}
    wanted = (2 + 3 / math.log2(3)) / (3 + 2 / math.log2(3))
    assert Ndcg().score(output=["b", "a", "c"], expected=grades).value == pytest.approx(wanted)
    assert Recall().score(output=["a", "b"], expected=grades).value == 1
    assert Precision().score(output=["c"], expected=grades).value == 0


def test_a_document_listed_twice_counts_once() -> None:
    assert Precision(k=2).score(output=["a", "a", "a"], expected=["a"]).value == 0.5
    assert Ndcg().score(output=["a", "a"], expected=["a", "b"]).value < 1  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]


@pytest.mark.parametrize("scorer", EVERY, ids=lambda scorer: scorer.name)
def test_a_row_without_anything_relevant_is_not_scored_instead_of_0_or_1(scorer: RankingScorer) -> None:
    nothings: tuple[object, ...] = ([], {}, {"a": 0})
    for nothing in nothings:
        score = scorer.score(output=["a"], expected=nothing)
        assert score.value is None
        assert score.explanation == "refused to score: the row names no relevant document"
    assert scorer.score(output=[], expected=["a"]).value == 0


@dataclass
class Document:
    id: str
    text: str


def test_documents_are_told_by_their_ids() -> None:
    relevant = [{"id": "a"}, Document("b", "...")]
    assert Recall().score(output=[Document("a", "..."), {"id": "b", "score": 0.3}], expected=relevant).value == 1
    assert Recall(id_key="doc").score(output=[{"doc": 7}], expected=[7]).value == 1
    assert Recall().score(output=["b"], expected=["a", "b"]).explanation == 'not found: "a"'


@pytest.mark.parametrize("ranking", ["a b", {"a": 1}, {"a", "b"}, None, 3, [{"text": "x"}], [None], [["a"]]])
def test_what_is_no_ranking_is_a_failure_that_says_what_to_give(ranking: object) -> None:
    with pytest.raises(TypeError, match="give"):
        Recall().score(output=ranking, expected=["a"])


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_a_cut_that_cannot_work_is_refused(k: int) -> None:
    with pytest.raises(tracelm.ConfigError, match="k="):
        Recall(k=k)


def test_names_say_the_cut() -> None:
    assert [each.name for each in (Recall(), Recall(k=5), ReciprocalRank(k=10))] == [
        "recall",
        "recall_at_5",
        "reciprocal_rank_at_10",
    ]


def test_in_an_evaluation_the_ranking_can_be_part_of_what_the_task_returns() -> None:
    def answer(question: str) -> dict[str, object]:
        return {"answer": "42", "documents": [{"id": "x"}, {"id": "a"}]}

    rows: list[dict[str, Any]] = [{"question": "1", "relevant": ["a"]}, {"question": "2", "relevant": []}]
    scorer = On(ReciprocalRank(), {"output": "output.documents", "expected": "relevant"})
    run = tracelm.Evaluation(dataset=tracelm.Dataset(name="q", rows=rows), scorers=[scorer]).run(answer)
    assert run.rows["outcome"].tolist() == ["scored", "refused_to_score"]
    line = run.summary.to_dict(orient="index")["reciprocal_rank"]
    assert (line["n"], line["scored"], line["mean"]) == (2, 1, 0.5)
