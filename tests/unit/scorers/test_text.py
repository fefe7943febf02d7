"""Scorers that compare text."""

import pytest

import tracelm
from tracelm.scorers import Contains, EndsWith, ExactMatch, Length, Matches, StartsWith, WordCount


def test_contains_wants_every_phrase_and_says_which_is_missing() -> None:
    scorer = Contains(phrases=("amount", "risk"))
    assert scorer.score(output="The AMOUNT is a Risk") == tracelm.Score(value=True)
    assert scorer.score(output="the amount").explanation == "missing: risk"


def test_contains_can_be_content_with_any_phrase_or_want_none() -> None:
    either = Contains(phrases=("amount", "risk"), match="any")
    assert either.score(output="the amount") == tracelm.Score(value=True)
    assert either.score(output="nothing") == tracelm.Score(value=False, explanation="missing: amount, risk")
    neither = Contains(phrases=("amount", "risk"), match="none")
    assert neither.score(output="nothing") == tracelm.Score(value=True)
    assert neither.score(output="a risk") == tracelm.Score(value=False, explanation="found: risk")


def test_contains_can_tell_capitals_apart() -> None:
    assert Contains(phrases=("Paris",), ignore_case=False).score(output="paris").value is False


def test_contains_folds_case_as_unicode_does() -> None:
    assert Contains(phrases=("STRASSE",)).score(output="Straße").value is True


@pytest.mark.parametrize("phrases", [(), ("",), "Paris", (1,)])
def test_contains_refuses_what_says_nothing(phrases: tuple[str, ...]) -> None:
    with pytest.raises(tracelm.ConfigError, match="phrases="):
        Contains(phrases=phrases)
    with pytest.raises(tracelm.ConfigError, match="texts="):
        StartsWith(texts=phrases)
    with pytest.raises(tracelm.ConfigError, match="texts="):
        EndsWith(texts=phrases)


@pytest.mark.parametrize(
    ("output", "expected", "same"),
    [("42", " 42\n", True), ("Paris", "paris", False), ({"a": 1}, {"a": 1}, True), (1, "1", False), (None, "", False)],
)
def test_exact_match_compares_with_the_expected(output: object, expected: object, same: bool) -> None:
    assert ExactMatch().score(output=output, expected=expected).value is same


def test_exact_match_can_ignore_case() -> None:
    assert ExactMatch(ignore_case=True).score(output="Paris", expected="paris").value is True


def test_beginnings_and_ends_are_those_of_the_text_without_blanks_around_it() -> None:
    assert StartsWith(texts=("Dear", "Hello")).score(output="\n hello Ana").value is True
    assert StartsWith(texts=("Dear",)).score(output="Oh dear").explanation == "does not begin with Dear"
    assert EndsWith(texts=(".", "!")).score(output="Done.\n").value is True
    assert EndsWith(texts=("END",), ignore_case=False).score(output="the end").explanation == "does not end with END"


def test_a_count_is_the_value_and_the_bounds_are_the_verdict() -> None:
    assert Length(at_most=3).score(output="four") == tracelm.Score(
        value=4, passed=False, explanation="4 characters, at most 3 are wanted"
    )
    assert Length(at_least=4, at_most=4).score(output="four") == tracelm.Score(value=4, passed=True)
    assert WordCount(at_least=3).score(output="two words").explanation == "2 words, at least 3 are wanted"
    assert WordCount(at_most=2).score(output=" two\n words ").passed is True


@pytest.mark.parametrize(
    "bounds", [{}, {"at_least": -1}, {"at_least": 3, "at_most": 2}, {"at_most": 1.5}, {"at_most": True}]
)
def test_bounds_that_say_nothing_are_refused(bounds: dict[str, object]) -> None:
    for kind in (Length, WordCount):
        with pytest.raises(tracelm.ConfigError, match="at_"):
            kind(**bounds)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_pattern_says_where_it_matches_in_characters() -> None:
    score = Matches(pattern=r"\d+").score(output="üü 12 and 345")
    assert score.value is True
    assert score.details == {
        "spans": [{"start": 3, "end": 5, "type": "MATCH"}, {"start": 10, "end": 13, "type": "MATCH"}]
    }


def test_a_pattern_can_be_held_against_the_whole() -> None:
    scorer = Matches(pattern="[A-Z]{2}[0-9]+", where="whole")
    assert scorer.score(output=" AB12\n").value is True
    assert scorer.score(output="AB12 and more").value is False


@pytest.mark.parametrize("pattern", ["(", r"(?=a)", r"(a)\1", None])
def test_a_pattern_that_re2_does_not_take_is_refused_at_the_door(pattern: str) -> None:
    with pytest.raises(tracelm.ConfigError, match="RE2"):
        Matches(pattern=pattern)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*)*b", r"(x+x+)+y"])
def test_catastrophic_patterns_take_linear_work(pattern: str) -> None:
    # With a backtracking engine none of these would end.
    assert Matches(pattern=pattern).score(output="a" * 100_000 + "x" * 100_000 + "!").value is False


def test_matches_are_bounded_and_broken_text_is_read() -> None:
    assert len(Matches(pattern="a").score(output="a" * 5_000_000).details["spans"]) == 1_000
    assert Matches(pattern="b").score(output="a\ud800b").details["spans"] == [{"start": 2, "end": 3, "type": "MATCH"}]


def test_five_megabytes_are_no_trouble_for_what_is_linear() -> None:
    long = "word " * 1_000_000
    assert Contains(phrases=("nothing",)).score(output=long).value is False
    assert StartsWith(texts=("word",)).score(output=long).value is True
    assert Length(at_most=10).score(output=long).value == 5_000_000
    assert WordCount(at_most=10).score(output=long).value == 1_000_000
    assert ExactMatch().score(output=long, expected=long).value is True


def test_settings_are_part_of_the_version() -> None:
    assert Contains(phrases=("a",)).version == Contains(phrases=("a",)).version
    assert Contains(phrases=("a",)).version != Contains(phrases=("b",)).version
    assert Matches(pattern="a").version != Matches(pattern="b").version


def test_every_scorer_is_public_and_an_unknown_one_is_named() -> None:
    for name in tracelm.scorers.__all__:
        assert issubclass(getattr(tracelm.scorers, name), tracelm.Scorer)
    with pytest.raises(AttributeError, match="no scorer 'Toxic'"):
        getattr(tracelm.scorers, "Toxic")  # noqa: B009
