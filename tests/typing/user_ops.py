"""A program under `@op`: every decorated function keeps the type that its author gave it."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, ParamSpec, TypeVar, assert_type, overload

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


@tracelm.op(summarize="".join)
def letters(text: str) -> Iterator[str]:
    yield from text


@overload
def widen(value: int) -> float: ...
@overload
def widen(value: str) -> bytes: ...
@tracelm.op
def widen(value: int | str) -> float | bytes:
    return float(value) if isinstance(value, int) else value.encode()


P = ParamSpec("P")
R = TypeVar("R")


def retried(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    return function


@retried
@tracelm.op
async def retry_below(number: int, *, times: int = 1) -> str:
    return "x" * number * times


@tracelm.op
@retried
async def retry_above(number: int, *, times: int = 1) -> str:
    return "x" * number * times


class Desk:
    @functools.cached_property
    @tracelm.op
    def open(self) -> bool:
        return True

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
    assert_type(letters("ab"), Iterator[str])
    assert_type(widen(1), float)
    assert_type(widen("1"), bytes)
    assert_type(functools.partial(explain, {})(), str)


def methods() -> None:
    assert_type(Desk().reply("a"), str)
    assert_type(Desk.named("a"), Desk)
    assert_type(Desk.count("a"), int)
    assert_type(Desk().open, bool)


def mistakes() -> None:
    explain()  # type: ignore[call-arg]
    explain({}, long=True)  # type: ignore[call-arg]
    widen(b"")  # type: ignore[call-overload]
    retry_below("1")  # type: ignore[arg-type]
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
    assert_type(await retry_below(1, times=2), str)
    assert_type(await retry_above(1, times=2), str)
    carrier = tracelm.inject()
    assert_type(carrier, dict[str, str])
    with tracelm.extract(carrier):
        pass
    assert_type(tracelm.flush(), tracelm.FlushReport)
