"""One recorded span, judged: what scorers are filled from, and their verdicts."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio
import orjson

from tracelm import semconv
from tracelm.errors import EvaluationError
from tracelm.guards.traffic import call_of
from tracelm.scoring.attempt import Attempt, attempt
from tracelm.scoring.call import Judgement, ScoreContext, judgement_of, parameters_of, scoring_in_progress
from tracelm.scoring.judge import Judge
from tracelm.scoring.scorer import ScorerLike, name_of, version_of
from tracelm.store.preview import said_last
from tracelm.store.stored import StoredSpan

if TYPE_CHECKING:
    from anyio import CapacityLimiter


def values_of(span: StoredSpan) -> dict[str, Any]:
    """Return what scorers can ask for of a span, by name. Where no output can be read, `output` is not among it."""
    call = call_of(span)
    inputs, output, has_output = call.inputs, call.output, call.has_output
    if inputs is None:
        messages = _messages(span)
        inputs = {} if messages is None else {"messages": messages}
    if not has_output:
        output = said_last(span.attributes.get(semconv.OUTPUT_MESSAGES))
        has_output = output is not None
    context = ScoreContext(row=inputs, output=output, trace_id=span.trace_id, span_id=span.span_id)
    found = {"inputs": inputs, "context": context, **inputs}
    found.pop("output", None)
    return {**found, "output": output} if has_output else found


def lacks_output(scorer: ScorerLike, values: Mapping[str, Any]) -> bool:
    """Say whether a scorer wants an output where there is none: a call that failed, or was not recorded with it."""
    if "output" in values:
        return False
    try:
        return "output" in parameters_of(scorer, [*values, "output"])
    except EvaluationError:  # it wants something else too; calling it says what
        return False


async def judge(
    scorer: ScorerLike, values: Mapping[str, Any], *, timeout_s: float | None, limiter: "CapacityLimiter"
) -> Judgement:
    """Return a scorer's verdict, or its failure; what it raises is never raised here.

    Args:
        scorer: The scorer.
        values: What its parameters are filled from.
        timeout_s: How long it may take; a sync scorer that takes longer is left behind in its thread.
        limiter: Bounds the worker threads.
    """
    started_s = time.perf_counter()
    token = scoring_in_progress.set(True)
    try:
        ready = Judge(scorer, values)
        with anyio.move_on_after(timeout_s):
            done = await attempt(ready.call(values), is_async=ready.is_async, limiter=limiter, abandon=True)
            return ready.judgement(done)
        late = TimeoutError(f"it took longer than timeout_s={timeout_s:g}")
        done = Attempt(None, late, time.perf_counter() - started_s)
    except EvaluationError as error:
        done = Attempt(None, error, time.perf_counter() - started_s)
    finally:
        scoring_in_progress.reset(token)
    return judgement_of(name_of(scorer), version_of(scorer), done)


def _messages(span: StoredSpan) -> list[Any] | None:
    text = span.attributes.get(semconv.INPUT_MESSAGES)
    try:
        found: Any = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:  # cut, because it was too long
        return None
    return found if isinstance(found, list) else None  # pyright: ignore[reportUnknownVariableType]
