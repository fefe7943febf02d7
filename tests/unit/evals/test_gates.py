"""Gates: conditions are read by a parser of our own, and answered with three answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

import tracelm
from tests.unit.evals.saved import dataset, right, run_of
from tracelm.evals.conditions import AgainstBaseline, Figure, Threshold, parse_conditions
from tracelm.evals.gates import exit_code

CRASH = ValueError("broken")
NAMES = st.one_of(
    st.from_regex(r"[A-Za-z_]([A-Za-z0-9_.-]{0,10}[A-Za-z0-9_])?", fullmatch=True),
    st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1, max_size=10),
)
NUMBERS = st.floats(-1e6, 1e6).map(lambda each: float(f"{each:g}"))
FUNCTIONS = st.sampled_from(
    [None, "mean", "median", "p90", "p1", "total", "majority", "at_least_2", "pass@3", "pass^2"]
)
CONDITIONS = st.one_of(
    st.builds(
        Threshold,
        st.builds(Figure, NAMES, FUNCTIONS, st.sampled_from([None, "low", "high"])),
        st.sampled_from([">=", ">", "<=", "<"]),
        NUMBERS,
    ),
    st.builds(AgainstBaseline, NAMES, st.booleans(), NUMBERS.map(abs)),
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("relevance >= 0.8", [Threshold(Figure("relevance"), ">=", 0.8)]),
        ("low(relevance)>=75%", [Threshold(Figure("relevance", None, "low"), ">=", 0.75)]),
        ("high(p90(latency_s)) < 2", [Threshold(Figure("latency_s", "p90", "high"), "<", 2.0)]),
        ('"my score: x" > -1e-3', [Threshold(Figure("my score: x"), ">", -0.001)]),
        ("judge.one-two >= 1", [Threshold(Figure("judge.one-two"), ">=", 1.0)]),
        ("pass^3(right) >= .5", [Threshold(Figure("right", "pass^3"), ">=", 0.5)]),
        ("no worse than baseline by 0.02 on correctness", [AgainstBaseline("correctness", False, 0.02)]),
        ("Better than BASELINE on x", [AgainstBaseline("x", True, 0.0)]),
        ("better >= 1", [Threshold(Figure("better"), ">=", 1.0)]),
        ("a >= 1 and b <= 2\nAND no worse than baseline on c", 3),
    ],
)
def test_conditions_are_read(text: str, read: object) -> None:
    found = parse_conditions(text)
    assert len(found) == read if isinstance(read, int) else list(found) == read


@given(st.lists(CONDITIONS, min_size=1, max_size=4))
def test_what_is_written_is_read_again(conditions: list[Threshold | AgainstBaseline]) -> None:
    text = " and ".join(map(str, conditions))
    assert [str(each) for each in parse_conditions(text)] == [str(each) for each in conditions]


@given(st.one_of(st.text(max_size=60), st.text('lowp90(a)>=<. 12and"by%onbetter@^', max_size=60)))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        parse_conditions(text)
    except tracelm.ConfigError as error:
        message, shown, mark = str(error).split("\n")
        assert message
        assert mark.strip() == "^"
        assert 4 <= mark.index("^") <= len(shown)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relevance >> 0.8", "expected a number\n    relevance >> 0.8\n               ^"),
        ("relevance 0.8", "expected >=, >, <= or <\n    relevance 0.8\n              ^"),
        ("average(x) >= 1", "no function is called 'average': there are"),
        ("low(relevance >= 1", 'expected ")"'),
        ("mean(p90(x)) > 1", "functions do not go into each other"),
        ("low(high(x)) > 1", "functions do not go into each other"),
        ("a > 1 or b > 1", 'conditions are joined with "and"; for "or" there is nothing'),
        ("a > 1 b > 1", 'expected "and" or the end'),
        ("no worse than baseline", 'expected "by" and a number, or "on"'),
        ("no worse then baseline on x", 'expected "no worse than baseline"'),
        ("no worse than baseline by -1 on x", "the margin must be 0 or more"),
        ("a > 1e999", "this number is too large"),
        ("", "expected the name of a score"),
        ("__import__(os) > 0", "no function is called '__import__'"),
        ("__import__('os').system('true') > 0", "this belongs to no condition"),
        ("a > 1; b > 1", "this belongs to no condition\n    a > 1; b > 1\n         ^"),
    ],
)
def test_what_is_no_condition_is_refused_at_its_place(text: str, message: str) -> None:
    with pytest.raises(tracelm.ConfigError) as error:
        parse_conditions(text)
    assert message in str(error.value)


def test_a_wrong_condition_is_refused_before_anything_runs() -> None:
    with pytest.raises(tracelm.ConfigError, match="expected a number"):
        tracelm.Evaluation(dataset=dataset(1), scorers=[right], conditions=["x >= high"])
    with pytest.raises(tracelm.ConfigError, match="must be a list"):
        tracelm.Evaluation(dataset=dataset(1), scorers=[right], conditions="x >= 1")


def tone(output: float) -> str:
    return "polite"


def answers(run: tracelm.EvalRun, *conditions: str, baseline: tracelm.EvalRun | None = None) -> list[str]:
    return [each.answer for each in run.check(conditions, baseline=baseline).results]


def test_a_mean_decides_by_itself_and_an_end_asks_for_proof() -> None:
    run = run_of([True] * 16 + [False] * 4)  # 0.8, between 0.584 and 0.919
    assert answers(run, "right >= 0.8", "right > 0.8") == ["passed", "failed"]
    ends = ("low(right) >= 0.5", "low(right) >= 0.7", "low(right) >= 0.95")
    assert answers(run, *ends) == ["passed", "underpowered", "failed"]
    assert answers(run, "high(right) <= 0.95", "high(right) <= 0.85", "high(right) <= 0.5") == [
        "passed",
        "underpowered",
        "failed",
    ]


def test_each_answer_says_why() -> None:
    found = run_of([True] * 16 + [False] * 4).check(["low(right) >= 0.7 and right >= 0.9"])
    assert str(found) == snapshot(
        "underpowered: low(right) >= 0.7: 0.8 (95% interval 0.584 to 0.9193)\n"
        "failed: right >= 0.9: 0.8 (95% interval 0.584 to 0.9193)"
    )
    assert (found.answer, found.passed, found.exit_code) == ("failed", False, 1)
    assert list(found.table.columns) == ["condition", "answer", "figure", "low", "high", "why"]


def test_passed_is_true_false_or_none() -> None:
    outputs = [True] * 16 + [False] * 4
    assert run_of(outputs, conditions=["right >= 0.7"]).passed is True
    assert run_of(outputs, conditions=["right >= 0.7", "right >= 0.9"]).passed is False
    assert run_of(outputs, conditions=["right >= 0.7", "low(right) >= 0.7"]).passed is None
    assert run_of(outputs).passed is None


def test_exit_codes_tell_the_answers_apart() -> None:
    assert [exit_code(each) for each in ("passed", "failed", "underpowered")] == [0, 1, 3]


def test_a_run_that_crashed_on_half_of_the_rows_does_not_pass() -> None:
    found = run_of([True] * 10 + [CRASH] * 10).check(["right >= 0.9", "low(right) >= 0.6"])
    assert [each.answer for each in found.results] == ["failed", "underpowered"]
    assert found.results[0].figure == 1.0
    assert "where 10 without a value count as the worst: 0.5" in found.results[0].why


def test_a_run_in_which_nothing_was_scored_fails() -> None:
    def judge(output: object) -> dict[str, bool]:
        return {"one": True}

    run = run_of([CRASH] * 3, scorer=judge)
    assert answers(run, "judge >= 0", "judge.one >= 0") == ["failed", "failed"]


def test_latency_has_quantiles_and_their_ends() -> None:
    run = run_of([True] * 50)
    assert answers(run, "p90(latency_s) <= 100", "median(latency_s) <= 1e-12", "high(p50(latency_s)) <= 100") == [
        "passed",
        "failed",
        "passed",
    ]
    assert answers(run_of([True] * 3), "high(p99(latency_s)) <= 100") == ["underpowered"]


def test_an_unknown_cost_is_not_a_cost_of_nothing() -> None:
    found = run_of([True] * 3).check(["cost_usd <= 0.5"]).results[0]
    assert found.answer == "underpowered"
    assert "no cost is known" in found.why


def test_errors_of_the_whole_run_can_be_bounded() -> None:
    run = run_of([True] * 9 + [CRASH])
    assert answers(run, "errors <= 1", "error_rate < 5%", "not_run <= 0") == ["passed", "failed", "passed"]
    with pytest.raises(tracelm.ConfigError, match="one number of the whole run"):
        run.check(["low(errors) <= 1"])


def test_trials_are_reduced_and_a_failed_one_counts_as_wrong() -> None:
    run = run_of([[True, True], [True, False], [True, CRASH], [False, False]], trials=2)
    found = run.check(["pass@2(right) >= 0.75", "pass^2(right) <= 0.25", "majority(right) <= 0.25", "max(right) >= 1"])
    assert [each.figure for each in found.results] == [0.75, 0.25, 0.25, 1.0]
    assert found.answer == "passed"
    with pytest.raises(tracelm.ConfigError, match="needs 3 trials of each row, and there are 2"):
        run.check(["pass@3(right) >= 0.5"])


def test_no_worse_than_the_baseline_asks_for_proof() -> None:
    one, other = [n % 10 != 0 for n in range(3000)], [n % 10 != 1 for n in range(3000)]
    run, baseline = run_of(one), run_of(other)
    conditions = [f"no worse than baseline by {by} on right" for by in (0.03, 0.001)]
    assert answers(run, *conditions, baseline=baseline) == ["passed", "underpowered"]
    worse = run_of([n % 3 != 0 for n in range(3000)])
    assert answers(worse, conditions[0], baseline=baseline) == ["failed"]
    assert answers(baseline, "better than baseline by 0.1 on right", baseline=worse) == ["passed"]
    assert answers(run, "better than baseline on right", baseline=baseline) == ["underpowered"]


def test_the_survivors_of_a_crash_do_not_show_that_a_run_is_no_worse() -> None:
    run, baseline = run_of([True] * 300 + [CRASH] * 60), run_of([True] * 360)
    found = run.check(["no worse than baseline by 0.05 on right"], baseline=baseline).results[0]
    assert found.answer != "passed"


@pytest.mark.parametrize(
    ("crashed", "by"),
    [
        (160, 0.0),  # counted as wrong, it is worse
        (55, 0.0),  # better by 0.02, which chance gives too
        (30, 0.15),  # better for sure, but by 0.125
    ],
)
def test_the_survivors_of_a_crash_do_not_show_that_a_run_is_better(crashed: int, by: float) -> None:
    baseline = run_of([n % 4 != 0 for n in range(240)])
    run = run_of([True] * (240 - crashed) + [CRASH] * crashed)
    found = run.check([f"better than baseline by {by} on right"], baseline=baseline).results[0]
    assert found.figure is not None
    assert found.figure > 0.2
    assert found.answer == "underpowered"
    assert "where pairs without a value count as the worst" in found.why


def test_a_condition_about_nothing_is_an_error_and_not_a_pass() -> None:
    run = run_of([True])
    with pytest.raises(tracelm.ConfigError, match="names 'rihgt', which the run does not have: there are right"):
        run.check(["rihgt >= 0.5"])
    with pytest.raises(tracelm.ConfigError, match=r"there is none: run.check\(baseline"):
        run.check(["no worse than baseline on right"])
    with pytest.raises(tracelm.ConfigError, match="nothing to check"):
        run.check()
    with pytest.raises(tracelm.ConfigError, match=r"max\(\.\.\.\) has no interval"):
        run.check(["low(max(right)) >= 0.5"])
    with pytest.raises(tracelm.ConfigError, match="is a label"):
        run_of([1.0], scorer=tone).check(["tone >= 0.5"])


@pytest.mark.anyio
async def test_a_run_that_ended_early_does_not_pass(anyio_backend: str) -> None:
    import anyio

    async def stops(number: int) -> bool:
        if number == 2:
            scope.cancel()
            await anyio.sleep_forever()
        return True

    evaluation = tracelm.Evaluation(
        dataset=dataset(4),
        scorers=[right],
        max_concurrency=1,
        conditions=["right >= 0.5"],
    )
    with anyio.CancelScope() as scope:
        await evaluation.evaluate(stops)
    run = evaluation.last_run
    assert run is not None
    assert run.passed is None
    assert "2 of 4 trials were not run" in run.check().results[0].why
