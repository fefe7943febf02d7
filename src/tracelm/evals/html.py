"""A report as one HTML file: the parts of the web UI's own pages, over data that the file holds.

The build of the UI makes a page with its script and style inside, and a policy that allows these two and nothing else.
Here the data goes in: JSON in an element that no browser runs, without a character that could end the element.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field

from tracelm.errors import ConfigError
from tracelm.evals.documents import encoded
from tracelm.evals.run_models import (
    Comparison,
    Difference,
    RunRow,
    Slices,
    SummaryLine,
    comparison_of,
    difference_of,
    row_of,
    slices_of,
    summary_of,
)
from tracelm.evals.worst import worst_first
from tracelm.json_model import Figure, Model, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracelm.evals.gates import Checks
    from tracelm.evals.measured import Measured
    from tracelm.evals.report import Report
    from tracelm.evals.run import RowResult

TEMPLATE: Final = Path(__file__).parents[1] / "server" / "static" / "report.html"
_PLACE: Final = '<script type="application/json" id="report">'
MOST_ROWS: Final = 1_000
"""So many trials are in a file, the worst ones."""

# What could end the element, and what turns the direction of writing or is not seen by who looks into the file.
_UNSAFE: Final = re.compile("[<>&\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Condition(Model):
    """A condition and what became of it."""

    condition: Text
    answer: str
    figure: Figure
    low: Figure
    high: Figure
    why: Text


class Conditions(Model):
    """All conditions of a gate."""

    answer: str
    results: list[Condition]


class SliceDifferences(Model):
    """What a comparison found in the slices of one column."""

    column: Text
    slices: dict[Text, list[Difference]]


class Document(Model):
    """What the page shows."""

    title: Text
    run_id: str
    facts: list[Text]
    conditions: Conditions | None
    summary: list[SummaryLine]
    slices: list[Slices]
    slice_differences: list[SliceDifferences]
    trials: int
    rows: list[RunRow] = Field(description="The worst first; those are here where there are more.")
    comparison: Comparison | None
    baseline_rows: list[RunRow] = Field(description="What is paired with one of `rows`.")


def html_of(report: "Report") -> str:
    """Return the report as an HTML document.

    Raises:
        ConfigError: The UI was not built.
    """
    try:
        template = TEMPLATE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "an HTML report is made of the web UI, which is not built in this checkout: run `make web` (it needs "
            "Node), or write Markdown (.md)"
        ) from None
    before, place, after = template.partition(_PLACE)
    if not place:
        raise ConfigError(f"{TEMPLATE} is of another version of tracelm: run `make web`")
    return f"{before}{place}{_data(document_of(report))}{after}"


def document_of(report: "Report") -> Document:
    """Return what the page shows of a report."""
    found = report.comparison
    ranked = [each.result for each in worst_first(report.run, found)]
    ranked += [each for each in report.run.results if each.outcome == "not_run"]
    rows = _rows(report.run, ranked[:MOST_ROWS])
    paired: list[RunRow] = []
    if found is not None:
        numbers = {each.row for each in rows}
        others = {other for one, other in found.pairs if one in numbers}
        paired = _rows(found.baseline, [each for each in found.baseline.results if each.row in others])
    return Document(
        title=report.title,
        run_id=report.run.run_id,
        facts=list(report.facts),
        conditions=None if report.checks is None else _conditions(report.checks),
        summary=summary_of(report.run),
        slices=[slices_of(report.run, column) for column in report.slices],
        slice_differences=[
            SliceDifferences(
                column=column,
                slices={name: [difference_of(each) for each in differences] for name, differences in slices.items()},
            )
            for column, slices in report.slice_differences.items()
        ],
        trials=len(report.run.results),
        rows=rows,
        comparison=None if found is None else comparison_of(found),
        baseline_rows=paired,
    )


def _rows(run: "Measured", results: "Sequence[RowResult]") -> list[RunRow]:
    return [row_of(each, inputs=run.columns.get(each.row)) for each in results]


def _conditions(checks: "Checks") -> Conditions:
    return Conditions(answer=checks.answer, results=[Condition.model_validate(each) for each in checks.results])


def _data(document: Document) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded(document.model_dump()).decode())
