"""What may come next where somebody types a filter: fields, operators, values."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tracelm.store.filters.fields import FIELDS, Field, Kind
from tracelm.store.filters.syntax import Literally, Name

Values: TypeAlias = Callable[[str, str], Iterable[str]]
"""Gives the known values of a field that begin so: of `model`, or the names of scores for `score`."""

# The term that is being typed: not in quotes, behind a space, a parenthesis or a minus.
_TERM: Final = re.compile(
    r"(?P<field>[\w-]*)(?P<rest>\.[^\s()\":=<>!]*)?(?P<operator>:?(?:>=|<=|!=|==|>|<|=)|:)?(?P<list>\((?:[^()]*,)?\s*)?(?P<value>[^\s()\",]*)"
)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_OPERATORS: Final = (":", "!=", ">", ">=", "<", "<=")


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """One thing that may stand at a place of a filter.

    Attributes:
        text: What to write from `start` to `end`.
        start: Where it begins, in characters from 0.
        end: Where what it takes the place of ends.
        kind: What it is.
        meaning: For people; may be empty.
    """

    text: str
    start: int
    end: int
    kind: Literal["field", "operator", "value"]
    meaning: str = ""


def complete(text: str, position: int, *, values: Values | None = None) -> list[Completion]:
    """Return what may stand where the cursor is, the likely first.

    Args:
        text: The filter so far; it need not be one that can be read.
        position: Where the cursor stands, in characters from 0.
        values: Gives known values, by field and beginning; without it, only those that a field can have are offered.
    """
    position = min(max(0, position), len(text))
    start = _start_of_term(text[:position])
    if start is None:
        return []
    typed = _TERM.fullmatch(text[start:position])
    if typed is None:
        return []
    field = FIELDS.get(typed["field"])
    if typed["operator"] is None:
        return list(_names(typed["field"], typed["rest"], field, start, position, values))
    if field is None:
        return []
    begins = position - len(typed["value"])
    return [
        Completion(text=str(Literally(each)), start=begins, end=position, kind="value")
        for each in _values(field, typed["operator"], typed["value"], values)
    ]


def _start_of_term(before: str) -> int | None:
    """Return where the term begins that ends `before`; `None` inside of quotes."""
    at = start = 0
    in_list = False
    while at < len(before):
        char = before[at]
        if char == '"':
            found = _QUOTED.match(before, at)
            assert found is not None
            if found.end() == len(before) and (len(found.group()) == 1 or not found.group().endswith('"')):
                return None
            at = found.end()
            continue
        at += 1
        if char == "(" and before[: at - 1].endswith(tuple(_OPERATORS)):
            in_list = True
        elif char == ")" and in_list:
            in_list = False
        if not in_list and (char.isspace() or char in "()" or (char == "-" and at - 1 == start)):
            start = at
    return start


def _names(
    typed: str, rest: str | None, field: Field | None, start: int, end: int, values: Values | None
) -> Iterator[Completion]:
    if rest is not None and field is not None and field.has_key:
        for key in values(field.name, rest[1:]) if values is not None else ():
            yield Completion(text=str(Name(field.name, key)), start=start, end=end, kind="field")
    if rest is None:
        for each in FIELDS.values():
            if each.name.startswith(typed.lower()) and each is not field:
                text = each.name + ("." if each.has_key else "")
                yield Completion(text=text, start=start, end=end, kind="field", meaning=each.meaning)
    if field is not None and field.has_key is (rest not in {None, "."}):
        for operator in _OPERATORS if field.kind.is_number or field.kind is Kind.ANY else _OPERATORS[:2]:
            if operator == ":" or field.name not in {"has", "is"}:
                yield Completion(text=operator, start=end, end=end, kind="operator")


def _values(field: Field, operator: str, typed: str, values: Values | None) -> Iterator[str]:
    if operator not in {":", "=", "==", "!="}:
        return
    if field.kind is Kind.PRESENCE:
        yield from (each.name for each in FIELDS.values() if each.is_nullable and each.name.startswith(typed))
    elif field.choices:
        yield from (each for each in field.choices if each.startswith(typed.lower()))
    elif values is not None:
        yield from values(field.name, typed)
