"""What a run gave, as JSON: the API answers with it, and the HTML report holds it, so that both are shown alike."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import Field

from tracelm.evals.documents import encoded
from tracelm.evals.measured import Measured
from tracelm.json_model import Figure, Model, Text, plain

if TYPE_CHECKING:
    from tracelm.evals import compare, difference
    from tracelm.evals.run import RowResult
    from tracelm.evals.summary import Line

MOST_PAIRS: Final = 10_000
_PREVIEW: Final = 4_000
_BINS: Final = 12


class Bin(Model):
    """How many values of a score lie between two numbers; where few different values occur, each has its own."""

    low: float
    high: float = Field(description="Where it equals `low`, the value itself; else the values are below it.")
    n: int


class SummaryLine(Model):
    """One score of a run: its mean with a 95 % interval."""

    score: Text
    n: int
    scored: int
    errors: int
    mean: Figure
    se: Figure
    low: Figure
    high: Figure
    lower_is_better: bool
    bins: list[Bin] = Field(description="How its values are spread; empty for labels.")


class Slice(Model):
    """The rows of a run that have the same value in one column."""

    name: Text = Field(description="The value, as text.")
    rows: int
    summary: list[SummaryLine]


class Slices(Model):
    """A run by what stands in one column."""

    column: Text
    slices: list[Slice] = Field(description="Most rows first.")


class RowScore(Model):
    """The verdict of one scorer on one trial."""

    value: bool | Figure | Text
    passed: bool | None
    explanation: Text | None


class RunRow(Model):
    """What one trial of one row gave."""

    row: int
    trial: int
    row_digest: str | None
    outcome: str
    error: Text | None
    inputs: Any = Field(description="The row, as far as it was recorded; cut text where it is long.")
    output: Any = Field(description="What the task returned, as far as it was recorded; cut text where it is long.")
    latency_s: Figure
    cost_usd: Figure
    trace_id: str | None
    scores: dict[Text, RowScore]


class Difference(Model):
    """What a comparison found about one score, as `tracelm.evals` has it."""

    name: Text
    n: int
    unscored: int
    mean: Figure
    baseline_mean: Figure
    difference: Figure
    se: Figure
    low: Figure
    high: Figure
    p_value: Figure
    p_adjusted: Figure
    effect_size: Figure
    detectable: Figure
    difference_if_failed: Figure
    not_worse: bool | None
    margin: Figure
    better: int
    worse: int
    same: int
    lower_is_better: bool
    verdict: str
    why: Text


class Pair(Model):
    """One row that both runs have; the values are means over its trials."""

    row: int
    baseline_row: int
    values: dict[Text, Figure]
    baseline_values: dict[Text, Figure]


class Comparison(Model):
    """A run beside its baseline, over the rows that both have."""

    run_id: str
    baseline_run_id: str
    differences: list[Difference]
    pairs: list[Pair] = Field(description="At most 10,000.")
    only_in_run: list[int]
    only_in_baseline: list[int]
    left_out: dict[Text, Text] = Field(description="Scores that are not compared, with the reason.")


def summary_of(run: Measured) -> list[SummaryLine]:
    """Return the summary of a run, one line a score."""
    return [_summary_line(run, line) for line in run.lines]


def slices_of(run: Measured, column: str) -> Slices:
    """Return the summary of each slice of a run.

    Raises:
        EvaluationError: No row has the column, or it has too many values.
    """
    found = run.slices(column).items()
    return Slices(
        column=column,
        slices=[Slice(name=name, rows=len(rows), summary=summary_of(run.only(rows))) for name, rows in found],
    )


def row_of(result: "RowResult", *, inputs: object) -> RunRow:
    """Return what a trial gave, with the row that it is of; values that JSON holds, long ones cut."""
    return RunRow(
        row=result.row,
        trial=result.trial,
        row_digest=result.row_digest,
        outcome=result.outcome,
        error=result.error,
        inputs=_short(inputs),
        output=_short(result.output),
        latency_s=result.latency_s,
        cost_usd=result.cost_usd,
        trace_id=result.trace_id,
        scores={
            name: RowScore(value=score.value, passed=score.passed, explanation=score.explanation)
            for name, score in result.scores.items()
        },
    )


def difference_of(found: "difference.Difference") -> Difference:
    """Return what a comparison found about one score."""
    known = Difference.model_fields
    return Difference(**{name: value for name, value in asdict(found).items() if name in known})


def comparison_of(found: "compare.Comparison") -> Comparison:
    """Return two runs beside each other, with the values of each row that both have."""
    names = [each.name for each in found.differences]
    rows, baseline_rows = _by_row(found.run), _by_row(found.baseline)
    return Comparison(
        run_id=found.run.run_id,
        baseline_run_id=found.baseline.run_id,
        differences=[difference_of(each) for each in found.differences],
        pairs=[
            Pair(
                row=row,
                baseline_row=other,
                values=_means(found.run, rows[row], names),
                baseline_values=_means(found.baseline, baseline_rows[other], names),
            )
            for row, other in found.pairs[:MOST_PAIRS]
        ],
        only_in_run=list(found.only_in_run),
        only_in_baseline=list(found.only_in_baseline),
        left_out=dict(found.left_out),
    )


def _summary_line(run: Measured, line: "Line") -> SummaryLine:
    values = [value for each in run.results if (value := run.value(each, line.name)) is not None]
    return SummaryLine(
        score=line.name,
        n=line.n,
        scored=line.scored,
        errors=line.errors,
        lower_is_better=run.less_is_better(line.name),
        bins=[] if line.interval is None else bins_of(values),
        **{name: getattr(line.interval, name, None) for name in ("mean", "se", "low", "high")},
    )


def bins_of(values: Sequence[float]) -> list[Bin]:
    """Return how numbers are spread: over their different values while these are few, else over bins of equal width."""
    known = [value for value in values if math.isfinite(value)]
    distinct = sorted(set(known))
    if len(distinct) <= _BINS:
        return [Bin(low=value, high=value, n=known.count(value)) for value in distinct]
    low, high = distinct[0], distinct[-1]
    counts = [0] * _BINS
    for value in known:
        share = (value / 2 - low / 2) / (high / 2 - low / 2)  # of halves: the whole can be more than a float holds
        counts[min(_BINS - 1, int(share * _BINS))] += 1
    edges = [low + share * high - share * low for share in (n / _BINS for n in range(_BINS))]
    return [Bin(low=edge, high=end, n=n) for edge, end, n in zip(edges, [*edges[1:], high], counts, strict=True)]


def _short(value: Any) -> Any:
    """Return a value for a table: as JSON holds it while it is small, else the beginning of that."""
    data = encoded(plain(value))
    held = orjson.loads(data)
    text = held if isinstance(held, str) else data.decode()
    return held if len(text) <= _PREVIEW else f"{text[:_PREVIEW]}…"


def _by_row(run: Measured) -> "Mapping[int, Sequence[RowResult]]":
    found: dict[int, list[RowResult]] = defaultdict(list)
    for each in run.results:
        found[each.row].append(each)
    return found


def _means(run: Measured, of_row: "Sequence[RowResult]", names: Sequence[str]) -> dict[str, float | None]:
    """Return the mean over the trials of a row, by score."""
    found: dict[str, float | None] = {}
    for name in names:
        values = [value for each in of_row if (value := run.value(each, name)) is not None]
        found[name] = sum(values) / len(values) if values else None
    return found
