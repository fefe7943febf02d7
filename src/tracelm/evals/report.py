"""What a run or a comparison looks like: as text, and the way to every other form."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from tracelm.errors import ConfigError
from tracelm.evals.measured import Measured, mean_of
from tracelm.evals.statistics import variance_parts
from tracelm.evals.summary import Cell, Line, summarize, summary_lines
from tracelm.evals.worst import worst_first

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tracelm.evals.compare import Comparison
    from tracelm.evals.difference import Difference
    from tracelm.evals.gates import Checks

__all__ = ["Cell", "Line", "Report", "summarize", "summary_lines"]

Form: TypeAlias = Literal["text", "markdown", "html", "json", "junit"]
"""What a report can be written as."""

_WIDTH: Final = 80
_WORST_ROWS: Final = 10
_ENDINGS: Final[Mapping[str, Form]] = {
    ".txt": "text",
    ".md": "markdown",
    ".html": "html",
    ".json": "json",
    ".xml": "junit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row and trial worth looking at.

    Attributes:
        row: Which row, from 0.
        trial: Which repetition, from 0.
        outcome: What became of it.
        inputs: The columns of the row.
        output: What the task returned.
        error: Why there is no score, in words.
        scores: Value and explanation by score.
        trace_id: Its trace.
        difference: By how much it differs from the baseline, where there is one; below 0 is worse.
    """

    row: int
    trial: int
    outcome: str
    inputs: Mapping[str, Any]
    output: object
    error: str | None
    scores: Mapping[str, tuple[object, str | None]]
    trace_id: str | None
    difference: float | None = None


def _nothing() -> "dict[str, Mapping[str, Sequence[Difference]]]":
    return {}


@dataclass(frozen=True, slots=True)
class Report:
    """A summary to look at: `print` gives plain text, `rich.print` a table.

    Attributes:
        title: What was evaluated.
        run: The run.
        lines: One a score.
        facts: Sentences about the whole run.
        failures: What failed, one a row and trial.
        comparison: The run beside its baseline.
        checks: The conditions and what became of them.
        slices: By column, by slice, one line a score.
        worst: The rows that failed or scored worst.
        slice_differences: By column, by slice, what the comparison found; p-values are adjusted over all of a column.
    """

    title: str
    run: Measured
    lines: Sequence[Line]
    facts: Sequence[str]
    failures: Sequence[str]
    comparison: "Comparison | None" = None
    checks: "Checks | None" = None
    slices: Mapping[str, Mapping[str, Sequence[Line]]] = field(default_factory=dict[str, Mapping[str, Sequence[Line]]])
    worst: Sequence[Row] = ()
    slice_differences: "Mapping[str, Mapping[str, Sequence[Difference]]]" = field(default_factory=_nothing)

    @classmethod
    def of(
        cls,
        run: Measured,
        *,
        comparison: "Comparison | None" = None,
        checks: "Checks | None" = None,
        by: Sequence[str] = (),
        facts: Sequence[str] = (),
    ) -> "Report":
        """Make the report of a run.

        Args:
            run: The run.
            comparison: The same run beside its baseline.
            checks: Its conditions.
            by: Columns to show slice by slice.
            facts: Further sentences about it.

        Raises:
            EvaluationError: No row has a column of `by`, or it has too many values.
        """
        failures = [
            f"row {each.row}, trial {each.trial}, {each.outcome}: {each.error}"
            for each in run.results
            if each.outcome not in {"scored", "not_run"}
        ]
        slices = {column: {name: run.only(rows).lines for name, rows in run.slices(column).items()} for column in by}
        told = [*_facts(run), *facts, *([] if comparison is None else _compared_facts(comparison))]
        title = f"{run.name}: {run.task} (run {run.run_id})" if run.task else f"{run.name} (run {run.run_id})"
        apart = {} if comparison is None else {column: comparison.slices(column) for column in by}
        return cls(title, run, run.lines, told, failures, comparison, checks, slices, _worst(run, comparison), apart)

    @property
    def differences(self) -> "Sequence[Difference]":
        """What the comparison found; empty without one."""
        return () if self.comparison is None else self.comparison.differences

    def to_text(self) -> str:
        """Return plain text of at most 80 columns."""
        return str(self)

    def to_markdown(self) -> str:
        """Return Markdown as GitHub shows it."""
        from tracelm.evals.markdown import markdown_of

        return markdown_of(self)

    def to_html(self) -> str:
        """Return one HTML document that needs nothing else: no network, no other file.

        Raises:
            ConfigError: The web UI, of which it is made, was not built in this checkout.
        """
        from tracelm.evals.html import html_of

        return html_of(self)

    def to_json(self) -> str:
        """Return one JSON document: summary, comparison, conditions, slices, worst rows."""
        from tracelm.evals.documents import json_of

        return json_of(self)

    def to_junit(self) -> str:
        """Return JUnit XML: a test case a condition, and one a score without conditions of its own."""
        from tracelm.evals.documents import junit_of

        return junit_of(self)

    def render(self, form: str) -> str:
        """Return the report in one of its forms.

        Args:
            form: `text`, `markdown`, `html`, `json` or `junit`.

        Raises:
            ConfigError: There is no such form.
        """
        match form:
            case "text":
                return self.to_text()
            case "markdown":
                return self.to_markdown()
            case "html":
                return self.to_html()
            case "json":
                return self.to_json()
            case "junit":
                return self.to_junit()
            case _:
                raise ConfigError(f"no report has the form {form!r}: there are {', '.join(get_args(Form))}")

    def save(self, path: str | Path, *, form: str | None = None) -> Path:
        """Write the report into a file.

        Args:
            path: The file.
            form: Its form; left out, the ending says it: `.html`, `.md`, `.json`, `.xml` (JUnit), `.txt`.

        Raises:
            ConfigError: The ending says nothing, or there is no such form.
            OSError: The file cannot be written.
        """
        file = Path(path)
        chosen = form or _ENDINGS.get(file.suffix.lower())
        if chosen is None:
            raise ConfigError(f"{file.name} does not say in which form: end it in {', '.join(_ENDINGS)}")
        file.write_text(self.render(chosen).rstrip("\n") + "\n", encoding="utf-8")
        return file

    def to_step_summary(self) -> bool:
        """Add the report as Markdown to the summary of a GitHub Actions step.

        Returns:
            Whether there was a summary to add to: `GITHUB_STEP_SUMMARY` names its file.

        Raises:
            OSError: The file cannot be written.
        """
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if not path:
            return False
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(self.to_markdown().rstrip("\n") + "\n\n")
        return True

    def __rich__(self) -> "RenderableType":
        from tracelm.evals.text import text_of

        return text_of(self)

    def __str__(self) -> str:
        from rich.console import Console

        text = StringIO()
        Console(file=text, width=_WIDTH, color_system=None, force_terminal=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().rstrip().split("\n"))


def _facts(run: Measured) -> list[str]:
    n = len(run.results)
    counted = Counter(each.outcome for each in run.results)
    trials = "1 trial" if n == 1 else f"{n} trials"
    facts = [f"{trials}: {', '.join(f'{count} {outcome}' for outcome, count in counted.items())}"]
    for line in run.lines:
        if line.bounds is not None:
            low, high = line.bounds
            facts.append(f"{line.name}: {low:.4g} if what failed ({line.errors}) counts as 0, {high:.4g} if as 1")
    facts += _advice(run)
    costs = [each.cost_usd for each in run.results if each.cost_usd is not None]
    if costs:
        facts.append(f"cost of the task: {mean_of(costs) * len(costs):.6f} USD, known for {len(costs)} of {n}")
    return facts


def _advice(run: Measured) -> list[str]:
    """Say of each score whether more rows or more trials would make it surer, where rows were tried several times."""
    facts: list[str] = []
    for line in run.lines:
        if line.interval is None or run.has_clusters:
            continue
        trials = [[value for value in row if value is not None] for row in run.trials(line.name).values()]
        trials = [row for row in trials if row]
        if len(trials) > 1 and any(len(row) > 1 for row in trials):
            facts.append(f"{line.name}: {variance_parts(trials).advice}")
    return facts


def _compared_facts(found: "Comparison") -> list[str]:
    facts = [f"compared with run {found.baseline.run_id} over {len(found.pairs)} paired rows"]
    for rows, where in ((found.only_in_run, "this run"), (found.only_in_baseline, "the baseline")):
        if rows:
            shown = ", ".join(map(str, rows[:8])) + (", …" if len(rows) > 8 else "")
            facts.append(f"not paired: {len(rows)} rows only in {where} ({shown})")
    facts += [f"not compared: {name}, {reason}" for name, reason in found.left_out.items()]
    return facts


def _worst(run: Measured, comparison: "Comparison | None") -> list[Row]:
    chosen = [each for each in worst_first(run, comparison) if each.is_bad][:_WORST_ROWS]
    return [
        Row(
            row=each.row,
            trial=each.trial,
            outcome=each.outcome,
            inputs=run.columns.get(each.row, {}),
            output=each.output,
            error=each.error,
            scores={name: (score.value, score.explanation) for name, score in each.scores.items()},
            trace_id=each.trace_id,
            difference=ranked.difference,
        )
        for ranked in chosen
        for each in [ranked.result]
    ]
