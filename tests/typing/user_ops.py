"""A program under `@op`: every decorated function keeps the type that its author gave it."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, assert_type

import tracelm


@tracelm.op
def explain(transaction: dict[str, Any], *, short: bool = True) -> str:
    return f"{transaction} {short}"


@tracelm.op(name="explain later", kind="agent")
async def explain_later(question: str) -> int:
    return len(question)


@tracelm.op
def words(text: str) -> Iterator[str]:
    yield from text.split()


@tracelm.op
async def words_later(text: str) -> AsyncIterator[str]:
    for word in text.split():
        yield word


class Desk:
    @tracelm.op
    def reply(self, text: str) -> str:
        return text

    @tracelm.op
    @classmethod
    def named(cls, name: str) -> "Desk":
        return cls()

    @staticmethod
    @tracelm.op
    def count(text: str) -> int:
        return len(text)


def functions() -> None:
    assert_type(explain({"amount": 4200}, short=False), str)
    assert_type(words("a b"), Iterator[str])
    assert_type(words_later("a b"), AsyncIterator[str])
    callback: Callable[[dict[str, Any]], str] = explain
    assert_type(callback({}), str)


def methods() -> None:
    assert_type(Desk().reply("a"), str)
    assert_type(Desk.named("a"), Desk)
    assert_type(Desk.count("a"), int)


def mistakes() -> None:
    explain()  # type: ignore[call-arg]
    explain({}, long=True)  # type: ignore[call-arg]
    explain_later(3)  # type: ignore[arg-type,unused-coroutine]
    Desk().reply(3)  # type: ignore[arg-type]
    tracelm.op(kind="robot")  # type: ignore[call-overload]


async def blocks() -> None:
    with tracelm.session("conversation", user_id="ana"), tracelm.span("step", inputs={"a": 1}) as step:
        assert_type(step, tracelm.SpanHandle)
        assert_type(step.trace_id, str)
        step.set_output([1, 2])
    with tracelm.attributes({"tenant": "acme"}):
        assert_type(tracelm.current_span().span_id, str)
    assert_type(await explain_later("why?"), int)
    assert_type(tracelm.flush(), tracelm.FlushReport)
