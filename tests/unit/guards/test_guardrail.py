"""A guardrail refuses at the door what cannot work."""

import dataclasses
import math
from typing import Any

import pytest

import tracelm
from tracelm.scorers import PII


def test_a_guardrail_is_called_like_its_scorer_unless_named() -> None:
    assert tracelm.Guardrail(PII()).name == "pii"
    assert tracelm.Guardrail(PII(), name="no personal data").name == "no personal data"


def test_a_guardrail_cannot_be_changed() -> None:
    guardrail = tracelm.Guardrail(PII())
    with pytest.raises(dataclasses.FrozenInstanceError):
        guardrail.action = "replace"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_equal_guardrails_are_equal() -> None:
    assert tracelm.Guardrail(PII(), threshold=0.5) == tracelm.Guardrail(PII(), threshold=0.5)
    assert tracelm.Guardrail(PII()) != tracelm.Guardrail(PII(), action="replace")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"action": "delete"}, "action='delete'"),
        ({"mode": "off"}, "mode='off'"),
        ({"on": "inputs"}, "on='inputs'"),
        ({"on_timeout": "ignore"}, "on_timeout='ignore'"),
        ({"timeout_s": 0}, "timeout_s=0"),
        ({"timeout_s": "1"}, "timeout_s='1'"),
        ({"argument": "question"}, "on='input'"),
        ({"on": "input", "action": "retry"}, "action='retry' is for outputs"),
        ({"action": "retry", "retries": 0}, "retries=0"),
        ({"retries": 2}, "action='retry'"),
        ({"action": "fallback"}, "fallback is missing"),
        ({"on_error": "fallback"}, "fallback is missing"),
        ({"fallback": print}, "fallback is never called"),
        ({"window": 0}, "window=0"),
        ({"on_error": "ignore"}, "on_error='ignore'"),
        ({"replacement": "sorry"}, "action='replace'"),
        ({"threshold": math.nan}, "threshold=nan"),
        ({"threshold": "0.5"}, "threshold='0.5'"),
        ({"threshold": True}, "threshold=True"),
        ({"name": " "}, "name"),
    ],
)
def test_an_argument_that_cannot_work_is_refused_by_name(given: dict[str, Any], named: str) -> None:
    with pytest.raises(tracelm.ConfigError, match=named):
        tracelm.Guardrail(PII(), **given)


def test_a_class_in_place_of_a_scorer_is_refused_with_the_remedy() -> None:
    with pytest.raises(tracelm.ConfigError, match=r"write Guardrail\(PII\(\.\.\.\)\)"):
        tracelm.Guardrail(PII)


def test_what_is_no_scorer_is_refused() -> None:
    with pytest.raises(tracelm.ConfigError, match="a str is no scorer"):
        tracelm.Guardrail("pii")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_guard_takes_guardrails_and_nothing_else() -> None:
    with pytest.raises(tracelm.ConfigError, match="write @tracelm"):
        tracelm.guard()
    with pytest.raises(tracelm.ConfigError, match="write @tracelm"):
        tracelm.guard(PII())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_scorer_that_the_call_cannot_feed_is_refused_at_decoration() -> None:
    def matches(output: str, expected: str) -> bool:
        return output == expected

    with pytest.raises(tracelm.ConfigError, match="'expected'"):

        @tracelm.guard(tracelm.Guardrail(matches))
        def answer(question: str) -> str:  # pyright: ignore[reportUnusedFunction]
            return question


def test_a_class_cannot_be_guarded() -> None:
    with pytest.raises(tracelm.ConfigError, match="functions, methods and ops"):
        tracelm.guard(tracelm.Guardrail(PII()))(dict)
