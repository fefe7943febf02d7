"""`with tracelm.guarded(...)`: guardrails without a function."""

from collections.abc import AsyncIterator

import pytest

import tracelm
from tests.unit.guards.test_recording import LEAK, MASKED, decisions
from tracelm.scorers import PII
from tracelm.testing import Spans

mask_in = tracelm.Guardrail(PII(), on="input", action="replace")
mask_out = tracelm.Guardrail(PII(), action="replace")


def test_what_goes_in_and_what_comes_out_pass_the_guardrails_in_a_span(spans: Spans) -> None:
    with tracelm.guarded(mask_in, mask_out, name="desk") as rails:
        assert rails.input(LEAK) == MASKED
        assert rails.output(LEAK) == MASKED
        assert "".join(rails.output(iter([LEAK[:12], LEAK[12:]]))) == MASKED
    span = spans.one("desk")
    assert {each.span_id for each in spans.logs()} == {span.span_id}
    assert [each["side"] for each in decisions(spans)] == ["input", "output", "output"]


def test_a_refusal_is_the_error_of_the_block(spans: Spans) -> None:
    with (
        pytest.raises(tracelm.GuardrailTripped, match="refused the output of desk"),
        tracelm.guarded(tracelm.Guardrail(PII()), name="desk") as rails,
    ):
        rails.output(LEAK)
    assert spans.one("desk").attributes["error.type"] == "tracelm.errors.GuardrailTripped"


@pytest.mark.anyio
async def test_an_async_block_does_not_hold_up_the_loop() -> None:
    async def words() -> AsyncIterator[str]:
        yield LEAK[:12]
        yield LEAK[12:]

    async with tracelm.guarded(mask_in, mask_out) as rails:
        assert await rails.ainput(LEAK) == MASKED
        assert await rails.aoutput(LEAK) == MASKED
        assert "".join([each async for each in await rails.aoutput(words())]) == MASKED


def test_a_fallback_stands_for_what_was_refused() -> None:
    def no_comment(value: str) -> str:
        return "No comment."

    rail = tracelm.Guardrail(PII(), action="fallback", fallback=no_comment)
    with tracelm.guarded(rail, tracelm.Guardrail(PII(), on="input", action="fallback", fallback=len)) as rails:
        assert rails.output(LEAK) == "No comment."
        assert rails.input(LEAK) == len(LEAK)


def test_a_block_cannot_be_asked_again_and_takes_a_policy() -> None:
    with pytest.raises(tracelm.ConfigError, match="cannot be called"):
        tracelm.guarded(tracelm.Guardrail(PII(), action="retry"))
    with pytest.raises(tracelm.ConfigError, match="names an argument"):
        tracelm.guarded(tracelm.Guardrail(PII(), on="input", argument="x"))
    with tracelm.guarded(tracelm.Policy(name="a", version="1", guardrails=[mask_out])) as rails:
        assert rails.output(LEAK) == MASKED
