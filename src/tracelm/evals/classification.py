"""How well a task tells labels apart, over a whole run: precision, recall, F1, and what is taken for what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tracelm.errors import EvaluationError
from tracelm.evals.statistics import Interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd

    from tracelm.evals.run import RowResult

NO_LABEL: Final = "(no label)"
"""What stands for an output that is none of the labels."""


@dataclass(frozen=True, slots=True)
class Classification:
    """Figures of a run over labels.

    Attributes:
        table: One line a label that rows expect or that was found: `precision`, `recall`, `f1`, `expected` and
            `found` (counts). What has no denominator is missing: the precision of a label that was never found.
        confusion: How often the label of the line was expected and that of the column found; `(no label)` stands for
            outputs that are none.
        accuracy: Share of the rows whose label was found, with Wilson's interval; with several trials a row, the
            cluster-robust one.
        macro_f1: Mean of F1 over the labels that rows expect, each counting the same; one never found right counts 0.
        weighted_f1: The same, each counting as often as it is expected.
        micro_f1: F1 of all rows together: below the accuracy where outputs are no label, above it never.
        unscored: Rows and trials without a score, which are in none of the figures.
    """

    table: "pd.DataFrame"
    confusion: "pd.DataFrame"
    accuracy: Interval
    macro_f1: float
    weighted_f1: float
    micro_f1: float
    unscored: int


def classification(results: Sequence["RowResult"], score: str) -> Classification:
    """Return the figures of a score that `LabelMatch` gave, or one that tells `expected` and `found` in its details.

    Args:
        results: Of a run.
        score: The score's name.

    Raises:
        EvaluationError: The run has no such score, or that one does not tell labels.
    """
    pairs: list[tuple[str, str]] = []
    rows: list[int] = []
    for each in results:
        given = each.scores.get(score)
        if given is not None and (pair := _pair(given.details)) is not None:
            pairs.append(pair)
            rows.append(each.row)
    if not pairs:
        known = sorted({name for each in results for name in each.scores})
        raise EvaluationError(
            f"score {score!r} tells no labels in this run, which has {', '.join(known) or 'no scores'}: name the score "
            "of a scorer such as LabelMatch, whose details have 'expected' and 'found'"
        )
    return _figures(pairs, rows, unscored=len(results) - len(pairs))


def _pair(details: Mapping[str, object]) -> tuple[str, str] | None:
    expected, found = details.get("expected"), details.get("found")
    if not isinstance(expected, str) or "found" not in details:
        return None
    return expected, found if isinstance(found, str) else NO_LABEL


def _figures(pairs: Sequence[tuple[str, str]], rows: Sequence[int], *, unscored: int) -> Classification:
    import pandas as pd

    labels = sorted({expected for expected, _ in pairs} | {found for _, found in pairs} - {NO_LABEL})
    columns = labels + ([NO_LABEL] if any(found == NO_LABEL for _, found in pairs) else [])
    counts = Counter(pairs)
    confusion = pd.DataFrame(
        [[counts[label, found] for found in columns] for label in labels],
        index=pd.Index(labels, name="expected"),
        columns=pd.Index(columns, name="found"),
    )
    right = [expected == found for expected, found in pairs]
    lines = {label: _line(pairs, label) for label in labels}
    wanted = {label: line for label, line in lines.items() if line["expected"]}
    f1 = {label: line["f1"] or 0.0 for label, line in wanted.items()}
    named = sum(found != NO_LABEL for _, found in pairs)
    return Classification(
        table=pd.DataFrame.from_dict(lines, orient="index").astype(
            {"precision": "Float64", "recall": "Float64", "f1": "Float64", "expected": "int64", "found": "int64"}
        ),
        confusion=confusion,
        accuracy=mean_interval(right, cluster=rows if len(set(rows)) < len(rows) else None),
        macro_f1=sum(f1.values()) / len(f1),
        weighted_f1=sum(f1[label] * (line["expected"] or 0) for label, line in wanted.items()) / len(pairs),
        micro_f1=2 * sum(right) / (len(pairs) + named),
        unscored=unscored,
    )


def _line(pairs: Sequence[tuple[str, str]], label: str) -> dict[str, float | None]:
    """Return precision, recall and F1 of one label; F1 is their harmonic mean, 2TP / (2TP + FP + FN)."""
    expected = sum(each == label for each, _ in pairs)
    found = sum(each == label for _, each in pairs)
    both = sum(pair == (label, label) for pair in pairs)
    return {
        "precision": both / found if found else None,
        "recall": both / expected if expected else None,
        "f1": 2 * both / (expected + found),
        "expected": expected,
        "found": found,
    }
