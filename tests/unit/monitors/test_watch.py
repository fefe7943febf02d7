"""Alerts over a store: what they see, that a restarted process goes on with them, and where notices go."""

from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import tracelm
from tests.unit.monitors.traffic import HOUR_NS, MINUTE_NS, Traffic
from tracelm.monitors.alerts.watch import look
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.worker import catch_up
from tracelm.store import alerts
from tracelm.store.retention import Retention
from tracelm.store.store import Store

NOON_NS = 1_790_000_000 * 10**9


def polite(output: str) -> bool:
    return output == "please"


def monitor(*alert: tracelm.Alert, **options: Any) -> Monitor:
    return Monitor(name="answers", scorers=[polite], where="op:answer", alerts=alert, **options)


@pytest.fixture
def traffic(backend: str) -> Iterator[Traffic]:
    with tracelm.open_store() as store:
        yield Traffic(store)


def watched(store: Store, monitor: Monitor, now_ns: int) -> list[str]:
    async def work() -> Sequence[tracelm.sinks.AlertNotice]:
        await catch_up(store, monitor)
        return await look(store, monitor, now_ns=now_ns)

    return [each.kind for each in anyio.run(work)]


def test_an_alert_fires_once_and_is_over_once_also_in_restarted_processes(traffic: Traffic) -> None:
    low = tracelm.Alert("pass_rate < 0.9", window="1h", min_n=20, resolve_after=None, to=[])
    traffic.calls(50, passing=0.5, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    said: list[str] = []
    for minute in (60, 61, 62):
        said += watched(traffic.store, monitor(low), NOON_NS + minute * MINUTE_NS)
    assert said == ["firing"]
    traffic.calls(50, passing=1.0, from_ns=NOON_NS + 2 * HOUR_NS, to_ns=NOON_NS + 3 * HOUR_NS)
    for minute in (180, 181):
        said += watched(traffic.store, monitor(low), NOON_NS + minute * MINUTE_NS)
    assert said == ["firing", "resolved"]
    over, began = traffic.store.alerts()
    assert (began.kind, began.n, began.window_s, began.since_ns) == ("firing", 50, 3600, NOON_NS + HOUR_NS)
    assert began.high is not None
    assert began.high < 0.9
    assert (over.kind, over.since_ns) == ("resolved", began.since_ns)


def test_each_score_has_an_alert_of_its_own(traffic: Traffic) -> None:
    def short(output: str) -> bool:
        return len(output) < 100

    low = tracelm.Alert("pass_rate < 0.9", min_n=20, to=[])
    both = Monitor(name="answers", scorers=[polite, short], where="op:answer", alerts=[low])
    traffic.calls(50, passing=0.2, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    assert watched(traffic.store, both, NOON_NS + HOUR_NS) == ["firing"]
    with traffic.store.reading() as connection:
        assert {each.score: each.status for each in alerts.states(connection)} == {"polite": "firing", "short": "ok"}


def test_verdicts_of_an_earlier_version_of_a_scorer_do_not_count(traffic: Traffic) -> None:
    low = tracelm.Alert("pass_rate < 0.9", min_n=20, to=[], no_data="alert")
    traffic.calls(50, passing=0.0, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    watched(traffic.store, monitor(low), NOON_NS)  # judged, and too early to see

    @tracelm.scorer(name="polite")
    def changed(output: str) -> bool:
        return output != "please"

    newer = Monitor(name="answers", scorers=[changed], where="op:answer", alerts=[low])
    assert watched(traffic.store, newer, NOON_NS + HOUR_NS) == []
    (notice,) = traffic.store.alerts()
    assert notice.kind == "no data"


def test_a_burn_rate_needs_both_windows(traffic: Traffic) -> None:
    fast = tracelm.Alert("burn_rate > 5", window="1h", objective=0.95, min_n=20, resolve_after=None, to=[])
    traffic.calls(60, passing=0.4, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    assert watched(traffic.store, monitor(fast), NOON_NS + HOUR_NS) == ["firing"]
    traffic.calls(30, passing=1.0, from_ns=NOON_NS + HOUR_NS, to_ns=NOON_NS + HOUR_NS + 5 * MINUTE_NS)
    assert watched(traffic.store, monitor(fast), NOON_NS + HOUR_NS + 5 * MINUTE_NS) == ["resolved"]


def test_a_change_is_learned_found_and_over_also_in_restarted_processes(traffic: Traffic) -> None:
    def falls() -> Monitor:
        return monitor(
            tracelm.Alert("pass_rate falls by 0.02", baseline="2h", window="1h", min_n=50, resolve_after=None, to=[])
        )

    said: list[tuple[int, str]] = []
    for hour in range(12):
        passing = 0.7 if hour in {6, 7, 8} else 0.97
        begin_ns = NOON_NS + hour * HOUR_NS
        traffic.calls(200, passing=passing, from_ns=begin_ns, to_ns=begin_ns + HOUR_NS)
        said += [(hour, kind) for kind in watched(traffic.store, falls(), begin_ns + HOUR_NS)]
    assert said == [(6, "firing"), (9, "resolved")]
    notice = traffic.store.alerts()[-1]
    assert notice.condition.startswith("pass_rate falls by 0.02 from 0.9")


def test_a_notice_goes_to_each_sink_and_one_that_fails_stops_nothing(traffic: Traffic) -> None:
    told: list[tracelm.sinks.AlertNotice] = []

    def breaks(notice: tracelm.sinks.AlertNotice) -> None:
        raise ConnectionError("no route, password=hunter2hunter2")

    async def later(notice: tracelm.sinks.AlertNotice) -> None:
        await anyio.lowlevel.checkpoint()
        told.append(notice)

    low = tracelm.Alert("pass_rate < 0.9", min_n=20, to=[breaks, told.append, later])
    traffic.calls(50, passing=0.0, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    assert watched(traffic.store, monitor(low), NOON_NS + HOUR_NS) == ["firing"]
    (notice,) = traffic.store.alerts()
    assert [each.uid for each in told] == [notice.uid] * 2
    problem = notice.deliveries["breaks"]
    assert problem is not None
    assert problem.startswith("ConnectionError: no route")
    assert "hunter2" not in problem
    assert {name: each for name, each in notice.deliveries.items() if name != "breaks"} == {
        "append": None,
        "later": None,
    }
    watched(traffic.store, monitor(low), NOON_NS + HOUR_NS)
    assert len(told) == 2


def test_what_was_not_sent_before_a_crash_is_sent_by_the_next_process(traffic: Traffic) -> None:
    told: list[str] = []

    def keeps(notice: tracelm.sinks.AlertNotice) -> None:
        told.append(notice.kind)

    def killed(notice: tracelm.sinks.AlertNotice) -> None:
        raise SystemExit

    killed.__name__ = "keeps"
    traffic.calls(50, passing=0.0, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    with pytest.raises(BaseException):  # noqa: B017, PT011 - a group of anyio around it
        watched(traffic.store, monitor(tracelm.Alert("pass_rate < 0.9", min_n=20, to=[killed])), NOON_NS + HOUR_NS)
    assert [each.deliveries for each in traffic.store.alerts()] == [{"keeps": "waiting"}]
    watched(traffic.store, monitor(tracelm.Alert("pass_rate < 0.9", min_n=20, to=[keeps])), NOON_NS + HOUR_NS)
    assert told == ["firing"]
    assert [each.deliveries for each in traffic.store.alerts()] == [{"keeps": None}]


def test_of_two_processes_that_look_at_once_one_speaks(traffic: Traffic) -> None:
    low = tracelm.Alert("pass_rate < 0.9", min_n=20, to=[])
    traffic.calls(50, passing=0.0, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    with traffic.store.reading() as connection:
        before = alerts.states(connection)
    assert watched(traffic.store, monitor(low), NOON_NS + HOUR_NS) == ["firing"]
    (notice,) = traffic.store.alerts()
    with traffic.store.writing() as connection:
        assert not alerts.keep(connection, "answers", before, [], [notice])
    assert len(traffic.store.alerts()) == 1


def test_an_alert_that_was_taken_out_is_forgotten_and_its_notices_stay(traffic: Traffic) -> None:
    traffic.calls(50, passing=0.0, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    watched(traffic.store, monitor(tracelm.Alert("pass_rate < 0.9", min_n=20, to=[])), NOON_NS + HOUR_NS)
    watched(traffic.store, monitor(tracelm.Alert("pass_rate < 0.8", min_n=20, to=[])), NOON_NS + HOUR_NS)
    with traffic.store.reading() as connection:
        assert [each.alert for each in alerts.states(connection)] == ["pass_rate < 0.8"]
    assert {each.alert for each in traffic.store.alerts()} == {"pass_rate < 0.9", "pass_rate < 0.8"}


def test_notices_come_in_pages_the_newest_first(traffic: Traffic) -> None:
    low = tracelm.Alert("pass_rate < 0.9", min_n=20, renotify="1m", to=[])
    traffic.calls(50, passing=0.0, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    for minute in range(60, 65):
        watched(traffic.store, monitor(low), NOON_NS + minute * MINUTE_NS)
    first = traffic.store.alerts(monitor="answers", limit=3)
    rest = traffic.store.alerts(monitor="answers", limit=3, after=first.next)
    assert [each.kind for each in (*first, *rest)] == ["still"] * 4 + ["firing"]
    assert len(traffic.store.alerts(monitor="another")) == 0
    assert list(traffic.store.alerts().to_pandas().columns[:3]) == ["time_ns", "monitor", "alert"]


def test_what_alerts_said_is_kept_as_long_as_other_records(traffic: Traffic) -> None:
    low = tracelm.Alert("pass_rate < 0.9", min_n=20, renotify="1m", to=[])
    traffic.calls(50, passing=0.0, from_ns=NOON_NS, to_ns=NOON_NS + HOUR_NS)
    for minute in (60, 62):
        watched(traffic.store, monitor(low), NOON_NS + minute * MINUTE_NS)
    day_later_ns = NOON_NS + 25 * HOUR_NS + MINUTE_NS
    traffic.store.maintenance.retain(Retention(rest_days=1), now_ns=day_later_ns)
    assert [each.kind for each in traffic.store.alerts()] == ["still"]
