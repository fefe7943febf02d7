"""Scorers that compare text."""

import pytest

import tracelm
from tracelm.scorers import Contains, ExactMatch


def test_contains_wants_every_phrase_and_says_which_is_missing() -> None:
    scorer = Contains(phrases=("amount", "risk"))
    assert scorer.score(output="The AMOUNT is a Risk") == tracelm.Score(value=True)
    assert scorer.score(output="the amount").explanation == "missing: risk"


def test_contains_can_tell_capitals_apart() -> None:
    assert Contains(phrases=("Paris",), ignore_case=False).score(output="paris").value is False


def test_contains_folds_case_as_unicode_does() -> None:
    assert Contains(phrases=("STRASSE",)).score(output="Straße").value is True


@pytest.mark.parametrize("phrases", [(), ("",), "Paris"])
def test_contains_refuses_what_says_nothing(phrases: tuple[str, ...]) -> None:
    with pytest.raises(tracelm.ConfigError, match="phrases="):
        Contains(phrases=phrases)


@pytest.mark.parametrize(
    ("output", "expected", "same"),
    [("42", " 42\n", True), ("Paris", "paris", False), ({"a": 1}, {"a": 1}, True), (1, "1", False), (None, "", False)],
)
def test_exact_match_compares_with_the_expected(output: object, expected: object, same: bool) -> None:
    assert ExactMatch().score(output=output, expected=expected).value is same


def test_exact_match_can_ignore_case() -> None:
    assert ExactMatch(ignore_case=True).score(output="Paris", expected="paris").value is True


def test_settings_are_part_of_the_version() -> None:
    assert Contains(phrases=("a",)).version == Contains(phrases=("a",)).version
    assert Contains(phrases=("a",)).version != Contains(phrases=("b",)).version


def test_every_scorer_is_public_and_an_unknown_one_is_named() -> None:
    for name in tracelm.scorers.__all__:
        assert issubclass(getattr(tracelm.scorers, name), tracelm.Scorer)
    with pytest.raises(AttributeError, match="no scorer 'Toxic'"):
        getattr(tracelm.scorers, "Toxic")  # noqa: B009
