"""A report as Markdown, as GitHub shows it."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tracelm.evals.compare import SMALL_SLICE
from tracelm.evals.text import number, shown

if TYPE_CHECKING:
    from tracelm.evals.difference import Difference
    from tracelm.evals.report import Report, Row

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~!@])")
_HEAD: Final = ("score", "mean", "baseline", "difference", "95% interval", "p (Holm)", "pairs", "verdict")
_ROWS: Final = 5
_LONGEST: Final = 300
_MARKS: Final = {"passed": "✅", "failed": "❌", "underpowered": "⚠️", "better": "✅", "worse": "❌", "equivalent": "✅"}


def markdown_of(report: "Report") -> str:
    """Return the report as Markdown. Texts of models are escaped: they are shown, and do nothing."""
    parts = [f"## {_plain(report.title)}", ""]
    if report.checks is not None:
        answer = report.checks.answer
        parts += [f"**{_MARKS[answer]} {answer}**", ""]
        checked = [(_marked(each.answer), _plain(each.condition), _plain(each.why)) for each in report.checks.results]
        parts += [*_table(("", "condition", "why"), checked), ""]
    lines = [
        (_plain(each.name), *shown(each), str(each.scored), str(each.errors), str(each.n)) for each in report.lines
    ]
    parts += [*_table(("score", "mean", "95% interval", "scored", "errors", "n"), lines), ""]
    parts += [*(f"- {_plain(fact)}" for fact in report.facts), ""]
    if report.comparison is not None:
        parts += ["### Against the baseline", "", *_differences(report), ""]
    for column, slices in report.slices.items():
        rows = [
            (
                _plain(name) + (" (small)" if line.n < SMALL_SLICE else ""),
                *(_plain(line.name), *shown(line), str(line.scored), str(line.errors), str(line.n)),
            )
            for name, found in slices.items()
            for line in found
        ]
        head = (_plain(column), "score", "mean", "95% interval", "scored", "errors", "n")
        parts += [f"### By {_plain(column)}", "", *_table(head, rows), ""]
        if column in report.slice_differences:
            apart = [
                (_plain(name) + (" (small)" if each.n < SMALL_SLICE else ""), *_difference(each))
                for name, found in report.slice_differences[column].items()
                for each in found
            ]
            parts += [*_table((_plain(column), *_HEAD), apart), ""]
    if report.worst:
        worst = [_row(each) for each in report.worst[:_ROWS]]
        parts += ["### Worst rows", "", *_table(("row", "outcome", "input", "output", "scores"), worst), ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def _differences(report: "Report") -> list[str]:
    sentences = [f"- {_plain(each.name)}: {_plain(each.why)}" for each in report.differences]
    return [*_table(_HEAD, [_difference(each) for each in report.differences]), "", *sentences]


def _difference(each: "Difference") -> tuple[str, ...]:
    interval = "-" if each.low is None or each.high is None else f"{each.low:+.3g} to {each.high:+.3g}"
    p_value = "-" if each.p_adjusted is None else f"{each.p_adjusted:.2g}"
    means = (number(each.mean), number(each.baseline_mean), number(each.difference, signed=True))
    return (_plain(each.name), *means, interval, p_value, str(each.n), _marked(each.verdict))


def _row(row: "Row") -> tuple[str, ...]:
    scores = ", ".join(f"{name} {value}" for name, (value, _) in row.scores.items())
    output = row.error if row.output is None and row.error else row.output
    texts = (str(dict(row.inputs)) if row.inputs else "", output, scores)
    return (f"{row.row}.{row.trial}", _plain(row.outcome), *(_plain(_short(each)) for each in texts))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(each)} |" for each in (head, ["---"] * len(head), *rows)]


def _marked(word: str) -> str:
    mark = _MARKS.get(word)
    return f"{mark} {word}" if mark else word


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
