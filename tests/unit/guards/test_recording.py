"""What a guard leaves on record: the decision, the score, and only what was released."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from inline_snapshot import snapshot

import tracelm
from tracelm.scorers import PII
from tracelm.testing import Spans

LEAK = "Write to ana@example.com today"
MASKED = "Write to [EMAIL] today"
VARYING = {"log.record.uid", "tracelm.scorer.version", "tracelm.guardrail.latency_s"}

block_pii = tracelm.Guardrail(PII())
mask_pii = tracelm.Guardrail(PII(), action="replace")


def decisions(spans: Spans) -> list[dict[str, Any]]:
    return [
        {key.removeprefix("tracelm.guardrail."): value for key, value in each.attributes.items() if key not in VARYING}
        for each in spans.logs("tracelm.guardrail.decision")
    ]


def broken(output: object) -> bool:
    raise RuntimeError("no connection")


def op_above(guardrail: tracelm.Guardrail) -> Callable[[], Any]:
    @tracelm.op(name="answer")
    @tracelm.guard(guardrail)
    def answer() -> str:
        return LEAK

    return answer


def op_below(guardrail: tracelm.Guardrail) -> Callable[[], Any]:
    @tracelm.guard(guardrail)
    @tracelm.op(name="answer")
    def answer() -> str:
        return LEAK

    return answer


either_order = pytest.mark.parametrize("made", [op_above, op_below])


@either_order
def test_the_span_of_an_op_records_what_was_released(spans: Spans, made: Callable[..., Any]) -> None:
    made(mask_pii)()
    span = spans.one("answer")
    assert json.loads(str(span.attributes["output.value"])) == MASKED
    assert "error.type" not in span.attributes


@either_order
def test_a_block_is_the_error_of_the_ops_span_and_repeats_no_text(spans: Spans, made: Callable[..., Any]) -> None:
    with pytest.raises(tracelm.GuardrailTripped):
        made(block_pii)()
    span = spans.one("answer")
    assert span.attributes["error.type"] == "tracelm.errors.GuardrailTripped"
    assert "output.value" not in span.attributes
    assert "ana@" not in repr(span)


@either_order
def test_decision_and_score_lie_in_the_span_of_the_op(spans: Spans, made: Callable[..., Any]) -> None:
    made(mask_pii)()
    span = spans.one("answer")
    records = spans.logs()
    assert {each.event_name for each in records} == {"tracelm.guardrail.decision", "gen_ai.evaluation.result"}
    assert {(each.trace_id, each.span_id) for each in records} == {(span.trace_id, span.span_id)}


def test_a_replaced_output_is_recorded_with_offsets_and_without_text(spans: Spans) -> None:
    op_above(mask_pii)()
    assert decisions(spans) == snapshot(
        [
            {
                "name": "pii",
                "side": "output",
                "action.intended": "replace",
                "action.taken": "replace",
                "outcome": "enforced",
                "spans": '[{"start":9,"end":24,"type":"EMAIL"}]',
                "found": 1,
            }
        ]
    )
    assert "ana@" not in repr(spans.logs())


def test_the_score_of_a_guardrail_says_where_it_comes_from(spans: Spans) -> None:
    op_above(mask_pii)()
    (score,) = spans.scores()
    assert {key: value for key, value in score.items() if key not in VARYING} == snapshot(
        {
            "gen_ai.evaluation.name": "pii",
            "tracelm.score.source": "guardrail",
            "gen_ai.evaluation.score.value": 0.0,
            "gen_ai.evaluation.score.label": "false",
            "tracelm.score.passed": False,
            "gen_ai.evaluation.explanation": "found 1 EMAIL",
            "tracelm.score.details": '{"spans":[{"start":9,"end":24,"type":"EMAIL"}]}',
            "tracelm.guardrail.name": "pii",
        }
    )
    (decision,) = spans.logs("tracelm.guardrail.decision")
    assert score["tracelm.scorer.version"] == decision.attributes["tracelm.scorer.version"] == PII().version
    assert isinstance(decision.attributes["tracelm.guardrail.latency_s"], float)


def test_a_block_and_a_release_are_recorded(spans: Spans) -> None:
    @tracelm.guard(block_pii)
    def clean() -> str:
        return "all clear"

    clean()
    with pytest.raises(tracelm.GuardrailTripped):
        op_above(block_pii)()
    assert decisions(spans) == snapshot(
        [
            {
                "name": "pii",
                "side": "output",
                "action.intended": "allow",
                "action.taken": "allow",
                "outcome": "enforced",
            },
            {
                "name": "pii",
                "side": "output",
                "action.intended": "block",
                "action.taken": "block",
                "outcome": "enforced",
                "spans": '[{"start":9,"end":24,"type":"EMAIL"}]',
                "found": 1,
            },
        ]
    )


def test_an_output_that_could_not_be_masked_is_recorded_as_meant_and_as_done(spans: Spans) -> None:
    with pytest.raises(tracelm.GuardrailTripped):
        tracelm.guard(mask_pii)(lambda: {"reply": LEAK})()
    (decision,) = decisions(spans)
    assert (decision["action.intended"], decision["action.taken"]) == ("replace", "block")


def test_a_failed_scorer_is_recorded_as_failed_open_or_closed_with_its_error(spans: Spans) -> None:
    op_above(tracelm.Guardrail(broken, name="open", on_error="allow"))()
    with pytest.raises(tracelm.GuardrailBroken):
        op_above(tracelm.Guardrail(broken, name="closed"))()
    assert decisions(spans) == snapshot(
        [
            {
                "name": "open",
                "side": "output",
                "action.intended": "allow",
                "action.taken": "allow",
                "outcome": "failed_open",
                "error.type": "RuntimeError",
            },
            {
                "name": "closed",
                "side": "output",
                "action.intended": "block",
                "action.taken": "block",
                "outcome": "failed_closed",
                "error.type": "RuntimeError",
            },
        ]
    )
    assert [each["error.type"] for each in spans.scores()] == ["RuntimeError", "RuntimeError"]


@pytest.mark.anyio
async def test_an_async_op_records_the_same(spans: Spans) -> None:
    @tracelm.guard(mask_pii)
    @tracelm.op(name="answer")
    async def answer() -> str:
        return LEAK

    assert await answer() == MASKED
    span = spans.one("answer")
    assert json.loads(str(span.attributes["output.value"])) == MASKED
    assert {(each.event_name, each.span_id) for each in spans.logs()} == {
        ("tracelm.guardrail.decision", span.span_id),
        ("gen_ai.evaluation.result", span.span_id),
    }


def test_a_scorer_that_is_an_op_is_a_span_below_and_scores_once(spans: Spans) -> None:
    @tracelm.op(name="judge")
    def judge(output: str) -> dict[str, Any]:
        return {"passed": True, "reason": "fine"}

    op_above(tracelm.Guardrail(judge))()
    assert spans.one("judge").parent_span_id == spans.one("answer").span_id
    assert [each["tracelm.score.source"] for each in spans.scores()] == ["guardrail"]


def test_a_score_that_cannot_be_recorded_changes_no_decision(spans: Spans) -> None:
    class Unreadable(dict[str, Any]):
        def __bool__(self) -> bool:
            raise RuntimeError("not even that")

    def judge(output: str) -> tracelm.Score:
        return tracelm.Score(value="?" not in output, details=Unreadable())

    def echo(text: str) -> str:
        return text

    failures = tracelm.flush().failures
    guarded = tracelm.guard(tracelm.Guardrail(judge))(echo)
    assert guarded("yes") == "yes"
    with pytest.raises(tracelm.GuardrailTripped):
        guarded("yes?")
    assert tracelm.flush().failures == failures + 2
    assert [each["action.taken"] for each in decisions(spans)] == ["allow", "block"]


def test_before_init_guardrails_decide_just_the_same() -> None:
    assert op_above(mask_pii)() == MASKED
    with pytest.raises(tracelm.GuardrailTripped):
        op_below(block_pii)()


def test_the_scorer_of_a_guardrail_also_works_in_an_evaluation(spans: Spans) -> None:
    pii = PII()
    dataset = tracelm.Dataset(name="replies", rows=[{"text": LEAK}, {"text": "all clear"}])

    def echo(text: str) -> str:
        return text

    assert tracelm.guard(tracelm.Guardrail(pii, action="replace"))(echo)(LEAK) == MASKED
    run = tracelm.Evaluation(dataset=dataset, scorers=[pii]).run(echo)
    assert run.summary.loc["pii", "mean"] == 0.5
