"""How a monitor does, read from a store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from tracelm.errors import StoreError
from tracelm.evals.statistics import Interval
from tracelm.monitors.windows import (
    ErrorRates,
    Group,
    Verdict,
    Window,
    by_model,
    by_op,
    by_release,
    by_window,
    corrected,
)
from tracelm.store import alerts, calibrations, monitors
from tracelm.store.alerts import StoredAlert
from tracelm.store.calibrations import StoredCalibration

if TYPE_CHECKING:
    from sqlalchemy.engine import RowMapping

    from tracelm.store.store import Store

_SHOWN_TRACES: Final = 3
_LOOKED_AT: Final = 500
"""So many of the newest failing spans are read for their inputs."""
_HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingInput:
    """An input whose output did not pass.

    Attributes:
        input: As it was recorded; `None` where it was not.
        n: Failing verdicts.
        spans: For how many spans these stand.
        scores: The scores that did not pass.
        trace_ids: The newest traces of it, at most three.
    """

    input: str | None
    n: int
    spans: float
    scores: tuple[str, ...]
    trace_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorStatus:
    """How a monitor does.

    Attributes:
        name: Its name.
        windows: By score, window of time and version of the scorer.
        models: By the models that were called in the trace.
        ops: By op.
        releases: By release of the program.
        failing: The inputs that fail most, the most first; of the newest 500 spans that fail.
        alerts: Where its alerts stood when they were last looked at.
    """

    name: str
    windows: Sequence[Window]
    models: Sequence[Group]
    ops: Sequence[Group]
    releases: Sequence[Group]
    failing: Sequence[FailingInput]
    alerts: Sequence[StoredAlert]


def known(store: "Store") -> list[str]:
    """Return the names of the monitors that have run over a store."""
    store.index()
    with store.reading() as connection:
        return monitors.names(connection)


def monitor_status(
    store: "Store",
    name: str,
    *,
    since_ns: int = 0,
    until_ns: int | None = None,
    project: str | None = None,
    window_s: int = _HOUR_S,
    top: int = 5,
) -> MonitorStatus:
    """Return how a monitor does. A verdict belongs to the window in which its span began, whenever it was judged.

    Args:
        store: The store.
        name: The monitor's name.
        since_ns: Only spans that began since then, nanoseconds since 1970, UTC.
        until_ns: Only spans that began before.
        project: Only this project.
        window_s: How long a window is, in seconds.
        top: How many failing inputs.

    Raises:
        StoreError: No monitor of this name has run over the store.
    """
    if name not in (names := known(store)):
        raise StoreError(f"no monitor {name!r} has run over this store; there is {', '.join(names) or 'none'}")
    with store.reading() as connection:
        rows = monitors.verdicts(connection, name, since_ns=since_ns, until_ns=until_ns, project=project)
        models = monitors.models_of(connection, [row["trace_id"] for row in rows])
        standing = alerts.states(connection, name)
        known_errors = {(each.score, each.version): _rates(each) for each in calibrations.of_monitor(connection, name)}
    found = verdicts_of(rows, models)
    return MonitorStatus(
        name=name,
        windows=_corrected(by_window(found, window_s), known_errors),
        models=_corrected(by_model(found), known_errors),
        ops=_corrected(by_op(found), known_errors),
        releases=_corrected(by_release(found), known_errors),
        failing=_failing(store, found, top),
        alerts=standing,
    )


def _rates(found: StoredCalibration) -> ErrorRates:
    return ErrorRates(
        sensitivity=Interval(found.sensitivity, None, None, None, found.true_labels),
        specificity=Interval(found.specificity, None, None, None, found.false_labels),
    )


_Part = TypeVar("_Part", Window, Group)


def _corrected(parts: Sequence[_Part], known: Mapping[tuple[str, str], ErrorRates]) -> list[_Part]:
    return [replace(each, figures=corrected(each.figures, known.get((each.score, each.version)))) for each in parts]


def verdicts_of(rows: "Iterable[RowMapping]", models: Mapping[str, str] | None = None) -> list[Verdict]:
    """Return verdicts as the store keeps them.

    Args:
        rows: Of `tracelm.store.monitors.verdicts`.
        models: The models that were called in a trace, by trace id.
    """
    of_trace = models or {}
    return [
        Verdict(
            score=row["name"],
            version=row["scorer_version"] or "",
            at_ns=row["start_ns"],
            value=row["value"],
            passed=row["passed"],
            is_error=row["error_type"] is not None,
            weight=row["weight"] or 1.0,
            project=row["project"],
            trace_id=row["trace_id"],
            span_id=row["span_id"],
            op=row["op"],
            model=row["model"] or of_trace.get(row["trace_id"]),
            release=row["release"],
            number=row["id"],
        )
        for row in rows
    ]


def _failing(store: "Store", verdicts: Sequence[Verdict], top: int) -> list[FailingInput]:
    newest = [each for each in reversed(verdicts) if each.passed is False][:_LOOKED_AT]
    with store.reading() as connection:
        inputs = monitors.inputs_of(connection, [(each.project, each.trace_id, each.span_id) for each in newest])
    groups: dict[str | None, list[Verdict]] = {}
    for each in newest:
        groups.setdefault(inputs.get((each.project, each.trace_id, each.span_id)), []).append(each)
    found = [
        FailingInput(
            input=text,
            n=len(some),
            spans=sum(each.weight for each in some),
            scores=tuple(sorted({each.score for each in some})),
            trace_ids=tuple(dict.fromkeys(each.trace_id for each in some))[:_SHOWN_TRACES],
        )
        for text, some in groups.items()
    ]
    return sorted(found, key=lambda each: -each.spans)[:top]
