"""An evaluation is killed with SIGKILL at any moment, and taken up: no row is lost, none is counted twice."""

import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracelm
from tracelm.store.store import Store

PROGRAM = Path(__file__).parent / "killed_run.py"
Order = Callable[..., int]


@pytest.fixture(scope="module")
def evaluate() -> Iterator[Order]:
    """A process that forks the evaluations."""
    process = subprocess.Popen([sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    def order(**given: Any) -> int:
        print(json.dumps(given), file=stdin, flush=True)
        return int(stdout.readline())

    yield order
    stdin.close()
    process.wait(timeout=60)
    stdout.close()


def with_a_result(store: Store) -> Counter[tuple[object, ...]]:
    """Count the spans of rows that have a result, by run, row and trial, without what the store makes of them."""
    about = ("tracelm.run.id", "tracelm.row.index", "tracelm.trial")
    return Counter(
        tuple(span.attributes[key] for key in about)
        for span in store.spans(name="evaluation row", limit=None)
        if span.state == "ended" and span.attributes.get("tracelm.row.outcome") != "not_run"
    )


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    rows=st.integers(1, 25),
    trials=st.integers(1, 2),
    concurrency=st.sampled_from([1, 3, 16]),
    kills=st.lists(st.integers(0, 40_000), min_size=1, max_size=2),
)
def test_no_row_is_lost_and_none_is_counted_twice(
    evaluate: Order, rows: int, trials: int, concurrency: int, kills: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, calls = Path(folder) / "home", Path(folder) / "calls"
        shape = {"home": str(home), "rows": rows, "trials": trials, "concurrency": concurrency}
        for size in kills:
            assert evaluate(**shape, kill_at=size) in {0, -signal.SIGKILL}
        with tracelm.open_store(home=home) as store:
            durable = with_a_result(store)
        assert set(durable.values()) <= {1}
        called_before = len(calls.read_text().splitlines()) if calls.exists() else 0
        assert evaluate(**shape, kill_at=None) == 0
        called = len(calls.read_text().splitlines()) - called_before
        run_id = (Path(folder) / "run_id").read_text()

        with tracelm.open_store(home=home) as store:
            assert set(with_a_result(store).values()) == {1}
            others = [each for each in store.runs() if each.run_id != run_id]
            run = store.run(run_id)
            scores = Counter((each.row_index, each.trial, each.name) for each in store.run_scores(run_id))
            results = tracelm.EvalRun.load(run_id, url=f"sqlite:///{store.place}").results
        failed = sum(number % 7 == 3 for number in range(rows)) * trials
        # Where a kill came after the last row, that run is complete, and the next began anew.
        assert all(each.is_complete or not each.done for each in others)
        assert (run.done, run.planned, run.row_errors) == (rows * trials, rows * trials, failed)
        # What had a result on disk was not called again.
        assert called == rows * trials - sum(of_run == run_id for of_run, _, _ in durable)
        assert [(each.row, each.trial) for each in results] == [(r, t) for r in range(rows) for t in range(trials)]
        for each in results:
            if each.row % 7 == 3:
                assert (each.outcome, each.error) == ("task_error", "ValueError: three")
                continue
            square = each.row * each.row
            assert (each.outcome, each.output, each.is_exact) == ("scored", {"square": square}, True)
            assert {name: score.value for name, score in each.scores.items()} == {
                "right": True, "parts.half": square / 2, "parts.whole": float(square),
            }  # fmt: skip
        assert scores.total() == len(scores) == 3 * (rows * trials - failed)
