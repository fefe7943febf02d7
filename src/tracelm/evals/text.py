"""A report for a terminal of 80 columns.

Names and texts come from models and their users: what would move the cursor or start an escape sequence is written out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tracelm.evals.compare import SMALL_SLICE
from tracelm.evals.summary import Line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from tracelm.evals.difference import Difference
    from tracelm.evals.report import Report

_SHOWN_FAILURES: Final = 5
_STYLES: Final = {
    "better": "green",
    "worse": "red",
    "equivalent": "green",
    "underpowered": "yellow",
    "passed": "green",
    "failed": "red",
}
# What moves the cursor, starts an escape sequence, or turns the direction of writing.
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def text_of(report: "Report") -> "RenderableType":
    """Return the report for rich."""
    from rich.console import Group

    parts: list[RenderableType] = [_plain(report.title, style="bold"), _summary(report.lines)]
    parts += map(_plain, report.facts)
    if report.comparison is not None:
        parts += [_plain(), _differences(report.differences)]
        parts += [_sentence(each.verdict, f"{each.name}: {each.why}") for each in report.differences]
    for column, slices in report.slices.items():
        parts += [_plain(), _slices(column, slices)]
        if column in report.slice_differences:
            parts += [_plain(), _slice_differences(column, report.slice_differences[column])]
    if report.checks is not None:
        parts.append(_plain())
        parts += [_sentence(each.answer, f"{each.condition}: {each.why}") for each in report.checks.results]
    parts += [_plain(f"  {each}") for each in report.failures[:_SHOWN_FAILURES]]
    if len(report.failures) > _SHOWN_FAILURES:
        parts.append(_plain(f"  and {len(report.failures) - _SHOWN_FAILURES} more: see .rows"))
    return Group(*parts)


def number(value: float | None, *, signed: bool = False) -> str:
    """Return a number with four digits that say something, or `-`."""
    return "-" if value is None else f"{value:+.3g}" if signed else f"{value:.4g}"


def shown(line: Line) -> tuple[str, str]:
    """Return a score's mean and its interval as text."""
    found = line.interval
    if found is None:
        return ("labels" if line.scored else "-"), "-"
    if found.low is None or found.high is None:
        return number(found.mean), "-"
    return number(found.mean), f"{found.low:.4g} to {found.high:.4g}"


def _table(first: str, *names: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(first, overflow="fold")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _summary(lines: Sequence[Line]) -> "Table":
    table = _table("score", "mean", "95% interval", "scored", "errors", "n")
    for line in lines:
        mean, interval = shown(line)
        cells = (line.name, mean, interval, str(line.scored), str(line.errors), str(line.n))
        table.add_row(*map(_plain, cells))
    return table


def _differences(found: "Sequence[Difference]") -> "Table":
    table = _table("score", "mean", "baseline", "difference", "95% interval", "p", "pairs")
    for each in found:
        interval = "-" if each.low is None or each.high is None else f"{each.low:+.3g} to {each.high:+.3g}"
        p_value = "-" if each.p_adjusted is None else f"{each.p_adjusted:.2g}"
        means = (number(each.mean), number(each.baseline_mean), number(each.difference, signed=True))
        table.add_row(*map(_plain, (each.name, *means, interval, p_value, str(each.n))))
    return table


def _slices(column: str, slices: Mapping[str, Sequence[Line]]) -> "Table":
    table = _table(column, "score", "mean", "95% interval", "scored", "errors", "n")
    for name, lines in slices.items():
        for line in lines:
            small = " (small)" if line.n < SMALL_SLICE else ""
            cells = (f"{name}{small}", line.name, *shown(line), str(line.scored), str(line.errors), str(line.n))
            table.add_row(*map(_plain, cells))
    return table


def _slice_differences(column: str, slices: "Mapping[str, Sequence[Difference]]") -> "Table":
    table = _table(column, "score", "difference", "95% interval", "p", "pairs", "verdict")
    for name, found in slices.items():
        for each in found:
            small = " (small)" if each.n < SMALL_SLICE else ""
            interval = "-" if each.low is None or each.high is None else f"{each.low:+.3g} to {each.high:+.3g}"
            p_value = "-" if each.p_adjusted is None else f"{each.p_adjusted:.2g}"
            cells = (number(each.difference, signed=True), interval, p_value, str(each.n), each.verdict)
            table.add_row(*map(_plain, (f"{name}{small}", each.name, *cells)))
    return table


def _sentence(verdict: str, text: str) -> "Text":
    return _plain(verdict, style=_STYLES.get(verdict, "")).append_text(_plain(f": {text}", style="default"))


def _plain(text: str = "", *, style: str = "") -> "Text":
    from rich.text import Text

    return Text(_CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text), style=style)
