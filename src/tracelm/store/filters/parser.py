"""Reads a filter. By hand, by recursion, with a bound on length, depth and terms; data is never code."""

import difflib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NoReturn, cast

from tracelm.store.filters.fields import FIELDS, Field, Kind
from tracelm.store.filters.scanner import OPERATOR, VALUE, WORD, Scanner
from tracelm.store.filters.syntax import (
    EVERYTHING,
    Between,
    Compares,
    Has,
    IsRoot,
    Literally,
    Matches,
    Name,
    Node,
    Not,
    OneSpan,
    Order,
    Pattern,
    Search,
    Value,
    all_of,
    any_of,
)
from tracelm.store.filters.values import REMEDIES, number

MAX_DEPTH: Final = 20
"""Parentheses and negations inside of each other."""
MAX_TERMS: Final = 100
"""Terms and values of a filter."""
MAX_STARS: Final = 5
"""Wildcards in one value."""

_SPACED_OPERATOR: Final = re.compile(r"\s*(?=[:=<>]|!=)")
_KEYWORDS: Final = frozenset({"AND", "OR", "NOT"})
_UNDERSTOOD: Final = {"duration": "latency", "id": "trace", "type": "kind", "conversation": "session"}


@lru_cache(maxsize=256)
def parse(text: str) -> Node:
    """Read a filter.

    Args:
        text: As people write it: `op:explain status:error latency>2s`. Without a term it matches everything.

    Returns:
        The tree, whose `str` is the filter in its canonical form.

    Raises:
        FilterError: It cannot be read; the error has the position and the remedy.
    """
    return _Parser(text).filter()


class _Parser:
    def __init__(self, text: str) -> None:
        self.scanner = Scanner(text)
        self.depth = 0
        self.terms = 0

    # --- structure ------------------------------------------------------------------------------------------
    def filter(self) -> Node:
        self.scanner.skip_space()
        if not self.scanner.peek():
            return EVERYTHING
        found = self.either()
        if self.scanner.peek() == ")":
            self.scanner.fail("this parenthesis closes nothing", "take it away, or open it before")
        return found

    def either(self) -> Node:
        parts = [self.every()]
        while self.keyword("OR"):
            parts.append(self.every())
        return any_of(*parts)

    def every(self) -> Node:
        parts = [self.negation()]
        while True:
            self.scanner.skip_space()
            if self.keyword("AND"):
                parts.append(self.negation())
            elif self.scanner.peek() in {"", ")"} or self.sees_keyword("OR"):
                return all_of(*parts)
            else:
                parts.append(self.negation())

    def negation(self) -> Node:
        scanner = self.scanner
        scanner.skip_space()
        start = scanner.at
        if scanner.take_text("-"):
            if scanner.peek() in {"", ")"} or scanner.peek().isspace():
                scanner.fail("nothing stands behind '-'", "write what must not be, as in -status:error", start)
            return Not(self.inside(start, self.negation))
        if self.keyword("NOT"):
            return Not(self.inside(start, self.negation))
        return self.atom()

    def atom(self) -> Node:
        scanner = self.scanner
        start = scanner.at
        if scanner.take_text("("):
            return self.group(start)
        if scanner.take_text("span("):
            return OneSpan(self.group(start))
        if scanner.peek() == '"':
            text = scanner.quoted()
            self.check_end(start)
            return self.search(text, start)
        if any(self.sees_keyword(each) for each in ("AND", "OR")) or scanner.peek() in {"", ")"}:
            end = scanner.at + 3 if scanner.peek() else None
            scanner.fail("a term is missing here", "write one, such as status:error", start, end)
        if not (word := scanner.take(WORD)):
            scanner.fail(f"{scanner.peek()!r} cannot stand here", "put text that has to be found in quotes", start)
        return self.word(word.group(), start)

    def group(self, start: int) -> Node:
        scanner = self.scanner
        scanner.skip_space()
        if scanner.peek() == ")":
            scanner.fail("nothing stands in these parentheses", "write a term in them, or take them away", start)
        found = self.inside(start, self.either)
        if not scanner.take_text(")"):
            scanner.fail("this parenthesis is not closed", "put a ) behind its last term", start)
        return found

    def inside(self, start: int, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.scanner.fail(f"more than {MAX_DEPTH} levels of parentheses and negations", "write it flatter", start)
        found = read()
        self.depth -= 1
        return found

    def sees_keyword(self, word: str) -> bool:
        return re.compile(rf"{word}(?=[\s()\"]|$)").match(self.scanner.text, self.scanner.at) is not None

    def keyword(self, word: str) -> bool:
        self.scanner.skip_space()
        return self.sees_keyword(word) and self.scanner.take_text(word)

    def count(self, start: int) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.scanner.fail(f"more than {MAX_TERMS} terms and values", "leave some out", start)

    def search(self, text: str, start: int) -> Node:
        self.count(start)
        if not text:
            self.scanner.fail("an empty text is everywhere", "write what to find, or take it away", start, start + 2)
        return Search(text)

    def check_end(self, start: int) -> None:
        """A text must not touch the next one: what was meant cannot be told."""
        char = self.scanner.peek()
        if char and not char.isspace() and char not in {")", ","}:
            self.scanner.fail(
                f"{char!r} directly behind {self.scanner.text[start : self.scanner.at]}",
                "put a space between, or all of it in quotes",
            )

    # --- terms ----------------------------------------------------------------------------------------------
    def word(self, word: str, start: int) -> Node:
        scanner = self.scanner
        field, dot, key = word.partition(".")
        known = FIELDS.get(field)
        end_of_field = start + len(field)
        if dot and known is not None and known.has_key and scanner.peek() == '"' and not key:
            key = scanner.quoted()
        end = scanner.at
        scanner.take(_SPACED_OPERATOR)
        found = scanner.take(OPERATOR)
        if found is None:
            scanner.at = end
            self.check_end(start)
            if known is not None and known.has_key and dot and key:
                scanner.fail(f"{word} says nothing yet", f"ask has:{word}, or compare it", start, end)
            return self.search(word, start)
        if known is None:
            self.unknown(word, start)
        if known.has_key and not (dot and key):
            example = known.example.split()[0]
            scanner.fail(f"{field!r} wants a name behind a dot", f"write it as {example}", start, end)
        if dot and not known.has_key:
            scanner.fail(f"{field!r} has no parts", f"write {field}", end_of_field, end)
        self.count(start)
        scanner.skip_space()
        return self.term(Name(field, key or None), known, found[1] or ":", found.start())

    def term(self, name: Name, field: Field, operator: str, at_operator: int) -> Node:
        if field.kind is Kind.PRESENCE or field.name == "is":
            if operator not in {":", "="}:
                self.scanner.fail(f"{field.name!r} is no number", f"write {field.example}", at_operator)
            return self.presence() if field.kind is Kind.PRESENCE else self.shape(field)
        if operator in {">", ">=", "<", "<="}:
            return self.comparison(name, field, operator, at_operator)
        found = self.matching(name, field)
        return Not(found) if operator == "!=" else found

    def comparison(self, name: Name, field: Field, operator: str, at_operator: int) -> Node:
        if not field.kind.is_number and field.kind is not Kind.ANY:
            self.scanner.fail(
                f"{field.name!r} is {field.kind.value}, which has no order",
                f"write {field.name}: or {field.name}!=",
                at_operator,
                at_operator + len(operator),
            )
        start = self.scanner.at
        text, _ = self.value(field)
        found = number(text, field.kind)
        if found is None:
            self.no_number(text, field, start)
        # `Order` is what the pattern of an operator leaves over.
        return Compares(name, cast("Order", operator), found)

    def matching(self, name: Name, field: Field) -> Node:
        scanner = self.scanner
        start = scanner.at
        if not scanner.take_text("("):
            text, is_quoted = self.value(field)
            if not is_quoted and ".." in text and (field.kind.is_number or field.kind is Kind.ANY):
                found = self.ranged(name, field, text, start)
                if found is not None:
                    return found
            return Matches(name, (self.typed(field, text, start, is_quoted=is_quoted),))
        values: list[Value] = []
        while True:
            scanner.skip_space()
            at = scanner.at
            self.count(at)
            text, is_quoted = self.value(field, in_list=True)
            values.append(self.typed(field, text, at, is_quoted=is_quoted))
            scanner.skip_space()
            if scanner.take_text(")"):
                return Matches(name, tuple(values))
            if not scanner.take_text(","):
                if not scanner.peek():
                    scanner.fail("this list is not closed", "put a ) behind its last value", start)
                scanner.fail("a comma is missing in this list", f"write {name}:(one, two)")

    def value(self, field: Field, *, in_list: bool = False) -> tuple[str, bool]:
        """Read one value, and say whether it stood in quotes."""
        scanner = self.scanner
        start = scanner.at
        is_quoted = scanner.peek() == '"'
        if is_quoted:
            text = scanner.quoted()
        elif found := scanner.take(VALUE):
            text = found.group()
        else:
            scanner.fail(f"the value of {field.name!r} is missing", f"write it, as in {field.example}", start)
        if scanner.peek() == "," and not in_list:
            scanner.fail("a list stands in parentheses", f"write {field.name}:(one, two), or the value in quotes")
        self.check_end(start)
        return text, is_quoted

    def ranged(self, name: Name, field: Field, text: str, start: int) -> Node | None:
        """Return what `1s..2s`, `1s..` or `..2s` means; `None` when the text is no range."""
        low, _, high = text.partition("..")
        first = number(low, field.kind) if low else None
        last = number(high, field.kind) if high else None
        if (first is None and last is None) or (low and first is None) or (high and last is None):
            return None
        if first is None or last is None:
            return Compares(name, ">=", first) if first is not None else Compares(name, "<=", cast("float", last))
        if first > last:
            self.scanner.fail("this range is empty", f"write {high}..{low}", start, self.scanner.at)
        return Between(name, first, last)

    def typed(self, field: Field, text: str, start: int, *, is_quoted: bool) -> Value:
        if field.kind.is_number:
            found = number(text, field.kind)
            if found is None:
                self.no_number(text, field, start)
            return found
        if field.kind is Kind.CHOICE:
            return Literally(self.choice(field, text, start))
        if field.name in {"trace", "span"}:
            text = text.lower()
        if is_quoted or "*" not in text:
            return Literally(text)
        if text.count("*") > MAX_STARS:
            self.scanner.fail(f"more than {MAX_STARS} wildcards in one value", "use fewer", start, self.scanner.at)
        return Pattern(text)

    def choice(self, field: Field, text: str, start: int) -> str:
        wanted = " ".join(text.lower().replace("_", " ").replace("-", " ").split())
        if wanted not in field.choices:
            listed = ", ".join(f'"{each}"' if " " in each else each for each in field.choices)
            remedy = _meant(wanted, field.choices) or f"it is one of {listed}"
            self.scanner.fail(f"{field.name!r} is never {text!r}", remedy, start, self.scanner.at)
        return wanted

    def presence(self) -> Node:
        scanner = self.scanner
        start = scanner.at
        word = scanner.take(WORD)
        text = word.group() if word else ""
        field, dot, key = text.partition(".")
        known = FIELDS.get(field)
        if known is not None and known.has_key and dot and not key and scanner.peek() == '"':
            key = scanner.quoted()
        if scanner.peek() and scanner.peek() in '(":=<>!':
            self.check_end(start)
        possible = [each.name for each in FIELDS.values() if each.is_nullable]
        if known is None or known.name not in possible or (dot and not (known.has_key and key)):
            scanner.fail(
                f"{text!r} is nothing that may be missing",
                _meant(field, possible) or "write one that may be, as in has:score, has:cost, has:model",
                start,
                max(scanner.at, start + 1),
            )
        if known.name == "attr" and not key:
            scanner.fail("'has:attr' wants a key behind a dot", "write has:attr.KEY", start, scanner.at)
        return Has(Name(field, key or None))

    def shape(self, field: Field) -> Node:
        start = self.scanner.at
        text, _ = self.value(field)
        self.choice(field, text, start)
        return IsRoot()

    def no_number(self, text: str, field: Field, start: int) -> NoReturn:
        remedy = REMEDIES[field.kind]
        self.scanner.fail(f"{text!r} is no value of {field.name!r}", remedy, start, max(self.scanner.at, start + 1))

    def unknown(self, word: str, start: int) -> NoReturn:
        meant = _UNDERSTOOD.get(word) or next(iter(difflib.get_close_matches(word, FIELDS, n=1, cutoff=0.6)), None)
        remedy = f"did you mean {meant}?" if meant else 'put it in quotes if you search for text: "…"'
        self.scanner.fail(f"unknown field {word!r}", remedy, start, start + len(word))


def _meant(text: str, possible: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(text, list(possible), n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else None
