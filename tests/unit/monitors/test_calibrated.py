"""The true rate: what people would say of the traffic that a judge that errs has judged."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import tracelm
from tests.unit.monitors.traffic import HOUR_NS, Traffic
from tracelm.evals import Calibration, calibrate
from tracelm.monitors.alerts.watch import look
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.worker import catch_up

NOON_NS = 1_790_000_000 * 10**9
LABELS = calibrate(
    [True] * 95 + [False] * 5 + [True] * 30 + [False] * 70,  # it lets three in ten of the bad ones pass
    [True] * 100 + [False] * 100,
)


def polite(output: str) -> bool:
    return output == "please"


def monitor(**options: Any) -> Monitor:
    known: dict[str, Any] = {"name": "answers", "scorers": [polite], "where": "op:answer", **options}
    return Monitor(**known)


@pytest.fixture
def traffic(backend: str) -> Iterator[Traffic]:
    with tracelm.open_store() as store:
        found = Traffic(store)
        found.calls(400, passing=0.82, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
        yield found


def test_the_status_has_the_true_rate_with_an_interval_that_carries_the_labels(traffic: Traffic) -> None:
    anyio.run(lambda: catch_up(traffic.store, monitor(calibrations={"polite": LABELS})))
    (op,) = tracelm.monitor_status(traffic.store, "answers").ops
    judged, true = op.figures.pass_rate, op.figures.true_rate
    assert judged is not None
    assert true is not None
    assert true.mean == pytest.approx((judged.mean + 0.7 - 1) / (0.95 + 0.7 - 1))
    assert (true.high or 0) - (true.low or 0) > (judged.high or 0) - (judged.low or 0)
    assert (true.low or 0) <= true.mean <= (true.high or 0)


def test_it_belongs_to_the_version_that_was_measured(traffic: Traffic) -> None:
    anyio.run(lambda: catch_up(traffic.store, monitor(calibrations={"polite": LABELS})))

    @tracelm.scorer(name="polite")
    def newer(output: str) -> bool:
        return "e" in output

    traffic.calls(50, passing=0.5, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    anyio.run(lambda: catch_up(traffic.store, monitor(scorers=[newer])))
    ops = tracelm.monitor_status(traffic.store, "answers").ops
    assert sorted((each.figures.n, each.figures.true_rate is not None) for each in ops) == [(50, False), (400, True)]


def test_an_alert_can_go_by_the_true_rate(traffic: Traffic) -> None:
    low = tracelm.Alert("true_rate < 0.95", to=[])
    lowest = tracelm.Alert("pass_rate < 0.7", to=[])
    watched = monitor(calibrations={"polite": LABELS}, alerts=[low, lowest])
    anyio.run(lambda: catch_up(traffic.store, watched))
    anyio.run(lambda: look(traffic.store, watched, now_ns=NOON_NS + HOUR_NS))
    (notice,) = traffic.store.alerts()
    assert notice.alert == "true_rate < 0.95"
    assert notice.value is not None
    assert notice.value < 0.85


def test_what_says_nothing_of_errors_is_refused() -> None:
    labels: Calibration = calibrate(["a", "b"], ["a", "a"])
    with pytest.raises(tracelm.ConfigError, match="tells no error rates"):
        monitor(calibrations={"polite": labels})
    with pytest.raises(tracelm.ConfigError, match="belongs to no scorer"):
        monitor(calibrations={"rude": LABELS})
    with pytest.raises(tracelm.ConfigError, match="needs calibrations= for polite"):
        monitor(alerts=[tracelm.Alert("true_rate < 0.9")])
