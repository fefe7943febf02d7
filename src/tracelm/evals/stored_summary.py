"""The summary of a stored run, without what its rows hold: of ten thousand rows, no record is read but two."""

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, cast

from tracelm import semconv
from tracelm.evals.measured import Measured
from tracelm.evals.run import RowResult
from tracelm.evals.stored_run import columns_of, outcome_of, stored_run, value_of
from tracelm.scoring.score import Score
from tracelm.store import run_queries

if TYPE_CHECKING:
    from tracelm.store.run_queries import Verdict
    from tracelm.store.store import Store
    from tracelm.store.stored import StoredRun


def summarized_run(store: "Store", run: "StoredRun") -> Measured:
    """Read a run back as far as its summary needs it: outcomes and values, no contents.

    Args:
        store: Where it is, on this machine.
        run: From `Store.run`.

    Returns:
        The run, with the same `lines` and outcomes as `stored_run` gives. Where the rows say to which cluster they
        belong, that is read from each of them.
    """
    with store.reading() as connection:
        places = run_queries.places(connection, run.run_id, project=run.project)
        verdicts = run_queries.verdicts(connection, run.run_id, project=run.project)
    if places:
        newest = store.span(places[0].trace_id, places[0].span_id, project=run.project)
        if "cluster" in columns_of(newest):
            return stored_run(store, run)
    less: set[str] = set()
    for span in store.spans(project=run.project, run_id=run.run_id, name=f"evaluate {run.name}", limit=None):
        found = span.attributes.get(semconv.RUN_LOWER_IS_BETTER)
        if isinstance(found, list):
            less.update(map(str, cast("list[object]", found)))
    said: dict[tuple[int, int], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        said[verdict.row, verdict.trial].append(verdict)
    results: dict[tuple[int, int], RowResult] = {}
    for place in places:
        of_trial = said.get((place.row, place.trial), ())
        results[place.row, place.trial] = RowResult(
            row=place.row,
            trial=place.trial,
            outcome=outcome_of(place.outcome),
            scores={
                each.name: Score(value=value_of(each.value, each.label)) for each in of_trial if each.error_type is None
            },
            failed_scorers=tuple(each.name for each in of_trial if each.error_type is not None),
        )
    names = dict.fromkeys(name for each in results.values() for name in (*each.scores, *each.failed_scorers))
    for row, trial in itertools.product(range(run.rows or 0), range(run.trials or 1)):
        results.setdefault((row, trial), RowResult(row=row, trial=trial))
    return Measured(
        run_id=run.run_id,
        name=run.name or "evaluation",
        task="",
        scorers=list(names),
        results=[results[place] for place in sorted(results)],
        lower_is_better=less,
    )
