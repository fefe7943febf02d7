"""A loop of one's own gives the same records and the same run as an evaluation."""

import pytest

import tracelm
from tests.unit.evals.squares import holds_nan
from tracelm.testing import Spans


def test_a_loop_of_ones_own_is_recorded_as_an_evaluation_is(spans: Spans) -> None:
    with tracelm.EvaluationLogger("nightly", task="adder", task_version="7") as logger:
        for number in range(3):
            with logger.prediction({"number": number, "expected": number + 1}) as prediction:
                with tracelm.span(
                    "chat m", attributes={"gen_ai.operation.name": "chat", "gen_ai.usage.cost.amount": 0.5}
                ):
                    pass
                prediction.output = number + 1
                prediction.log_score("right", prediction.output == number + 1, explanation="counted")
    run = logger.finish()
    assert list(run.rows["outcome"]) == ["scored"] * 3
    assert list(run.rows["cost_usd"]) == [0.5] * 3
    assert run.summary.loc["right", "mean"] == 1.0
    assert run.dataset is not None
    assert run.provenance is not None
    assert run.provenance.dataset_digest == run.dataset.digest
    rows = spans.named("evaluation row")
    assert [each.trace_id for each in rows] == list(run.rows["trace_id"])
    assert {each.trace_id for each in spans.named("chat m")} == set(run.rows["trace_id"])
    with tracelm.open_store(home=spans.home) as store:
        stored = store.run(run.run_id)
        assert (stored.name, stored.task, stored.task_version) == ("nightly", "adder", "7")
        assert (stored.rows, stored.done, stored.means, stored.is_complete) == (3, 3, {"right": 1.0}, True)
        loaded = tracelm.EvalRun.load(run.run_id, url=f"sqlite:///{store.place}")
    assert [(each.output, each.scores) for each in loaded.results] == [
        (each.output, each.scores) for each in run.results
    ]


def test_what_leaves_the_block_passes_and_is_a_failed_row(spans: Spans) -> None:
    logger = tracelm.EvaluationLogger("nightly")
    with pytest.raises(ValueError, match="no answer"), logger.prediction({"number": 1}):
        raise ValueError("no answer")
    logger.log_prediction({"number": 2}, 4, scores={"right": True})
    run = logger.finish()
    assert list(run.rows["outcome"]) == ["task_error", "scored"]
    assert run.rows["error"][0] == "ValueError: no answer"
    assert list(run.summary.loc["right", ["n", "scored", "errors"]]) == [2, 1, 1]
    assert not holds_nan(run.rows)
    assert spans.named("evaluation row")[0].status == "error"


def test_the_same_inputs_again_are_a_further_trial(spans: Spans) -> None:
    logger = tracelm.EvaluationLogger("nightly")
    for output in ("a", "b"):
        for question in ("x", "y"):
            logger.log_prediction({"question": question}, output, scores={"is_a": output == "a"})
    run = logger.finish()
    assert list(zip(run.rows["row"], run.rows["trial"], run.rows["output"], strict=True)) == [
        (0, 0, "a"), (0, 1, "b"), (1, 0, "a"), (1, 1, "b"),
    ]  # fmt: skip
    assert run.provenance is not None
    assert (run.provenance.rows, run.provenance.trials) == (2, 2)


def test_a_prediction_that_has_its_scores_is_on_disk_before_the_run_ends(spans: Spans) -> None:
    logger = tracelm.EvaluationLogger("nightly")
    waits = logger.log_prediction({"number": 1}, 1)
    logger.log_prediction({"number": 2}, 2, scores={"right": 0.5})
    with tracelm.open_store(home=spans.home) as store:
        assert (store.run(logger.run_id).done, store.run(logger.run_id).name) == (1, "nightly")
    waits.log_score("right", 1.0)
    assert logger.finish().summary.loc["right", "mean"] == 0.75


def test_nothing_is_taken_after_the_end() -> None:
    logger = tracelm.EvaluationLogger("nightly")
    prediction = logger.log_prediction({"number": 1}, 1, scores={})
    with pytest.raises(tracelm.EvaluationError, match="prediction is finished"):
        prediction.log_score("late", True)
    run = logger.finish()
    assert logger.finish() is run
    with pytest.raises(tracelm.EvaluationError, match="make a new EvaluationLogger"):
        logger.log_prediction({"number": 2}, 2)
    with pytest.raises(tracelm.DatasetError, match="is of type object"):
        tracelm.EvaluationLogger("other").log_prediction({"number": object()}, 1)
    with pytest.raises(tracelm.EvaluationError, match="score 'bad': nan is no score"):
        tracelm.EvaluationLogger("other").log_prediction({"number": 1}, 1, scores={"bad": float("nan")})
