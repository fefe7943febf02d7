"""Evaluations: what tasks and scorers see, and that no row is lost."""

import asyncio
import io
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
import pandas as pd
import pytest
from inline_snapshot import snapshot
from rich.console import Console

import tracelm
from tests.unit.evals.squares import ROWS, holds_nan, right, square, square_async, squares
from tracelm.scoring.call import ScoreContext


def test_the_users_own_words_run() -> None:
    @tracelm.op
    def explain_fraud_flag(transaction: dict[str, Any]) -> str:
        return f"The amount {transaction['amount']} is a risk."

    @tracelm.op
    def relevance_scorer(transaction: dict[str, Any], output: str) -> dict[str, bool]:
        return {"mentions_amount": str(transaction["amount"]) in output, "addresses_risk": "fraud" in output}

    eval_dataset = tracelm.Dataset(
        name="fraud-explanation-evals",
        rows=[
            {"transaction": {"amount": 4200, "merchant": "UNKNOWN_INTL"}, "expected_flag": "high_amount"},
            {"transaction": {"amount": 12, "merchant": "STARBUCKS"}, "expected_flag": "none"},
        ],
    )
    results = asyncio.run(
        tracelm.Evaluation(dataset=eval_dataset, scorers=[relevance_scorer]).evaluate(explain_fraud_flag)
    )
    assert list(results.summary["mean"]) == [1.0, 0.0]
    assert list(results.rows.columns) == snapshot(
        [
            "row",
            "trial",
            "outcome",
            "output",
            "error",
            "latency_s",
            "cost_usd",
            "trace_id",
            "relevance_scorer.mentions_amount",
            "relevance_scorer.addresses_risk",
        ]
    )
    assert list(results.rows["outcome"]) == ["scored", "scored"]


def test_a_failing_task_is_a_row_with_its_error_and_the_run_goes_on() -> None:
    def fails_on_odd(number: int) -> int:
        if number == 3:
            raise StopIteration("odd")
        if number == 1:
            raise ValueError("one")
        return number * number

    run = tracelm.Evaluation(dataset=squares(), scorers=[right]).run(fails_on_odd)
    assert list(run.rows["outcome"]) == ["scored", "task_error", "scored", "task_error"]
    assert list(run.rows["error"]) == [None, "ValueError: one", None, "StopIteration: odd"]
    assert list(run.rows["output"]) == [0, None, 4, None]
    assert not holds_nan(run.rows)


def test_a_task_that_fails_on_half_of_the_rows_is_not_shown_as_perfect_without_a_word() -> None:
    def fails_on_half(number: int) -> int:
        return number * number if number < 2 else 1 // 0

    run = tracelm.Evaluation(dataset=squares(), scorers=[right]).run(fails_on_half)
    assert list(run.summary.loc["right", ["n", "scored", "errors", "mean"]]) == [4, 2, 2, 1.0]
    assert list(run.summary["low"] < 0.5) == [True]
    assert "2 task_error" in str(run)
    assert "row 2, trial 0, task_error: ZeroDivisionError" in str(run)


def test_when_every_task_fails_the_summary_still_has_a_line_for_each_scorer() -> None:
    def fails(number: int) -> int:
        raise RuntimeError

    run = tracelm.Evaluation(dataset=squares(), scorers=[right, tracelm.scorer(name="other")(right)]).run(fails)
    assert list(run.summary.index) == ["right", "other"]
    assert list(run.summary["n"]) == list(run.summary["errors"]) == [4, 4]
    assert list(run.summary["mean"].isna()) == [True, True]
    assert not holds_nan(run.summary)
    assert list(run.rows["error"]) == ["RuntimeError"] * 4


def test_a_failing_scorer_costs_only_its_own_cell() -> None:
    def picky(output: int) -> dict[str, bool]:
        if output == 4:
            raise ValueError("four")
        return {"small": output < 2, "even": output % 2 == 0}

    run = tracelm.Evaluation(dataset=squares(), scorers=[picky, right]).run(square)
    assert list(run.rows["outcome"]) == ["scored", "scored", "scorer_error", "scored"]
    assert run.rows["error"][2] == "scorer 'picky': ValueError: four"
    assert list(run.rows["right"]) == [True] * 4
    assert run.rows["picky.small"][2] is pd.NA
    assert run.summary[["n", "scored", "errors"]].to_dict("index") == {
        "picky.small": {"n": 4, "scored": 3, "errors": 1},
        "picky.even": {"n": 4, "scored": 3, "errors": 1},
        "right": {"n": 4, "scored": 4, "errors": 0},
    }


@pytest.mark.parametrize("returned", [float("nan"), [], {}, object()])
def test_what_is_no_score_is_an_error_and_never_a_nan(returned: object) -> None:
    def odd(output: int) -> object:
        return returned

    run = tracelm.Evaluation(dataset=squares(), scorers=[odd]).run(square)
    assert set(run.rows["outcome"]) == {"scorer_error"}
    assert run.summary.loc["odd", "errors"] == 4
    assert not holds_nan(run.rows)
    assert not holds_nan(run.summary)


def test_a_scorer_may_refuse_and_says_why() -> None:
    def careful(output: int) -> tracelm.Score:
        return tracelm.Score(value=None, explanation="too large") if output > 3 else tracelm.Score(value=0.5)

    run = tracelm.Evaluation(dataset=squares(), scorers=[careful, right]).run(square)
    assert list(run.rows["outcome"]) == ["scored", "scored", "refused_to_score", "refused_to_score"]
    assert run.rows["error"][3] == "score 'careful': too large"
    assert list(run.summary.loc["careful", ["n", "scored", "errors", "mean"]]) == [4, 2, 0, 0.5]
    assert not holds_nan(run.rows)


def test_labels_are_counted_and_have_no_mean() -> None:
    def size(output: int) -> str:
        return "small" if output < 3 else "large"

    run = tracelm.Evaluation(dataset=squares(), scorers=[size]).run(square)
    assert list(run.rows["size"]) == ["small", "small", "large", "large"]
    assert list(run.summary.loc["size"]) == [4, 4, 0, pd.NA, pd.NA, pd.NA, pd.NA]
    assert "labels" in str(run.report())


def test_each_trial_calls_the_task_again_and_repeats_are_clustered_by_row() -> None:
    calls: Counter[int] = Counter()

    def drifts(number: int) -> int:
        calls[number] += 1
        return number * number if calls[number] > 1 else -1

    run = tracelm.Evaluation(dataset=squares(), scorers=[right], trials=3, max_concurrency=1).run(drifts)
    assert calls == dict.fromkeys(range(4), 3)
    assert list(run.rows["row"]) == [row for row in range(4) for _ in range(3)]
    assert list(run.rows["trial"]) == [0, 1, 2] * 4
    assert list(run.summary.loc["right", ["n", "scored"]]) == [12, 12]
    # Every row has the same mean: three trials of it add nothing that the rows would not agree on.
    assert run.summary.loc["right", "mean"] == pytest.approx(2 / 3)
    assert run.summary.loc["right", "se"] == pytest.approx(0.0)


class Predictor:
    def predict(self, number: int) -> int:
        return number * number


class Invoker:
    def __call__(self, *args: object) -> None:
        raise AssertionError("the method is meant")

    async def invoke(self, number: int) -> int:
        await anyio.lowlevel.checkpoint()
        return number * number


class Module:
    @tracelm.op
    def forward(self, number: int) -> int:
        return number * number


class Callable_:
    def __call__(self, number: int) -> int:
        return number * number


TASKS: list[object] = [
    square,
    square_async,
    tracelm.op(square),
    tracelm.op(square_async),
    Predictor(),
    Invoker(),
    Module(),
    Module().forward,
    Callable_(),
    lambda number: number**2,  # pyright: ignore[reportUnknownLambdaType]
]


@pytest.mark.anyio
@pytest.mark.parametrize("recorded", [True, False])
async def test_every_kind_of_task_can_be_evaluated(anyio_backend: str, recorded: bool) -> None:
    if recorded:
        tracelm.init("kinds")
    for task in TASKS:
        run = await tracelm.Evaluation(dataset=squares(), scorers=[right]).evaluate(task)
        assert run.summary.loc["right", "mean"] == 1.0
        assert list(run.rows["output"]) == [0, 1, 4, 9]


def test_a_task_that_cannot_be_called_is_refused_before_anything_is_called() -> None:
    called: list[object] = []

    def judge(output: int) -> bool:
        called.append(output)
        return True

    def wants_more(number: int, temperature: float) -> int:
        called.append(number)
        return number

    evaluation = tracelm.Evaluation(dataset=squares(), scorers=[judge])
    with pytest.raises(
        tracelm.EvaluationError,
        match=r"task '.*wants_more' wants the parameter 'temperature', but there is only number, expected",
    ):
        evaluation.run(wants_more)
    assert not called
    assert evaluation.last_run is None


class Two:
    def predict(self, number: int) -> int:
        return number

    def invoke(self, number: int) -> int:
        return number


def streams(number: int) -> Any:
    yield number


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Two(), "of type Two, has predict and invoke: pass the method that is meant"),
        (3, "of type int, is no function and has no method predict or invoke or forward"),
        (streams, "'streams' yields its output in parts: wrap it"),
    ],
)
def test_what_is_no_task_is_refused(task: object, message: str) -> None:
    with pytest.raises(tracelm.EvaluationError, match=message):
        tracelm.Evaluation(dataset=squares(), scorers=[right]).run(task)


def test_scorers_are_checked_when_the_evaluation_is_made() -> None:
    def wrong(output: int, reference: int) -> bool:
        return output == reference

    def make(*scorers: Any, **options: Any) -> None:
        tracelm.Evaluation(dataset=squares(), scorers=scorers, **options)

    with pytest.raises(
        tracelm.EvaluationError, match=r"scorer 'wrong' wants the parameter 'reference'.*number, expected"
    ):
        make(wrong)
    with pytest.raises(tracelm.EvaluationError, match="a str is no scorer"):
        make("right")
    with pytest.raises(tracelm.ConfigError, match="at least one scorer"):
        make()
    with pytest.raises(tracelm.ConfigError, match="two scorers are called 'right'"):
        make(right, right)
    with pytest.raises(tracelm.ConfigError, match=r"two scorers are called 'right\.a'"):
        make(tracelm.scorer(name="right.a")(right), right)
    with pytest.raises(tracelm.ConfigError, match="cannot be called 'error', which is a column"):
        make(tracelm.scorer(name="error")(right))
    with pytest.raises(tracelm.ConfigError, match="scorers must be a list"):
        tracelm.Evaluation(dataset=squares(), scorers=right)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(tracelm.ConfigError, match="dataset is none: pass"):
        tracelm.Evaluation(dataset=ROWS, scorers=[right])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(tracelm.ConfigError, match="trials=0 cannot work: give a whole number, 1 or more"):
        make(right, trials=0)
    with pytest.raises(tracelm.ConfigError, match="max_concurrency=0 cannot work"):
        make(right, max_concurrency=0)


def test_a_scorer_sees_the_row_the_arguments_and_the_whole(spans: Any) -> None:
    seen: list[Any] = []

    def looks(number: int, expected: int, output: int, inputs: dict[str, int], context: ScoreContext) -> bool:
        seen.append((number, expected, output, inputs, context))
        return True

    run = tracelm.Evaluation(dataset=squares(ROWS[3:]), scorers=[looks]).run(square)
    [(number, expected, output, inputs, context)] = seen
    assert (number, expected, output, inputs) == (3, 9, 9, {"number": 3})
    assert (context.row, context.output) == (ROWS[3], 9)
    assert context.trace_id == run.rows["trace_id"][0]
    assert context.span_id == spans.one("square").span_id


def test_a_column_called_context_or_inputs_is_what_the_scorer_gets() -> None:
    def looks(inputs: str, context: str) -> str:
        return f"{inputs} {context}"

    rows = [{"inputs": "mine", "context": "a passage", "number": 2}]
    run = tracelm.Evaluation(dataset=squares(rows), scorers=[looks]).run(square)
    assert list(run.rows["looks"]) == ["mine a passage"]


def test_what_a_task_or_scorer_changes_in_a_row_reaches_nobody_else() -> None:
    rows = [{"order": {"items": [1, 2]}}]

    def spoils(order: dict[str, list[int]]) -> int:
        order["items"].clear()
        return 0

    def spoils_too(order: dict[str, list[int]], inputs: dict[str, Any]) -> str:
        found = f"{order} {inputs}"
        order["items"].append(99)
        return found

    dataset = squares(rows)
    scorers: list[Callable[..., Any]] = [tracelm.scorer(name=name)(spoils_too) for name in ("first", "second")]
    run = tracelm.Evaluation(dataset=dataset, scorers=scorers, trials=2).run(spoils)
    unspoilt = "{'items': [1, 2]} {'order': {'items': [1, 2]}}"
    assert set(run.rows["first"]) == set(run.rows["second"]) == {unspoilt}
    assert dataset.rows == rows


@pytest.mark.anyio
async def test_at_most_so_many_rows_are_in_work_at_once(anyio_backend: str) -> None:
    active, most = 0, 0
    full = anyio.Event()

    async def counts(number: int) -> int:
        nonlocal active, most
        active += 1
        most = max(most, active)
        if active == 3:
            full.set()
        await full.wait()
        await anyio.lowlevel.checkpoint()
        active -= 1
        return number * number

    rows = [{"number": number, "expected": number * number} for number in range(12)]
    run = await tracelm.Evaluation(dataset=squares(rows), scorers=[right], max_concurrency=3).evaluate(counts)
    assert most == 3
    assert run.summary.loc["right", "scored"] == 12


def test_sync_tasks_run_side_by_side_as_wide_as_asked() -> None:
    together = threading.Barrier(50)

    def meets(number: int) -> int:
        together.wait(timeout=30)
        return number * number

    rows = [{"number": number, "expected": number * number} for number in range(50)]
    run = tracelm.Evaluation(dataset=squares(rows), scorers=[right], max_concurrency=50).run(meets)
    assert set(run.rows["outcome"]) == {"scored"}


def test_many_rows_do_not_make_many_tasks() -> None:
    most = 0

    async def counts(number: int) -> int:
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        return number

    async def judge(output: int) -> bool:
        return True

    rows = [{"number": number} for number in range(2000)]
    evaluation = tracelm.Evaluation(dataset=squares(rows), scorers=[judge], max_concurrency=5)
    run = asyncio.run(evaluation.evaluate(counts))
    assert len(run.rows) == 2000
    assert most < 20


@dataclass(frozen=True)
class Close(tracelm.Scorer):
    within: float

    def score(self, *, output: float, expected: float) -> tracelm.Score:
        return tracelm.Score(value=-abs(output - expected), passed=abs(output - expected) <= self.within)


def test_a_report_reads_like_this() -> None:
    def fails_on_three(number: int) -> int:
        return number * number if number < 3 else 1 // 0

    evaluation = tracelm.Evaluation(dataset=squares(), scorers=[right, Close(within=1)], name="nightly")
    run = evaluation.run(fails_on_three)
    run.run_id = "00ff00ff00ff00ff"
    assert (
        str(run.report())
        == str(run)
        == snapshot("""\
nightly: fails_on_three (run 00ff00ff00ff00ff)
score  mean  95% interval  scored  errors  n
─────────────────────────────────────────────
right     1   0.4385 to 1       3       1  4
close     0   0 to 0.5615       3       1  4
4 trials: 3 scored, 1 task_error
right: 0.75 if what failed (1) counts as 0, 1 if as 1
close: 0 if what failed (1) counts as 0, 0.25 if as 1
  row 3, trial 0, task_error: ZeroDivisionError: integer division or modulo by
zero\
""")
    )
    assert repr(run) == snapshot("<EvalRun 'nightly' of fails_on_three: 4 trials, right 1, close 0>")


def test_a_report_is_also_a_table_of_rich() -> None:
    console = Console(record=True, width=80, file=io.StringIO())
    run = tracelm.Evaluation(dataset=squares(), scorers=[right], name="[bold]odd[/bold]").run(square)
    console.print(run.report())
    text = console.export_text()
    assert "[bold]odd[/bold]" in text
    assert "right" in text
