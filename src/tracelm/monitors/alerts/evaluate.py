"""What the alerts of a monitor make of its verdicts at one moment: where they stand then, and what they say.

Nothing is read or written here but through the arguments.
"""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tracelm.monitors.alerts import change
from tracelm.monitors.alerts.alert import Alert
from tracelm.monitors.alerts.change import Memory
from tracelm.monitors.alerts.condition import BurnRate, Change
from tracelm.monitors.alerts.observe import Observation, burn_rate, latest, share, threshold
from tracelm.monitors.alerts.state import AlertState, step
from tracelm.monitors.calibrated import rates_of
from tracelm.monitors.duration import seconds_of
from tracelm.monitors.windows import Verdict
from tracelm.scoring.scorer import name_of, version_of
from tracelm.sinks.sink import by_name
from tracelm.store.alert_notice import WAITING, AlertNotice
from tracelm.store.alerts import StoredAlert

if TYPE_CHECKING:
    from tracelm.monitors.monitor import Monitor

_NS: Final = 10**9
_STATE: Final = "state"
_TEST: Final = "test"

Read: TypeAlias = Callable[[int, int], Sequence[Verdict]]
"""Returns the verdicts on spans that began since a moment, and whose number is above another."""


class Evaluated(NamedTuple):
    """What a look has led to.

    Attributes:
        alerts: Where all alerts stand now.
        notices: What they say.
    """

    alerts: Sequence[StoredAlert]
    notices: Sequence[AlertNotice]


def evaluate(monitor: "Monitor", before: Sequence[StoredAlert], read: Read, *, now_ns: int) -> Evaluated:
    """Return where the alerts of a monitor stand at a moment, and what they say.

    Args:
        monitor: The monitor.
        before: Where they stood.
        read: Returns verdicts of the monitor.
        now_ns: The moment, nanoseconds since 1970, UTC: windows end here.
    """
    versions = frozenset(map(version_of, monitor.scorers))

    def present(since_ns: int, after: int = 0) -> list[Verdict]:
        # Figures of two versions of a scorer are never mixed: those of the present one count.
        return [each for each in read(max(0, since_ns), after) if each.version in versions]

    standing = {(each.alert, each.score): each for each in before}
    window = present(now_ns - max(each.window_s for each in monitor.alerts) * _NS)
    found: list[StoredAlert] = []
    notices: list[AlertNotice] = []
    for alert in monitor.alerts:
        known = {each.score for each in before if each.alert == alert.name} | {each.score for each in window}
        for score in _scores(monitor, alert, known):
            mine = [each for each in window if each.score == score]
            now, notice = _looked(
                _Look(monitor, alert, score, mine, now_ns), standing.get((alert.name, score)), present
            )
            found.append(now)
            notices += [] if notice is None else [notice]
    return Evaluated(found, notices)


class _Look(NamedTuple):
    monitor: "Monitor"
    alert: Alert
    score: str
    window: Sequence[Verdict]
    now_ns: int


def _scores(monitor: "Monitor", alert: Alert, known: Collection[str]) -> list[str]:
    """Return the scores that an alert is about: those of a scorer that has several stand for it once there are any."""
    if alert.score is not None:
        return [alert.score]
    found: list[str] = []
    for name in map(name_of, monitor.scorers):
        found += sorted(each for each in known if each.startswith(f"{name}.")) or [name]
    return found


def _looked(at: _Look, was: StoredAlert | None, read: Read) -> tuple[StoredAlert, AlertNotice | None]:
    alert, kind = at.alert, at.alert.parsed
    told: dict[str, Any] = {} if was is None or was.condition != str(kind) else dict(was.memory)
    state = AlertState(**told[_STATE]) if _STATE in told else None
    condition, memory = str(kind), None
    if isinstance(kind, Change):
        memory = _tested(at, kind, told.get(_TEST), read)
        seen = _change(at, kind, memory, is_firing=state is not None and state.status == "firing")
    else:
        seen = _window(at)
    now, notice = step(alert.rules, state, seen.finding, now_ns=at.now_ns)
    if memory is not None:
        if notice == "resolved":
            memory = memory.again()
        told[_TEST] = memory.told()
    figure: dict[str, Any] = {"value": seen.value, "low": seen.low, "high": seen.high, "n": seen.n}
    about: dict[str, Any] = {
        "monitor": at.monitor.name,
        "alert": alert.name,
        "score": at.score,
        "severity": alert.severity,
    }
    stored = StoredAlert(
        **about,
        **figure,
        condition=condition,
        status=now.status,
        since_ns=now.since_ns,
        looked_ns=at.now_ns,
        memory={**told, _STATE: asdict(now)},
    )
    if notice is None:
        return stored, None
    if memory is not None and memory.baseline is not None:
        condition += f" from {memory.baseline.mean:.4g}"
    said = AlertNotice(
        **about,
        **figure,
        uid=os.urandom(16).hex(),
        condition=condition,
        kind=notice,
        time_ns=at.now_ns,
        since_ns=now.since_ns if state is None or notice != "resolved" else state.since_ns,
        window_s=alert.window_s,
        deliveries=dict.fromkeys(by_name(alert.to), WAITING),
    )
    return stored, said


def _window(at: _Look) -> Observation:
    alert, kind = at.alert, at.alert.parsed
    verdicts = latest(at.window, now_ns=at.now_ns, width_s=alert.window_s)
    if isinstance(kind, BurnRate):
        short = latest(verdicts, now_ns=at.now_ns, width_s=alert.short_window_s)
        objective = alert.objective or 0.0
        return burn_rate(kind, verdicts, short, objective=objective, min_n=alert.min_n, level=alert.level)
    if isinstance(kind, Change):
        return share(kind.metric, verdicts, min_n=alert.min_n, level=alert.level)
    errors = rates_of(at.monitor.calibrations.get(at.score))
    return threshold(kind, verdicts, min_n=alert.min_n, level=alert.level, errors=errors)


def _change(at: _Look, kind: Change, memory: Memory, *, is_firing: bool) -> Observation:
    """Return what a test of a change says: it alone raises the alarm, and the figure of the window ends it."""
    seen = _window(at)
    if memory.test is None or not memory.test.is_alarm:
        return seen
    if not is_firing:
        return replace(seen, finding="beyond")
    if seen.finding == "no data" or seen.value is None:
        return seen
    return replace(seen, finding="within" if change.is_back(kind, seen.value, memory) else "beyond")


def _tested(at: _Look, kind: Change, told: Any, read: Read) -> Memory:
    """Return the memory of a test after this look."""
    alert, now_ns = at.alert, at.now_ns
    versions = tuple(sorted(map(version_of, at.monitor.scorers)))
    memory = None if told is None else Memory.of(told)
    is_learned = isinstance(alert.baseline, str)
    length_s = seconds_of(alert.baseline, option="baseline") if is_learned else alert.window_s
    if memory is None or memory.versions != versions:
        memory = Memory(versions=versions, since_ns=now_ns - length_s * _NS)
    if memory.test is None and isinstance(alert.baseline, int | float):
        memory = change.said(kind, alert.baseline, memory, alpha=alert.alpha, until_ns=memory.since_ns)
    if now_ns < memory.learns_until_ns:
        return memory  # a week of verdicts is not read at each look
    since_ns = memory.since_ns if memory.baseline is None else memory.baseline.until_ns
    verdicts = [each for each in read(since_ns, memory.after) if each.score == at.score]
    heaviest = 1 / at.monitor.sample_rate
    if memory.test is None:
        memory = change.learned(
            kind,
            verdicts,
            memory,
            alpha=alert.alpha,
            length_s=length_s,
            min_n=alert.min_n,
            greatest_weight=heaviest,
            now_ns=now_ns,
        )
    return change.tested(kind, verdicts, memory, greatest_weight=heaviest)
