"""An alert as a state machine: what was seen, and what time it is, decide what it says. Pure."""

from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from tracelm.store.alert_notice import Kind

Finding: TypeAlias = Literal["beyond", "within", "unclear", "no data"]
"""Of a look at the figures: surely bad; good again; too few values to tell; hardly any values."""
Status: TypeAlias = Literal["ok", "firing", "no data"]
NoData: TypeAlias = Literal["ok", "alert", "keep"]

_NS: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When an alert changes and speaks.

    Attributes:
        no_data: What too few values mean: all is well (`ok`), an alarm of its own (`alert`), nothing (`keep`).
        after_s: For how long it must be beyond before it fires, in seconds.
        resolve_after_s: For how long it must be well before it is over, in seconds.
        renotify_s: After how long it says again that it goes on, in seconds; `None`: never.
    """

    no_data: NoData = "keep"
    after_s: float = 0.0
    resolve_after_s: float = 0.0
    renotify_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """Where an alert stands. Times are nanoseconds since 1970, UTC.

    Attributes:
        status: `ok`, `firing` or `no data`.
        since_ns: Since when.
        told_ns: When it last said something; `None`: never.
        turning_to: Which status it is about to have.
        turning_ns: Since when it looks so.
    """

    status: Status = "ok"
    since_ns: int
    told_ns: int | None = None
    turning_to: Status | None = None
    turning_ns: int | None = None


class Step(NamedTuple):
    """What a look has led to.

    Attributes:
        state: Where the alert stands now.
        notice: What there is to say; mostly nothing.
    """

    state: AlertState
    notice: Kind | None


def step(rules: Rules, state: AlertState | None, finding: Finding, *, now_ns: int) -> Step:
    """Return where an alert stands after a look, and what it says.

    Args:
        rules: When it changes and speaks.
        state: Where it stood; `None` for a new one.
        finding: What was seen.
        now_ns: When, nanoseconds since 1970, UTC. A clock that was set back is taken to stand still.
    """
    was = AlertState(since_ns=now_ns) if state is None else state
    wanted = _wanted(rules, was.status, finding)
    if wanted == was.status:
        calm = was if was.turning_to is None else replace(was, turning_to=None, turning_ns=None)
        return _again(rules, calm, now_ns)
    if was.turning_to != wanted or was.turning_ns is None:
        was = replace(was, turning_to=wanted, turning_ns=now_ns)
    wait_s = rules.resolve_after_s if wanted == "ok" else rules.after_s
    if now_ns - (was.turning_ns or now_ns) < wait_s * _NS:
        return _again(rules, was, now_ns)
    if wanted == "ok":
        return Step(AlertState(status="ok", since_ns=now_ns, told_ns=now_ns), "resolved")
    return Step(AlertState(status=wanted, since_ns=now_ns, told_ns=now_ns), wanted)


def _wanted(rules: Rules, status: Status, finding: Finding) -> Status:
    if finding == "beyond":
        return "firing"
    if finding == "within":
        return "ok"
    if finding == "unclear":  # there is data again, but none that would say that it is over
        return "ok" if status == "no data" else status
    if rules.no_data == "keep":
        return status
    return "ok" if rules.no_data == "ok" else "no data"


def _again(rules: Rules, state: AlertState, now_ns: int) -> Step:
    if state.status == "ok" or rules.renotify_s is None:
        return Step(state, None)
    told_ns = state.since_ns if state.told_ns is None else state.told_ns
    if now_ns - told_ns < rules.renotify_s * _NS:
        return Step(state, None)
    return Step(replace(state, told_ns=now_ns), "still")
