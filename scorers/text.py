"""Scorers that look for given text in an output, or count it."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from tracelm.errors import ConfigError
from tracelm.scorers.values import folded, text_of
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

Match: TypeAlias = Literal["all", "any", "none"]


@dataclass(frozen=True, kw_only=True)
class Contains(Scorer):
    """True when the output contains every given phrase; or any of them, or none.

    Args:
        phrases: What is looked for.
        match: `all` of the phrases must be there, `any` of them, or `none`.
        ignore_case: Whether capitals do not count.

    Raises:
        ConfigError: No phrase, or an empty one, which every output contains.

    Example:
        >>> Contains(phrases=("Paris",)).score(output="It is paris.").value
        True
        >>> Contains(phrases=("guarantee", "promise"), match="none").score(output="I promise.").explanation
        'found: promise'
    """

    phrases: tuple[str, ...]
    match: Match = "all"
    ignore_case: bool = True
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        object.__setattr__(self, "phrases", _phrases("phrases", self.phrases))
        if self.match not in get_args(Match):
            raise ConfigError(f"match={self.match!r} is not known: use 'all', 'any' or 'none'")

    @property
    def window(self) -> int | None:
        """The longest phrase, where none may be there; whether all or any are is only known at the end of a text."""
        if self.match != "none":
            return None
        return max(len(folded(each, ignore_case=self.ignore_case)) for each in self.phrases)

    def score(self, *, output: object) -> Score:
        """Look for the phrases in `output`, or in its `str` when it is something else."""
        text = folded(text_of(output), ignore_case=self.ignore_case)
        found = [each for each in self.phrases if folded(each, ignore_case=self.ignore_case) in text]
        missing = [each for each in self.phrases if each not in found]
        if self.match == "none":
            return Score(value=not found, explanation=f"found: {', '.join(found)}" if found else None)
        passed = not missing if self.match == "all" else bool(found)
        return Score(value=passed, explanation=None if passed else f"missing: {', '.join(missing)}")


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
    gives: ClassVar[str] = "True or False"

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with the row's column `expected`."""
        if isinstance(output, str) and isinstance(expected, str):
            fold = self.ignore_case
            same = folded(output.strip(), ignore_case=fold) == folded(expected.strip(), ignore_case=fold)
        else:
            same = bool(output == expected)
        return Score(value=same, explanation=None if same else "the output differs from what was expected")


@dataclass(frozen=True, kw_only=True)
class StartsWith(Scorer):
    """True when the output begins with one of the given texts, after blanks.

    Args:
        texts: The beginnings that will do.
        ignore_case: Whether capitals do not count.

    Raises:
        ConfigError: No text, or an empty one.

    Example:
        >>> StartsWith(texts=("Dear",)).score(output="Hello Ana").value
        False
    """

    texts: tuple[str, ...]
    ignore_case: bool = True
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _phrases("texts", self.texts))

    def score(self, *, output: object) -> Score:
        """Look at the beginning of `output`."""
        text = folded(text_of(output).lstrip(), ignore_case=self.ignore_case)
        same = text.startswith(tuple(folded(each, ignore_case=self.ignore_case) for each in self.texts))
        return Score(value=same, explanation=None if same else f"does not begin with {' or '.join(self.texts)}")


@dataclass(frozen=True, kw_only=True)
class EndsWith(Scorer):
    """True when the output ends with one of the given texts, before blanks.

    Args:
        texts: The ends that will do.
        ignore_case: Whether capitals do not count.

    Raises:
        ConfigError: No text, or an empty one.

    Example:
        >>> EndsWith(texts=(".", "!", "?")).score(output="It ended in the middle of").value
        False
    """

    texts: tuple[str, ...]
    ignore_case: bool = True
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _phrases("texts", self.texts))

    def score(self, *, output: object) -> Score:
        """Look at the end of `output`."""
        text = folded(text_of(output).rstrip(), ignore_case=self.ignore_case)
        same = text.endswith(tuple(folded(each, ignore_case=self.ignore_case) for each in self.texts))
        return Score(value=same, explanation=None if same else f"does not end with {' or '.join(self.texts)}")


@dataclass(frozen=True, kw_only=True)
class Length(Scorer):
    """How many characters the output has, and whether that is within bounds.

    Args:
        at_least: The fewest characters that pass.
        at_most: The most characters that pass; no limit unless given.

    Raises:
        ConfigError: Bounds that nothing can meet.

    Example:
        >>> score = Length(at_most=5).score(output="too long")
        >>> score.value, score.passed, score.explanation
        (8.0, False, '8 characters, at most 5 are wanted')
    """

    at_least: int = 0
    at_most: int | None = None
    gives: ClassVar[str] = "a count, with a verdict"

    def __post_init__(self) -> None:
        _check_bounds(self.at_least, self.at_most)

    def score(self, *, output: object) -> Score:
        """Count the characters (code points) of `output`, or of its `str`."""
        return _counted(len(text_of(output)), "characters", self.at_least, self.at_most)


@dataclass(frozen=True, kw_only=True)
class WordCount(Scorer):
    """How many words the output has, and whether that is within bounds.

    A word is what stands between blanks. Writing without blanks, such as Chinese, Japanese or Thai, is not cut
    into words: use `Length` there.

    Args:
        at_least: The fewest words that pass.
        at_most: The most words that pass; no limit unless given.

    Raises:
        ConfigError: Bounds that nothing can meet.

    Example:
        >>> WordCount(at_least=3).score(output="Not enough").passed
        False
    """

    at_least: int = 0
    at_most: int | None = None
    gives: ClassVar[str] = "a count, with a verdict"

    def __post_init__(self) -> None:
        _check_bounds(self.at_least, self.at_most)

    def score(self, *, output: object) -> Score:
        """Count the words of `output`, or of its `str`."""
        return _counted(len(text_of(output).split()), "words", self.at_least, self.at_most)


def _phrases(argument: str, given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        raise ConfigError(f"{argument}={given!r} is one str: write {argument}=({given!r},)")
    phrases = tuple(given)
    if not phrases or not all(isinstance(each, str) and each for each in phrases):
        raise ConfigError(f"{argument}={phrases!r} says nothing: give at least one text, and none that is empty")
    return phrases


def _check_bounds(at_least: object, at_most: object) -> None:
    for argument, given in (("at_least", at_least), ("at_most", 0 if at_most is None else at_most)):
        if isinstance(given, bool) or not isinstance(given, int) or given < 0:
            raise ConfigError(f"{argument}={given!r} cannot work: give a whole number, not below 0")
    if isinstance(at_least, int) and isinstance(at_most, int) and at_most < at_least:
        raise ConfigError(f"at_most={at_most} is below at_least={at_least}: nothing could pass")
    if at_least == 0 and at_most is None:
        raise ConfigError("at_least and at_most are both unset: every output would pass")


def _counted(count: int, what: str, at_least: int, at_most: int | None) -> Score:
    why = None
    if count < at_least:
        why = f"{count:,} {what}, at least {at_least:,} are wanted"
    elif at_most is not None and count > at_most:
        why = f"{count:,} {what}, at most {at_most:,} are wanted"
    return Score(value=count, passed=why is None, explanation=why)
