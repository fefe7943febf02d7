"""What a guardrail may do besides blocking."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

import tracelm
from tests.unit.guards.judges import LEAK, about, broken, rude, undecided
from tests.unit.guards.test_recording import decisions
from tracelm.scorers import PII
from tracelm.testing import Spans

# --- retry ----------------------------------------------------------------------------------------------------


def test_a_retry_asks_again_with_the_reason_and_counts(spans: Spans) -> None:
    reasons: list[str | None] = []

    @tracelm.guard(tracelm.Guardrail(rude, action="retry", retries=3))
    def answer(question: str, feedback: str | None = None) -> str:
        reasons.append(feedback)
        return "how stupid" if len(reasons) < 3 else "fine"

    assert answer("why?") == "fine"
    assert reasons == [None, "rude: it is rude", "rude: it is rude"]
    assert [(each["action.taken"], each.get("attempt", 0)) for each in decisions(spans)] == [
        ("retry", 0),
        ("retry", 1),
        ("allow", 2),
    ]


def test_after_the_last_retry_the_output_is_blocked(spans: Spans) -> None:
    calls: list[str | None] = []

    @tracelm.guard(tracelm.Guardrail(rude, action="retry", retries=2))
    def answer(feedback: str | None = None) -> str:
        calls.append(feedback)
        return "how stupid"

    with pytest.raises(tracelm.GuardrailTripped):
        answer()
    assert len(calls) == 3
    assert [(each["action.intended"], each["action.taken"]) for each in decisions(spans)] == [
        ("retry", "retry"),
        ("retry", "retry"),
        ("retry", "block"),
    ]


def test_a_function_that_cannot_learn_why_is_not_asked_again() -> None:
    with pytest.raises(tracelm.ConfigError, match="feedback"):

        @tracelm.guard(tracelm.Guardrail(rude, action="retry"))
        def answer() -> str:  # pyright: ignore[reportUnusedFunction]
            return "how stupid"


@pytest.mark.anyio
async def test_an_async_function_is_asked_again() -> None:
    @tracelm.guard(tracelm.Guardrail(rude, action="retry"))
    async def answer(feedback: str | None = None) -> str:
        return "how stupid" if feedback is None else "fine"

    assert await answer() == "fine"


# --- fallback -------------------------------------------------------------------------------------------------


def test_a_fallback_is_called_with_the_same_arguments() -> None:
    @tracelm.guard(tracelm.Guardrail(rude, action="fallback", fallback=about))
    def answer(question: str) -> str:
        return "how stupid"

    assert answer("why?") == "About why?: no."


def test_what_a_fallback_gives_passes_the_same_guardrails_and_is_blocked_there() -> None:
    @tracelm.guard(tracelm.Guardrail(rude, action="fallback", fallback=lambda: "stupid too"))
    def answer() -> str:
        return "how stupid"

    with pytest.raises(tracelm.GuardrailTripped):
        answer()


@pytest.mark.anyio
async def test_an_async_fallback_of_an_async_function_is_awaited() -> None:
    async def later() -> str:
        return "No comment."

    @tracelm.guard(tracelm.Guardrail(rude, action="fallback", fallback=later))
    async def answer() -> str:
        return "how stupid"

    assert await answer() == "No comment."


def test_an_async_fallback_of_a_sync_function_is_refused_at_decoration() -> None:
    async def later() -> str:
        return ""

    with pytest.raises(tracelm.ConfigError, match="fallback is not"):

        @tracelm.guard(tracelm.Guardrail(rude, action="fallback", fallback=later))
        def answer() -> str:  # pyright: ignore[reportUnusedFunction]
            return ""


@pytest.mark.parametrize("failing", [broken, undecided])
def test_a_scorer_that_fails_may_lead_to_the_fallback(failing: Callable[..., Any], spans: Spans) -> None:
    @tracelm.guard(tracelm.Guardrail(failing, name="judge", on_error="fallback", fallback=lambda: "No comment."))
    def answer() -> str:
        return "text"

    # The scorer fails on what the fallback gives as well: then there is no way out.
    with pytest.raises(tracelm.GuardrailBroken):
        answer()
    assert [(each["action.taken"], each["outcome"]) for each in decisions(spans)] == [
        ("fallback", "failed_closed"),
        ("block", "failed_closed"),
    ]


# --- warn and shadow ------------------------------------------------------------------------------------------


def test_warn_lets_pass_and_logs_without_the_text(caplog: pytest.LogCaptureFixture, spans: Spans) -> None:
    @tracelm.guard(tracelm.Guardrail(PII(), action="warn"))
    def answer() -> str:
        return LEAK

    with caplog.at_level(logging.WARNING):
        assert answer() == LEAK
    assert "found 1 EMAIL" in caplog.text
    assert "ana@" not in caplog.text
    assert [(each["action.taken"], each["outcome"]) for each in decisions(spans)] == [("warn", "enforced")]


@pytest.mark.parametrize("action", ["block", "replace", "warn"])
def test_a_shadow_judges_and_changes_nothing(action: Any, spans: Spans) -> None:
    @tracelm.guard(tracelm.Guardrail(PII(), action=action, mode="shadow"))
    def answer() -> str:
        return LEAK

    assert answer() == LEAK
    [decision] = decisions(spans)
    assert (decision["action.intended"], decision["action.taken"], decision["outcome"]) == (action, "allow", "shadow")
    assert decision["found"] == 1


def test_a_shadow_that_fails_changes_nothing(spans: Spans) -> None:
    @tracelm.guard(tracelm.Guardrail(broken, mode="shadow"))
    def answer() -> str:
        return "text"

    assert answer() == "text"
    [decision] = decisions(spans)
    assert (decision["action.intended"], decision["outcome"], decision["error.type"]) == (
        "block",
        "shadow",
        "RuntimeError",
    )


# --- messages and thresholds ----------------------------------------------------------------------------------


def test_a_refusal_carries_what_may_be_told() -> None:
    @tracelm.guard(tracelm.Guardrail(rude, message="Let us stay polite."))
    def answer() -> str:
        return "how stupid"

    with pytest.raises(tracelm.GuardrailTripped) as caught:
        answer()
    assert caught.value.safe_message == "Let us stay polite."


def test_where_less_is_better_the_threshold_is_the_highest_that_passes() -> None:
    @tracelm.scorer(lower_is_better=True)
    def toxicity(output: str) -> float:
        return len(output) / 10

    @tracelm.guard(tracelm.Guardrail(toxicity, threshold=0.5))
    def answer(text: str) -> str:
        return text

    assert answer("short") == "short"
    with pytest.raises(tracelm.GuardrailTripped):
        answer("longer")
