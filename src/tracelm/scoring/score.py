"""`Score`, the verdict on an output, and what a scorer may return instead of one."""

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

ScoreValue: TypeAlias = bool | float | str | None

_AS_THEY_ARE: Final = frozenset({bool, str, type(None)})
"""Types of values that need no look: most are of these, and a score is made on each guarded call's way."""
_VERDICT_KEYS: Final = frozenset({"passed", "reason", "explanation", "value", "score", "label", "details"})


def _nothing() -> Mapping[str, Any]:
    return {}  # `dict[str, Any]()` takes ten times as long


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict of one scorer on one output.

    Attributes:
        value: True or False, a finite number, or a label. `None` means "not scored"; the explanation says why.
        passed: Whether the output is acceptable. `None` where the scorer draws no such line.
        explanation: Why, in words that a person can read.
        details: Anything else worth keeping. For found text: `details["spans"]` is a list of
            `{"start", "end", "type"}` with offsets in characters; a graded detector gives
            `details["risk"]` in 0..1.

    Raises:
        ValueError: `value` is NaN or infinite. A score that does not exist is `None` with an explanation.
        TypeError: `value` is neither bool, number, str nor None; `passed` neither bool nor None.
    """

    value: ScoreValue
    passed: bool | None = None
    explanation: str | None = None
    details: Mapping[str, Any] = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        if type(self.value) not in _AS_THEY_ARE:
            object.__setattr__(self, "value", _checked(self.value))
        if type(self.passed) not in _AS_THEY_ARE:
            object.__setattr__(self, "passed", _as_bool(self.passed))
        if self.passed is not None and not isinstance(self.passed, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            # A guardrail decides by this: what is nearly False must not pass for True.
            raise TypeError(f"passed={self.passed!r} is neither True, False nor None")
        if self.passed is None and isinstance(self.value, bool):
            object.__setattr__(self, "passed", self.value)


def as_verdict(returned: object) -> Score | None:
    """Read a value as one verdict: a `Score`, or a dict with a bool under `passed` (and `reason`).

    Returns:
        The score, or `None` when the value is something else.
    """
    if type(returned) is Score:
        return returned
    if not isinstance(returned, Mapping):
        return None
    fields = cast("Mapping[Any, Any]", returned)
    passed = _as_bool(fields.get("passed"))
    if not isinstance(passed, bool) or not _VERDICT_KEYS.issuperset(fields):
        return None
    details = fields.get("details")
    return Score(
        value=next((fields[key] for key in ("value", "score", "label") if key in fields), passed),
        passed=passed,
        explanation=_text(fields.get("reason", fields.get("explanation"))),
        details=cast("Mapping[str, Any]", details) if isinstance(details, Mapping) else {},
    )


def named_scores(name: str, returned: object) -> dict[str, Score]:
    """Turn whatever a scorer returned into scores with names.

    A verdict, bool, number or label gives one score called `name`; a dict of those gives one score a key,
    called `name.key`.

    Raises:
        TypeError, ValueError: The scorer returned something that is no score; the message says what may stand
            there.
    """
    if type(returned) in _AS_THEY_ARE:
        return {name: _plain(name, returned)}
    verdict = as_verdict(returned)
    if verdict is not None:
        return {name: verdict}
    if not isinstance(returned, Mapping):
        return {name: _plain(name, returned)}
    several = cast("Mapping[Any, object]", returned)
    if not several:
        raise TypeError(f"scorer {name!r} returned an empty dict: return a bool, number, label or Score")
    found = {f"{name}.{key}": as_verdict(value) or _plain(name, value) for key, value in several.items()}
    if len(found) < len(several):
        raise TypeError(f"scorer {name!r} returned two keys with the same text: {list(several)}")
    return found


def _plain(name: str, value: object) -> Score:
    try:
        return Score(value=value)  # type: ignore[arg-type]  # Score checks it, with a message
    except (TypeError, ValueError) as error:
        raise type(error)(f"scorer {name!r}: {error}") from None


def _checked(value: object) -> ScoreValue:
    if value is None or isinstance(value, bool | str):
        return value
    value = _as_bool(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Real):
        number = float(value)
        if math.isfinite(number):
            return number
        raise ValueError(f"{number} is no score: return Score(value=None, explanation=...) for 'not scored'")
    raise TypeError(
        f"a {type(value).__name__} is no score: return a bool, number, label (str), Score, or a dict of those"
    )


def _as_bool(value: object) -> object:
    """Return numpy's own True and False as Python's."""
    is_numpy = type(value).__module__ == "numpy" and type(value).__name__ in {"bool", "bool_"}
    return bool(value) if is_numpy else value


def _text(value: object) -> str | None:
    return None if value is None else str(value)
