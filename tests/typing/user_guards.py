"""A program with guardrails: a guarded function, or op, keeps its type."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

import tracelm
from tracelm.scorers import PII, Contains


def pii_guardrail(output: str) -> dict[str, Any]:
    return {"passed": "@" not in output, "reason": "no addresses"}


mask = tracelm.Guardrail(PII(entities=("EMAIL", "CARD")), action="replace")
polite = tracelm.Guardrail(Contains(phrases=("please",)), name="polite", on_error="allow")
own = tracelm.Guardrail(pii_guardrail, action="replace", replacement="I cannot say that.")


@tracelm.op
@tracelm.guard(mask, polite)
def reply(question: str, *, retries: int = 1) -> str:
    return question * retries


@tracelm.guard(own)
@tracelm.op(name="later")
async def reply_later(question: str) -> str:
    return question


@tracelm.guard(mask)
def words(question: str) -> Iterator[str]:
    yield question


@tracelm.guard(tracelm.Policy(name="support", version="1", guardrails=[mask]))
async def words_later(question: str) -> AsyncIterator[str]:
    yield question


class Desk:
    @tracelm.guard(mask)
    def reply(self, question: str) -> str:
        return question


async def calls() -> None:
    assert_type(await reply_later("why?"), str)
    assert_type(reply("why?", retries=2), str)
    assert_type(Desk().reply("why?"), str)
    assert_type(words("why?"), Iterator[str])
    assert_type(words_later("why?"), AsyncIterator[str])
    assert_type(mask.name, str)
    try:
        reply("why?")
    except tracelm.GuardrailTripped as tripped:
        assert_type(tripped.guardrail, str)
        assert_type(tripped.safe_message, str)


def mistakes() -> None:
    reply()  # type: ignore[call-arg]
    Desk().reply(3)  # type: ignore[arg-type]
    tracelm.guard(PII())  # type: ignore[arg-type]
    tracelm.Guardrail(PII(), action="delete")  # type: ignore[arg-type]
    PII(entities=("NAME",))  # type: ignore[arg-type]
