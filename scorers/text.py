"""Scorers that compare the text of an output."""

from dataclasses import dataclass

from tracelm.errors import ConfigError
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer


@dataclass(frozen=True, kw_only=True)
class Contains(Scorer):
    """True when the output contains every given phrase.

    Args:
        phrases: What must stand in the output.
        ignore_case: Whether capitals do not count.

    Raises:
        ConfigError: No phrase, or an empty one, which every output contains.

    Example:
        >>> Contains(phrases=("Paris",)).score(output="It is paris.").value
        True
    """

    phrases: tuple[str, ...]
    ignore_case: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.phrases, str):
            raise ConfigError(f"phrases={self.phrases!r} is one str: write phrases=({self.phrases!r},)")
        object.__setattr__(self, "phrases", tuple(self.phrases))
        if not self.phrases or not all(self.phrases):
            raise ConfigError(f"phrases={self.phrases!r} says nothing: give at least one, and none that is empty")

    def score(self, *, output: object) -> Score:
        """Look for the phrases in `output`, or in its `str` when it is something else."""
        text = _folded(str(output), ignore_case=self.ignore_case)
        missing = [each for each in self.phrases if _folded(each, ignore_case=self.ignore_case) not in text]
        return Score(value=not missing, explanation=f"missing: {', '.join(missing)}" if missing else None)


@dataclass(frozen=True, kw_only=True)
class ExactMatch(Scorer):
    """True when the output is what the row expected.

    Two strs are compared without the blanks around them; anything else by `==`.

    Args:
        ignore_case: Whether capitals do not count.

    Example:
        >>> ExactMatch().score(output="42 ", expected="42").value
        True
        >>> ExactMatch().score(output={"answer": 42}, expected={"answer": 41}).value
        False
    """

    ignore_case: bool = False

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with the row's column `expected`."""
        if isinstance(output, str) and isinstance(expected, str):
            fold = self.ignore_case
            same = _folded(output.strip(), ignore_case=fold) == _folded(expected.strip(), ignore_case=fold)
        else:
            same = bool(output == expected)
        return Score(value=same, explanation=None if same else "the output differs from what was expected")


def _folded(text: str, *, ignore_case: bool) -> str:
    return text.casefold() if ignore_case else text
