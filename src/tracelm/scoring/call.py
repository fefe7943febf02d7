"""The one place that calls a scorer: for evaluations, guardrails and monitors alike."""

import contextvars
import inspect
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from tracelm.errors import EvaluationError
from tracelm.scoring.attempt import Attempt, attempt, attempt_now, can_be_awaited
from tracelm.scoring.loop import run_in_own_loop
from tracelm.scoring.score import Score, named_scores
from tracelm.scoring.scorer import FunctionScorer, Scorer, ScorerLike, name_of, needs_of, version_of

if TYPE_CHECKING:
    from anyio import CapacityLimiter

scoring_in_progress: Final[contextvars.ContextVar[bool]] = contextvars.ContextVar(
    "tracelm_scoring_in_progress", default=False
)


def is_scoring() -> bool:
    """Whether a scorer is being called: who called it records its verdict, not the op that it may be."""
    return scoring_in_progress.get()


@dataclass(frozen=True, slots=True)
class ScoreContext:
    """What a scorer can ask for as `context`: the whole of what it judges.

    Attributes:
        row: The row of the dataset; in production the arguments of the call.
        output: What the task returned.
        trace_id: The trace of the judged call, 32 hex digits; `None` when nothing was recorded.
        span_id: The span of the judged call, 16 hex digits; `None` when nothing was recorded.
    """

    row: Mapping[str, Any]
    output: Any
    trace_id: str | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What calling a scorer gave: its scores, or why there are none.

    Attributes:
        name: The scorer's name.
        version: The scorer's version, 12 hex digits.
        scores: Its scores by name; empty when it failed.
        error: What it raised, or why its result is no score; `None` when it judged.
        latency_s: How long it took, in seconds.
    """

    name: str
    version: str
    scores: Mapping[str, Score]
    error: Exception | None
    latency_s: float


def parameters_of(scorer: ScorerLike, available: Collection[str]) -> tuple[str, ...]:
    """Return which of the available names a scorer wants to see, in its own order.

    Args:
        scorer: The scorer.
        available: The names that the caller can fill: columns of the row, `output`, `inputs`, `context`.

    Raises:
        EvaluationError: A parameter without a default is not among them.
    """
    who = f"scorer {name_of(scorer)!r}"
    found = wanted_parameters(judge_of(scorer), available, who=who)
    for name in needs_of(scorer):  # one that takes `**row` may still not work without some of it
        if name not in available:
            raise _missing(name, available, who=who)
    return found


def wanted_parameters(function: Callable[..., Any], available: Collection[str], *, who: str) -> tuple[str, ...]:
    """Return which of the available names `function` takes; `**kwargs` takes all.

    Raises:
        EvaluationError: A parameter without a default is not among them; the message names `who`.
    """
    by_position, by_name = wanted_by(function, available, who=who)
    return (*by_position, *by_name)


def wanted_by(function: Callable[..., Any], available: Collection[str], *, who: str) -> tuple[list[str], list[str]]:
    """Return which of the available names `function` takes by position only, and which by name.

    Raises:
        EvaluationError: A parameter without a default is not among them; the message names `who`.
    """
    return _fill(_signature(function, who=who), available, who=who)


def bound_call(function: Callable[..., Any], values: Mapping[str, object], *, who: str) -> Callable[[], Any]:
    """Return a call of `function` with its parameters filled by name from `values`.

    Raises:
        EvaluationError: A parameter without a default cannot be filled; the message names `who`.
    """
    by_position, by_name = _fill(_signature(function, who=who), values, who=who)
    args = [values[name] for name in by_position]
    kwargs = {name: values[name] for name in by_name}
    return lambda: function(*args, **kwargs)


async def call_scorer(
    scorer: ScorerLike, values: Mapping[str, object], *, limiter: "CapacityLimiter | None" = None
) -> Judgement:
    """Call a scorer and return its verdict or its failure; the scorer's exceptions are never raised.

    A sync scorer runs in a worker thread, in a copy of the caller's context: it does not hold up the loop.

    Args:
        scorer: The scorer.
        values: What its parameters are filled from, by name.
        limiter: Bounds the worker threads; left out, anyio's own limit.
    """
    judge = async_judge_of(scorer)
    with _scoring():
        try:
            call = bound_call(judge, values, who=f"scorer {name_of(scorer)!r}")
        except EvaluationError as error:
            done = Attempt(None, error, 0.0)
        else:
            done = await attempt(call, is_async=inspect.iscoroutinefunction(judge), limiter=limiter)
    return judgement_of(name_of(scorer), version_of(scorer), done)


def call_scorer_now(scorer: ScorerLike, values: Mapping[str, object]) -> Judgement:
    """Call a scorer from sync code, and return its verdict or its failure.

    A sync scorer runs here, in the caller's thread; an async one in an event loop and thread of its own.

    Args:
        scorer: The scorer.
        values: What its parameters are filled from, by name.
    """
    with _scoring():
        try:
            call = bound_call(judge_of(scorer), values, who=f"scorer {name_of(scorer)!r}")
        except EvaluationError as error:
            done = Attempt(None, error, 0.0)
        else:
            done = attempt_now(call)
        if can_be_awaited(done.returned):
            awaitable = done.returned
            done = run_in_own_loop(lambda: attempt(lambda: awaitable, is_async=True))
    return judgement_of(name_of(scorer), version_of(scorer), done)


@contextmanager
def _scoring() -> Generator[None]:
    token = scoring_in_progress.set(True)
    try:
        yield
    finally:
        scoring_in_progress.reset(token)


def judgement_of(name: str, version: str, done: Attempt) -> Judgement:
    """Return what calling a scorer gave as scores, or why there are none."""
    scores: Mapping[str, Score] = {}
    error = done.error
    if error is None:
        try:
            scores = named_scores(name, done.returned)
        except Exception as raised:  # what was returned is no score
            error = raised
    return Judgement(name=name, version=version, scores=scores, error=error, latency_s=done.latency_s)


def judge_of(scorer: ScorerLike) -> Callable[..., Any]:
    """Return what to call of a scorer from sync code."""
    # The signature of a FunctionScorer is its function's; `score` only passes on.
    if isinstance(scorer, FunctionScorer):
        return cast("FunctionScorer[..., Any]", scorer)
    return scorer.score if isinstance(scorer, Scorer) else scorer


def async_judge_of(scorer: ScorerLike) -> Callable[..., Any]:
    """Return what to call of a scorer where one can wait: its `ascore`, if it has one of its own."""
    if isinstance(scorer, Scorer) and type(scorer).ascore is not Scorer.ascore:
        return scorer.ascore
    return judge_of(scorer)


def _signature(function: Callable[..., Any], *, who: str) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise EvaluationError(
            f"{who}: {function!r} does not say what it takes: wrap it in a function that names its parameters"
        ) from None


def _fill(signature: inspect.Signature, available: Collection[str], *, who: str) -> tuple[list[str], list[str]]:
    by_position: list[str] = []
    by_name: list[str] = []
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            taken = {*by_position, *by_name}
            by_name.extend(each for each in available if each not in taken)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            continue
        elif name in available:
            (by_position if parameter.kind is parameter.POSITIONAL_ONLY else by_name).append(name)
        elif parameter.default is parameter.empty:
            raise _missing(name, available, who=who)
    return by_position, by_name


def _missing(name: str, available: Collection[str], *, who: str) -> EvaluationError:
    return EvaluationError(
        f"{who} wants the parameter {name!r}, but there is only {', '.join(available) or 'nothing'}: "
        f"rename the parameter, give it a default, or add a column {name!r} to the dataset"
    )
