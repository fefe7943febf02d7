"""A score says what it says, and nothing that is nearly so."""

from typing import Any

import numpy as np
import pytest

import tracelm
from tracelm.scoring.score import as_verdict, named_scores


def test_a_bool_is_its_own_line_between_good_and_bad() -> None:
    assert tracelm.Score(True).passed is True
    assert tracelm.Score(False).passed is False
    assert tracelm.Score(0.2).passed is None


def test_numpys_true_and_false_are_pythons() -> None:
    false: Any = np.bool_(False)
    score = tracelm.Score(value=false, passed=false)
    assert score.value is False
    assert score.passed is False
    verdict = as_verdict({"passed": np.bool_(False), "reason": "no"})
    assert verdict is not None
    assert verdict.passed is False


@pytest.mark.parametrize("passed", [0, 1, "no", 0.0, []])
def test_what_is_nearly_a_verdict_is_refused(passed: Any) -> None:
    with pytest.raises(TypeError, match="neither True, False nor None"):
        tracelm.Score(value=0.5, passed=passed)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan")])
def test_a_number_that_is_none_is_no_score(value: float) -> None:
    with pytest.raises(ValueError, match="for 'not scored'"):
        tracelm.Score(value)


def test_a_dict_of_verdicts_gives_each_its_name() -> None:
    found = named_scores("s", {"a": True, "b": {"passed": False, "reason": "why"}, "c": "label"})
    assert {name: (score.value, score.passed) for name, score in found.items()} == {
        "s.a": (True, True),
        "s.b": (False, False),
        "s.c": ("label", None),
    }
    assert found["s.b"].explanation == "why"


@pytest.mark.parametrize("returned", [{}, object(), [True], {1: True, "1": False}])
def test_what_is_no_score_is_refused_with_the_remedy(returned: object) -> None:
    with pytest.raises(TypeError, match="return"):
        named_scores("s", returned)
