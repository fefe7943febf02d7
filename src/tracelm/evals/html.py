"""A report as one HTML file that needs nothing else: no network, no script, no other file.

Every text is escaped, and the page forbids itself to load or run anything, should an escape ever be forgotten.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from tracelm.evals import plots
from tracelm.evals.compare import SMALL_SLICE
from tracelm.evals.statistics import Interval
from tracelm.evals.text import number, shown

if TYPE_CHECKING:
    from tracelm.evals.compare import Comparison
    from tracelm.evals.difference import Difference
    from tracelm.evals.gates import Checks
    from tracelm.evals.report import Report, Row
    from tracelm.evals.summary import Line

_LONGEST: Final = 4000
_HEAD: Final = ("score", "mean", "baseline", "difference", "95% interval", "", "p (Holm)", "pairs", "verdict")
# Control characters, what turns the direction of writing, and halves of surrogate pairs, which UTF-8 cannot hold.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2024;--dim:#60646c;--line:#d9d9e0;--page:#fff;--box:#f7f7f9;--mark:#0b68cb;
--base:#8b8d98;--good:#18794e;--bad:#ce2c31;--open:#8a5a00;--band:#e6e8ec}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--dim:#b0b4ba;--line:#363a3f;--page:#111113;--box:#19191b;
--mark:#70b8ff;--base:#797b86;--good:#3dd68c;--bad:#ff9592;--open:#ffca16;--band:#272a2d}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:70rem;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0 0 .75rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2.25rem 0 .5rem}
h3{font-size:.95rem;margin:1.25rem 0 .25rem}
p,li{max-width:60rem}ul{padding-left:1.2rem;margin:.5rem 0}.dim{color:var(--dim)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .75rem .35rem 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--dim);font-weight:600;font-size:.85rem}th:first-child,td:first-child,.left{text-align:left}
td.wrap{white-space:normal;text-align:left;min-width:18rem}
.tag{display:inline-block;padding:0 .5rem;border:1px solid currentColor;border-radius:1rem;font-size:.85rem}
.passed,.better,.equivalent{color:var(--good)}.failed,.worse{color:var(--bad)}
.underpowered,.no-evidence{color:var(--open)}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--dim);font:11px system-ui,sans-serif}
svg .axis{stroke:var(--line)}svg .zero{stroke:var(--dim);stroke-dasharray:2 2}svg .band{fill:var(--band)}
svg .mark{stroke:var(--mark);fill:var(--mark)}svg .base{stroke:var(--base);fill:var(--base)}
svg .good{stroke:var(--good);fill:var(--good)}svg .bad{stroke:var(--bad);fill:var(--bad)}
svg .open{stroke:var(--open);fill:var(--open)}
svg line{stroke-width:1.5}
details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;background:var(--box)}
summary{padding:.5rem .75rem;cursor:pointer;overflow-wrap:anywhere}
details>div{padding:0 .75rem .75rem}
pre{margin:.25rem 0 .75rem;padding:.6rem;background:var(--page);border:1px solid var(--line);border-radius:.35rem;
white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.45 ui-monospace,monospace}
dt{color:var(--dim);font-size:.85rem}dd{margin:0}
"""


def html_of(report: "Report") -> str:
    """Return the report as an HTML document."""
    sections = [f"<h1>{_text(report.title)}</h1>"]
    if report.checks is not None:
        sections.append(_checks(report.checks))
    sections.append(_summary(report))
    sections.append(f"<ul>{''.join(f'<li>{_text(fact)}</li>' for fact in report.facts)}</ul>")
    if report.comparison is not None:
        sections.append(_comparison(report.comparison))
    for column, slices in report.slices.items():
        sections.append(_slices(column, slices))
        if column in report.slice_differences:
            sections.append(_slice_differences(column, report.slice_differences[column]))
    if report.worst:
        sections.append(_worst(report.worst))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(report.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def _checks(checks: "Checks") -> str:
    rows = [
        (_tag(each.answer), _text(each.condition), f'<td class="wrap">{_text(each.why)}</td>')
        for each in checks.results
    ]
    return f"<h2>Conditions: {_tag(checks.answer)}</h2>" + _table(("", "condition", "why"), rows, left=3)


def _summary(report: "Report") -> str:
    rows = [
        (
            _text(line.name),
            *map(_text, shown(line)),
            "" if line.interval is None else plots.interval_plot(line.interval, other=_baseline(report, line)),
            *map(str, (line.scored, line.errors, line.n)),
        )
        for line in report.lines
    ]
    below = '<p class="dim">The upper mark is this run, the lower one the baseline.</p>' if report.comparison else ""
    head = ("score", "mean", "95% interval", "", "scored", "errors", "n")
    return "<h2>Summary</h2>" + _table(head, rows) + below


def _baseline(report: "Report", line: "Line") -> Interval | None:
    if report.comparison is None:
        return None
    found = [each.interval for each in report.comparison.baseline.lines if each.name == line.name]
    return found[0] if found else None


def _comparison(found: "Comparison") -> str:
    parts = ["<h2>Against the baseline</h2>"]
    span = _span(found.differences)
    parts.append(_table(_HEAD, [_difference(each, span=span) for each in found.differences]))
    told = "".join(f"<li><strong>{_text(each.name)}</strong>: {_text(each.why)}</li>" for each in found.differences)
    parts.append(f"<ul>{told}</ul>")
    parts.append("<h2>Row by row</h2>")
    for each in found.differences:
        apart = [difference for _, difference in found.row_differences(each.name)]
        if apart:
            counts = f"{each.better} better, {each.worse} worse, {each.same} the same"
            parts.append(f'<h3>{_text(each.name)} <span class="dim">{counts}</span></h3>')
            parts.append(plots.histogram(apart, lower_is_better=each.lower_is_better))
    return "\n".join(parts)


def _slice_differences(column: str, slices: "Mapping[str, Sequence[Difference]]") -> str:
    span = _span([each for found in slices.values() for each in found])
    rows = [
        (
            _text(name) + (' <span class="dim">(small)</span>' if each.n < SMALL_SLICE else ""),
            *_difference(each, span=span),
        )
        for name, found in slices.items()
        for each in found
    ]
    return f"<h3>By {_text(column)}, against the baseline</h3>" + _table((column, *_HEAD), rows, left=2)


def _span(found: "Sequence[Difference]") -> float | None:
    """Return how far a common axis reaches; `None` where the scores are of different size."""
    longest = max((abs(end) for each in found for end in (each.low, each.high) if end is not None), default=1.0)
    return longest if longest <= 1 else None


def _difference(each: "Difference", *, span: float | None) -> tuple[str, ...]:
    if each.difference is None or each.low is None or each.high is None:
        interval, plot = "-", ""
    else:
        interval = f"{each.low:+.3g} to {each.high:+.3g}"
        # Scores of different size have an axis each; scores between 0 and 1 share one.
        reach = span or max(abs(each.low), abs(each.high))
        plot = plots.difference_plot(
            each.difference, each.low, each.high, span=reach, margin=each.margin, verdict=each.verdict
        )
    return (
        _text(each.name),
        number(each.mean),
        number(each.baseline_mean),
        number(each.difference, signed=True),
        interval,
        plot,
        "-" if each.p_adjusted is None else f"{each.p_adjusted:.2g}",
        str(each.n),
        _tag(each.verdict),
    )


def _slices(column: str, slices: "Mapping[str, Sequence[Line]]") -> str:
    rows = [
        (
            _text(name) + (' <span class="dim">(small)</span>' if line.n < SMALL_SLICE else ""),
            _text(line.name),
            *map(_text, shown(line)),
            "" if line.interval is None else plots.interval_plot(line.interval),
            *map(str, (line.scored, line.errors, line.n)),
        )
        for name, lines in slices.items()
        for line in lines
    ]
    head = (column, "score", "mean", "95% interval", "", "scored", "errors", "n")
    return f"<h2>By {_text(column)}</h2>" + _table(head, rows, left=2)


def _worst(rows: "Sequence[Row]") -> str:
    return "<h2>Worst rows</h2>" + "".join(map(_row, rows))


def _row(row: "Row") -> str:
    scores = ", ".join(f"{name} {value}" for name, (value, _) in row.scores.items())
    head = f"row {row.row}, trial {row.trial}: {row.outcome}" + (f"; {scores}" if scores else "")
    if row.error and row.outcome != "scored":
        head += f"; {row.error[:160]}"
    if row.difference:
        head += f"; {row.difference:+.3g} against the baseline"
    pairs = [*row.inputs.items(), ("output", row.output)]
    if row.error:
        pairs.append(("error", row.error))
    pairs += [(f"{name}: why", why) for name, (_, why) in row.scores.items() if why]
    if row.trace_id:
        pairs.append(("trace", row.trace_id))
    shown_pairs = "".join(f"<dt>{_text(name)}</dt><dd><pre>{_text(_whole(value))}</pre></dd>" for name, value in pairs)
    return f"<details><summary>{_text(head)}</summary><div><dl>{shown_pairs}</dl></div></details>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a table; a cell that begins with `<td` brings its own tag. Cells are HTML, heads are text."""
    parts = ['<div class="scroll"><table><thead><tr>']
    parts += [f'<th scope="col"{_left(index, left)}>{_text(each)}</th>' for index, each in enumerate(head)]
    parts.append("</tr></thead><tbody>")
    for row in rows:
        cells = [
            each if each.startswith("<td") else f"<td{_left(index, left)}>{each}</td>" for index, each in enumerate(row)
        ]
        parts.append(f"<tr>{''.join(cells)}</tr>")
    return "".join((*parts, "</tbody></table></div>"))


def _left(index: int, left: int) -> str:
    return ' class="left"' if index < left else ""


def _tag(word: str) -> str:
    return f'<span class="tag {word.replace(" ", "-")}">{_text(word)}</span>'


def _whole(value: object) -> str:
    if isinstance(value, str):
        text = value
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, indent=1, default=repr)
        except (TypeError, ValueError):
            text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _text(text: object) -> str:
    return escape(_CONTROL.sub("\ufffd", str(text)))
