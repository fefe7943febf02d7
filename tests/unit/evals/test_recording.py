"""What an evaluation records: a trace for each row and trial, linked to its run, and scores where they belong."""

import json
from typing import Any

import pytest
from inline_snapshot import snapshot

import tracelm
from tracelm.evals.provenance import Provenance
from tracelm.scoring.version import code_version
from tracelm.testing import Spans


def dataset(size: int = 2) -> tracelm.Dataset:
    return tracelm.Dataset(
        name="squares", rows=[{"number": number, "expected": number * number} for number in range(size)]
    )


@tracelm.op
def square(number: int) -> int:
    return number * number


def right(output: int, expected: int) -> bool:
    return output == expected


@pytest.mark.anyio
async def test_each_row_and_trial_is_a_trace_of_its_own_linked_to_the_run(anyio_backend: str, spans: Spans) -> None:
    run = await tracelm.Evaluation(dataset=dataset(), scorers=[right], trials=2).evaluate(square)
    of_run = spans.one("evaluate squares")
    rows = spans.named("evaluation row")
    assert len({each.trace_id for each in rows} | {of_run.trace_id}) == 5
    assert all(each.parent_span_id is None for each in rows)
    assert all([link.trace_id for link in each.links] == [of_run.trace_id] for each in rows)
    assert {each.trace_id for each in rows} == set(run.rows["trace_id"])
    assert {each.trace_id for each in spans.named("square")} == set(run.rows["trace_id"])


def test_a_row_and_its_run_are_recorded_like_this(spans: Spans) -> None:
    run = tracelm.Evaluation(dataset=dataset(1), scorers=[right]).run(square)
    recorded = dict(spans.brief())
    assert recorded["evaluation row"].pop("tracelm.run.id") == run.run_id
    assert recorded["evaluate squares"].pop("tracelm.run.id") == run.run_id
    assert recorded["evaluation row"].pop("tracelm.row.latency_s") == run.rows["latency_s"][0]
    assert recorded["evaluate squares"].pop("tracelm.task.version") == code_version(square)
    provenance = json.loads(recorded["evaluate squares"].pop("tracelm.run.provenance"))
    assert Provenance.from_dict(provenance) == run.provenance
    assert recorded == snapshot(
        {
            "square": {"input.value": '{"number":0}', "tracelm.op.name": "square", "output.value": "0"},
            "evaluation row": {
                "tracelm.row.digest": "ffd932d9999f2931e30c9b90557a395f2d67ff243daad43ae5271a7dac1794ad",
                "tracelm.row.index": 0,
                "tracelm.trial": 0,
                "input.value": '{"number":0,"expected":0}',
                "output.value": "0",
                "tracelm.row.output_exact": True,
                "tracelm.row.outcome": "scored",
            },
            "evaluate squares": {
                "tracelm.run.name": "squares",
                "tracelm.run.rows": 1,
                "tracelm.run.trials": 1,
                "tracelm.dataset.name": "squares",
                "tracelm.dataset.digest": "2bdc54a2c6763ed5977af64cc4fc02eeca0fc2281be094f16de1c70f618df400",
                "tracelm.task.name": "square",
            },
        }
    )
    score = dict(spans.scores()[0])
    assert score.pop("log.record.uid")
    assert score.pop("tracelm.run.id") == run.run_id
    assert score.pop("tracelm.scorer.version") == code_version(right)
    assert score == snapshot(
        {
            "gen_ai.evaluation.name": "right",
            "tracelm.score.source": "eval",
            "gen_ai.evaluation.score.value": 1.0,
            "gen_ai.evaluation.score.label": "true",
            "tracelm.score.passed": True,
            "tracelm.row.digest": "ffd932d9999f2931e30c9b90557a395f2d67ff243daad43ae5271a7dac1794ad",
            "tracelm.row.index": 0,
            "tracelm.trial": 0,
        }
    )


def test_scores_stand_on_the_tasks_own_span(spans: Spans) -> None:
    def plain(number: int) -> int:
        return number

    async def plain_async(number: int) -> int:
        return number

    for task in (square, plain, plain_async):
        tracelm.Evaluation(dataset=dataset(1), scorers=[right]).run(task)
    judged = [(each.trace_id, each.span_id) for each in spans.logs("gen_ai.evaluation.result")]
    of_tasks = [each for each in spans.all() if each.name in {"square", "plain", "plain_async"}]
    assert judged == [(each.trace_id, each.span_id) for each in of_tasks]
    assert [each.parent_span_id for each in of_tasks] == [each.span_id for each in spans.named("evaluation row")]


def test_a_scorer_that_is_an_op_is_traced_and_its_verdict_recorded_once(spans: Spans) -> None:
    @tracelm.op
    def verdict(output: int) -> dict[str, Any]:
        return {"passed": True, "reason": "always"}

    tracelm.Evaluation(dataset=dataset(1), scorers=[verdict]).run(square)
    [score] = spans.scores()
    assert score["gen_ai.evaluation.name"] == "verdict"
    assert score["tracelm.score.source"] == "eval"
    assert spans.one("verdict").trace_id == spans.one("square").trace_id


def test_a_failed_task_marks_its_row_and_not_the_run(spans: Spans) -> None:
    def fails(number: int) -> int:
        raise ValueError("no")

    tracelm.Evaluation(dataset=dataset(1), scorers=[right]).run(fails)
    row, of_run = spans.one("evaluation row"), spans.one("evaluate squares")
    assert row.status == "error"
    assert row.attributes["error.type"] == "ValueError"
    assert row.attributes["tracelm.row.outcome"] == "task_error"
    assert of_run.status != "error"
    assert not spans.scores()


def test_a_failed_scorer_is_recorded_with_its_error_and_without_a_value(spans: Spans) -> None:
    def fails(output: int) -> bool:
        raise ValueError("no")

    tracelm.Evaluation(dataset=dataset(1), scorers=[fails, right]).run(square)
    [failed, scored] = spans.scores()
    assert (failed["gen_ai.evaluation.name"], failed["error.type"]) == ("fails", "ValueError")
    assert "gen_ai.evaluation.score.value" not in failed
    assert scored["gen_ai.evaluation.score.value"] == 1.0
    assert spans.one("evaluation row").attributes["tracelm.row.outcome"] == "scorer_error"


def test_the_cost_is_the_tasks_and_not_the_scorers(spans: Spans) -> None:
    def call_model(cost_usd: float) -> None:
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.usage.cost.amount": cost_usd}
        with tracelm.span("chat m", attributes=attributes):
            pass

    def task(number: int) -> int:
        call_model(0.25)
        call_model(0.5)
        return number

    def judge(output: int) -> bool:
        call_model(100.0)
        return True

    run = tracelm.Evaluation(dataset=dataset(), scorers=[judge]).run(task)
    assert list(run.rows["cost_usd"]) == [0.75, 0.75]
    assert "cost of the task: 1.500000 USD, known for 2 of 2" in str(run)


def test_nothing_is_recorded_before_init_and_the_results_are_the_same() -> None:
    run = tracelm.Evaluation(dataset=dataset(), scorers=[right]).run(square)
    assert run.summary.loc["right", "mean"] == 1.0
    assert list(run.rows["trace_id"]) == [None, None]
