"""Runs read back from the store: to look at, to take up again, to score anew."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

from tracelm.errors import ResumeError
from tracelm.evals.measured import Measured
from tracelm.evals.provenance import Provenance
from tracelm.evals.run import EvalRun, Outcome, RowResult
from tracelm.evals.stored_run import stored_run
from tracelm.evals.trial import KnownOutput
from tracelm.scoring.score import Score
from tracelm.store.store import Store
from tracelm.store.stored import StoredRun
from tracelm.store.stored_trial import StoredTrial
from tracelm.store.verdicts import StoredScore

_LOOKED_AT: Final = 50
_NOT_EXACT: Final = "the output was recorded redacted, cut or not as plain data: run the task again"


def load_run(store: Store, stored: StoredRun) -> EvalRun:
    """Return a stored run; rows and trials without a result are `not_run`."""
    done = {(each.row, each.trial): each for each in results_of(store, stored)}
    everything = [done.get(place) or RowResult(row=place[0], trial=place[1]) for place in places_of(stored, done)]
    provenance = Provenance.from_dict(stored.provenance)
    scorers = list(provenance.scorers) if provenance is not None else []
    return EvalRun(
        run_id=stored.run_id,
        name=stored.name or "evaluation",
        task=stored.task or "task",
        scorers=scorers,
        results=everything,
        provenance=provenance,
        stopped=stored.stopped,
    )


def whole_run(store: Store, stored: StoredRun, *, lower_is_better: Collection[str] = ()) -> Measured:
    """Return a stored run as its page shows it: also with each trial's output, latency and cost, and with its rows.

    Args:
        store: Where it is.
        stored: From `Store.run`.
        lower_is_better: Names of scores of which less is better, besides those that the run itself names.
    """
    found = stored_run(store, stored, lower_is_better=lower_is_better)
    done = {(each.row, each.trial): each for each in results_of(store, stored)}
    results = [done.get((each.row, each.trial), each) for each in found.results]
    return replace(found, task=stored.task or "", results=results)


def places_of(stored: StoredRun, done: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the rows of a run, each with its trials, in the order of the dataset; also those that were not run.

    Args:
        stored: The run.
        done: The rows and trials that were run.
    """
    rows = max([stored.rows or 0, *(row + 1 for row, _ in done)])
    trials = max([stored.trials or 1, *(trial + 1 for _, trial in done)])
    return [(row, trial) for row in range(rows) for trial in range(trials)]


def results_of(store: Store, stored: StoredRun) -> list[RowResult]:
    """Return what a run has so far, in the order of the dataset."""
    trials = store.trials(stored.run_id, project=stored.project)
    return results(trials, store.run_scores(stored.run_id, project=stored.project))


def results(trials: Iterable[StoredTrial], scores: Iterable[StoredScore]) -> list[RowResult]:
    """Return what became of trials, with the scores that belong to each."""
    of_trace: dict[str, list[StoredScore]] = {}
    for each in scores:
        of_trace.setdefault(each.trace_id or "", []).append(each)
    return [_result(each, of_trace.get(each.trace_id, ())) for each in trials]


def resumable(store: Store, *, name: str, project: str, run_id: str | None, now: Provenance) -> StoredRun | None:
    """Find the run to take up: the one that is named, else the newest of the evaluation and task, if not complete.

    Returns:
        The run; `None` where no run is named and none is unfinished.

    Raises:
        StoreError: No run has the id that is named.
        ResumeError: It still runs, or dataset, task or scorers have changed since.
    """
    if run_id is None:
        known = any(each.name == project for each in store.projects())
        of_name = store.runs(project=project, name=name, limit=_LOOKED_AT) if known else ()
        newest = next((each for each in of_name if each.task == now.task), None)
        found = None if newest is None or newest.is_complete else newest
    else:
        found = store.run(run_id, project=project)
    if found is None:
        return None
    spans = store.spans(project=project, run_id=found.run_id, name=f"evaluate {found.name}")
    if any(each.state == "in flight" for each in spans):
        raise ResumeError(f"run {found.run_id} is still going on, in this or another process: wait for its end")
    then = Provenance.from_dict(found.provenance)
    if then is None:
        raise ResumeError(f"run {found.run_id} does not say what it was made of: start a new one, without resume")
    changes = then.changes(now)
    if changes:
        raise ResumeError(
            f"run {found.run_id} cannot be taken up, results of two kinds would be mixed. Changed: "
            f"{'; '.join(changes)}. Start a new run without resume, or undo the change"
        )
    return found


def known_outputs(results: Sequence[RowResult]) -> Mapping[tuple[str, int], KnownOutput]:
    """Return the outputs of a run for scoring them anew, by row digest and trial.

    A trial whose task gave no output, or whose output was not recorded exactly, has a reason instead.
    """
    found: dict[tuple[str, int], KnownOutput] = {}
    for each in results:
        missing = None
        if each.outcome in {"task_error", "timeout", "not_run"}:
            missing = f"{each.outcome} in the run whose outputs these are: {each.error or 'no output'}"
        elif not each.is_exact:
            missing = _NOT_EXACT
        found[each.row_digest or "", each.trial] = KnownOutput(
            each.output, each.trace_id, each.latency_s, each.cost_usd, missing
        )
    return found


def _result(trial: StoredTrial, scores: Sequence[StoredScore]) -> RowResult:
    has_output = trial.outcome not in {"task_error", "timeout"}
    failed = dict.fromkeys(each.name for each in scores if each.error_type is not None)
    broken = [
        f"scorer {each.name!r}: {each.explanation or each.error_type}" for each in scores if each.error_type is not None
    ]
    return RowResult(
        row=trial.row_index,
        trial=trial.trial,
        outcome=cast("Outcome", trial.outcome),
        output=trial.output if has_output else None,
        error=trial.error or "; ".join(broken) or None,
        latency_s=trial.latency_s,
        cost_usd=trial.cost_usd,
        trace_id=trial.trace_id,
        scores={each.name: _score(each) for each in scores if each.error_type is None},
        failed_scorers=tuple(failed),
        row_digest=trial.row_digest,
        is_exact=trial.is_exact,
    )


def _score(stored: StoredScore) -> Score:
    value: bool | float | str | None = stored.value
    if stored.value is None:
        value = stored.label
    elif stored.label is not None:  # a bool is recorded as both
        value = stored.value != 0.0
    return Score(value=value, passed=stored.passed, explanation=stored.explanation, details=stored.details)
