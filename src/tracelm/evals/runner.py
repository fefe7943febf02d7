"""Runs a task over the rows of a dataset, each trial in a trace of its own, and scores what comes out."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
from opentelemetry.trace import SpanContext

from tracelm import semconv
from tracelm.data.dataset import Dataset
from tracelm.evals.run import Outcome, RowResult
from tracelm.evals.task import Task
from tracelm.scoring.call import Judgement, ScoreContext, call_scorer
from tracelm.scoring.scorer import ScorerLike
from tracelm.trace.safely import safely
from tracelm.trace.scores import record_score, record_score_error
from tracelm.trace.spans import SpanHandle, record_failure, span
from tracelm.trace.tally import tally

if TYPE_CHECKING:
    from tracelm.scoring.attempt import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        run_id: The id of the run, 16 hex digits.
        run_span: The span of the run, to which the rows link.
        dataset: The rows.
        scorers: The judges.
        trials: How often each row is run.
        max_concurrency: How many rows are in work at once.
        task: What is called.
    """

    run_id: str
    run_span: SpanContext
    dataset: Dataset
    scorers: Sequence[ScorerLike]
    trials: int
    max_concurrency: int
    task: Task


def not_run(dataset: Dataset, *, trials: int) -> list[RowResult]:
    """Return one result for each row and trial, before anything was run."""
    return [RowResult(row=row, trial=trial) for row, trial in itertools.product(range(len(dataset)), range(trials))]


async def run_rows(plan: Plan, results: list[RowResult]) -> None:
    """Run every row and trial, and put each result in its place as soon as it is there.

    A task or scorer that fails is a result. Cancellation passes; what had no result then keeps `not_run`.

    Args:
        plan: What to run.
        results: As `not_run` gave them.
    """
    limiter = anyio.CapacityLimiter(plan.max_concurrency)
    todo = iter(range(len(results)))

    # A few workers that pull, not one task a row: 50,000 rows do not make 50,000 tasks.
    async def work() -> None:
        for index in todo:
            await anyio.lowlevel.checkpoint()
            await _run_row(plan, results, index, limiter)

    async with anyio.create_task_group() as group:
        for _ in range(min(plan.max_concurrency, len(results))):
            group.start_soon(work)


async def _run_row(plan: Plan, results: list[RowResult], index: int, limiter: anyio.CapacityLimiter) -> None:
    row, trial = results[index].row, results[index].trial
    about = {
        semconv.RUN_ID: plan.run_id,
        semconv.ROW_DIGEST: plan.dataset.row_digests[row],
        semconv.ROW_INDEX: row,
        semconv.TRIAL: trial,
    }
    columns = plan.dataset.rows[row]
    links = [plan.run_span] if plan.run_span.is_valid else []
    with span("evaluation row", inputs=columns, attributes=about, root=True, links=links) as opened:
        outcome: Outcome = "not_run"
        try:
            with tally(opened.trace_id) as used:
                inputs = {name: columns[name] for name in plan.task.parameters}
                done, own_span = await plan.task.call(inputs, limiter=limiter)
                cost_usd = used.cost_usd
            judgements: list[Judgement] = []
            if done.error is None:
                opened.set_output(done.returned)
                scored = own_span or opened.context
                judgements = await _judge(plan, row, done.returned, scored, limiter)
                _record(judgements, on=scored, about=about)
            else:
                record_failure(opened.otel, done.error)
            outcome = _outcome(done, judgements)
            results[index] = RowResult(
                row=row,
                trial=trial,
                outcome=outcome,
                output=done.returned,
                error=_why(done, judgements),
                latency_s=done.latency_s,
                cost_usd=cost_usd,
                trace_id=_trace_id(opened),
                scores={name: score for each in judgements for name, score in each.scores.items()},
                failed_scorers=tuple(each.name for each in judgements if each.error is not None),
            )
        finally:
            opened.set_attribute(semconv.ROW_OUTCOME, outcome)


async def _judge(
    plan: Plan, row: int, output: object, scored: SpanContext, limiter: anyio.CapacityLimiter
) -> list[Judgement]:
    """Ask all scorers at once; each sees its own copy of the row, whatever the task or another scorer changed."""
    found: dict[int, Judgement] = {}

    async def judge(position: int, scorer: ScorerLike) -> None:
        columns = plan.dataset.rows[row]
        found[position] = await call_scorer(scorer, _values(plan, columns, output, scored), limiter=limiter)

    async with anyio.create_task_group() as group:
        for position, scorer in enumerate(plan.scorers):
            group.start_soon(judge, position, scorer)
    return [found[position] for position in range(len(plan.scorers))]


def _values(plan: Plan, columns: dict[str, Any], output: object, scored: SpanContext) -> Mapping[str, object]:
    ids = (f"{scored.trace_id:032x}", f"{scored.span_id:016x}") if scored.is_valid else (None, None)
    return {
        "inputs": {name: columns[name] for name in plan.task.parameters},
        "context": ScoreContext(columns, output, *ids),
        **columns,
        "output": output,
    }


def _record(judgements: Sequence[Judgement], *, on: SpanContext, about: Mapping[str, Any]) -> None:
    for each in judgements:
        with safely("record a score"):
            for name, score in each.scores.items():
                record_score(name, score, on=on, source="eval", scorer_version=each.version, attributes=about)
            if each.error is not None:
                record_score_error(
                    each.name, each.error, on=on, source="eval", scorer_version=each.version, attributes=about
                )


def _outcome(done: "Attempt", judgements: Sequence[Judgement]) -> Outcome:
    if done.error is not None:
        return "task_error"
    if any(each.error is not None for each in judgements):
        return "scorer_error"
    if any(score.value is None for each in judgements for score in each.scores.values()):
        return "refused_to_score"
    return "scored"


def _why(done: "Attempt", judgements: Sequence[Judgement]) -> str | None:
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


def _trace_id(opened: SpanHandle) -> str | None:
    return opened.trace_id if opened.context.is_valid else None
