"""The record of what an alert said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["firing", "no data", "still", "resolved"]
"""It began; there is no data; it goes on; it is over."""
Severity: TypeAlias = Literal["warning", "critical"]

WAITING: Final = "waiting"
"""Of a sink: it has not been tried yet."""
_NS: Final = 10**9
_TEXT: Final = "string"
_INT: Final = "int64"
_FLOAT: Final = "float64"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotice:
    """What an alert said. It holds figures, and nothing of what was judged.

    Attributes:
        uid: Its id, 32 hex digits: the same wherever it is told, and told again.
        monitor: The monitor.
        alert: The alert's name.
        condition: When it fires.
        score: The score that it is about.
        kind: `firing`: it began; `no data`: there are too few verdicts to tell; `still`: one of these goes on;
            `resolved`: it is over.
        severity: `warning` or `critical`.
        time_ns: When it was said, nanoseconds since 1970, UTC.
        since_ns: Since when the alert has this status; where it is over, since when it had the other one. Nanoseconds
            since 1970, UTC.
        window_s: How much time the figure is about, in seconds.
        value: The figure; `None` where there is none.
        low: Lower end of its interval.
        high: Upper end of it.
        n: How many verdicts it is made of.
        deliveries: Where it goes, by the name of the sink: `None` where it arrived, `waiting`, or what kept it from
            there.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "time_ns": _INT,
        "monitor": _TEXT,
        "alert": _TEXT,
        "score": _TEXT,
        "kind": _TEXT,
        "severity": _TEXT,
        "value": _FLOAT,
        "low": _FLOAT,
        "high": _FLOAT,
        "n": _INT,
        "condition": _TEXT,
        "window_s": _INT,
        "since_ns": _INT,
        "uid": _TEXT,
        "deliveries": "object",
    }

    uid: str
    monitor: str
    alert: str
    condition: str
    score: str
    kind: Kind
    severity: Severity
    time_ns: int
    since_ns: int
    window_s: int
    value: float | None
    low: float | None
    high: float | None
    n: int
    deliveries: Mapping[str, str | None] = field(default_factory=dict[str, str | None])

    @property
    def title(self) -> str:
        """The notice in a few words."""
        name = self.condition if self.alert == self.condition else f"{self.alert} ({self.condition})"
        return f"{self.severity}: {self.monitor}, {self.score}: {name}: {self.kind}"

    @property
    def figures(self) -> str:
        """The figure with its interval, in words."""
        if self.value is None:
            return f"no figure from {self.n:,} verdicts"
        ends = "" if self.low is None or self.high is None else f" ({self.low:.4g} to {self.high:.4g})"
        return f"{self.value:.4g}{ends} from {self.n:,} verdicts"

    def __str__(self) -> str:
        began = datetime.fromtimestamp(self.since_ns / _NS, UTC)
        word = "which began" if self.kind == "resolved" else "since"
        return f"{self.title}, {word} {began:%Y-%m-%d %H:%M:%S} UTC: {self.figures}"
