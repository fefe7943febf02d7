"""A day of traffic through a real store: one release is worse, and that is what the alerts tell, and nothing else.

How often they err over many days is measured by `benchmarks/alerts.py`, also through a store.
"""

import math
from collections.abc import Sequence

import anyio
import pytest

import tracelm
from tests.unit.monitors.traffic import HOUR_NS, MINUTE_NS, Traffic
from tracelm.monitors.alerts.watch import look
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.worker import catch_up
from tracelm.store.alert_notice import AlertNotice
from tracelm.store.store import Store

MIDNIGHT_NS = 1_790_035_200 * 10**9
RELEASED = 15  # o'clock
STEP_MIN = 30
OPS = {"answer": 90, "search": 60, "summarize": 30}
"""Calls an hour at the busiest."""
WITHIN_H = {"pass_rate < 0.93": 1, "burn_rate > 4": 2, "pass_rate falls": 3}
"""The delays that are stated: a test that holds for a whole life takes the longest."""


def polite(output: str) -> bool:
    return output == "please"


def monitors() -> list[Monitor]:
    """Return what is watched, as each process that is started makes it anew."""

    def alerts() -> list[tracelm.Alert]:
        return [
            tracelm.Alert("pass_rate < 0.93", window="1h", min_n=50, severity="critical", to=[]),
            tracelm.Alert("burn_rate > 4", window="2h", objective=0.97, min_n=50, to=[]),
            tracelm.Alert("pass_rate falls", baseline="8h", window="1h", min_n=30, to=[]),
        ]

    return [
        Monitor(
            name=op, scorers=[polite], where=f"op:{op}", sample_rate=1.0 if op == "answer" else 0.5, alerts=alerts()
        )
        for op in OPS
    ]


def busy(hour: float) -> float:
    """Return how much of the busiest hour's traffic there is: least at 3:00, most at 15:00."""
    return 0.58 - 0.42 * math.cos((hour - 3) / 24 * 2 * math.pi)


async def step(store: Store, now_ns: int) -> list[AlertNotice]:
    found: list[AlertNotice] = []
    for each in monitors():
        await catch_up(store, each)
        found += await look(store, each, now_ns=now_ns)
    return found


def watch_a_day(store: Store, *, seed: int, worse: str | None) -> Sequence[AlertNotice]:
    """Return what was said in a day in which a release makes one op fail four times as often."""
    traffic = Traffic(store, seed=seed)
    said: list[AlertNotice] = []
    for minute in range(0, 24 * 60, STEP_MIN):
        hour = minute / 60
        begin_ns = MIDNIGHT_NS + minute * MINUTE_NS
        end_ns = begin_ns + STEP_MIN * MINUTE_NS
        for op, calls in OPS.items():
            is_worse = op == worse and hour >= RELEASED
            n = round(calls * busy(hour) * STEP_MIN / 60)
            release = "2.0" if hour >= RELEASED else "1.0"
            passing = 0.75 if is_worse else 0.98
            traffic.calls(n, passing=passing, from_ns=begin_ns, to_ns=end_ns, op=op, release=release)
        said += anyio.run(step, store, end_ns)
    return said


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_worse_release_is_told_within_the_stated_delays_and_nothing_else_is(seed: int) -> None:
    with tracelm.open_store() as store:
        said = watch_a_day(store, seed=seed, worse="answer")
        first = {each.alert: each for each in reversed(said) if each.kind == "firing"}
        assert {each.monitor for each in said} == {"answer"}
        assert set(first) == set(WITHIN_H)
        released_ns = MIDNIGHT_NS + RELEASED * HOUR_NS
        for notice in first.values():
            assert released_ns < notice.time_ns <= released_ns + WITHIN_H[notice.alert] * HOUR_NS
        assert min(each.time_ns for each in said) > released_ns
        status = tracelm.monitor_status(store, "answer")
        releases = {each.key: each.figures.pass_rate for each in status.releases}
        worse, better = releases["2.0"], releases["1.0"]
        assert worse is not None
        assert better is not None
        assert (worse.high or 1) < (better.low or 0)
        assert {each.status for each in status.alerts} == {"firing"}


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_day_on_which_nothing_happens_is_quiet(seed: int) -> None:
    with tracelm.open_store() as store:
        assert watch_a_day(store, seed=seed, worse=None) == []
