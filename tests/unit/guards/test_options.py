"""What a guardrail may do besides blocking, and how it behaves when its scorer fails or hangs."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tracelm
from tests.unit.guards.test_recording import decisions
from tracelm.guards.workers import Workers, workers
from tracelm.scorers import PII
from tracelm.testing import Spans

LEAK = "Write to ana@example.com today"
MASKED = "Write to [EMAIL] today"


def rude(output: str) -> dict[str, Any]:
    return {"passed": "stupid" not in output, "reason": "it is rude"}


def refuse(output: object) -> bool:
    return False


def undecided(output: object) -> None:
    return None


def about(question: str) -> str:
    return f"About {question}: no."


def broken(output: object) -> bool:
    raise RuntimeError("no connection")


class Gate:
    """A scorer that answers when it is told to."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, output: object) -> bool:
        self.entered.set()
        self.open.wait(30)
        return True


@pytest.fixture
def hanging() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def short(question: str) -> str:
    return "No comment."


# --- retry --------------------------------------------------------------------------------------------------


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


# --- fallback -----------------------------------------------------------------------------------------------


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


# --- warn and shadow ----------------------------------------------------------------------------------------


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


# --- messages and thresholds --------------------------------------------------------------------------------


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


# --- deadlines ----------------------------------------------------------------------------------------------


def test_a_scorer_that_hangs_is_left_behind_and_counted(hanging: Gate, spans: Spans) -> None:
    @tracelm.guard(tracelm.Guardrail(hanging, name="slow", timeout_s=0.01))
    def answer() -> str:
        return "text"

    before = workers.abandoned
    with pytest.raises(tracelm.GuardrailTimedOut, match="on_timeout='allow'") as caught:
        answer()
    assert isinstance(caught.value, tracelm.GuardrailBroken | TimeoutError)
    assert workers.abandoned == before + 1
    [decision] = decisions(spans)
    assert (decision["outcome"], decision["action.taken"]) == ("failed_closed", "block")
    assert decision["error.type"].endswith("TookTooLongError")


def test_an_error_and_a_timeout_are_answered_apart(hanging: Gate) -> None:
    def answer() -> str:
        return "text"

    allows = tracelm.Guardrail(hanging, timeout_s=0.01, on_timeout="allow")
    assert tracelm.guard(allows)(answer)() == "text"
    with pytest.raises(tracelm.GuardrailBroken):
        tracelm.guard(tracelm.Guardrail(broken, timeout_s=5, on_timeout="allow"))(answer)()


@pytest.mark.anyio
async def test_an_async_function_does_not_wait_for_a_scorer_that_hangs(hanging: Gate) -> None:
    @tracelm.guard(tracelm.Guardrail(hanging, timeout_s=0.01))
    async def answer() -> str:
        return "text"

    with pytest.raises(tracelm.GuardrailTimedOut):
        await answer()


@pytest.mark.anyio
async def test_an_async_scorer_that_hangs_is_cancelled() -> None:
    cancelled: list[bool] = []

    async def judge(output: str) -> bool:
        import anyio

        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(True)
        return True

    @tracelm.guard(tracelm.Guardrail(judge, timeout_s=0.01))
    async def answer() -> str:
        return "text"

    with pytest.raises(tracelm.GuardrailTimedOut):
        await answer()
    assert cancelled == [True]


def test_a_timeout_of_the_scorers_own_is_an_error() -> None:
    def judge(output: str) -> bool:
        raise TimeoutError("its server")

    @tracelm.guard(tracelm.Guardrail(judge, timeout_s=5, on_timeout="allow"))
    def answer() -> str:
        return "text"

    with pytest.raises(tracelm.GuardrailBroken) as caught:
        answer()
    assert not isinstance(caught.value, tracelm.GuardrailTimedOut)


def test_a_full_pool_makes_late_and_not_stuck(hanging: Gate) -> None:
    pool = Workers(1)
    stuck = pool.submit(lambda: hanging("text"))
    hanging.entered.wait(30)
    waiting = pool.submit(lambda: "never")
    with pytest.raises(TimeoutError):
        waiting.result(0.01)
    pool.abandon(waiting)
    assert pool.abandoned == 1
    assert waiting.cancelled()
    hanging.open.set()
    assert stuck.result(30)
    assert pool.submit(lambda: "again").result(30) == "again"


def test_a_scorer_sees_the_context_of_the_request_in_its_thread(spans: Spans) -> None:
    seen: list[str] = []

    def judge(output: str) -> bool:
        seen.append(tracelm.current_span().span_id)
        return True

    @tracelm.op(name="answer")
    @tracelm.guard(tracelm.Guardrail(judge, timeout_s=30))
    def answer() -> str:
        return "text"

    answer()
    assert seen == [spans.one("answer").span_id]


# --- several ------------------------------------------------------------------------------------------------


class Meeting:
    """Scorers that only answer when all of them are being asked."""

    def __init__(self, count: int) -> None:
        self._barrier = threading.Barrier(count)

    def scorer(self, verdict: bool) -> Callable[[object], bool]:
        def judge(output: object) -> bool:
            self._barrier.wait(30)
            return verdict

        return judge


def test_guardrails_are_asked_at_once() -> None:
    meeting = Meeting(3)
    rails = [tracelm.Guardrail(meeting.scorer(True), name=f"{each}") for each in range(3)]

    @tracelm.guard(*rails)
    def answer() -> str:
        return "text"

    assert answer() == "text"


@pytest.mark.anyio
async def test_guardrails_of_an_async_function_are_asked_at_once() -> None:
    meeting = Meeting(3)
    rails = [tracelm.Guardrail(meeting.scorer(True), name=f"{each}") for each in range(3)]

    @tracelm.guard(*rails)
    async def answer() -> str:
        return "text"

    assert await answer() == "text"


def test_once_one_refuses_nobody_waits_for_the_others(hanging: Gate) -> None:
    @tracelm.guard(tracelm.Guardrail(hanging, name="slow"), tracelm.Guardrail(rude))
    def answer() -> str:
        return "how stupid"

    with pytest.raises(tracelm.GuardrailTripped, match="'rude'"):
        answer()


@pytest.mark.anyio
async def test_once_one_refuses_no_async_call_waits_for_the_others(hanging: Gate) -> None:
    @tracelm.guard(tracelm.Guardrail(hanging, name="slow"), tracelm.Guardrail(rude))
    async def answer() -> str:
        return "how stupid"

    with pytest.raises(tracelm.GuardrailTripped, match="'rude'"):
        await answer()


@pytest.mark.anyio
async def test_with_all_every_guardrail_decides_and_the_first_in_order_is_told(spans: Spans) -> None:
    first = tracelm.Guardrail(rude, name="first")
    second = tracelm.Guardrail(refuse, name="second")

    def answer() -> str:
        return "how stupid"

    async def later() -> str:
        return "how stupid"

    with pytest.raises(tracelm.GuardrailTripped, match="'first'"):
        tracelm.guard(first, tracelm.Guardrail(PII()), second, match="all")(answer)()
    with pytest.raises(tracelm.GuardrailTripped, match="'first'"):
        await tracelm.guard(first, tracelm.Guardrail(PII()), second, match="all")(later)()
    assert [each["name"] for each in decisions(spans)] == ["pii", "first", "second"] * 2


def test_masks_of_several_guardrails_are_put_together() -> None:
    def digits(output: str) -> tracelm.Score:
        at = output.index("42")
        return tracelm.Score(False, details={"spans": [{"start": at, "end": at + 2, "type": "NUMBER"}]})

    def words(output: str) -> tracelm.Score:
        return tracelm.Score(False, details={"spans": [{"start": 0, "end": 5, "type": "WORD"}]})

    @tracelm.guard(
        tracelm.Guardrail(digits, action="replace"),
        tracelm.Guardrail(words, action="replace"),
        tracelm.Guardrail(PII(), action="replace"),
    )
    def answer() -> str:
        return "Write to ana@example.com, or call 42"

    assert answer() == "[WORD] to [EMAIL], or call [NUMBER]"


def test_a_mask_beside_a_block_is_recorded_as_blocked(spans: Spans) -> None:
    @tracelm.guard(tracelm.Guardrail(PII(), action="replace"), tracelm.Guardrail(refuse, name="no"))
    def answer() -> str:
        return LEAK

    with pytest.raises(tracelm.GuardrailTripped):
        answer()
    assert {each["name"]: each["action.taken"] for each in decisions(spans)} == {"pii": "block", "no": "block"}


# --- inputs -------------------------------------------------------------------------------------------------


def test_an_input_that_is_refused_never_reaches_the_function(spans: Spans) -> None:
    called: list[str] = []

    @tracelm.op(name="answer")
    @tracelm.guard(tracelm.Guardrail(PII(), on="input"))
    def answer(question: str) -> str:
        called.append(question)
        return "because"

    with pytest.raises(tracelm.GuardrailTripped, match=r"refused the input of .*answer"):
        answer(LEAK)
    assert called == []
    assert answer("why?") == "because"
    assert [(each["side"], each["action.taken"]) for each in decisions(spans)] == [
        ("input", "block"),
        ("input", "allow"),
    ]


class Desk:
    @tracelm.guard(tracelm.Guardrail(PII(), on="input", action="replace", argument="question"))
    def answer(self, question: str, language: str = "en") -> tuple[str, str]:
        return question, language


def test_an_argument_is_replaced_wherever_it_stands() -> None:
    assert Desk().answer(LEAK, "de") == (MASKED, "de")
    assert Desk().answer(language="de", question=LEAK) == (MASKED, "de")


def test_scorers_of_the_output_see_the_replaced_input() -> None:
    seen: list[str] = []

    def judge(question: str, output: str) -> bool:
        seen.append(question)
        return True

    @tracelm.guard(tracelm.Guardrail(PII(), on="input", action="replace"), tracelm.Guardrail(judge))
    def answer(question: str) -> str:
        return "because"

    answer(LEAK)
    assert seen == [MASKED]


def test_of_several_arguments_one_must_be_named_to_be_replaced() -> None:
    with pytest.raises(tracelm.ConfigError, match="give it argument="):

        @tracelm.guard(tracelm.Guardrail(PII(), on="input", action="replace"))
        def answer(question: str, hint: str) -> str:  # pyright: ignore[reportUnusedFunction]
            return question

    with pytest.raises(tracelm.ConfigError, match="no parameter 'text'"):

        @tracelm.guard(tracelm.Guardrail(PII(), on="input", argument="text"))
        def reply(question: str) -> str:  # pyright: ignore[reportUnusedFunction]
            return question


def test_several_arguments_are_judged_together() -> None:
    @tracelm.guard(tracelm.Guardrail(PII(), on="input"))
    def answer(question: str, hint: str) -> str:
        return question

    assert answer("why?", "none") == "why?"
    with pytest.raises(tracelm.GuardrailTripped):
        answer("why?", LEAK)


def test_the_fallback_of_an_input_answers_instead_of_the_function() -> None:
    @tracelm.guard(tracelm.Guardrail(PII(), on="input", action="fallback", fallback=short))
    def answer(question: str) -> str:
        raise AssertionError("must not be called")

    assert answer(LEAK) == "No comment."


# --- in parallel --------------------------------------------------------------------------------------------


def test_a_model_may_answer_while_its_input_is_judged_and_is_cancelled_on_a_refusal() -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def judge(output: str) -> bool:
        await began.wait()
        return "why" in output

    @tracelm.guard(tracelm.Guardrail(judge, on="input"), parallel=True)
    async def answer(question: str) -> str:
        began.set()
        if "why" in question:
            return "because"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    async def main() -> None:
        assert await answer("why?") == "because"
        began.clear()
        with pytest.raises(tracelm.GuardrailTripped):
            await answer("how?")
        assert cancelled.is_set()

    asyncio.run(main())


@pytest.mark.anyio
async def test_in_parallel_nothing_is_released_before_the_input_has_passed() -> None:
    import anyio

    answered, released = anyio.Event(), anyio.Event()

    async def judge(output: str) -> bool:
        await answered.wait()
        assert not released.is_set()
        return True

    @tracelm.guard(tracelm.Guardrail(judge, on="input"), parallel=True)
    async def answer(question: str) -> str:
        answered.set()
        return "because"

    assert await answer("why?") == "because"
    released.set()


@pytest.mark.anyio
async def test_in_parallel_the_functions_own_error_reaches_the_caller_as_it_is() -> None:
    @tracelm.guard(tracelm.Guardrail(rude, on="input"), parallel=True)
    async def answer(question: str) -> str:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await answer("why?")
    with pytest.raises(tracelm.GuardrailTripped):
        await answer("stupid?")


def test_in_parallel_takes_async_functions_with_guardrails_that_do_not_replace() -> None:
    async def later(question: str) -> str:
        return question

    mask = tracelm.Guardrail(PII(), on="input", action="replace")
    for guardrail, function, why in (
        (tracelm.Guardrail(rude, on="input"), short, "async functions"),
        (tracelm.Guardrail(rude), later, "on the input"),
        (mask, later, "replaces an input"),
    ):
        with pytest.raises(tracelm.ConfigError, match=why):
            tracelm.guard(guardrail, parallel=True)(function)
