"""The language of alerts, read by a parser of our own.

    condition = metric operator number                             a line that the figure of a window must not cross
              | "burn_rate" ( ">" | ">=" ) number                  how many times too fast the failures come
              | ( "pass_rate" | "error_rate" ) ( "falls" | "rises" ) [ "by" number ]     against a baseline
    metric    = "pass_rate" | "true_rate" | "mean" | "error_rate" | "n"
    operator  = "<" | "<=" | ">" | ">="
    number    = 0.95, -1, 1e-3, 95%

Nothing of it is executed: what is not in this grammar is refused, with the place where it went wrong.
"""

import math
import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias, cast

from tracelm.errors import ConfigError, picture

Metric: TypeAlias = Literal["pass_rate", "true_rate", "mean", "error_rate", "n"]
Operator: TypeAlias = Literal["<", "<=", ">", ">="]
Share: TypeAlias = Literal["pass_rate", "error_rate"]

_TOKEN: Final = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?%?(?![\w.]))"
    r"|(?P<operator><=|>=|<|>)|(?P<word>[A-Za-z_]+)"
)
_SPACE: Final = re.compile(r"\s*")
_METRICS: Final = ("pass_rate", "true_rate", "mean", "error_rate", "n")
_BURN: Final = "burn_rate"
_TURNS: Final = ("falls", "rises")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure of a window that has crossed a line.

    Attributes:
        metric: The figure.
        operator: On which side of the line it is bad.
        number: The line.
    """

    metric: Metric
    operator: Operator
    number: float

    @property
    def is_below(self) -> bool:
        """Whether low figures are the bad ones."""
        return self.operator.startswith("<")

    def holds(self, figure: float) -> bool:
        """Say whether a figure lies on the bad side."""
        if self.operator == "<":
            return figure < self.number
        if self.operator == "<=":
            return figure <= self.number
        return figure > self.number if self.operator == ">" else figure >= self.number

    def __str__(self) -> str:
        return f"{self.metric} {self.operator} {self.number:g}"


@dataclass(frozen=True, slots=True)
class BurnRate:
    """Failures that come so many times faster than an objective allows.

    Attributes:
        number: How many times.
    """

    number: float

    def __str__(self) -> str:
        return f"burn_rate > {self.number:g}"


@dataclass(frozen=True, slots=True)
class Change:
    """A share that has moved away from its baseline.

    Attributes:
        metric: The share.
        turn: Which way is bad.
        by: How much of a change is none yet.
    """

    metric: Share
    turn: Literal["falls", "rises"]
    by: float = 0.0

    def __str__(self) -> str:
        return f"{self.metric} {self.turn}" + (f" by {self.by:g}" if self.by else "")


Condition: TypeAlias = Threshold | BurnRate | Change


def parse_condition(text: object) -> Condition:
    """Read the condition of an alert.

    Raises:
        ConfigError: It is none; the message shows the place and what helps.

    Example:
        >>> str(parse_condition("pass_rate < 95%"))
        'pass_rate < 0.95'
    """
    if not isinstance(text, str):
        raise ConfigError(f"{text!r} is no condition: write a text such as 'pass_rate < 0.95'")
    if len(text) > _LONGEST:
        raise ConfigError(f"a condition of {len(text)} characters is too long: {_LONGEST} at most")
    return _Reader(text).condition()


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind: str | None = None
        self._piece = ""
        self._go_on()

    def condition(self) -> Condition:
        name = self._word((*_METRICS, _BURN), "a condition begins with a figure")
        if name == _BURN:
            self._operator((">", ">="))
            found: Condition = BurnRate(self._number(above=0))
        elif name in {"pass_rate", "error_rate"} and self._kind == "word":
            turn = self._word(_TURNS, f"{name} is followed by a comparison or by what it does")
            found = Change(cast("Share", name), cast("Literal['falls', 'rises']", turn), self._by())
        else:
            operator = cast("Operator", self._operator(("<", "<=", ">", ">=")))
            number = self._number(share=name in {"pass_rate", "true_rate", "error_rate"})
            found = Threshold(cast("Metric", name), operator, number)
        if self._kind is not None or self._piece:
            self._fail("a condition ends here", "give each condition an alert of its own")
        return found

    def _go_on(self) -> None:
        """Read the next piece."""
        space = _SPACE.match(self._text, self._at)
        self._at = self._at if space is None else space.end()
        match = _TOKEN.match(self._text, self._at)
        self._kind = None if match is None else match.lastgroup
        self._piece = self._text[self._at : self._at + 1] if match is None else match[0]

    def _take(self) -> str:
        piece = self._piece
        self._at += len(piece)
        self._go_on()
        return piece

    def _word(self, known: tuple[str, ...], problem: str) -> str:
        if self._kind != "word" or self._piece not in known:
            self._fail(problem, f"write {' or '.join(known)}")
        return self._take()

    def _operator(self, known: tuple[str, ...]) -> str:
        if self._kind != "operator" or self._piece not in known:
            self._fail("a comparison is missing", f"write {' or '.join(known)}")
        return self._take()

    def _by(self) -> float:
        if self._kind is None and not self._piece:
            return 0.0
        self._word(("by",), "a condition ends here, or goes on with how much")
        return self._number(share=True)

    def _number(self, *, share: bool = False, above: float = -math.inf) -> float:
        if self._kind != "number":
            self._fail("a number is missing", "write one such as 0.95 or 95%")
        piece = self._piece
        number = float(piece.removesuffix("%")) / (100 if piece.endswith("%") else 1)
        if share and not 0 <= number <= 1:
            self._fail("this is no share", "write a number from 0 to 1, such as 0.95 or 95%")
        if not math.isfinite(number) or number <= above:
            self._fail("this number cannot work", "write a finite one" + ("" if above < 0 else f" above {above:g}"))
        self._take()
        return number

    def _fail(self, problem: str, remedy: str) -> NoReturn:
        raise ConfigError(f"{problem}: {remedy}\n{picture(self._text, self._at, len(self._piece))}")
