"""A run that was recorded earlier, read back from the store for a comparison, a gate or a report."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, get_args

import orjson

from tracelm import semconv
from tracelm.evals.measured import Measured
from tracelm.evals.run import Outcome, RowResult
from tracelm.scoring.score import Score, ScoreValue

if TYPE_CHECKING:
    from tracelm.store.store import Store
    from tracelm.store.stored import StoredRun, StoredSpan
    from tracelm.store.verdicts import StoredScore


def stored_run(
    store: "Store", run: "StoredRun", *, lower_is_better: Collection[str] = (), with_metrics: bool = False
) -> Measured:
    """Read a run back.

    Args:
        store: Where it is.
        run: From `Store.run`.
        lower_is_better: Names of scores of which less is better, besides those that the run itself names.
        with_metrics: Read latency and cost of each task as well; that reads every trace.

    Returns:
        The run; trials that were planned and are not recorded have the outcome `not_run`.
    """
    scores: dict[tuple[int, int], list[StoredScore]] = defaultdict(list)
    for score in reversed(store.scores(project=run.project, run_id=run.run_id, limit=None)):
        if score.source in {"eval", None} and score.row_index is not None:
            scores[score.row_index, score.trial or 0].append(score)
    less = set(lower_is_better)
    digests: dict[int, str] = {}
    columns: dict[int, Mapping[str, Any]] = {}
    results: dict[tuple[int, int], RowResult] = {}
    for span in store.spans(project=run.project, run_id=run.run_id, limit=None):
        found = span.attributes.get(semconv.RUN_LOWER_IS_BETTER)
        if isinstance(found, list):
            less.update(map(str, cast("list[object]", found)))
        row = span.attributes.get(semconv.ROW_INDEX)
        if not isinstance(row, int) or semconv.ROW_OUTCOME not in span.attributes:
            continue
        trial = span.attributes.get(semconv.TRIAL)
        place = row, trial if isinstance(trial, int) else 0
        if span.row_digest is not None:
            digests[row] = span.row_digest
        columns.setdefault(row, columns_of(span))
        results[place] = _result(place, span, scores.get(place, []), *_metrics(store, span, wanted=with_metrics))
    planned = itertools.product(range(run.rows or 0), range(run.trials or 1))
    for place in planned:
        results.setdefault(place, RowResult(row=place[0], trial=place[1]))
    return Measured(
        run_id=run.run_id,
        name=run.name or "evaluation",
        task="",
        scorers=_names(results.values()),
        results=[results[place] for place in sorted(results)],
        digests=digests,
        columns=columns,
        lower_is_better=less,
    )


def _result(
    place: tuple[int, int],
    span: "StoredSpan",
    scores: "Sequence[StoredScore]",
    latency_s: float | None,
    cost_usd: float | None,
) -> RowResult:
    told = str(span.attributes.get(semconv.ROW_OUTCOME))
    failed = [each for each in scores if each.error_type is not None]
    why = [f"scorer {each.name!r}: {each.explanation or each.error_type}" for each in failed]
    return RowResult(
        row=place[0],
        trial=place[1],
        outcome=outcome_of(told),
        output=span.output,
        error=span.status_message or "; ".join(why) or None,
        latency_s=latency_s,
        cost_usd=cost_usd,
        trace_id=span.trace_id,
        scores={each.name: _score(each) for each in scores if each.error_type is None},
        failed_scorers=tuple(each.name for each in failed),
        row_digest=span.row_digest,
    )


def outcome_of(told: str) -> Outcome:
    """Return an outcome that was recorded; what a newer version calls otherwise is no score."""
    return cast("Outcome", told) if told in get_args(Outcome) else "task_error"


def _score(found: "StoredScore") -> Score:
    return Score(value=value_of(found.value, found.label), passed=found.passed, explanation=found.explanation)


def value_of(value: float | None, label: str | None) -> ScoreValue:
    """Return what a scorer gave: a number and a label are the two halves of a bool."""
    if value is not None and label in {"true", "false"}:
        return label == "true"
    return value if label is None else label


def columns_of(span: "StoredSpan") -> Mapping[str, Any]:
    """Return the columns of the row that a trial's span is about, as far as they were recorded."""
    try:
        found = orjson.loads(span.input or "")
    except orjson.JSONDecodeError:  # content was not recorded, or cut
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _metrics(store: "Store", span: "StoredSpan", *, wanted: bool) -> tuple[float | None, float | None]:
    """Return latency and cost of the task: the first span below the row's, and all below that one."""
    if not wanted:
        return None, None
    tree = store.trace(span.trace_id, project=span.project)
    below = tree.children(span)
    if not below:
        return None, None
    task = below[0]
    costs: list[float] = []
    stack = [task]
    while stack:
        each = stack.pop()
        costs += [] if each.cost_usd is None else [each.cost_usd]
        stack.extend(tree.children(each))
    return task.duration_ns / 1e9, sum(costs) if costs else None


def _names(results: Collection[RowResult]) -> list[str]:
    return list(dict.fromkeys(name for each in results for name in (*each.scores, *each.failed_scorers)))
