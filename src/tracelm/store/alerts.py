"""Where the alerts of monitors stand, and what they have said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import orjson
from sqlalchemy import Connection, delete, select, update

from tracelm.store.alert_notice import AlertNotice
from tracelm.store.checks import check_limit
from tracelm.store.listing import Listing, Wanted, columns, limits, order
from tracelm.store.results import Rows
from tracelm.store.statements import insert
from tracelm.store.tables import ALERT_NOTICES, ALERTS

_KEY: Final = ("monitor", "alert", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """Where an alert stood when it was last looked at. Times are nanoseconds since 1970, UTC.

    Attributes:
        monitor: The monitor.
        alert: The alert's name.
        score: The score that it is about.
        condition: When it fires.
        severity: `warning` or `critical`.
        status: `ok`, `firing` or `no data`.
        since_ns: Since when.
        looked_ns: When it was looked at.
        value: The figure then; `None` where there was none.
        low: Lower end of its interval.
        high: Upper end of it.
        n: How many verdicts it is made of.
        memory: What the alert needs to go on.
    """

    monitor: str
    alert: str
    score: str
    condition: str
    severity: str
    status: str
    since_ns: int
    looked_ns: int
    value: float | None
    low: float | None
    high: float | None
    n: int
    memory: Mapping[str, Any]


def states(connection: Connection, monitor: str | None = None) -> list[StoredAlert]:
    """Return where alerts stand, by monitor, alert and score.

    Args:
        connection: To the store.
        monitor: Only those of this one.
    """
    found = select(ALERTS).order_by(*(ALERTS.c[name] for name in _KEY))
    if monitor is not None:
        found = found.where(ALERTS.c.monitor == monitor)
    rows = connection.execute(found).mappings()
    return [StoredAlert(**{**row, "memory": orjson.loads(row["memory"])}) for row in rows]


def keep(
    connection: Connection,
    monitor: str,
    before: Sequence[StoredAlert],
    found: Iterable[StoredAlert],
    notices: Iterable[AlertNotice],
) -> bool:
    """Write where the alerts of a monitor stand now, and what they say; what is not among them is forgotten.

    Args:
        connection: One that may write.
        monitor: The monitor.
        before: Where they stood.
        found: All of its alerts.
        notices: What is new.

    Returns:
        Whether it was written: not where another process has looked meanwhile.
    """
    standing = states(connection, monitor)
    if [(each.alert, each.score, each.looked_ns) for each in standing] != [
        (each.alert, each.score, each.looked_ns) for each in before
    ]:
        return False
    known: set[tuple[str, str]] = set()
    for each in found:
        row = {**asdict(each), "memory": orjson.dumps(each.memory).decode()}
        made = insert(connection.dialect.name, ALERTS).values(**row)
        changed = {name: value for name, value in row.items() if name not in _KEY}
        connection.execute(made.on_conflict_do_update(index_elements=list(_KEY), set_=changed))
        known.add((each.alert, each.score))
    for gone in standing:
        if (gone.alert, gone.score) not in known:
            these = (ALERTS.c.alert == gone.alert, ALERTS.c.score == gone.score)
            connection.execute(delete(ALERTS).where(ALERTS.c.monitor == monitor, *these))
    for notice in notices:
        row = {**asdict(notice), "deliveries": orjson.dumps(dict(notice.deliveries)).decode()}
        connection.execute(ALERT_NOTICES.insert().values(**row))
    return True


def delivered(connection: Connection, uid: str, deliveries: Mapping[str, str | None]) -> None:
    """Note where a notice went.

    Args:
        connection: One that may write.
        uid: The notice.
        deliveries: By the name of the sink: what kept it from there; `None` where it arrived.
    """
    text = orjson.dumps(dict(deliveries)).decode()
    connection.execute(update(ALERT_NOTICES).where(ALERT_NOTICES.c.uid == uid).values(deliveries=text))


def notices(connection: Connection, wanted: Wanted, listing: Listing) -> Rows[AlertNotice]:
    """Return a page of what alerts have said where the columns equal those of `wanted`, the newest first."""
    check_limit(listing.limit)
    page, by = listing.page("alerts", wanted), order(ALERT_NOTICES, wanted, listing)
    chosen = page.choose(columns(ALERT_NOTICES), by, limits(ALERT_NOTICES, wanted, listing))
    rows, following = page.read(connection.execute(chosen).mappings())
    return Rows(AlertNotice, map(_notice, cast("Sequence[Mapping[str, Any]]", rows)), next=following)


def _notice(row: Mapping[str, Any]) -> AlertNotice:
    told = {name: value for name, value in row.items() if name != "id"}
    return AlertNotice(**{**told, "deliveries": orjson.loads(row["deliveries"])})
