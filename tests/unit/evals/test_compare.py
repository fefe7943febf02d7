"""Comparing two runs: pairs by content, verdicts that hold, and what is missing named."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot

import tracelm
from tests.unit.evals.saved import dataset, right, run_of
from tests.unit.evals.squares import holds_nan
from tests.unit.evals.statistics.labels import gsm8k

CRASH = ValueError("broken")


def test_gsm8k_is_compared_as_published(shared: Path) -> None:
    a, b = gsm8k(shared, "6b_verification"), gsm8k(shared, "175b_finetuning")
    found = run_of([bool(each) for each in a]).compare(run_of([bool(each) for each in b]))
    row: dict[Any, Any] = found.table.to_dict("index")["right"]
    assert row["n"] == 1319
    assert row["mean"] == pytest.approx(0.39045, abs=5e-6)
    assert row["baseline_mean"] == pytest.approx(0.34723, abs=5e-6)
    assert row["difference"] == pytest.approx(0.043215, abs=5e-7)
    assert row["se"] == pytest.approx(0.014361, abs=5e-7)
    assert row["low"] == pytest.approx(0.01507, abs=4e-5)
    assert row["high"] == pytest.approx(0.07136, abs=4e-5)
    assert row["p_value"] == row["p_mcnemar"] == pytest.approx(0.0031507, abs=5e-8)
    assert (row["better"], row["worse"], row["same"]) == (209, 152, 306 + 652)
    assert row["verdict"] == "better"
    assert row["why"] == snapshot(
        "+0.0432 (95% interval +0.015 to +0.0714, p = 0.0032) over 1319 pairs: more than chance gives"
    )


def test_the_columns_are_those_that_are_promised() -> None:
    found = run_of([True, False]).compare(run_of([False, False])).table
    promised = ["n", "mean", "baseline_mean", "difference", "se", "low", "high", "p_value", "verdict"]
    assert list(found.columns[:9]) == promised
    assert found.index.name == "score"


def test_rows_are_paired_by_content_and_never_by_place() -> None:
    values = [0.1, 0.9, 0.5, 0.3]
    one = run_of(values)
    # The same rows the other way round, each with the same output.
    turned = tracelm.Dataset(name="turned", rows=[{"number": number} for number in (3, 2, 1, 0)])
    other = run_of(values, rows=turned)
    found = one.compare(other)
    assert found.pairs == [(0, 3), (1, 2), (2, 1), (3, 0)]
    assert found["right"].difference == 0
    assert found["right"].same == 4


def test_what_has_no_partner_is_named_and_counted() -> None:
    one = run_of([True] * 4)
    other = run_of([True] * 6, rows=tracelm.Dataset(name="later", rows=[{"number": n} for n in (2, 3, 4, 5)]))
    found = one.compare(other)
    assert (found.pairs, found.only_in_run, found.only_in_baseline) == ([(2, 0), (3, 1)], [0, 1], [2, 3])
    assert "not paired: 2 rows only in this run (0, 1)" in str(found)
    assert "not paired: 2 rows only in the baseline (2, 3)" in str(found)


@pytest.mark.anyio
async def test_rows_that_were_not_run_are_not_paired(anyio_backend: str) -> None:
    async def stops(number: int) -> bool:
        if number == 2:
            scope.cancel()
            await anyio.sleep_forever()
        return True

    evaluation = tracelm.Evaluation(dataset=dataset(4), scorers=[right], max_concurrency=1)
    with anyio.CancelScope() as scope:
        await evaluation.evaluate(stops)
    interrupted, whole = evaluation.last_run, run_of([True] * 4)
    assert interrupted is not None
    assert interrupted.compare(whole).only_in_baseline == [2, 3]
    assert whole.compare(interrupted).only_in_run == [2, 3]
    assert interrupted.compare(whole)["right"].unscored == 0


def test_equal_rows_are_paired_one_by_one() -> None:
    twice = tracelm.Dataset(name="twice", rows=[{"number": 0}, {"number": 0}, {"number": 1}])
    found = run_of([True, False], rows=twice).compare(run_of([True, False], rows=twice))
    assert found.pairs == [(0, 0), (1, 1), (2, 2)]


def test_runs_without_a_row_in_common_are_not_compared() -> None:
    other = run_of([True] * 9, rows=tracelm.Dataset(name="other", rows=[{"number": 8}]))
    with pytest.raises(tracelm.EvaluationError, match="no row in common"):
        run_of([True, True]).compare(other)


def test_a_run_that_crashed_on_half_of_the_rows_is_not_better() -> None:
    # All that is left is right, and half is gone: a mean over what was scored would call that 100 %.
    crashing = [True] * 40 + [CRASH] * 40
    found = run_of(crashing).compare(run_of([True] * 20 + [False] * 20 + [True] * 40))["right"]
    assert (found.mean, found.baseline_mean, found.n, found.unscored) == (1.0, 0.5, 40, 40)
    assert found.difference_if_failed == -0.25
    assert found.verdict == "no evidence"
    assert found.why == snapshot(
        "better over what was scored (+0.5), but there are 40 pairs without a value on one side: where that counts as "
        "the worst, the difference is -0.25, and the verdict 'worse'"
    )


def test_a_run_that_crashes_is_worse_even_where_the_rest_is_the_same() -> None:
    found = run_of([True] * 60 + [CRASH] * 40).compare(run_of([True] * 100))["right"]
    assert (found.difference, found.difference_if_failed, found.verdict) == (0.0, -0.4, "worse")
    assert "40 pairs without a value on one side" in found.why


def test_a_score_that_was_refused_counts_as_lacking() -> None:
    found = run_of([True, None, True, False]).compare(run_of([True, True, False, False]))["right"]
    assert (found.n, found.unscored) == (3, 1)


def test_three_rows_that_all_improved_prove_nothing() -> None:
    found = run_of([True] * 3).compare(run_of([False] * 3))["right"]
    assert (found.difference, found.p_value, found.verdict) == (1.0, 0.25, "underpowered")
    assert found.low is not None
    assert found.low < 0


def test_few_rows_without_a_difference_are_not_equivalent() -> None:
    few = run_of([True] * 5).compare(run_of([True] * 5), margin=0.05)["right"]
    assert (few.verdict, few.not_worse) == ("underpowered", False)
    many = run_of([True] * 500).compare(run_of([True] * 500), margin=0.05)["right"]
    assert (many.verdict, many.not_worse) == ("equivalent", True)


def test_few_equal_numbers_are_not_equivalent_either() -> None:
    few = run_of([0.5] * 5).compare(run_of([0.5] * 5), margin=0.05)["right"]
    assert few.verdict == "underpowered"
    assert few.high == pytest.approx(1 - 0.05 ** (1 / 5))
    many = run_of([0.5] * 200).compare(run_of([0.5] * 200), margin=0.05)["right"]
    assert many.verdict == "equivalent"
    without_bounds = run_of([7.0] * 200).compare(run_of([7.0] * 200), margin=0.05)["right"]
    assert (without_bounds.low, without_bounds.verdict) == (None, "underpowered")


def test_a_single_pair_tells_nothing() -> None:
    found = run_of([0.7]).compare(run_of([0.2]))["right"]
    assert (found.se, found.low, found.p_value, found.verdict) == (None, None, None, "underpowered")


def test_an_underpowered_comparison_says_how_many_rows_it_takes() -> None:
    alternating = [bool(n % 2) for n in range(60)]
    other = [bool(n % 3) for n in range(60)]
    found = run_of(alternating).compare(run_of(other))["right"]
    assert found.verdict == "underpowered"
    assert found.detectable is not None
    assert f"that takes about {int(60 * (found.detectable / 0.05) ** 2) + 1} rows" in found.why


def test_a_large_comparison_without_a_difference_is_no_evidence() -> None:
    one = [n % 10 != 0 for n in range(3000)]
    other = [n % 10 != 1 for n in range(3000)]
    assert run_of(one).compare(run_of(other))["right"].verdict == "no evidence"


def test_no_worse_by_a_margin_is_shown_by_the_whole_interval() -> None:
    one = [n % 10 != 0 for n in range(3000)]
    other = [n % 10 != 1 for n in range(3000)]
    found = run_of(one).compare(run_of(other), margin=0.03)["right"]
    assert found.low is not None
    assert -0.03 < found.low < 0
    assert found.not_worse is True
    assert run_of(one).compare(run_of(other), margin=0.001)["right"].not_worse is False


def test_less_is_better_where_the_scorer_says_so() -> None:
    @tracelm.scorer(name="errors_made", lower_is_better=True)
    def errors_made(output: float) -> float:
        return output

    fewer, more = [float(n % 3) for n in range(60)], [float(n % 3 + 1 + n % 2) for n in range(60)]
    found = run_of(fewer, scorer=errors_made).compare(run_of(more, scorer=errors_made))["errors_made"]
    assert found.difference == -1.5
    assert (found.verdict, found.better, found.worse, found.lower_is_better) == ("better", 60, 0, True)


def test_latency_can_be_compared_and_less_of_it_is_better() -> None:
    found = run_of([True] * 5).compare(run_of([True] * 5), on=["latency_s"])
    assert list(found.table.index) == ["latency_s"]
    assert found["latency_s"].lower_is_better


def test_trials_of_a_row_are_one_pair() -> None:
    one = run_of([[True, False], [True, True], [False, False]], trials=2)
    found = one.compare(run_of([True, False, False]))["right"]
    assert (found.n, found.mean, found.p_wilcoxon) == (3, 0.5, 1.0)
    assert found.baseline_mean == pytest.approx(1 / 3)
    assert found.p_mcnemar is None
    assert found.p_value == found.p_t


def test_a_report_of_trials_says_what_would_help() -> None:
    noisy = run_of([[True, False]] * 6, trials=2).report()
    assert any(fact.startswith("right: more trials help") for fact in noisy.facts)
    steady = run_of([[True, True], [False, False]] * 3, trials=2).report()
    assert any(fact.startswith("right: more rows") for fact in steady.facts)


def test_pairs_of_one_cluster_count_as_what_they_are() -> None:
    rows = dataset(40, cluster=[f"text {n // 10}" for n in range(40)])
    one, other = [float(n // 10 < 2) for n in range(40)], [0.0] * 40
    clustered = run_of(one, rows=rows).compare(run_of(other, rows=rows))["right"]
    alone = run_of(one).compare(run_of(other))["right"]
    assert clustered.se is not None
    assert alone.se is not None
    assert clustered.se > 3 * alone.se
    assert (alone.verdict, clustered.verdict) == ("better", "underpowered")


def test_many_scores_make_each_p_value_larger() -> None:
    def many(output: float) -> dict[str, float]:
        return {f"s{n}": output * (n == 0) + 0.5 for n in range(5)}

    wobble = [0.02 * ((n * 7) % 11) for n in range(30)]
    other = [0.02 * ((n * 5) % 11) - 0.035 for n in range(30)]
    found = run_of(wobble, scorer=many).compare(run_of(other, scorer=many))["many.s0"]
    assert found.p_value is not None
    assert found.p_value < 0.05
    assert found.p_adjusted == pytest.approx(5 * found.p_value)
    assert found.verdict not in {"better", "worse"}


def test_slices_are_adjusted_together_and_small_ones_marked() -> None:
    langs = ["de"] * 50 + ["en"] * 10
    rows = dataset(60, metadata=[{"lang": lang} for lang in langs])
    found = run_of([True] * 60, rows=rows).compare(run_of([False] * 50 + [True] * 10, rows=rows)).by("lang")
    assert list(found.index) == [("de", "right"), ("en", "right")]
    assert list(found["small"]) == [False, True]
    assert list(found["verdict"]) == ["better", "underpowered"]
    assert found["p_adjusted"].iloc[0] == pytest.approx(2 * found["p_value"].iloc[0])


def test_a_column_that_is_no_slice_is_refused() -> None:
    found = run_of([True] * 60).compare(run_of([True] * 60))
    with pytest.raises(tracelm.EvaluationError, match="no row has 'lang'"):
        found.by("lang")
    with pytest.raises(tracelm.EvaluationError, match="60 different values"):
        found.by("number")


def test_labels_are_named_and_left_out() -> None:
    def tone(output: bool) -> dict[str, object]:
        return {"label": "polite", "right": output}

    found = run_of([True], scorer=tone).compare(run_of([True], scorer=tone))
    assert list(found.table.index) == ["tone.right"]
    assert found.left_out == {"tone.label": "it is a label, which has no mean"}
    with pytest.raises(KeyError, match="it is a label"):
        _ = found["tone.label"]
    with pytest.raises(tracelm.EvaluationError, match=r"cannot compare on 'tone\.label': it is a label"):
        run_of([True], scorer=tone).compare(run_of([True], scorer=tone), on=["tone.label"])


def test_what_does_not_exist_is_absent_and_never_nan() -> None:
    found = run_of([0.7, CRASH]).compare(run_of([CRASH, 0.2]))
    assert found["right"].n == 0
    assert not holds_nan(found.table)


def test_wrong_arguments_are_named() -> None:
    one = run_of([True])
    with pytest.raises(tracelm.ConfigError, match="margin=-1 must be a number"):
        one.compare(one, margin=-1)
    with pytest.raises(tracelm.ConfigError, match="level=95 must lie between 0 and 1"):
        one.compare(one, level=95)
    with pytest.raises(tracelm.ConfigError, match=r"on=\['right'\]"):
        one.compare(one, on="right")
    assert right(True).value is True
