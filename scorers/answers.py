"""Scorers that find the answer in a longer text: a number, or the letter of a choice."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast, get_args

from tracelm.errors import ConfigError
from tracelm.scorers.values import refused, shown, text_of
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

Which: TypeAlias = Literal["last", "first", "only"]
DecimalMark: TypeAlias = Literal[".", ","]

_TAIL_CHARACTERS: Final = 100_000
"""How much of a long text is looked at, from its end (or its beginning)."""

# Digits of one group of three after another, or digits without groups; then decimals, then an exponent.
_NUMBERS: Final = {
    mark: re.compile(
        rf"(?<![\w{re.escape(mark)}])(?<!\w[-−])[-+−]?(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+(?![0-9])|[0-9]+)"
        rf"(?:{re.escape(mark)}[0-9]+)?(?:[eE][-+]?[0-9]{{1,3}})?(?![0-9])"
    )
    for mark, group in ((".", ","), (",", r"\."))
}
_BARE: Final = re.compile(r"(?<![\w.,])[-+−]?\.[0-9]+")
_OVER: Final = re.compile(r"\s?/\s?[0-9]")
_UNDER: Final = re.compile(r"[0-9]\s?/\s?\Z")


@dataclass(frozen=True, kw_only=True)
class Numeric(Scorer):
    """True when the number in the output is the expected one, within a tolerance.

    The output may be a number or a text with one: "The answer is 1,234.50". In a text the last number counts
    unless `which` says otherwise: models tend to end with the answer. Groups of digits, signs, decimals and
    exponents are understood; `%` and currency signs are passed over. An answer without a number is wrong. The
    number that was found is in `details["found"]`.

    Args:
        abs_tol: How far off it may be.
        rel_tol: How far off it may be, as a share of the expected number.
        which: The `last` number of the text, the `first`, or the `only` one, where several differing ones are wrong.
        decimal_mark: `.` or `,`; the other one groups the digits.

    Raises:
        ConfigError: A tolerance that is negative or no number.

    Example:
        >>> Numeric().score(output="6 boxes at 205.75 make 1,234.50 euros.", expected=1234.5).value
        True
        >>> Numeric(abs_tol=0.01).score(output="about 3.1", expected="3.14").explanation
        'found 3.1, expected 3.14'
    """

    abs_tol: float = 0.0
    rel_tol: float = 1e-9
    which: Which = "last"
    decimal_mark: DecimalMark = "."
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        for argument, given in (("abs_tol", self.abs_tol), ("rel_tol", self.rel_tol)):
            if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < math.inf:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigError(f"{argument}={given!r} cannot work: give a number, not below 0")
        if self.which not in get_args(Which):
            raise ConfigError(f"which={self.which!r} is not known: use {', '.join(get_args(Which))}")
        if self.decimal_mark not in get_args(DecimalMark):
            raise ConfigError(f"decimal_mark={self.decimal_mark!r} is not known: use '.' or ','")

    def score(self, *, output: object, expected: object) -> Score:
        """Find the number in `output` and compare it with `expected`: a number, or a text with one."""
        wanted = self._number(expected, "last")
        if wanted is None or isinstance(wanted, list):
            return refused(f"the row expects {shown(expected)}, which holds no number")
        found = self._number(output, self.which)
        if found is None:
            return Score(value=False, explanation="no number in the output")
        if isinstance(found, list):
            return Score(value=False, explanation=f"several numbers in the output: {', '.join(map(str, found[:5]))}")
        same = abs(found - wanted) <= max(Decimal(str(self.abs_tol)), Decimal(str(self.rel_tol)) * abs(wanted))
        why = None if same else f"found {found}, expected {wanted}"
        return Score(value=same, explanation=why, details={"found": float(found)})

    def _number(self, value: object, which: Which) -> Decimal | list[Decimal] | None:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return Decimal(str(value)) if math.isfinite(value) else None
        text = text_of(value)
        text = text[:_TAIL_CHARACTERS] if which == "first" else text[-_TAIL_CHARACTERS:]
        found = numbers_in(text, self.decimal_mark)
        if not found:
            return None
        if which == "only" and len(set(found)) > 1:
            return sorted(set(found))
        return found[0] if which == "first" else found[-1]


@dataclass(frozen=True, kw_only=True)
class MultipleChoice(Scorer):
    """True when the letter that the output chooses is the expected one.

    Understood are a bare letter (`B`, `(b)`, `**B**`, `B.`), a letter behind a phrase ("the answer is B",
    "Answer: (B)", a boxed B of LaTeX), JSON with the letter under `answer`, and a letter that opens the output
    as in "B) because". An article ("A dog …") or a pronoun ("I think …") is no choice. Where a text chooses twice,
    the last statement counts; where no choice can be told, or two letters are named at once, the answer is wrong.
    The letter is in `details["chosen"]`.

    Args:
        choices: The letters, in upper case.

    Raises:
        ConfigError: Fewer than two choices, or one that is not a single letter or digit.

    Example:
        >>> MultipleChoice().score(output="A is too small, so the answer is (C).", expected="C").value
        True
        >>> MultipleChoice().score(output="A dog has four legs.", expected="A").explanation
        'no choice can be told'
    """

    choices: tuple[str, ...] = ("A", "B", "C", "D")
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        choices = tuple(cast("Sequence[Any]", self.choices))
        object.__setattr__(self, "choices", choices)
        if len(choices) < 2 or not all(
            isinstance(each, str) and len(each) == 1 and each.isalnum() and each == each.upper() for each in choices
        ):
            raise ConfigError(f"choices={choices!r} cannot work: give two or more letters in upper case")

    def score(self, *, output: object, expected: object) -> Score:
        """Find the choice in `output` and compare it with `expected`, a letter."""
        wanted = text_of(expected).strip().strip("().").upper()
        if wanted not in self.choices:
            return refused(f"the row expects {shown(expected)}, which is none of {', '.join(self.choices)}")
        chosen = self._chosen(text_of(output))
        if chosen is None:
            return Score(value=False, explanation="no choice can be told")
        if isinstance(chosen, list):
            return Score(value=False, explanation=f"several choices: {', '.join(chosen)}")
        why = None if chosen == wanted else f"chose {chosen}, expected {wanted}"
        return Score(value=chosen == wanted, explanation=why, details={"chosen": chosen})

    def _chosen(self, text: str) -> str | list[str] | None:
        text = text[-_TAIL_CHARACTERS:].strip() if len(text) > _TAIL_CHARACTERS else text.strip()
        letters = "".join(map(re.escape, self.choices))
        letters += "".join(re.escape(each.lower()) for each in self.choices if each.isalpha())
        mark = rf"[\s(\[*_`\"'{{]*({rf'[{letters}]'})(?![\w'’])"
        bare = re.fullmatch(rf"[(\[*_`\"']*([{letters}])[)\]*_`\"'.:]*", text)
        if bare:
            return bare[1].upper()
        said = [*re.finditer(_SAYS.replace("LETTER", mark), text, re.IGNORECASE)]
        if said:
            both = re.match(rf"[)\]*_`\"']*\s*(?:and|or|&|/|,)\s*\(?([{letters}])(?![\w'’])", text[said[-1].end() :])
            chosen = said[-1][1].upper()
            # "or a …" goes on with an article, not with a choice.
            return [chosen, both[1]] if both and both[1].isupper() else chosen
        opens = re.match(rf"[(\[*_]*([{letters}])(?:[)\]:*_]|\.(?=\s))", text)
        if opens and opens[1] == opens[1].upper():
            return opens[1]
        closes = re.search(rf"(?:^|\n)[(\[*_\s]*([{letters}])[)\]*_.\s]*$", text)
        return closes[1].upper() if closes else None


_SAYS: Final = (
    r"(?:(?:correct |right |best |final |my )?(?:answer|choice|option|solution)\"?(?:\s+is)?(?:\s*[:=])?(?:\s+option)?"
    r"|\\boxed\s*|\bi\s+(?:choose|pick|select|would choose|go with)(?:\s+option)?"
    r"|\b(?:choose|pick|select)\s+option)LETTER"
)
"""What stands before a chosen letter."""


def numbers_in(text: str, decimal_mark: DecimalMark = ".") -> list[Decimal]:
    """Return the numbers of a text in their order; parts of words, dates with slashes and fractions aside."""
    group = "," if decimal_mark == "." else "."
    found: list[tuple[int, Decimal]] = []
    for pattern in (_NUMBERS[decimal_mark], _BARE) if decimal_mark == "." else (_NUMBERS[decimal_mark],):
        for match in pattern.finditer(text):
            if _OVER.match(text, match.end()) or _UNDER.search(text[max(0, match.start() - 4) : match.start()]):
                continue  # part of a fraction or a date
            digits = match.group().replace(group, "").replace(decimal_mark, ".").replace("−", "-")
            try:
                found.append((match.start(), Decimal(digits)))
            except InvalidOperation:
                continue
    return [number for _, number in sorted(found, key=lambda each: each[0])]
