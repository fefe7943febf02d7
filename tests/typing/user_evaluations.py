"""A program that evaluates: scorers as functions, ops and classes."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from dataclasses import dataclass
from typing import Any, assert_type

import pandas as pd

import tracelm
from tracelm.evals import calibrate
from tracelm.scorers import PII, ExactMatch


@dataclass(frozen=True, kw_only=True)
class ShorterThan(tracelm.Scorer):
    limit: int

    def score(self, *, output: object) -> tracelm.Score:
        return tracelm.Score(value=len(str(output)) < self.limit, explanation="too long")


@tracelm.scorer(name="mentions amount")
def mentions_amount(output: str, transaction: dict[str, Any]) -> bool:
    return str(transaction["amount"]) in output


@tracelm.op
def relevance(transaction: dict[str, Any], output: str) -> dict[str, bool]:
    return {"mentions_amount": str(transaction["amount"]) in output}


@tracelm.op
async def explain(transaction: dict[str, Any]) -> str:
    return str(transaction)


rows = [{"transaction": {"amount": 4200}, "expected": "high"}, {"transaction": {"amount": 12}, "expected": "none"}]
dataset = tracelm.Dataset(name="fraud", rows=rows)
evaluation = tracelm.Evaluation(
    dataset=dataset,
    scorers=[ShorterThan(limit=3), mentions_amount, relevance, PII(), ExactMatch()],
    trials=2,
    conditions=["exact_match >= 0.8"],
)


async def run() -> None:
    found = await evaluation.evaluate(explain)
    assert_type(found, tracelm.EvalRun)
    assert_type(found.summary, pd.DataFrame)
    assert_type(found.rows, pd.DataFrame)


def judged(found: tracelm.EvalRun, before: tracelm.EvalRun) -> None:
    assert_type(found.passed, bool | None)
    assert_type(found.check(["low(exact_match) >= 0.8"], baseline=before).exit_code, int)
    compared = found.compare(before, on=["exact_match"], margin={"exact_match": 0.02})
    assert_type(compared.table, pd.DataFrame)
    assert_type(compared["exact_match"].low, float | None)
    assert_type(found.report(baseline=before, by=["country"]).to_html(), str)
    assert_type(calibrate([True, False], [True, True]).agreement.mean, float)


def more() -> None:
    limits = tracelm.Limits(timeout_s=30, retry_on=(429, ConnectionError, "ReadTimeout"), fail_on_error=0.1)
    limited = tracelm.Evaluation(dataset=dataset, scorers=[PII()], limits=limits)
    found = limited.run({"row": "output"}, resume=True, cache=True, progress=False)
    assert_type(limited.rescore(found), tracelm.EvalRun)
    assert_type(tracelm.EvalRun.load(found.run_id), tracelm.EvalRun)
    assert_type(found.stopped, str | None)
    assert_type(tracelm.Dataset.load("fraud", version="v0").publish(aliases=["live"]), tracelm.Dataset)
    assert_type(dataset.select(lambda row: row["expected"] == "high").sample(1, seed=3), tracelm.Dataset)
    assert_type(dataset.split(train=0.5, test=0.5), dict[str, tracelm.Dataset])
    with tracelm.EvaluationLogger("nightly") as logger, logger.prediction({"question": "why?"}) as prediction:
        prediction.output = "because"
        prediction.log_score("right", True)
    assert_type(logger.finish(), tracelm.EvalRun)


def scores() -> None:
    score = ShorterThan(limit=3).score(output="yes")
    assert_type(score, tracelm.Score)
    assert_type(score.value, bool | float | str | None)
    assert_type(score.passed, bool | None)
    assert_type(mentions_amount("4200", {"amount": 4200}), bool)
    assert_type(ShorterThan(limit=3).version, str)


def mistakes() -> None:
    tracelm.Evaluation(dataset=rows, scorers=[PII()])  # type: ignore[arg-type]
    tracelm.Score()  # type: ignore[call-arg]
    evaluation.run(explain).compare(dataset)  # type: ignore[arg-type]
    mentions_amount(4200)  # type: ignore[call-arg,arg-type]
