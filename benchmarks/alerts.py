"""How soon alerts notice a regression, and how often they cry wolf: simulated days of traffic.

    python benchmarks/alerts.py [--days 200]
    python benchmarks/alerts.py --store --days 10

Each day has calls of an op with a daily rhythm (few at night, most in the afternoon), judged by one scorer and looked
at every ten minutes. A release that goes out at 15:00 makes it worse, in half of the runs; in the other half nothing
happens, and each alarm is a false one. With `--store` the calls are recorded in a store, a monitor judges them from
there, and the alerts are looked at as `tracelm monitor run` does; else the same verdicts are handed to them, which is
much faster.
"""

import argparse
import math
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeAlias

import anyio
import orjson

import tracelm
from tracelm import semconv
from tracelm.monitors.alerts.evaluate import evaluate
from tracelm.monitors.alerts.watch import look
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.windows import Verdict
from tracelm.monitors.worker import catch_up
from tracelm.otlp.decode import decode_spans
from tracelm.scoring.scorer import version_of
from tracelm.store.alert_notice import AlertNotice
from tracelm.store.alerts import StoredAlert
from tracelm.store.ingest import write_spans
from tracelm.store.store import Store

Watch: TypeAlias = "Callable[[Sequence[Verdict]], Iterator[tuple[int, Sequence[AlertNotice]]]]"
"""Yields each moment of the second day at which the alerts are looked at, and what they say."""

NS = 10**9
HOUR_NS = 3600 * NS
LOOK_NS = 600 * NS
RELEASE_HOUR = 15
LEARNED_HOURS = 24
ALERTS = (
    tracelm.Alert("pass_rate < 0.95", window="1h", to=[]),
    tracelm.Alert("pass_rate < 0.95", name="bare figure", window="1h", level=None, to=[]),
    tracelm.Alert("burn_rate > 3", window="1h", objective=0.97, to=[]),
    tracelm.Alert("pass_rate falls", window="1h", baseline="1d", to=[]),
    tracelm.Alert("pass_rate falls by 0.02", window="1h", baseline="1d", to=[]),
)


def polite(output: str) -> bool:
    return "please" in output


@dataclass(frozen=True)
class Found:
    """Of one alert in one day: how often it spoke without reason, and how soon with one, in minutes and verdicts."""

    false_alarms: int
    delay_min: float | None
    delay_n: int | None


def calls_per_hour(hour: float, busy: float) -> float:
    """Return how many calls an hour there are: a sixth of the most at 3:00, the most at 15:00."""
    return busy * (0.58 - 0.42 * math.cos((hour - 3) / 24 * 2 * math.pi))


def traffic(random: Random, *, days: int, usual: float, worse: float | None, busy: float) -> list[Verdict]:
    """Return the verdicts of some days; in the last one a release may be worse."""
    version = version_of(polite)
    found: list[Verdict] = []
    at_h, last_h = 0.0, days * 24.0
    release_h = last_h - 24 + RELEASE_HOUR
    while True:
        at_h += random.expovariate(calls_per_hour(at_h % 24, busy))
        if at_h >= last_h:
            return found
        rate = worse if worse is not None and at_h >= release_h else usual
        passed = random.random() < rate
        found.append(
            Verdict(
                score="polite",
                version=version,
                at_ns=round(at_h * HOUR_NS),
                value=float(passed),
                passed=passed,
                is_error=False,
                weight=1.0,
                project="shop",
                trace_id=str(len(found)),
                span_id="",
                number=len(found) + 1,
            )
        )


def monitor() -> Monitor:
    """Return what watches."""
    return Monitor(name="answers", scorers=[polite], where="op:answer", alerts=ALERTS)


def moments_of_looks() -> range:
    """Return when the alerts are looked at: in the day after the day of learning."""
    return range(LEARNED_HOURS * HOUR_NS, 2 * 24 * HOUR_NS + 1, LOOK_NS)


def handed(verdicts: Sequence[Verdict]) -> Iterator[tuple[int, Sequence[AlertNotice]]]:
    """Hand the verdicts to the alerts."""
    watching = monitor()
    moments = [each.at_ns for each in verdicts]
    before: Sequence[StoredAlert] = ()
    for now_ns in moments_of_looks():

        def read(since_ns: int, after: int, until_ns: int = now_ns) -> list[Verdict]:
            return list(verdicts[max(after, bisect_left(moments, since_ns)) : bisect_left(moments, until_ns)])

        found = evaluate(watching, before, read, now_ns=now_ns)
        before = found.alerts
        yield now_ns, found.notices


def through_a_store(verdicts: Sequence[Verdict]) -> Iterator[tuple[int, Sequence[AlertNotice]]]:
    """Record the calls, let the monitor judge them, and look at its alerts."""
    watching = monitor()
    with tempfile.TemporaryDirectory() as home, tracelm.open_store(home=Path(home)) as store:
        done = 0
        moments = [each.at_ns for each in verdicts]
        for now_ns in moments_of_looks():
            upto = bisect_left(moments, now_ns)
            record(store, verdicts[done:upto])
            done = upto
            anyio.run(partial(catch_up, store, watching))
            yield now_ns, anyio.run(partial(look, store, watching, now_ns=now_ns))


def record(store: Store, verdicts: Sequence[Verdict]) -> None:
    """Write the calls that get these verdicts."""
    spans = [decode_spans(line_of(each)).records[0] for each in verdicts]
    with store.writing() as connection:
        write_spans(connection, [(span, "shop") for span in spans])


def line_of(verdict: Verdict) -> bytes:
    """Return the call that gets a verdict as a line of the journal."""
    told = {
        semconv.OP_NAME: "answer",
        semconv.OUTPUT_VALUE: '"please"' if verdict.passed else '"no"',
    }
    span = {
        "traceId": f"{verdict.number:032x}",
        "spanId": f"{verdict.number:016x}",
        "name": "answer",
        "kind": 1,
        "startTimeUnixNano": str(verdict.at_ns),
        "endTimeUnixNano": str(verdict.at_ns + 10**6),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in told.items()],
    }
    return orjson.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]})


def day(seed: int, *, usual: float, worse: float | None, busy: float, watch: Watch) -> dict[str, Found]:
    """Watch one day after a day of learning."""
    verdicts = traffic(Random(seed), days=2, usual=usual, worse=worse, busy=busy)
    release_ns = (LEARNED_HOURS + RELEASE_HOUR) * HOUR_NS
    moments = [each.at_ns for each in verdicts]
    false: dict[str, int] = {}
    first: dict[str, int] = {}
    for now_ns, notices in watch(verdicts):
        for notice in notices:
            if notice.kind != "firing":
                continue
            if worse is not None and now_ns > release_ns:
                first.setdefault(notice.alert, now_ns)
            else:
                false[notice.alert] = false.get(notice.alert, 0) + 1

    def result(name: str) -> Found:
        wrong, at_ns = false.get(name, 0), first.get(name)
        if at_ns is None:
            return Found(wrong, None, None)
        judged = bisect_left(moments, at_ns) - bisect_left(moments, release_ns)
        return Found(wrong, (at_ns - release_ns) / 60 / NS, judged)

    return {each.name: result(each.name) for each in ALERTS}


def table(days: int, *, usual: float, worse: Sequence[float], busy: float, watch: Watch) -> None:
    """Print what the alerts make of as many days with a regression as without."""
    calm = [day(seed, usual=usual, worse=None, busy=busy, watch=watch) for seed in range(days)]
    for rate in worse:
        bad = [day(seed + 10_000, usual=usual, worse=rate, busy=busy, watch=watch) for seed in range(days)]
        show(calm, bad, f"up to {busy:.0f} calls an hour, pass rate {usual:.0%}, from 15:00 on {rate:.0%}")


def show(calm: Sequence[dict[str, Found]], bad: Sequence[dict[str, Found]], title: str) -> None:
    """Print one table."""
    days = len(calm)
    print(f"\n{title}; {days} + {days} days")
    print(f"{'alert':<26}{'days with false alarms':>24}{'found':>9}{'delay, median':>16}{'90 %':>9}{'verdicts':>10}")
    for each in ALERTS:
        wrong = sum(found[each.name].false_alarms > 0 for found in calm)
        delays = sorted(found[each.name].delay_min or math.inf for found in bad)
        counts = sorted(found[each.name].delay_n or 10**9 for found in bad)
        hits = sum(not math.isinf(delay) for delay in delays)

        def at(share: float, delays: list[float] = delays) -> str:
            value = delays[math.ceil(share * len(delays)) - 1]
            return "-" if math.isinf(value) else f"{value:.0f} min"

        middle = "-" if hits <= days / 2 else str(counts[len(counts) // 2])
        shown = f"{wrong} of {days}"
        print(f"{each.name:<26}{shown:>24}{hits / days:>9.0%}{at(0.5):>16}{at(0.9):>9}{middle:>10}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How soon alerts notice a regression, and how often they cry wolf.")
    parser.add_argument("--days", type=int, default=200)
    parser.add_argument("--store", action="store_true", help="all of it, through a store")
    wanted = parser.parse_args()
    if wanted.store:
        table(wanted.days, usual=0.97, worse=(0.85,), busy=200, watch=through_a_store)
    else:
        table(wanted.days, usual=0.97, worse=(0.85, 0.92), busy=200, watch=handed)
        table(wanted.days, usual=0.97, worse=(0.7,), busy=60, watch=handed)
