"""Evaluations, for any pattern of failures: no row is lost, and every number can be counted by hand."""

from typing import Literal, get_args

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

import tracelm

Fate = Literal["scored", "task_error", "scorer_error", "refused_to_score"]
FATES = st.lists(st.sampled_from(get_args(Fate)), min_size=1, max_size=12)


def task(fate: Fate) -> Fate:
    if fate == "task_error":
        raise ValueError(fate)
    return fate


def judge(output: Fate) -> dict[str, tracelm.Score]:
    if output == "scorer_error":
        raise ValueError(output)
    value = 1.0 if output == "scored" else None
    return {"one": tracelm.Score(value=value), "two": tracelm.Score(value=2.0)}


def always(output: Fate) -> bool:
    return True


@settings(deadline=None, max_examples=50)
@given(FATES, st.integers(1, 3), st.integers(1, 5))
def test_every_trial_has_its_outcome_and_the_summary_counts_them(
    fates: list[Fate], trials: int, max_concurrency: int
) -> None:
    dataset = tracelm.Dataset(name="fates", rows=[{"fate": fate} for fate in fates])
    evaluation = tracelm.Evaluation(
        dataset=dataset, scorers=[judge, always], trials=trials, max_concurrency=max_concurrency
    )
    run = evaluation.run(task)

    assert list(run.rows["outcome"]) == [fate for fate in fates for _ in range(trials)]
    n = len(fates) * trials
    count = {fate: fates.count(fate) * trials for fate in get_args(Fate)}
    failed = count["task_error"] + count["scorer_error"]
    has_scores = len(fates) * trials > failed
    expected = {
        "judge.one": (n, count["scored"], failed),
        "judge.two": (n, count["scored"] + count["refused_to_score"], failed),
    }
    if not has_scores:  # what the dict would have held nobody knows
        expected = {"judge": (n, 0, failed)}
    expected["always"] = (n, n - count["task_error"], count["task_error"])
    found = run.summary
    assert {name: tuple(found.loc[str(name), ["n", "scored", "errors"]]) for name in found.index} == expected
    assert all(cell is pd.NA or cell == cell for column in found for cell in found[column])
