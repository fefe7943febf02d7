"""What the alerts of monitors have said, and where they stand."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request

from tracelm.json_model import Figure, Model, Moment
from tracelm.server.access.rule import Reader, check_sees_all
from tracelm.server.api.listing import Page, SinceNs, UntilNs, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit
from tracelm.store import alerts
from tracelm.store.alert_notice import Kind, Severity

router: Final = APIRouter(prefix=PREFIX, tags=["alerts"], responses=PROBLEMS)
MonitorName = Annotated[str | None, Query(min_length=1, max_length=200, description="Only those of this monitor.")]


class NoticeLine(Model):
    """What an alert said."""

    uid: str
    monitor: str
    alert: str
    condition: str
    score: str
    kind: Kind
    severity: Severity
    time_ns: Moment
    since_ns: Moment
    window_s: int
    value: Figure
    low: Figure
    high: Figure
    n: int
    deliveries: dict[str, str | None]


class AlertLine(Model):
    """Where an alert stood when it was last looked at."""

    monitor: str
    alert: str
    score: str
    condition: str
    severity: Severity
    status: Literal["ok", "firing", "no data"]
    since_ns: Moment
    looked_ns: Moment
    value: Figure
    low: Figure
    high: Figure
    n: int


class Standing(Model):
    """All alerts."""

    items: list[AlertLine]


@router.get("/alerts")
def list_notices(
    request: Request,
    caller: Reader,
    monitor: MonitorName = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[NoticeLine]:
    """List what alerts have said, the newest first. A monitor belongs to no project: the key must be for all."""
    check_sees_all(caller)
    store = store_of(request)
    found = listed(
        lambda: store.alerts(monitor=monitor, since_ns=since_ns, until_ns=until_ns, after=after, limit=limit), caller
    )
    return Page(items=[NoticeLine.model_validate(each) for each in found], next=found.next)


@router.get("/alerts/standing")
def list_standing(request: Request, caller: Reader, monitor: MonitorName = None) -> Standing:
    """List where alerts stand, by monitor, alert and score. The key must be for all projects."""
    check_sees_all(caller)
    with store_of(request).reading() as connection:
        return Standing(items=[AlertLine.model_validate(each) for each in alerts.states(connection, monitor)])
