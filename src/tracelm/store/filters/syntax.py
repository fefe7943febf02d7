"""A filter as a tree. `str` writes it in its canonical form; reading that gives an equal tree."""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tracelm.store.filters.fields import FIELDS
from tracelm.store.filters.values import written

Order: TypeAlias = Literal[">", ">=", "<", "<="]

# What a value may hold without quotes; a pattern has `*` besides.
_BARE_VALUE: Final = re.compile(r"[\w.@/+$%~:-]+")
_BARE_KEY: Final = re.compile(r"[\w/@+-]+(?:\.[\w/@+-]+)*")


@dataclass(frozen=True, slots=True)
class Name:
    """A field, with the key behind its dot where it has one: `latency`, `score.pii`."""

    field: str
    key: str | None = None

    def __str__(self) -> str:
        if self.key is None:
            return self.field
        return f"{self.field}.{self.key if _BARE_KEY.fullmatch(self.key) else quoted(self.key)}"


@dataclass(frozen=True, slots=True)
class Literally:
    """A text that has to be there as it is."""

    text: str

    def __str__(self) -> str:
        return self.text if _BARE_VALUE.fullmatch(self.text) and ".." not in self.text else quoted(self.text)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text in which `*` stands for any characters, also none."""

    text: str

    def __str__(self) -> str:
        return self.text


Value: TypeAlias = Literally | Pattern | int | float


_BEGINS_OPERATOR: Final = ("<", ">", "=", "!")


@dataclass(frozen=True, slots=True)
class Matches:
    """The field is one of the values."""

    name: Name
    values: tuple[Value, ...]

    def __str__(self) -> str:
        kind = FIELDS[self.name.field].kind
        texts = [written(each, kind) if isinstance(each, int | float) else str(each) for each in self.values]
        if len(texts) > 1:
            return f"{self.name}:({', '.join(texts)})"
        # A pattern stands in no quotes: right behind the colon its first characters would be part of the operator.
        return f"{self.name}: {texts[0]}" if texts[0].startswith(_BEGINS_OPERATOR) else f"{self.name}:{texts[0]}"


@dataclass(frozen=True, slots=True)
class Compares:
    """The field is above or below a number."""

    name: Name
    order: Order
    value: int | float

    def __str__(self) -> str:
        return f"{self.name}{self.order}{written(self.value, FIELDS[self.name.field].kind)}"


@dataclass(frozen=True, slots=True)
class Between:
    """The field lies in a range; both ends belong to it."""

    name: Name
    low: int | float
    high: int | float

    def __str__(self) -> str:
        kind = FIELDS[self.name.field].kind
        return f"{self.name}:{written(self.low, kind)}..{written(self.high, kind)}"


@dataclass(frozen=True, slots=True)
class Has:
    """The field is there."""

    name: Name

    def __str__(self) -> str:
        return f"has:{self.name}"


@dataclass(frozen=True, slots=True)
class IsRoot:
    """The span has no parent."""

    def __str__(self) -> str:
        return "is:root"


@dataclass(frozen=True, slots=True)
class Search:
    """The text stands in what the search looks through."""

    text: str

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True, slots=True)
class OneSpan:
    """All of it holds for one and the same span."""

    part: "Node"

    def __str__(self) -> str:
        return f"span({self.part})"


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold; also where what it asks for is missing."""

    part: "Node"

    def __str__(self) -> str:
        return f"-({self.part})" if isinstance(self.part, All | Some) else f"-{self.part}"


@dataclass(frozen=True, slots=True)
class All:
    """All of the parts hold; without parts, anything does. Use `all_of`."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " ".join(f"({each})" if isinstance(each, All | Some) else str(each) for each in self.parts)


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the parts holds. Use `any_of`."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " OR ".join(f"({each})" if isinstance(each, Some) else str(each) for each in self.parts)


Term: TypeAlias = Matches | Compares | Between | Has
Node: TypeAlias = Term | IsRoot | Search | OneSpan | Not | All | Some

EVERYTHING: Final = All(())


def all_of(*parts: Node) -> Node:
    """Return what holds when all parts do: flat, and the part itself where there is one."""
    flat = [inner for each in parts for inner in (each.parts if isinstance(each, All) else (each,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(*parts: Node) -> Node:
    """Return what holds when one part does, in the same form. At least one part must be given."""
    flat = [inner for each in parts for inner in (each.parts if isinstance(each, Some) else (each,))]
    return flat[0] if len(flat) == 1 else Some(tuple(flat))


def quoted(text: str) -> str:
    """Return a text in quotes, as the filter language reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def searches(node: "Node") -> bool:
    """Say whether a filter looks for a text."""
    match node:
        case Search():
            return True
        case All(parts) | Some(parts):
            return any(map(searches, parts))
        case Not(part) | OneSpan(part):
            return searches(part)
        case _:
            return False
