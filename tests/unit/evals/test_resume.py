"""A run that did not come to its end goes on where it was, and never mixes two kinds of results."""

from collections import Counter
from typing import Any

import pytest

import tracelm
from tests.unit.evals.squares import ROWS, right, squares
from tracelm.evals.run import RowResult
from tracelm.testing import Spans
from tracelm.trace import pending

OUTPUTS: list[Any] = [
    None, True, 0, -1.5, 1e300, "text", "line\nbreak \u2028 \x1b", "sk-not", [1, "a", None],
    {"a": {"b": [1.0, True]}}, [],
]  # fmt: skip


class Stops(BaseException):
    """Ends a run as an interrupt would."""


def several(size: int = 6) -> tracelm.Dataset:
    return squares([{"number": number, "expected": number * number} for number in range(size)])


class Task:
    """Squares, and stops the run when it is asked for the n-th time."""

    def __init__(self, stops_at: int | None) -> None:
        self.calls: Counter[int] = Counter()
        self.stops_at = stops_at

    def function(self) -> Any:
        def square(number: int) -> int:
            self.calls[number] += 1
            if self.calls.total() == self.stops_at:
                raise Stops
            return number * number

        return square


def interrupted(evaluation: tracelm.Evaluation, task: Any) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - a group, under anyio
        evaluation.run(task)
    assert not isinstance(caught.value, AssertionError)


def as_seen(run: tracelm.EvalRun) -> list[tuple[Any, ...]]:
    def one(each: RowResult) -> tuple[Any, ...]:
        scores = {name: (score.value, score.passed, score.explanation) for name, score in each.scores.items()}
        return each.row, each.trial, each.outcome, each.output, each.error, scores, each.failed_scorers

    return [one(each) for each in run.results]


def test_only_what_is_missing_is_run_and_the_result_is_that_of_a_run_that_was_never_stopped(spans: Spans) -> None:
    task = Task(stops_at=4)
    evaluation = tracelm.Evaluation(dataset=several(), scorers=[right], max_concurrency=1)
    interrupted(evaluation, task.function())
    assert evaluation.last_run is not None
    first = evaluation.last_run.run_id
    resumed = evaluation.run(task.function(), resume=True)
    assert resumed.run_id == first
    assert task.calls == {0: 1, 1: 1, 2: 1, 3: 2, 4: 1, 5: 1}
    whole = tracelm.Evaluation(dataset=several(), scorers=[right]).run(Task(None).function())
    assert as_seen(resumed) == as_seen(whole)
    with tracelm.open_store(home=spans.home) as store:
        stored = store.run(first)
        assert (stored.done, stored.rows, stored.means, stored.is_complete) == (6, 6, {"right": 1.0}, True)
        assert as_seen(tracelm.EvalRun.load(first, url=f"sqlite:///{store.place}")) == as_seen(whole)


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_that_is_plain_data_comes_back_as_it_was(output: Any, spans: Spans) -> None:
    def task(number: int) -> Any:
        return output

    def looks(output: Any) -> bool:
        return output is not None

    run = tracelm.Evaluation(dataset=several(1), scorers=[looks]).run(task)
    [result] = tracelm.EvalRun.load(run.run_id, url=f"sqlite:///{spans.home}/tracelm.db").results
    assert (result.is_exact, result.output, type(result.output)) == (True, output, type(output))


@pytest.mark.parametrize(
    "output", [(1, 2), {1: 2}, {1, 2}, "x" * 100_000, "password=hunter2hunter2", b"raw", float("nan")]
)
def test_an_output_that_was_cut_or_redacted_or_is_no_plain_data_says_so(output: Any, spans: Spans) -> None:
    def task(number: int) -> Any:
        return output

    def looks(output: Any) -> bool:
        return True

    evaluation = tracelm.Evaluation(dataset=several(1), scorers=[looks])
    run = evaluation.run(task)
    loaded = tracelm.EvalRun.load(run.run_id, url=f"sqlite:///{spans.home}/tracelm.db")
    assert not loaded.results[0].is_exact
    assert loaded.results[0].outcome == "scored"
    rescored = evaluation.rescore(loaded)
    assert (rescored.results[0].outcome, rescored.results[0].scores) == ("not_run", {})
    assert "run the task again" in str(rescored.results[0].error)


def test_what_has_changed_is_named_and_nothing_is_mixed(spans: Spans) -> None:
    task = Task(stops_at=2)
    interrupted(tracelm.Evaluation(dataset=several(), scorers=[right], max_concurrency=1), task.function())

    def other(output: int) -> bool:
        return output > 3

    def changed() -> Any:
        def square(number: int) -> int:
            return number**3

        return square

    def refused(task: Any, **changed: Any) -> str:
        given: dict[str, Any] = {"dataset": several(), "scorers": [right], "name": "squares", **changed}
        with pytest.raises(tracelm.ResumeError) as error:
            tracelm.Evaluation(**given).run(task, resume=True)
        return str(error.value)

    assert "the task (" in refused(changed())
    assert "the dataset 'squares' (" in refused(task.function(), dataset=squares(ROWS[:2]))
    assert "the scorer 'other' (none then, " in refused(task.function(), scorers=[right, other])
    assert "the scorer 'right' (" in refused(task.function(), scorers=[tracelm.scorer(name="right")(other)])
    assert "the number of trials (1 then, 2 now)" in refused(task.function(), trials=2)
    assert task.calls.total() == 2


def test_another_task_has_runs_of_its_own(spans: Spans) -> None:
    evaluation = tracelm.Evaluation(dataset=several(), scorers=[right], max_concurrency=1)

    def other(number: int) -> int:
        return number * number

    task = Task(stops_at=3)
    interrupted(evaluation, task.function())
    first = evaluation.last_run
    assert first is not None
    assert evaluation.run(other, resume=True).run_id != first.run_id
    assert evaluation.run(task.function(), resume=True).run_id == first.run_id


def test_a_run_that_still_goes_on_is_not_taken_up(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "OPEN_FOR_S", 0.0)
    evaluation = tracelm.Evaluation(dataset=several(2), scorers=[right], max_concurrency=1)
    refusals: list[str] = []

    def square(number: int) -> int:
        pending.look()
        with pytest.raises(tracelm.ResumeError) as refused:
            evaluation.run(square, resume=True)
        refusals.append(str(refused.value))
        return number * number

    run = evaluation.run(square)
    assert set(run.rows["outcome"]) == {"scored"}
    assert {f"run {run.run_id} is still going on" in each for each in refusals} == {True}


def test_where_nothing_is_unfinished_a_new_run_begins(spans: Spans) -> None:
    evaluation = tracelm.Evaluation(dataset=several(), scorers=[right])
    first = evaluation.run(Task(None).function(), resume=True)
    second = evaluation.run(Task(None).function(), resume=True)
    assert first.run_id != second.run_id
    assert second.is_complete


def test_before_init_there_is_nothing_to_take_up() -> None:
    with pytest.raises(tracelm.ConfigError, match=r"call tracelm\.init"):
        tracelm.Evaluation(dataset=several(), scorers=[right]).run(Task(None).function(), resume=True)


def test_failed_trials_are_repeated_when_asked(spans: Spans) -> None:
    down = [True]

    def task(number: int) -> int:
        if down and number % 2:
            raise ConnectionError("down")
        return number * number

    evaluation = tracelm.Evaluation(dataset=several(), scorers=[right])
    first = evaluation.run(task)
    assert Counter(first.rows["outcome"]) == {"scored": 3, "task_error": 3}
    down.clear()
    again = evaluation.run(task, resume=first.run_id, repeat_errors=True)
    assert again.run_id == first.run_id
    assert Counter(again.rows["outcome"]) == {"scored": 6}
    with tracelm.open_store(home=spans.home) as store:
        stored = store.run(first.run_id)
        assert (stored.done, stored.row_errors) == (6, 0)


def test_scores_of_every_kind_are_read_back(spans: Spans) -> None:
    def many(output: int) -> dict[str, Any]:
        return {
            "flag": True,
            "flag_off": False,
            "number": 0.1,
            "whole": 3,
            "label": "true",
            "verdict": tracelm.Score(value=0.25, passed=False, explanation="why", details={"spans": [{"start": 1}]}),
        }

    def refuses(output: int) -> tracelm.Score:
        return tracelm.Score(value=None, explanation="cannot tell")

    def breaks(output: int) -> bool:
        raise ValueError("broken")

    run = tracelm.Evaluation(dataset=several(1), scorers=[many, refuses, breaks]).run(Task(None).function())
    loaded = tracelm.EvalRun.load(run.run_id, url=f"sqlite:///{spans.home}/tracelm.db")
    assert loaded.results[0].scores == run.results[0].scores
    assert loaded.results[0].failed_scorers == ("breaks",)
    assert loaded.results[0].outcome == "scorer_error"
    assert list(loaded.summary.index) == list(run.summary.index)


def test_new_scorers_judge_the_outputs_of_an_old_run_without_calling_the_task(spans: Spans) -> None:
    task = Task(None)
    run = tracelm.Evaluation(dataset=several(), scorers=[right]).run(task.function())

    def inputs_are_there(inputs: dict[str, int], output: int) -> bool:
        return inputs["number"] ** 2 == output

    for earlier in (run, run.run_id):
        rescored = tracelm.Evaluation(dataset=several(), scorers=[inputs_are_there]).rescore(earlier)
        assert rescored.run_id != run.run_id
        assert rescored.summary.loc["inputs_are_there", "mean"] == 1.0
        assert list(rescored.rows["output"]) == list(run.rows["output"])
        assert rescored.provenance is not None
        assert rescored.provenance.settings["rescored"] == run.run_id
    assert task.calls.total() == 6
    with pytest.raises(tracelm.EvaluationError, match="no row of run"):
        tracelm.Evaluation(dataset=squares([{"number": 77, "expected": 1}]), scorers=[right]).rescore(run)


def test_the_cache_serves_the_same_task_row_and_trial_and_nothing_else(spans: Spans) -> None:
    task = Task(None)
    evaluation = tracelm.Evaluation(dataset=several(), scorers=[right], trials=2)
    evaluation.run(task.function(), cache=True)
    assert task.calls.total() == 12
    again = evaluation.run(task.function(), cache=True)
    assert task.calls.total() == 12
    assert again.summary.loc["right", "scored"] == 12
    assert len(set(again.rows["trace_id"])) == 12
    more = tracelm.Evaluation(dataset=several(7), scorers=[right], trials=3).run(task.function(), cache=True)
    assert task.calls.total() == 12 + 6 + 3  # a third trial of six rows, three of the new one
    assert more.is_complete
    evaluation.run(task.function())
    assert task.calls.total() == 33
