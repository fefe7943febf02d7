"""Scorers that find the answer in a longer text."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.scorers import LabelMatch, MultipleChoice, Numeric
from tracelm.scorers.answers import numbers_in

FOUND = [
    ("The answer is 1,234.50", 1234.5),
    ("6 boxes at 205.75 make 1,234.50 euros.", 1234.5),
    ("$1,234.50", 1234.5),
    ("42%", 42),
    ("-3", -3),
    ("−3", -3),
    ("= 1e3", 1000),
    ("1.5E-2 m", 0.015),
    ("#### 72", 72),
    (".5", 0.5),
    ("The total is 18.", 18),
    ("x=7", 7),
    ("**12**", 12),
    ("12 (twelve)", 12),
    (7, 7),
    (7.25, 7.25),
    ("1,000,000", 1_000_000),
    ("a list: 1,2,3", 3),
    ("2026", 2026),
]


@pytest.mark.parametrize(("output", "number"), FOUND)
def test_the_number_is_found_in_the_text_around_it(output: object, number: float) -> None:
    score = Numeric().score(output=output, expected=number)
    assert score.value is True, score
    assert score.details == {"found": number}


@pytest.mark.parametrize(
    "output", ["none", "", "GPT-4o", "v2x", None, "about 3/4", float("nan"), float("inf"), [], True]
)
def test_what_is_no_number_is_not_taken_for_one(output: object) -> None:
    assert Numeric().score(output=output, expected=4) == tracelm.Score(
        value=False, explanation="no number in the output"
    )


def test_a_number_is_compared_within_the_tolerance_and_no_further() -> None:
    assert Numeric(abs_tol=0.01).score(output="3.15", expected="3.14").value is True
    assert Numeric(abs_tol=0.01).score(output="3.151", expected="3.14").value is False
    assert Numeric(rel_tol=0.1).score(output="110", expected=100).value is True
    assert Numeric(rel_tol=0.1).score(output="111", expected=100).value is False
    assert Numeric().score(output="0.30000000000000004", expected=0.3).value is True
    # In floats, 0.5 - 0.2 is more than 0.3, and 0.3 itself is less than it says.
    assert Numeric(abs_tol=0.3).score(output="0.5", expected="0.2").value is True


def test_which_number_counts_can_be_chosen() -> None:
    text = "First 1, then 2."
    assert Numeric(which="first").score(output=text, expected=1).value is True
    assert Numeric().score(output=text, expected=2).value is True
    assert Numeric(which="only").score(output=text, expected=2).explanation == "several numbers in the output: 1, 2"
    assert Numeric(which="only").score(output="2 and again 2.0", expected=2).value is True


def test_a_decimal_comma_is_read_where_it_is_one() -> None:
    assert Numeric(decimal_mark=",").score(output="1.234,50 €", expected=1234.5).value is True
    assert Numeric(decimal_mark=",").score(output="0,5", expected=0.5).value is True


def test_a_row_without_a_number_is_not_scored_and_says_why() -> None:
    score = Numeric().score(output="4", expected="four")
    assert score.value is None
    assert score.explanation == 'refused to score: the row expects "four", which holds no number'


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_every_number_is_found_again_in_a_sentence(number: Decimal) -> None:
    for written in (f"{number}", f"{number:,}"):
        assert numbers_in(f"It makes {written}, I think.") == [number]


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    Numeric().score(output=text, expected=1)
    MultipleChoice().score(output=text, expected="A")
    LabelMatch(labels=("a", "b")).score(output=text, expected="a")


@pytest.mark.parametrize(
    "text", ["1," * 500_000, "9" * 1_000_000, "answer " * 200_000, "((((" * 500_000, "1.1.1" * 300_000]
)
def test_long_texts_of_what_is_nearly_an_answer_are_read_in_bounded_work(text: str) -> None:
    # What is looked at is bounded, so that this ends.
    assert Numeric(which="first").score(output=text + "x", expected=7).value is False
    assert MultipleChoice().score(output=text, expected="A").value is False


@pytest.mark.parametrize(
    "arguments", [{"abs_tol": -1.0}, {"rel_tol": float("nan")}, {"which": "any"}, {"decimal_mark": ";"}]
)
def test_numeric_refuses_settings_that_cannot_work(arguments: dict[str, object]) -> None:
    with pytest.raises(tracelm.ConfigError, match=next(iter(arguments))):
        Numeric(**arguments)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


CHOSEN = [
    ("B", "B"),
    ("b", "B"),
    ("(B)", "B"),
    ("**B**", "B"),
    ("B.", "B"),
    ("B) Paris is the capital", "B"),
    ("B. Paris", "B"),
    ("**B** because it is larger", "B"),
    ("The answer is B.", "B"),
    ("the correct answer is (b)", "B"),
    ("Answer: B", "B"),
    ("**Answer:** B", "B"),
    ("Final answer: **B**", "B"),
    (r"So it is $\boxed{B}$", "B"),
    ('{"answer": "B"}', "B"),
    ("A is too small, so the answer is (C).", "C"),
    ("I thought the answer is A. No: the answer is D.", "D"),
    ("I choose option D", "D"),
    ("Let us see.\nA is wrong.\n\nC", "C"),
    ("Option B is right", "B"),
]


@pytest.mark.parametrize(("output", "letter"), CHOSEN)
def test_the_chosen_letter_is_found(output: str, letter: str) -> None:
    score = MultipleChoice().score(output=output, expected=letter)
    assert score.details == {"chosen": letter}
    assert score.value is True


@pytest.mark.parametrize(
    "output",
    ["A dog has four legs.", "", "I cannot tell", "E", "The answer is unclear", "A", "Apples", "the answer is A-level"],
)
def test_what_chooses_nothing_is_wrong_and_not_guessed(output: str) -> None:
    score = MultipleChoice(choices=("B", "C", "D")).score(output=output, expected="B")
    assert score == tracelm.Score(value=False, explanation="no choice can be told")


def test_two_letters_at_once_are_no_choice() -> None:
    score = MultipleChoice().score(output="The answer is A or B.", expected="A")
    assert score == tracelm.Score(value=False, explanation="several choices: A, B")


def test_an_article_is_no_choice() -> None:
    assert MultipleChoice().score(output="A dog has four legs.", expected="A").value is False


def test_a_row_that_expects_no_choice_is_not_scored() -> None:
    assert MultipleChoice().score(output="A", expected="Paris").value is None
    with pytest.raises(tracelm.ConfigError, match="two or more letters"):
        MultipleChoice(choices=("A",))


def test_a_label_is_compared_without_what_models_put_around_it() -> None:
    scorer = LabelMatch(labels=("spam", "ham"))
    for output in ("spam", " Spam.\n", '"spam"', "**spam**", "`SPAM`."):
        assert scorer.score(output=output, expected="spam").value is True
    assert scorer.score(output="ham", expected="spam") == tracelm.Score(
        value=False, explanation="ham instead of spam", details={"found": "ham", "expected": "spam"}
    )


def test_an_output_that_is_no_label_is_wrong_and_said_to_be_none() -> None:
    score = LabelMatch(labels=("spam", "ham")).score(output="not spam", expected="spam")
    assert score.value is False
    assert score.details == {"found": None, "expected": "spam"}


@pytest.mark.parametrize("labels", [(), ("a",), ("a", "A"), ("a", ""), "ab"])
def test_labels_that_cannot_be_told_apart_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(tracelm.ConfigError, match="labels="):
        LabelMatch(labels=labels)
