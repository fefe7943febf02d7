"""How guardrails behave when a scorer hangs, and when there are several."""

import threading
from collections.abc import Callable

import pytest

import tracelm
from tests.unit.guards.judges import LEAK, Gate, broken, refuse, rude
from tests.unit.guards.test_recording import decisions
from tracelm.guards.workers import Workers, workers
from tracelm.scorers import PII
from tracelm.testing import Spans

# --- deadlines ------------------------------------------------------------------------------------------------


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


# --- several --------------------------------------------------------------------------------------------------


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
