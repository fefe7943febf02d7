"""Learning what is normal, and testing whether it has changed."""

from dataclasses import replace
from random import Random

import pytest

import tracelm
from tests.unit.monitors.verdicts import BASE
from tracelm.monitors.alerts import change
from tracelm.monitors.alerts.change import Memory, is_back, learned, said
from tracelm.monitors.alerts.condition import Change
from tracelm.monitors.alerts.evaluate import evaluate
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.windows import Verdict
from tracelm.scoring.scorer import version_of
from tracelm.store.alerts import StoredAlert

HOUR_NS = 3600 * 10**9
FALLS = Change("pass_rate", "falls")
EMPTY = Memory(versions=("v1",), since_ns=0)


def traffic(n: int, passing: float, *, from_h: float, to_h: float, seed: int = 1, first: int = 1) -> list[Verdict]:
    random = Random(seed)
    return [
        replace(
            BASE,
            at_ns=round((from_h + (to_h - from_h) * number / n) * HOUR_NS),
            passed=random.random() < passing,
            trace_id=f"{seed}-{number}",
            number=first + number,
        )
        for number in range(n)
    ]


def learn(verdicts: list[Verdict], *, now_h: float, min_n: int = 50, kind: Change = FALLS) -> Memory:
    return learned(
        kind,
        verdicts,
        EMPTY,
        alpha=0.01,
        length_s=7200,
        min_n=min_n,
        greatest_weight=1.0,
        now_ns=round(now_h * HOUR_NS),
    )


def test_it_learns_for_as_long_as_it_is_told_from_the_first_verdict_on() -> None:
    verdicts = traffic(200, 0.9, from_h=1, to_h=5)
    early = learn(verdicts, now_h=2.9)
    assert (early.baseline, early.learns_until_ns) == (None, 3 * HOUR_NS)
    known = learn(verdicts, now_h=4)
    assert known.baseline is not None
    assert known.baseline.until_ns == 3 * HOUR_NS
    assert known.baseline.mean == pytest.approx(0.9, abs=0.06)
    assert known.test is not None
    assert known.test.line < known.baseline.mean  # few values: what is surely normal is less


def test_with_too_few_verdicts_it_goes_on_learning() -> None:
    verdicts = traffic(60, 0.9, from_h=0, to_h=6)
    assert learn(verdicts[:30], now_h=3).baseline is None
    known = learn(verdicts, now_h=6)
    assert known.baseline is not None
    assert known.baseline.until_ns == 6 * HOUR_NS


def test_a_verdict_is_tested_once_and_those_of_the_baseline_never() -> None:
    known = learn(traffic(400, 0.9, from_h=0, to_h=2), now_h=2)
    later = traffic(100, 0.9, from_h=2, to_h=3, first=401)
    once = change.tested(FALLS, [*traffic(400, 0.9, from_h=0, to_h=2), *later], known, greatest_weight=1.0)
    assert once.test is not None
    assert (once.after, once.test.seen) == (500, 100)
    assert change.tested(FALLS, later, once, greatest_weight=1.0) == once
    assert Memory.of(once.told()) == once


def test_several_verdicts_on_one_trace_are_one_value() -> None:
    known = said(FALLS, 0.9, EMPTY, alpha=0.01, until_ns=0)
    one_trace = [replace(each, trace_id="t", passed=False) for each in traffic(500, 1.0, from_h=0, to_h=1)]
    found = change.tested(FALLS, one_trace, known, greatest_weight=1.0)
    assert found.test is not None
    assert (found.test.seen, found.test.is_alarm) == (1, False)


def test_a_rise_of_errors_is_a_fall_of_what_works() -> None:
    rises = Change("error_rate", "rises", 0.01)
    known = said(rises, 0.02, EMPTY, alpha=0.01, until_ns=0)
    assert known.test is not None
    assert known.test.line == pytest.approx(0.97)
    broken = [replace(each, is_error=True, passed=None) for each in traffic(60, 1.0, from_h=0, to_h=1)]
    assert (found := change.tested(rises, broken, known, greatest_weight=1.0).test) is not None
    assert found.is_alarm
    assert is_back(rises, 0.02, known)
    assert not is_back(rises, 0.04, known)


def test_false_alarms_of_a_learned_baseline_stay_below_alpha_over_a_day_of_looks() -> None:
    """The smaller one of `benchmarks/alerts.py`: 40 days on which nothing happens."""

    def polite(output: str) -> bool:
        return bool(output)

    alert = tracelm.Alert("pass_rate falls", baseline="6h", alpha=0.05, to=[])
    monitor = Monitor(name="m", scorers=[polite], where="op:a", alerts=[alert])
    version, alarms = version_of(polite), 0
    for seed in range(40):
        verdicts = traffic(1_200, 0.95, from_h=0, to_h=24, seed=seed)
        day = [replace(each, version=version, score="polite") for each in verdicts]
        before: tuple[StoredAlert, ...] = ()
        said_any = False
        for minute in range(360, 24 * 60 + 1, 30):
            now_ns = minute * 60 * 10**9

            def read(since_ns: int, after: int, until_ns: int = now_ns, day: list[Verdict] = day) -> list[Verdict]:
                return [each for each in day if since_ns <= each.at_ns < until_ns and each.number > after]

            found = evaluate(monitor, before, read, now_ns=now_ns)
            before, said_any = tuple(found.alerts), said_any or bool(found.notices)
        alarms += said_any
    assert alarms <= 40 * 0.05
