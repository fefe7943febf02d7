"""A program typed from a tutorial of another tool, with only the import changed, runs and does what it says."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest

import tracelm
from tracelm import semconv


@pytest.mark.real_model
def test_the_weave_tutorial_runs_on_the_real_model(tmp_path: Path) -> None:
    with tracelm.local_model.LocalModel() as model:
        results = program(tmp_path, openai.OpenAI(base_url=model.base_url, api_key="local"), model.name)
    assert list(results.summary.index) == ["relevance_scorer.mentions_amount", "relevance_scorer.addresses_risk"]
    assert list(results.summary["n"]) == [2, 2]
    assert list(results.rows["outcome"]) == ["scored", "scored"]


def program(home: Path, openai_client: openai.OpenAI, model: str) -> tracelm.EvalRun:
    tracelm.init("fraud-llm-explainer", home=home)

    @tracelm.op
    def explain_fraud_flag(transaction: dict[str, Any]) -> str:
        response = openai_client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": f"Explain why this was flagged: {json.dumps(transaction)}"}],
            max_tokens=24,
        )
        return response.choices[0].message.content or ""

    result = explain_fraud_flag({"amount": 4200, "merchant": "UNKNOWN_INTL", "country": "XX"})
    assert isinstance(result, str)
    assert result

    @tracelm.op
    def relevance_scorer(transaction: dict[str, Any], output: str) -> dict[str, bool]:
        return {
            "mentions_amount": str(transaction["amount"]) in output,
            "addresses_risk": "risk" in output.lower() or "fraud" in output.lower(),
        }

    eval_dataset = tracelm.Dataset(
        name="fraud-explanation-evals",
        rows=[
            {"transaction": {"amount": 4200, "merchant": "UNKNOWN_INTL"}, "expected_flag": "high_amount"},
            {"transaction": {"amount": 12, "merchant": "STARBUCKS"}, "expected_flag": "none"},
        ],
    )
    evaluation = tracelm.Evaluation(dataset=eval_dataset, scorers=[relevance_scorer])
    results = asyncio.run(evaluation.evaluate(explain_fraud_flag))

    @tracelm.op
    def pii_guardrail(output: str) -> dict[str, Any]:
        return {"passed": "@" not in output, "reason": "looks for e-mail addresses"}

    guard_check = pii_guardrail(result)
    assert guard_check == {"passed": "@" not in result, "reason": "looks for e-mail addresses"}

    with tracelm.open_store() as store:
        (verdict,) = store.scores(name="pii_guardrail")
        assert verdict.trace_id == store.spans(op="pii_guardrail")[0].trace_id
        first = store.traces(limit=None)[-1]
        assert [span.name for span in store.trace(first.trace_id).spans] == ["explain_fraud_flag", f"chat {model}"]
        assert (first.input_tokens or 0) > 0
        scores = store.scores(run_id=results.run_id)
        assert sorted({score.name for score in scores}) == sorted(results.summary.index)
        (run,) = store.runs()
        assert (run.run_id, run.rows) == (results.run_id, 2)
        chats = [span for span in store.spans() if span.operation == "chat"]
        assert len(chats) == 3
        assert all(semconv.INPUT_MESSAGES in span.attributes for span in chats)
    return results
