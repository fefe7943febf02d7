"""How a monitor does, in a terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tracelm.cli.tables import SHORT_ID, moment, one_line, table

if TYPE_CHECKING:
    from tracelm.evals.statistics import Interval
    from tracelm.monitors.status import FailingInput, MonitorStatus
    from tracelm.monitors.windows import Figures, Group
    from tracelm.store.alerts import StoredAlert

_FIGURES = ("judged", "spans", "pass rate", "95 %", "mean", "95 %", "errors")
_TRUE = ("true rate", "95 %")


def status(found: "MonitorStatus") -> Iterator[Table]:
    """Return what there is to tell of a monitor as tables."""
    if found.alerts:
        yield _alerts(found.alerts)
    if not found.windows:
        return
    is_true = any(each.figures.true_rate is not None for each in found.windows)
    shown = table(("window", "score", "version"), _FIGURES + (_TRUE if is_true else ()), ())
    for each in found.windows:
        true = _interval(each.figures.true_rate, "{:.1%}") if is_true else ()
        _row(shown, moment(each.start_ns), each.score, each.version, *_cells(each.figures), *true)
    yield shown
    for title, groups in (("model", found.models), ("op", found.ops), ("release", found.releases)):
        if any(each.key is not None for each in groups):
            yield _groups(title, groups)
    if found.failing:
        yield _failing(found.failing)


def _alerts(found: "Sequence[StoredAlert]") -> Table:
    from tracelm.evals.statistics import Interval

    shown = table(("alert", "score", "severity", "state", "since"), ("value", "interval", "n"), ())
    for each in found:
        value = None if each.value is None else Interval(each.value, None, each.low, each.high, each.n)
        cells = (each.alert, each.score, each.severity, each.status, moment(each.since_ns))
        _row(shown, *cells, *_interval(value, "{:.4g}"), f"{each.n:,}")
    return shown


def _groups(title: str, groups: "Sequence[Group]") -> Table:
    shown = table((title, "score", "version"), _FIGURES, ())
    for each in groups:
        _row(shown, each.key or "-", each.score, each.version, *_cells(each.figures))
    return shown


def _failing(found: "Sequence[FailingInput]") -> Table:
    shown = table(("fails most", "scores"), ("judged", "spans"), ("traces",))
    for each in found:
        traces = " ".join(trace_id[:SHORT_ID] for trace_id in each.trace_ids)
        _row(shown, (each.input or "-")[:80], ", ".join(each.scores), str(each.n), f"{each.spans:,.0f}", traces)
    return shown


def _row(shown: Table, *cells: str) -> None:
    shown.add_row(*(Text(one_line(each)) for each in cells))


def _cells(figures: "Figures") -> tuple[str, ...]:
    return (
        f"{figures.n:,}",
        f"{figures.spans:,.0f}",
        *_interval(figures.pass_rate, "{:.1%}"),
        *_interval(figures.mean, "{:.4g}"),
        str(figures.errors),
    )


def _interval(found: "Interval | None", form: str) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    if found.low is None or found.high is None:
        return form.format(found.mean), "-"
    return form.format(found.mean), f"{form.format(found.low)} – {form.format(found.high)}"
