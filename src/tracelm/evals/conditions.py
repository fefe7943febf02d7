"""The language of conditions: `relevance >= 0.8 and p90(latency_s) <= 2`, read by a parser of our own.

    conditions = condition { "and" condition }
    condition  = figure ( ">=" | ">" | "<=" | "<" ) number
               | "no worse than baseline" [ "by" number ] "on" name
               | "better than baseline" [ "by" number ] "on" name
    figure     = name | function "(" figure ")"
    function   = mean | median | min | max | total | low | high | p1 ... p99
               | majority | at_least_K | pass@K | pass^K
    name       = a word (letters, digits, "_", "." and "-" inside) or any text in double quotes
    number     = 0.8, -1, 1e-3, 80%

Nothing in a condition is executed: what is not in this grammar is refused, with the place where it went wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from tracelm.errors import ConfigError

Operator: TypeAlias = Literal[">=", ">", "<=", "<"]

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?%?(?![\w.]))
    |(?P<operator>>=|<=|>|<)
    |(?P<bracket>[()])
    |"(?P<quoted>[^"]*)"
    |(?P<word>[^\W\d](?:[\w.-]*\w)?(?:[@^][0-9]+)?)
    )""",
    re.VERBOSE,
)
_PERCENTILE: Final = re.compile(r"p([1-9][0-9]?)\Z")
_REDUCER: Final = re.compile(r"(majority|at_least_[1-9][0-9]{0,5}|pass[@^][1-9][0-9]{0,5})\Z")
_PLAIN: Final = ("mean", "median", "min", "max", "total")
_ENDS: Final = ("low", "high")
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a run.

    Attributes:
        name: The score or metric.
        function: What is made of its values; `None` for what a bare name means.
        end: The end of its interval, where that is meant.
    """

    name: str
    function: str | None = None
    end: Literal["low", "high"] | None = None

    def __str__(self) -> str:
        inner = self.name if _is_word(self.name) else f'"{self.name}"'
        inner = inner if self.function is None else f"{self.function}({inner})"
        return inner if self.end is None else f"{self.end}({inner})"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure that has to reach, or stay below, a number."""

    figure: Figure
    operator: Operator
    number: float

    def __str__(self) -> str:
        return f"{self.figure} {self.operator} {self.number:g}"


@dataclass(frozen=True, slots=True)
class AgainstBaseline:
    """A score that has to be no worse than the baseline's, or better.

    Attributes:
        name: The score.
        better: Whether it has to be better; else it must not be worse.
        by: By how much at least, or at most.
    """

    name: str
    better: bool
    by: float

    def __str__(self) -> str:
        name = self.name if _is_word(self.name) else f'"{self.name}"'
        by = f" by {self.by:g}" if self.by else ""
        return f"{'better' if self.better else 'no worse'} than baseline{by} on {name}"


Condition: TypeAlias = Threshold | AgainstBaseline


def parse_conditions(texts: str | Iterable[str]) -> tuple[Condition, ...]:
    """Read conditions.

    Args:
        texts: One text, or several; each may join conditions with "and".

    Raises:
        ConfigError: A text is no condition; the message shows the place.

    Example:
        >>> [str(each) for each in parse_conditions("relevance >= 80% and p90(latency_s) <= 2")]
        ['relevance >= 0.8', 'p90(latency_s) <= 2']
    """
    given = [texts] if isinstance(texts, str) else list(texts)
    for each in given:
        if not isinstance(each, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"{each!r} is no condition: write a text such as 'relevance >= 0.8'")
    return tuple(condition for text in given for condition in _Parser(text).conditions())


def conditions_of(given: object) -> tuple[str, ...]:
    """Return the conditions of an evaluation as they were written, once each of them was read.

    Raises:
        ConfigError: One is no condition, or they are no list.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigError(f"conditions must be a list, also where there is one: conditions=[{given!r}]")
    texts = tuple(cast("Iterable[str]", given))
    parse_conditions(texts)
    return texts


def is_reducer(function: str | None) -> bool:
    """Whether a function makes one value of the trials of a row."""
    return function is not None and _REDUCER.match(function) is not None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


class _Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > _LONGEST:
            raise ConfigError(f"a condition of {len(text)} characters is too long: {_LONGEST} at most")
        self._tokens = self._read()
        self._next = 0

    def conditions(self) -> list[Condition]:
        found = [self._condition()]
        while self._take("word", "and"):
            found.append(self._condition())
        token = self._tokens[self._next]
        if token.kind == "word" and token.text.lower() == "or":
            raise self._error('conditions are joined with "and"; for "or" there is nothing')
        if token.kind != "end":
            raise self._error('expected "and" or the end')
        return found

    def _read(self) -> list[_Token]:
        found: list[_Token] = []
        place, end = 0, len(self._text.rstrip())
        while place < end:
            match = _TOKEN.match(self._text, place)
            if match is None:
                start = len(self._text[:end]) - len(self._text[place:end].lstrip())
                raise self._error("this belongs to no condition", at=start)
            kind = str(match.lastgroup)
            found.append(_Token(kind, match[kind], match.start(kind)))
            place = match.end()
        found.append(_Token("end", "", end))
        return found

    def _condition(self) -> Condition:
        for words, better in ((("no", "worse", "than", "baseline"), False), (("better", "than", "baseline"), True)):
            if self._phrase(words):
                return self._against(better=better)
        figure = self._figure()
        operator = self._operator()
        return Threshold(figure, operator, self._number())

    def _against(self, *, better: bool) -> AgainstBaseline:
        by = 0.0
        if self._take("word", "by"):
            start = self._next
            by = self._number()
            if by < 0:
                self._next = start
                raise self._error("the margin must be 0 or more")
        if not self._take("word", "on"):
            raise self._error('expected "on" and the name of a score' if by else 'expected "by" and a number, or "on"')
        return AgainstBaseline(self._name(), better, by)

    def _figure(self) -> Figure:
        token = self._tokens[self._next]
        if token.kind != "word" or not self._is("bracket", "(", ahead=1):
            return Figure(self._name())
        name = token.text
        if name not in {*_PLAIN, *_ENDS} and not _PERCENTILE.match(name) and not _REDUCER.match(name):
            known = ", ".join((*_PLAIN, *_ENDS, "p1 to p99", "majority", "at_least_K", "pass@K", "pass^K"))
            raise self._error(f"no function is called {name!r}: there are {known}")
        self._next += 2
        start = self._next
        inner = self._figure()
        if not self._take("bracket", ")"):
            raise self._error('expected ")"')
        if name in _ENDS and inner.end is None:
            return Figure(inner.name, inner.function, "low" if name == "low" else "high")
        if name not in _ENDS and inner.function is None and inner.end is None:
            return Figure(inner.name, name)
        self._next = start
        raise self._error("functions do not go into each other, except for low(...) and high(...) around one")

    def _name(self) -> str:
        token = self._tokens[self._next]
        if token.kind == "quoted" and token.text:
            self._next += 1
            return token.text
        if token.kind == "word" and not re.search(r"[@^]", token.text):
            self._next += 1
            return token.text
        raise self._error("expected the name of a score")

    def _operator(self) -> Operator:
        for operator in (">=", "<=", ">", "<"):
            if self._take("operator", operator):
                return operator
        raise self._error("expected >=, >, <= or <")

    def _number(self) -> float:
        token = self._tokens[self._next]
        if token.kind != "number":
            raise self._error("expected a number")
        text = token.text
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        if number in {float("inf"), float("-inf")}:
            raise self._error("this number is too large")
        self._next += 1
        return number

    def _phrase(self, words: tuple[str, ...]) -> bool:
        # "better" may be a score's name: only the words together are the phrase.
        if not all(self._is("word", word, ahead=ahead) for ahead, word in enumerate(words[:2])):
            return False
        for word in words:
            if not self._take("word", word):
                raise self._error(f'expected "{" ".join(words)}"')
        return True

    def _is(self, kind: str, text: str, *, ahead: int = 0) -> bool:
        token = self._tokens[min(self._next + ahead, len(self._tokens) - 1)]
        return token.kind == kind and token.text.lower() == text

    def _take(self, kind: str, text: str) -> bool:
        found = self._is(kind, text)
        self._next += found
        return found

    def _error(self, message: str, *, at: int | None = None) -> ConfigError:
        place = self._tokens[self._next].start if at is None else at
        # One line each, however the text was broken: the mark below must stand under its character.
        shown = "".join(" " if each.isspace() or not each.isprintable() else each for each in self._text)
        return ConfigError(f"{message}\n    {shown}\n    {' ' * place}^")


def _is_word(name: str) -> bool:
    found = _TOKEN.fullmatch(name)
    return found is not None and found["word"] == name and not re.search(r"[@^]", name)
