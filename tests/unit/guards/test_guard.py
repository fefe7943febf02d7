"""What a guard does to the output of a function."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tracelm
from tracelm.scorers import PII

LEAK = "Write to ana@example.com today"
MASKED = "Write to [EMAIL] today"

block_pii = tracelm.Guardrail(PII())
mask_pii = tracelm.Guardrail(PII(), action="replace")


def always(returned: object) -> Callable[..., Any]:
    def verdict(output: object) -> Any:
        return returned

    return verdict


def broken(output: object) -> bool:
    raise RuntimeError(f"no connection, while looking at {output}")


def guarded_reply(reply: object, *guardrails: tracelm.Guardrail) -> Any:
    @tracelm.guard(*guardrails)
    def answer() -> Any:
        return reply

    return answer()


def test_a_clean_output_is_the_same_object() -> None:
    reply = ["nothing", "personal"]
    assert guarded_reply(reply, block_pii, mask_pii) is reply


def test_a_refused_output_raises_with_its_score_and_without_its_text() -> None:
    with pytest.raises(tracelm.GuardrailTripped) as caught:
        guarded_reply(LEAK, block_pii)
    tripped = caught.value
    assert str(tripped) == "guardrail 'pii' refused the output of answer: found 1 EMAIL"
    assert tripped.guardrail == "pii"
    assert isinstance(tripped.score, tracelm.Score)
    assert tripped.score.details["spans"] == [{"start": 9, "end": 24, "type": "EMAIL"}]


def test_replace_masks_exactly_the_found_spans() -> None:
    assert guarded_reply(LEAK, mask_pii) == MASKED


def test_replace_with_a_replacement_returns_it() -> None:
    sorry = tracelm.Guardrail(PII(), action="replace", replacement="I cannot say that.")
    assert guarded_reply(LEAK, sorry) == "I cannot say that."
    assert guarded_reply({"reply": LEAK}, sorry) == "I cannot say that."


@pytest.mark.parametrize(
    ("reply", "guardrail", "why"),
    [
        ({"reply": LEAK}, mask_pii, "the output is no str but a dict"),
        ("rude", tracelm.Guardrail(always(False), action="replace"), "does not say where"),
        (
            "rude",
            tracelm.Guardrail(
                always(tracelm.Score(value=False, details={"spans": [{"start": 0, "end": 99, "type": "RUDE"}]})),
                action="replace",
            ),
            "behind the end of the text",
        ),
        (
            "rude",
            tracelm.Guardrail(always(tracelm.Score(value=False, details={"spans": "all of it"})), action="replace"),
            "is no list",
        ),
    ],
)
def test_what_cannot_be_masked_is_blocked(reply: object, guardrail: tracelm.Guardrail, why: str) -> None:
    with pytest.raises(tracelm.GuardrailTripped, match=f"{why}.*give the guardrail a replacement"):
        guarded_reply(reply, guardrail)


def test_when_one_of_two_refusing_scores_says_where_the_output_is_blocked() -> None:
    found = tracelm.Score(value=False, details={"spans": [{"start": 9, "end": 24, "type": "EMAIL"}]})
    both = tracelm.Guardrail(always({"pii": found, "polite": False}), action="replace")
    with pytest.raises(tracelm.GuardrailTripped, match="does not say where"):
        guarded_reply(LEAK, both)


@pytest.mark.parametrize("verdict", [False, {"passed": False, "reason": "rude"}, tracelm.Score(0.9, passed=False)])
def test_passed_false_refuses_whatever_its_form(verdict: object) -> None:
    with pytest.raises(tracelm.GuardrailTripped):
        guarded_reply("text", tracelm.Guardrail(always(verdict)))


@pytest.mark.parametrize("verdict", [True, {"passed": True}, tracelm.Score(0.1, passed=True)])
def test_passed_true_releases_whatever_its_form(verdict: object) -> None:
    assert guarded_reply("text", tracelm.Guardrail(always(verdict))) == "text"


def test_a_number_below_the_threshold_refuses_and_the_threshold_itself_passes() -> None:
    assert guarded_reply("text", tracelm.Guardrail(always(0.5), threshold=0.5)) == "text"
    with pytest.raises(tracelm.GuardrailTripped):
        guarded_reply("text", tracelm.Guardrail(always(0.49), threshold=0.5))


def test_a_scorer_of_several_scores_refuses_with_any_of_them() -> None:
    guarded_reply("text", tracelm.Guardrail(always({"polite": True, "length": 3.0})))
    with pytest.raises(tracelm.GuardrailTripped):
        guarded_reply("text", tracelm.Guardrail(always({"polite": True, "safe": False})))


@pytest.mark.parametrize("returned", [None, 0.2, "rude", object(), float("nan"), {}, tracelm.Score(None)])
def test_a_scorer_without_a_verdict_blocks_unless_told_to_allow(returned: object) -> None:
    with pytest.raises(tracelm.GuardrailBroken, match="on_error='allow'") as caught:
        guarded_reply("text", tracelm.Guardrail(always(returned), name="judge"))
    assert caught.value.guardrail == "judge"
    assert caught.value.__cause__ is not None
    assert guarded_reply("text", tracelm.Guardrail(always(returned), on_error="allow")) == "text"


def test_a_scorer_that_raises_blocks_and_its_error_is_the_cause() -> None:
    with pytest.raises(tracelm.GuardrailBroken) as caught:
        guarded_reply(LEAK, tracelm.Guardrail(broken))
    assert "ana@" not in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interrupted_scorer_is_not_taken_for_a_verdict(interrupt: type[BaseException]) -> None:
    def judge(output: object) -> bool:
        raise interrupt

    with pytest.raises(interrupt):
        guarded_reply("text", tracelm.Guardrail(judge, on_error="allow"))


def test_the_cheap_ones_come_first_and_the_others_see_what_they_left() -> None:
    seen: list[str] = []

    def judge(output: str) -> bool:
        seen.append(output)
        return True

    assert guarded_reply(LEAK, tracelm.Guardrail(judge), mask_pii) == MASKED
    assert seen == [MASKED]


def test_after_a_block_no_later_guardrail_is_asked() -> None:
    asked: list[str] = []

    def judge(output: str) -> bool:
        asked.append(output)
        return True

    with pytest.raises(tracelm.GuardrailTripped):
        guarded_reply(LEAK, block_pii, tracelm.Guardrail(judge))
    assert asked == []


def test_a_scorer_may_ask_for_the_arguments_of_the_call() -> None:
    seen: dict[str, object] = {}

    def judge(question: str, output: str, inputs: dict[str, object], context: Any) -> bool:
        seen.update(question=question, output=output, inputs=inputs, row=context.row)
        return True

    @tracelm.guard(tracelm.Guardrail(judge))
    def answer(question: str, *, language: str = "en") -> str:
        return "because"

    answer("why?")
    inputs = {"question": "why?", "language": "en"}
    assert seen == {"question": "why?", "output": "because", "inputs": inputs, "row": inputs}


def test_the_functions_own_error_reaches_the_caller_and_no_scorer_is_asked() -> None:
    @tracelm.guard(tracelm.Guardrail(broken))
    def answer() -> str:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        answer()


def test_wrong_arguments_raise_pythons_own_type_error() -> None:
    @tracelm.guard(block_pii)
    def answer(question: str) -> str:
        return question

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'question'"):
        answer()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_a_guarded_function_keeps_its_name_and_signature() -> None:
    @tracelm.guard(block_pii)
    async def answer(question: str, *, retries: int = 2) -> str:
        """Say why."""
        return question

    assert answer.__name__ == "answer"
    assert answer.__doc__ == "Say why."
    assert str(inspect.signature(answer)) == "(question: str, *, retries: int = 2) -> str"
    assert inspect.iscoroutinefunction(answer)


class Desk:
    greeting = LEAK

    @tracelm.guard(mask_pii)
    def method(self) -> str:
        return self.greeting

    @tracelm.guard(mask_pii)
    @classmethod
    def of_class(cls) -> str:
        return cls.greeting

    @staticmethod
    @tracelm.guard(mask_pii)
    def static() -> str:
        return LEAK

    @tracelm.op
    def as_op(self) -> str:
        return self.greeting

    def __call__(self) -> str:
        return self.greeting


def test_methods_and_callables_of_every_kind_can_be_guarded() -> None:
    desk = Desk()
    mask = tracelm.guard(mask_pii)
    assert [desk.method(), desk.of_class(), Desk.static()] == [MASKED] * 3
    assert [mask(desk)(), mask(functools.partial(str, LEAK))(), mask(desk.as_op)()] == [MASKED] * 3


@pytest.mark.anyio
async def test_async_functions_are_guarded_with_sync_and_async_scorers() -> None:
    async def judge(output: str) -> bool:
        return "secret" not in output

    @tracelm.guard(mask_pii, tracelm.Guardrail(judge, name="no secrets"))
    async def answer(text: str) -> str:
        return text

    assert await answer(LEAK) == MASKED
    with pytest.raises(tracelm.GuardrailTripped, match="no secrets"):
        await answer("the secret")


@pytest.mark.anyio
async def test_a_plain_function_that_hands_on_a_coroutine_is_guarded_when_it_is_awaited() -> None:
    async def inner() -> str:
        return LEAK

    @tracelm.guard(mask_pii)
    def answer() -> Any:
        return inner()

    assert await answer() == MASKED


def test_a_sync_function_may_have_an_async_scorer() -> None:
    async def judge(output: str) -> bool:
        return False

    with pytest.raises(tracelm.GuardrailTripped):
        guarded_reply("text", tracelm.Guardrail(judge))


def test_a_cancelled_async_call_stays_cancelled() -> None:
    entered = asyncio.Event()

    async def judge(output: str) -> bool:
        entered.set()
        await asyncio.Event().wait()
        return True

    @tracelm.guard(tracelm.Guardrail(judge, on_error="allow"))
    async def answer() -> str:
        return "text"

    async def main() -> None:
        task = asyncio.create_task(answer())
        await entered.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


@pytest.mark.parametrize("inside", ["tuple", "dict"])
def test_a_stream_inside_of_something_is_not_used_up_but_blocked(inside: str) -> None:
    words = iter(["one", "two"])
    reply: object = (words, 2) if inside == "tuple" else {"reply": [words]}
    with pytest.raises(tracelm.GuardrailBroken) as caught:
        guarded_reply(reply, block_pii)
    assert "holds a stream" in str(caught.value.__cause__)
    assert next(words) == "one"


def test_a_verdict_in_numpys_words_refuses_like_any_other() -> None:
    import numpy as np

    def never_toxic(output: str) -> tracelm.Score:
        is_fine: Any = np.float64(len(output)) > 100
        return tracelm.Score(value=0.1, passed=is_fine)

    @tracelm.guard(tracelm.Guardrail(never_toxic))
    def reply() -> str:
        return "TOXIC"

    with pytest.raises(tracelm.GuardrailTripped):
        reply()


def test_what_the_scorer_cannot_look_into_is_not_released() -> None:
    class Opaque:
        def __iter__(self) -> Iterator[str]:
            return iter(["ada@example.com"])

    class Slots:
        __slots__ = ("mail",)

        def __init__(self) -> None:
            self.mail = "ada@example.com"

    @tracelm.guard(tracelm.Guardrail(PII()))
    def reply(value: object) -> object:
        return value

    with pytest.raises(tracelm.GuardrailBroken):
        reply(Opaque())
    with pytest.raises(tracelm.GuardrailTripped):
        reply(Slots())
