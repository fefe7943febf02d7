"""Values with their units: `2s`, `$0.01`, `10k`, and how they are written back."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tracelm.store.filters.fields import Kind

NS: Final[Mapping[str, int]] = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
SIZES: Final[Mapping[str, int]] = {"": 1, "k": 1_000, "m": 1_000_000}

_INT64: Final = range(-(2**63), 2**63)
_NUMBER: Final = r"\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}"
_DURATION: Final = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)")
_COST: Final = re.compile(rf"\$?((?:{_NUMBER})(?:[eE][+-]?\d{{1,3}})?)")
_COUNT: Final = re.compile(rf"({_NUMBER})([kKmM]?)")
_PLAIN: Final = re.compile(rf"[+-]?(?:{_NUMBER})(?:[eE][+-]?\d{{1,3}})?")
_WRITTEN_UNITS: Final = ("h", "m", "s", "ms", "us", "ns")

REMEDIES: Final[Mapping[Kind, str]] = {
    Kind.DURATION: "write a number with a unit: 300ms, 2s, 5m, 1h",
    Kind.COST: "write an amount in dollars, such as 0.01 or $0.01",
    Kind.COUNT: "write a whole number, such as 500, 10k or 1.5M",
    Kind.ANY: "write a number, such as 0.5",
}


def number(text: str, kind: Kind) -> int | float | None:
    """Return the number that `text` is for a field of this kind, `None` when it is none that can be stored.

    Durations are nanoseconds, rounded to a whole one; amounts US dollars.
    """
    match kind:
        case Kind.DURATION:
            if text == "0":
                return 0
            found = _DURATION.fullmatch(text)
            return _whole(Decimal(found[1]) * NS[found[2]], rounded=True) if found else None
        case Kind.COUNT:
            found = _COUNT.fullmatch(text)
            return _whole(Decimal(found[1]) * SIZES[found[2].lower()], rounded=False) if found else None
        case Kind.COST:
            found = _COST.fullmatch(text)
            return _finite(found[1]) if found else None
        case _:
            if not _PLAIN.fullmatch(text):
                return None
            return _whole(Decimal(text), rounded=False) if text.lstrip("+-").isdigit() else _finite(text)


def written(value: int | float, kind: Kind) -> str:
    """Return a number as the filter language writes it, so that `number` gives it back."""
    if kind is not Kind.DURATION:
        return repr(value)
    if value == 0:
        return "0"
    return next(f"{value // NS[unit]}{unit}" for unit in _WRITTEN_UNITS if value % NS[unit] == 0)


def _whole(value: Decimal, *, rounded: bool) -> int | None:
    found = int(value.to_integral_value())
    return found if found in _INT64 and (rounded or found == value) else None


def _finite(text: str) -> float | None:
    found = float(text)
    return found if math.isfinite(found) else None
