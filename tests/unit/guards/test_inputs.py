"""Guardrails on what a function is given, before it runs and while it runs."""

import asyncio

import pytest

import tracelm
from tests.unit.guards.judges import LEAK, MASKED, rude, short
from tests.unit.guards.test_recording import decisions
from tracelm.scorers import PII
from tracelm.testing import Spans

# --- inputs ---------------------------------------------------------------------------------------------------


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


# --- in parallel ----------------------------------------------------------------------------------------------


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
