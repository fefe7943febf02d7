"""One row and trial: the task is called, its output judged, and what became of it recorded in a trace of its own."""

import contextvars
import functools
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio
from opentelemetry.trace import SpanContext

from tracelm import semconv
from tracelm.data.dataset import Dataset
from tracelm.evals.exact import record_output
from tracelm.evals.limits import Limits
from tracelm.evals.pace import Pace
from tracelm.evals.retries import backoff_s, is_refusal, is_retryable, repeats_of_client, retry_after_s
from tracelm.evals.run import FAILED, Outcome, RowResult
from tracelm.evals.task import Task
from tracelm.evals.together import Together
from tracelm.otlp.encode import CleanText
from tracelm.scoring.attempt import Attempt, attempt
from tracelm.scoring.call import Judgement, ScoreContext, scoring_in_progress
from tracelm.scoring.judge import Judge
from tracelm.trace import runtime
from tracelm.trace.safely import report, safely
from tracelm.trace.scores import record_score, record_score_error
from tracelm.trace.spans import SpanHandle, record_failure, span
from tracelm.trace.tally import Tally, tally

if TYPE_CHECKING:
    from collections.abc import Callable

_draw: Final = random.Random().random  # noqa: S311 - spreads repeats in time


@dataclass(frozen=True, slots=True)
class KnownOutput:
    """An output that is there already.

    Attributes:
        output: The output.
        trace_id: The trace it stands in, 32 hex digits.
        latency_s: How long the task took then, in seconds.
        cost_usd: What it cost then.
        missing: Why it cannot be used; the trial then stays `not_run`.
    """

    output: Any
    trace_id: str | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        run_id: The id of the run, 16 hex digits.
        run_span: The span of the run, to which the rows link.
        dataset: The rows.
        judges: The scorers.
        max_concurrency: How many rows are in work at once.
        limits: What the run may take.
        task: What is called.
        known: Outputs that are there already, by row digest and trial: the task is not called for them.
        together: Runs quick scorers of several rows in one thread.
        limiter: Bounds the worker threads.
        pace: Says when the next trial may start.
    """

    run_id: str
    run_span: SpanContext
    dataset: Dataset
    judges: Sequence[Judge]
    max_concurrency: int
    limits: Limits
    task: Task
    known: Mapping[tuple[str, int], KnownOutput]
    together: Together
    limiter: anyio.CapacityLimiter
    pace: Pace


@dataclass(frozen=True, slots=True)
class Taken:
    """What a trial gave, and what it took with its scorers."""

    result: RowResult
    cost_usd: float | None
    tokens: int
    requests: int


@dataclass(frozen=True, slots=True)
class _Called:
    done: Attempt
    own_span: SpanContext | None = None
    timed_out: bool = False
    attempts: int = 1


async def run_trial(plan: Plan, *, row: int, trial: int) -> Taken:
    """Run one row and trial. What task or scorers raise is a result; only cancellation passes."""
    digest = CleanText(plan.dataset.row_digests[row])  # sure to be no secret
    known = plan.known.get((digest, trial))
    if known is not None and known.missing is not None:
        return Taken(RowResult(row=row, trial=trial, row_digest=digest, error=known.missing), None, 0, 0)
    columns = plan.dataset.row(row)
    about = {semconv.RUN_ID: plan.run_id, semconv.ROW_DIGEST: digest, semconv.ROW_INDEX: row, semconv.TRIAL: trial}
    links = (plan.run_span,) if plan.run_span.is_valid else ()
    with span("evaluation row", inputs=columns, attributes=about, root=True, links=links) as opened:
        outcome: Outcome = "not_run"
        try:
            with tally(opened.trace_id) as used:
                if known is None:
                    called = await _call(plan, columns, row=row, trial=trial)
                else:
                    called = _Called(Attempt(known.output, None, known.latency_s or 0.0))
                    opened.set_attribute(semconv.ROW_OUTPUT_FROM, known.trace_id or "")
                result = await _finish(plan, opened, called, used, about, known)
                taken = Taken(result, used.cost_usd, used.tokens, used.requests)
            outcome = result.outcome
        finally:
            opened.set_attribute(semconv.ROW_OUTCOME, outcome)
    return taken


async def _call(plan: Plan, columns: Mapping[str, Any], *, row: int, trial: int) -> _Called:
    """Call the task, for as long as it may take."""
    limit_s = plan.limits.timeout_s
    if limit_s is None:
        return await _call_again(plan, columns, row=row, trial=trial)
    start_s = time.perf_counter()
    with anyio.move_on_after(limit_s):
        return await _call_again(plan, columns, row=row, trial=trial)
    error = TimeoutError(f"the task took longer than timeout_s={limit_s:g}")
    return _Called(Attempt(None, error, time.perf_counter() - start_s), timed_out=True)


async def _call_again(plan: Plan, columns: Mapping[str, Any], *, row: int, trial: int) -> _Called:
    """Call the task, again where its error is one that may pass."""
    limits = plan.limits
    inputs = {name: columns[name] for name in plan.task.parameters}
    attempts = spent = 0
    while True:
        attempts += 1
        began_s = time.monotonic()
        fresh = inputs if attempts == 1 else {name: plan.dataset.row(row)[name] for name in inputs}
        done, own_span = await plan.task.call(fresh, row=row, trial=trial, limiter=plan.limiter)
        if done.error is None or not plan.task.repeats:
            return _Called(done, own_span, attempts=attempts)
        asked_s = retry_after_s(done.error)
        if is_refusal(done.error):
            plan.pace.refused(time.monotonic(), started_s=began_s, retry_after_s=asked_s)
        spent += 1 + repeats_of_client(done.error)
        if spent > limits.retries or not is_retryable(done.error, limits):
            return _Called(done, own_span, attempts=attempts)
        await anyio.sleep(backoff_s(attempts - 1, draw=_draw(), asked_s=asked_s))


async def _finish(
    plan: Plan,
    opened: SpanHandle,
    called: _Called,
    used: Tally,
    about: Mapping[str, Any],
    known: KnownOutput | None,
) -> RowResult:
    """Judge what the task gave, and record all of it."""
    done = called.done
    row: int = about[semconv.ROW_INDEX]
    trial: int = about[semconv.TRIAL]
    cost_usd = used.cost_usd if known is None else known.cost_usd
    judgements: list[Judgement] = []
    if done.error is None:
        record_output(opened, done.returned)
        scored = called.own_span or opened.context
        judgements = await _judge(plan, row, done.returned, scored)
        _record(judgements, on=scored, about=about)
        outcome = _outcome(judgements)
    else:
        record_failure(opened.otel, done.error)
        outcome = "timeout" if called.timed_out else "task_error"
    error = _why(done, judgements)
    _note(opened, done, cost_usd, error if outcome not in FAILED else None, called.attempts)
    return RowResult(
        row=row,
        trial=trial,
        outcome=outcome,
        output=done.returned,
        error=error,
        latency_s=done.latency_s,
        cost_usd=cost_usd,
        trace_id=opened.trace_id if opened.context.is_valid else None,
        scores={name: score for each in judgements for name, score in each.scores.items()},
        failed_scorers=tuple(each.name for each in judgements if each.error is not None),
        row_digest=plan.dataset.row_digests[row],
    )


def _note(opened: SpanHandle, done: Attempt, cost_usd: float | None, error: str | None, attempts: int) -> None:
    """Record what a run that is taken up later has to know."""
    current = runtime.active
    if current is None or not opened.otel.is_recording():
        return
    found: dict[str, Any] = {semconv.ROW_LATENCY: done.latency_s}
    if cost_usd is not None:
        found[semconv.ROW_COST] = cost_usd
    if attempts > 1:
        found[semconv.ROW_ATTEMPTS] = attempts
    with safely("record what became of a row"):
        if error is not None and current.settings.capture_content:
            found[semconv.ROW_ERROR] = current.redactor.string(error[:20_000])
        opened.otel.set_attributes(found)


async def _judge(plan: Plan, row: int, output: object, scored: SpanContext) -> list[Judgement]:
    """Ask all scorers; each sees its own copy of the row, whatever the task or another scorer changed."""
    found: dict[int, Judgement] = {}
    quick: list[tuple[int, Judge]] = []
    alone: list[tuple[int, Judge]] = []
    for each in enumerate(plan.judges):
        (quick if plan.limits.timeout_s is None and each[1].is_quick else alone).append(each)

    def judge_quick() -> None:
        for position, judge in quick:
            done = judge.attempt_in(context.copy(), _values(plan, judge, row, output, scored))
            found[position] = judge.judgement(done)

    async def judge_alone(position: int, judge: Judge) -> None:
        token = scoring_in_progress.set(True)
        try:
            call = judge.call(_values(plan, judge, row, output, scored))
            done = await _in_time(plan, call, is_async=judge.is_async)
        finally:
            scoring_in_progress.reset(token)
        judge.took(done.latency_s)
        found[position] = judge.judgement(done)

    if quick and not alone:
        context = contextvars.copy_context()
        await plan.together.run(judge_quick)
    elif len(alone) == 1 and not quick:
        await judge_alone(*alone[0])
    else:
        context = contextvars.copy_context()
        async with anyio.create_task_group() as group:
            for each in alone:
                group.start_soon(judge_alone, *each)
            if quick:
                group.start_soon(plan.together.run, judge_quick)
    return [found[position] for position in range(len(plan.judges))]


async def _in_time(plan: Plan, call: "Callable[[], Any]", *, is_async: bool) -> Attempt:
    limit_s = plan.limits.timeout_s
    if limit_s is None:
        return await attempt(call, is_async=is_async, limiter=plan.limiter)
    start_s = time.perf_counter()
    with anyio.move_on_after(limit_s):
        return await attempt(call, is_async=is_async, limiter=plan.limiter, abandon=True)
    error = TimeoutError(f"it took longer than timeout_s={limit_s:g}")
    return Attempt(None, error, time.perf_counter() - start_s)


def _values(plan: Plan, judge: Judge, row: int, output: object, scored: SpanContext) -> Mapping[str, object]:
    columns = plan.dataset.row(row)
    offered: dict[str, object] = {}
    if "inputs" in judge.wanted:
        offered["inputs"] = {name: columns[name] for name in plan.task.parameters}
    if "context" in judge.wanted:
        ids = (f"{scored.trace_id:032x}", f"{scored.span_id:016x}") if scored.is_valid else (None, None)
        offered["context"] = ScoreContext(columns, output, *ids)
    return {**offered, **columns, "output": output}


def _record(judgements: Sequence[Judgement], *, on: SpanContext, about: Mapping[str, Any]) -> None:
    note = functools.partial(record_score, on=on, source="eval", attributes=about)
    for each in judgements:
        try:
            for name, score in each.scores.items():
                note(name, score, scorer_version=each.version)
            if each.error is not None:
                record_score_error(
                    each.name, each.error, on=on, source="eval", scorer_version=each.version, attributes=about
                )
        except Exception as error:
            report("record a score", error)


def _outcome(judgements: Sequence[Judgement]) -> Outcome:
    if any(each.error is not None for each in judgements):
        return "scorer_error"
    if any(score.value is None for each in judgements for score in each.scores.values()):
        return "refused_to_score"
    return "scored"


def _why(done: Attempt, judgements: Sequence[Judgement]) -> str | None:
    if done.error is not None:
        return _sentence(done.error)
    failed = [f"scorer {each.name!r}: {_sentence(each.error)}" for each in judgements if each.error is not None]
    refused = [
        f"score {name!r}: {score.explanation or 'no value'}"
        for each in judgements
        for name, score in each.scores.items()
        if score.value is None
    ]
    return "; ".join([*failed, *refused]) or None


def _sentence(error: Exception) -> str:
    kind = type(error).__name__
    with safely("read the message of an exception"):
        text = str(error)
        return f"{kind}: {text}" if text else kind
    return kind
