"""Scorers of how much two texts have in common, beside the libraries that define them."""

import string
from typing import Any

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

import tracelm
from tracelm.scorers import Bleu, Chrf, EditDistance, Rouge, TextSimilarity, TokenF1

WORDS = st.lists(st.sampled_from(["the", "cat", "sat", "on", "a", "mat", "and", "slept"]), max_size=30).map(" ".join)
ORACLE: Any = RougeScorer(["rouge1", "rouge2", "rougeL"])


@given(WORDS, WORDS)
@settings(deadline=None)
def test_rouge_is_that_of_googles_package(output: str, expected: str) -> None:
    theirs = ORACLE.score(expected, output)
    for kind in ("rouge1", "rouge2", "rougeL"):
        ours = Rouge(kind=kind).score(output=output, expected=expected)
        words = len(output.split()), len(expected.split())
        if 0 in words or (kind == "rouge2" and 1 in words):
            continue  # where a side has nothing to count, theirs is 0 also for two equal texts
        assert ours.value == pytest.approx(theirs[kind].fmeasure)
        assert ours.details["precision"] == pytest.approx(theirs[kind].precision)
        assert ours.details["recall"] == pytest.approx(theirs[kind].recall)


def test_rouge_reads_every_script() -> None:
    assert Rouge().score(output="Привет, мир", expected="привет мир").value == 1.0


def test_equal_texts_without_words_are_equal() -> None:
    for scorer in (TokenF1(), Rouge(kind="rouge1"), Rouge(kind="rouge2"), Rouge()):
        assert scorer.score(output="", expected="").value == 1.0
        assert scorer.score(output="", expected="word").value == 0.0
        assert scorer.score(output="word", expected="word").value == 1.0


@given(WORDS, WORDS)
@settings(deadline=None)
def test_bleu_and_chrf_are_those_of_sacrebleu(output: str, expected: str) -> None:
    bleu = sacrebleu.sentence_bleu(output, [expected], use_effective_order=True).score
    assert Bleu().score(output=output, expected=expected).value == pytest.approx(bleu, abs=1e-5)
    chrf = sacrebleu.sentence_chrf(output, [expected]).score
    assert Chrf().score(output=output, expected=expected).value == pytest.approx(chrf, abs=1e-5)


def test_the_tokens_in_common_are_those_of_squad() -> None:
    # Pairs and values as the evaluation script of SQuAD 1.1 gives them.
    pairs = [
        ("The Eiffel Tower.", "eiffel tower"),
        ("in 1889 in Paris", "Paris, 1889"),
        ("the the the", "a"),
        ("cat cat", "cat"),
        ("", "cat"),
    ]
    assert [round(float(TokenF1().score(output=o, expected=e).value or 0), 4) for o, e in pairs] == snapshot(
        [1.0, 0.6667, 1.0, 0.6667, 0.0]
    )


def test_of_several_right_answers_the_best_counts() -> None:
    wanted = ["a cat", "two dogs"]
    assert TokenF1().score(output="two dogs", expected=wanted).value == 1.0
    assert Rouge().score(output="two dogs", expected=wanted).value == 1.0
    assert EditDistance().score(output="two dogs", expected=wanted).value == 0.0
    assert TextSimilarity().score(output="two dogs", expected=wanted).value == 1.0
    assert Bleu().score(output="two dogs", expected=wanted).value == 100.0


@pytest.mark.parametrize("scorer", [TokenF1(), Rouge(), Bleu(), Chrf(), EditDistance(), TextSimilarity()])
def test_nothing_to_compare_with_is_a_failure_that_says_so(scorer: tracelm.Scorer) -> None:
    nothings: tuple[object, ...] = (None, [])
    for nothing in nothings:
        with pytest.raises(ValueError, match="no text to compare with"):
            scorer.score(output="x", expected=nothing)


@pytest.mark.parametrize("scorer", [Rouge(), Rouge(kind="rouge2"), Bleu(), Chrf(), EditDistance(), TextSimilarity()])
def test_five_megabytes_are_refused_with_a_reason_where_the_work_would_explode(scorer: tracelm.Scorer) -> None:
    long = "word " * 1_000_000
    for output, expected in ((long, "word"), ("word", long)):
        score = scorer.score(output=output, expected=expected)
        assert score.value is None
        assert "has 5,000,000 characters, more than" in score.explanation


def test_tokens_of_five_megabytes_are_counted() -> None:
    long = "word " * 1_000_000
    assert TokenF1().score(output=long, expected=long).value == 1.0


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_distance_is_symmetric_and_zero_only_for_equal_texts(one: str, other: str) -> None:
    there = EditDistance().score(output=one, expected=other).value
    assert there == EditDistance().score(output=other, expected=one).value
    assert (there == 0) is (one == other)
    similarity = TextSimilarity(ignore_case=False).score(output=one, expected=other).value
    assert isinstance(similarity, float)
    assert 0 <= similarity <= 1
    assert (similarity == 1) is (one == other)


def test_ways_to_compare_letters() -> None:
    def compare(how: str) -> object:
        return TextSimilarity(compare=how).score(output="Curie Marie Curie", expected="marie curie").value  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert [compare(how) == 1 for how in ("whole", "part", "words", "word_set")] == [False, True, False, True]


@given(st.text(alphabet=string.printable, max_size=100), st.text(alphabet=string.printable, max_size=100))
@settings(deadline=None)
def test_any_two_texts_give_a_share(output: str, expected: str) -> None:
    for scorer in (TokenF1(), Rouge(), Rouge(kind="rouge2")):
        value = scorer.score(output=output, expected=expected).value
        assert isinstance(value, float)
        assert 0 <= value <= 1


def test_names_tell_the_kinds_apart() -> None:
    assert [Rouge(kind="rouge1").name, Rouge(kind="rouge2").name, Rouge().name] == ["rouge1", "rouge2", "rouge_l"]
    with pytest.raises(tracelm.ConfigError, match="kind="):
        Rouge(kind="rouge3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
