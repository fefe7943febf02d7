"""The one place that calls scorers."""

import asyncio
import functools
import threading
from contextvars import ContextVar
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

import tracelm
from tracelm.scoring.call import Judgement, call_scorer, call_scorer_now, is_scoring, parameters_of
from tracelm.scoring.scorer import ScorerLike, name_of

ROW = {"question": "1 + 1", "expected": "2", "output": "2", "inputs": {"question": "1 + 1"}}


def exact(output: str, expected: str) -> bool:
    return output == expected


async def exact_async(output: str, expected: str) -> bool:
    await anyio.lowlevel.checkpoint()
    return output == expected


@dataclass(frozen=True)
class Exact(tracelm.Scorer):
    ignore_case: bool = False

    def score(self, *, output: str, expected: str) -> tracelm.Score:
        return tracelm.Score(value=output == expected, explanation="compared")


@dataclass(frozen=True)
class ExactAsync(tracelm.Scorer):
    def score(self, *, output: str, expected: str) -> bool:
        return output == expected

    async def ascore(self, *, output: str, expected: str) -> bool:
        await anyio.lowlevel.checkpoint()
        return output == expected


def catches_all(output: str, **row: object) -> bool:
    return output == row["expected"]


class Callable_:
    def __call__(self, output: str, /, *, expected: str) -> bool:
        return output == expected


def both(scorer: ScorerLike) -> list[Judgement]:
    """Call it in each way that there is."""

    async def within_a_loop() -> Judgement:
        return call_scorer_now(scorer, ROW)

    return [
        call_scorer_now(scorer, ROW),
        asyncio.run(call_scorer(scorer, ROW)),
        anyio.run(call_scorer, scorer, ROW, backend="trio"),
        asyncio.run(within_a_loop()),
        anyio.run(within_a_loop, backend="trio"),
    ]


EVERY_KIND: list[ScorerLike] = [
    exact,
    exact_async,
    Exact(),
    ExactAsync(),
    tracelm.scorer(exact),
    tracelm.op(exact),
    tracelm.op(exact_async),
    functools.partial(exact, expected="2"),
    catches_all,
    Callable_(),
]


@pytest.mark.parametrize("scorer", EVERY_KIND, ids=name_of)
def test_every_kind_of_scorer_can_be_called_in_every_way(scorer: ScorerLike) -> None:
    for judgement in both(scorer):
        name = name_of(scorer)
        assert judgement.error is None
        assert judgement.name == name
        assert {name: True} == {key: score.value for key, score in judgement.scores.items()}
        assert judgement.latency_s >= 0
        assert len(judgement.version) == 12


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration(3), KeyError("x"), TypeError("wrong")])
def test_a_scorers_exception_is_its_judgement(error: Exception) -> None:
    def broken(output: str) -> bool:
        raise error

    async def broken_async(output: str) -> bool:
        raise error

    assert [each.error for each in both(broken)] == [error] * 5
    for each in both(broken_async):
        assert isinstance(each.error, RuntimeError if isinstance(error, StopIteration) else type(error))
        assert not each.scores


@pytest.mark.parametrize("returned", [float("nan"), float("inf"), [], {}, object(), {"a": [1]}])
def test_what_is_no_score_is_an_error_and_never_a_value(returned: object) -> None:
    def odd(output: str) -> object:
        return returned

    for each in both(odd):
        assert not each.scores
        assert isinstance(each.error, TypeError | ValueError)
        assert "odd" in str(each.error)


def test_an_interrupt_passes() -> None:
    def stopped(output: str) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_scorer_now(stopped, ROW)
    assert not is_scoring()


def test_a_parameter_that_is_not_there_is_named_with_what_there_is() -> None:
    def wrong(output: str, reference: str) -> bool:
        return output == reference

    with pytest.raises(
        tracelm.EvaluationError, match=r"scorer 'wrong' wants the parameter 'reference'.*question, expected, output"
    ):
        parameters_of(wrong, list(ROW))
    assert isinstance(call_scorer_now(wrong, ROW).error, tracelm.EvaluationError)


def test_defaults_are_kept_and_keyword_catchers_get_all() -> None:
    def with_default(output: str, reference: str = "none") -> str:
        return reference

    def catcher(output: str, *rest: object, **row: object) -> str:
        return ",".join(sorted(row))

    assert parameters_of(with_default, list(ROW)) == ("output",)
    assert call_scorer_now(with_default, ROW).scores["with_default"].value == "none"
    assert parameters_of(catcher, list(ROW)) == ("output", "question", "expected", "inputs")
    assert call_scorer_now(catcher, ROW).scores["catcher"].value == "expected,inputs,question"


def test_a_scorer_knows_that_it_is_one_and_sees_the_callers_context() -> None:
    mark: ContextVar[str] = ContextVar("mark", default="unset")

    def looks(output: str) -> str:
        return f"{is_scoring()} {mark.get()}"

    async def looks_async(output: str) -> str:
        return f"{is_scoring()} {mark.get()}"

    mark.set("seen")
    assert [each.scores["looks"].value for each in both(looks)] == ["True seen"] * 5
    assert [each.scores["looks_async"].value for each in both(looks_async)] == ["True seen"] * 5
    assert not is_scoring()


@pytest.mark.anyio
async def test_a_sync_scorer_does_not_hold_up_the_loop(anyio_backend: str) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def blocks(output: str) -> bool:
        entered.set()
        return go_on.wait(timeout=30)

    async def release() -> None:
        await anyio.to_thread.run_sync(entered.wait)
        go_on.set()

    judged: list[Judgement] = []
    async with anyio.create_task_group() as group:
        group.start_soon(release)
        judged.append(await call_scorer(blocks, ROW))
    assert [each.scores["blocks"].value for each in judged] == [True]


@pytest.mark.anyio
async def test_cancelling_is_not_swallowed(anyio_backend: str) -> None:
    async def hangs(output: str) -> bool:
        scope.cancel()
        await anyio.sleep_forever()
        return True

    judged: list[Judgement] = []
    with anyio.CancelScope() as scope:
        judged.append(await call_scorer(hangs, ROW))
    assert scope.cancelled_caught
    assert not judged
    assert not is_scoring()


def test_the_context_that_async_code_runs_in_is_a_loop_of_its_own() -> None:
    async def where(output: str) -> str:
        return threading.current_thread().name

    assert call_scorer_now(where, ROW).scores["where"].value == "tracelm loop"


def test_a_decorated_function_is_a_scorer_and_still_a_function() -> None:
    @tracelm.scorer(name="polite")
    def says_please(output: str) -> bool:
        """Whether it asks nicely."""
        return "please" in output

    assert says_please("please wait") is True
    assert says_please.name == "polite"
    assert says_please.score(output="wait") is False
    assert says_please.__doc__ == "Whether it asks nicely."
    assert isinstance(says_please, tracelm.Scorer)
    assert call_scorer_now(says_please, ROW).scores.keys() == {"polite"}


@pytest.mark.anyio
async def test_a_scorer_can_be_awaited_without_being_async(anyio_backend: str) -> None:
    assert await Exact().ascore(output="2", expected="2") == Exact().score(output="2", expected="2")


def test_a_scorers_name_is_its_class_in_snake_case_unless_it_says_otherwise() -> None:
    class ValidJSONOutput(Exact):
        pass

    class Named(Exact):
        @property
        def name(self) -> str:
            return "given"

    assert ValidJSONOutput().name == "valid_json_output"
    assert Named().name == "given"
