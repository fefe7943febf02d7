"""A scorer for tasks that give a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from tracelm.errors import ConfigError
from tracelm.scorers.values import folded, refused, shown, text_of
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer


@dataclass(frozen=True, kw_only=True)
class LabelMatch(Scorer):
    """True when the output is the expected label. The mean over the rows is the accuracy.

    Blanks around a label and the quotation marks and dot that models put there do not count. An output that is none
    of the labels is wrong, and the explanation says so: it is neither dropped nor taken for the nearest label.
    `details` has the label that was `found` (`None` for an output that is no label) and the `expected` one: the
    two columns of a confusion matrix.

    Args:
        labels: The labels that there are.
        ignore_case: Whether capitals do not count.

    Raises:
        ConfigError: Fewer than two labels, or two that are the same.

    Example:
        >>> spam = LabelMatch(labels=("spam", "ham"))
        >>> spam.score(output="Spam.", expected="spam").value
        True
        >>> spam.score(output="probably spam", expected="spam").explanation
        'the output "probably spam" is none of: spam, ham'
    """

    labels: tuple[str, ...]
    ignore_case: bool = True
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        if isinstance(self.labels, str):
            raise ConfigError(f"labels={self.labels!r} is one str: give a tuple of labels")
        labels = tuple(cast("Sequence[Any]", self.labels))
        object.__setattr__(self, "labels", labels)
        if not all(isinstance(each, str) and each.strip() for each in labels):
            raise ConfigError(f"labels={labels!r}: each is a text that is not empty")
        if len({folded(_bare(each), ignore_case=self.ignore_case) for each in labels}) < max(2, len(labels)):
            raise ConfigError(f"labels={labels!r} cannot work: give two or more that differ")

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`, a label."""
        known = {folded(_bare(each), ignore_case=self.ignore_case): each for each in self.labels}
        wanted = known.get(folded(_bare(text_of(expected)), ignore_case=self.ignore_case))
        if wanted is None:
            return refused(f"the row expects {shown(expected)}, which is none of: {', '.join(self.labels)}")
        found = known.get(folded(_bare(text_of(output)), ignore_case=self.ignore_case))
        why = None
        if found is None:
            why = f"the output {shown(output)} is none of: {', '.join(self.labels)}"
        elif found != wanted:
            why = f"{found} instead of {wanted}"
        return Score(value=found == wanted, explanation=why, details={"found": found, "expected": wanted})


def _bare(text: str) -> str:
    return text.strip().strip("\"'`*").removesuffix(".").strip().strip("\"'`*")
