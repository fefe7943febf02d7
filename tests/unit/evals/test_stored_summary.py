"""The summary of a run is the same whether its rows are read or not."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest

import tracelm
from tests.unit.evals.saved import Saved, dataset
from tracelm.evals.measured import Measured
from tracelm.evals.stored_run import stored_run
from tracelm.evals.stored_summary import summarized_run
from tracelm.store.store import Store


def of_several_kinds(output: float) -> dict[str, Any]:
    return {"size": output, "kind": "large" if output > 2 else "small", "even": output % 2 == 0}


@tracelm.scorer(lower_is_better=True)
def judge(output: float) -> float:
    if output == 3:
        raise TimeoutError("no answer")
    return output / 10


def told(run: Measured) -> dict[str, object]:
    outcomes = {(each.row, each.trial): each.outcome for each in run.results}
    less = [line.name for line in run.lines if run.less_is_better(line.name)]
    return {"lines": [asdict(line) for line in run.lines], "outcomes": outcomes, "less": less}


@pytest.mark.parametrize(
    ("outputs", "trials", "columns"),
    [
        ([1.0, 2.0, 3.0, 4.0, ValueError("no")], 1, {}),
        ([[1.0, 2.0], [3.0, 4.0], [ValueError("no"), 5.0]], 2, {}),
        ([1.0, 2.0, 3.0, 4.0], 1, {"cluster": ["a", "a", "b", "b"]}),
        ([ValueError("no")], 1, {}),
    ],
)
def test_the_summary_is_that_of_the_rows(outputs: Sequence[Any], trials: int, columns: dict[str, Any]) -> None:
    tracelm.init("shop")
    rows = dataset(len(outputs), **columns)
    evaluation = tracelm.Evaluation(dataset=rows, scorers=[of_several_kinds, judge], trials=trials)
    run = evaluation.run(Saved(outputs))
    with tracelm.open_store() as store:
        stored = store.run(run.run_id)
        assert told(summarized_run(store, stored)) == told(stored_run(store, stored))
        assert len(summarized_run(store, stored).results) == len(outputs) * trials


def test_what_the_rows_hold_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    tracelm.init("shop")
    run = tracelm.Evaluation(dataset=dataset(30), scorers=[judge]).run(Saved([0.5] * 30))
    with tracelm.open_store() as store:
        stored = store.run(run.run_id)
        read: list[int] = []
        whole = Store.spans

        def counted(self: Store, *given: Any, **more: Any) -> Any:
            found = whole(self, *given, **more)
            read.append(len(found))
            return found

        monkeypatch.setattr(Store, "spans", counted)
        assert summarized_run(store, stored).lines[0].scored == 30
        assert read == [1]  # that of the run
