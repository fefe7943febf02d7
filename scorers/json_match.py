"""A scorer that compares JSON with JSON and says where they differ."""

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

from tracelm.scorers.json_text import read_json
from tracelm.scorers.values import refused, shown
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

_MOST_DIFFERENCES: Final = 20
_DEEPEST: Final = 200
_MOST_UNORDERED: Final = 1_000
"""Items of a list that are compared each with each."""


@dataclass(frozen=True, kw_only=True)
class JsonMatch(Scorer):
    """True when the output is the same JSON as was expected; else the explanation says where they differ.

    The order of keys does not count; `1` and `1.0` are the same, `1` and `true` are not. `details["differences"]` lists
    at most 20 of `{"path", "output", "expected"}`, the path as a JSON Pointer; a missing side is left out. What is
    nested more than 200 deep is refused, and so is a list of more than 1,000 items in any order. The share
    of the expected values that are right is `details["right"]`, 0..1.

    Args:
        subset: Whether the output may have keys that were not expected.
        any_order: Whether the items of a list may stand in any order.
        rel_tol: How far off a number may be, as a share of the expected one.
        repair: Whether JSON that needs repairs will do, as for `ValidJson`.

    Example:
        >>> JsonMatch().score(output='{"a": "x", "n": [1, 3]}', expected={"n": [1, 2], "a": "x"}).explanation
        '/n/1: 3 instead of 2'
    """

    subset: bool = False
    any_order: bool = False
    rel_tol: float = 0.0
    repair: bool = False
    gives: ClassVar[str] = "True or False"

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`; a text on either side is read as JSON."""
        wanted = read_json(expected)
        if wanted.error is not None:
            return refused(f"the row expects what is no JSON: {wanted.error}")
        found = read_json(output, repair=self.repair)
        if found.error is not None:
            return Score(value=False, explanation=f"no JSON: {found.error}", details={"right": 0.0})
        try:
            differences = list(self.differences(found.value, wanted.value))
        except TooMuch as error:
            return refused(str(error))
        if not differences:
            return Score(value=True, details={"right": 1.0})
        why = "; ".join(_sentence(each) for each in differences[:3])
        why += f"; and {len(differences) - 3} more" if len(differences) > 3 else ""
        leaves = _leaves(wanted.value)
        details = {"right": max(0.0, 1 - len(differences) / leaves), "differences": differences[:_MOST_DIFFERENCES]}
        return Score(value=False, explanation=why, details=details)

    def differences(self, output: object, expected: object, path: str = "", depth: int = 0) -> Iterator[dict[str, Any]]:
        """Yield what differs, as `{"path", "output", "expected"}`."""
        if depth > _DEEPEST:
            raise TooMuch(f"nested more than {_DEEPEST} deep")
        if isinstance(output, Mapping) and isinstance(expected, Mapping):
            given, wanted = cast("Mapping[str, object]", output), cast("Mapping[str, object]", expected)
            for key in wanted:
                here = f"{path}/{_escaped(key)}"
                if key in given:
                    yield from self.differences(given[key], wanted[key], here, depth + 1)
                else:
                    yield {"path": here, "expected": wanted[key]}
            if not self.subset:
                yield from (
                    {"path": f"{path}/{_escaped(key)}", "output": given[key]} for key in given if key not in wanted
                )
            return
        items, wanted_items = _items(cast("object", output)), _items(expected)
        if items is not None and wanted_items is not None:
            yield from self._of_lists(items, wanted_items, path, depth)
        elif not self._equal(cast("object", output), expected):
            yield {"path": path, "output": output, "expected": expected}

    def _of_lists(
        self, given: Sequence[object], wanted: Sequence[object], path: str, depth: int
    ) -> Iterator[dict[str, Any]]:
        if self.any_order:
            if max(len(given), len(wanted)) > _MOST_UNORDERED:
                raise TooMuch(f"a list of more than {_MOST_UNORDERED:,} items cannot be compared in any order")
            left = list(enumerate(given))
            for number, item in enumerate(wanted):
                same = next((each for each in left if self._same(each[1], item, depth)), None)
                if same is None:
                    yield {"path": f"{path}/{number}", "expected": item}
                else:
                    left.remove(same)
            yield from ({"path": f"{path}/{number}", "output": item} for number, item in left)
            return
        for number in range(max(len(given), len(wanted))):
            here = f"{path}/{number}"
            if number >= len(wanted):
                yield {"path": here, "output": given[number]}
            elif number >= len(given):
                yield {"path": here, "expected": wanted[number]}
            else:
                yield from self.differences(given[number], wanted[number], here, depth + 1)

    def _same(self, output: object, expected: object, depth: int) -> bool:
        return next(self.differences(output, expected, "", depth + 1), None) is None

    def _equal(self, output: object, expected: object) -> bool:
        if isinstance(output, bool) or isinstance(expected, bool):
            return output is expected
        if isinstance(output, numbers.Real) and isinstance(expected, numbers.Real):
            if self.rel_tol:
                return math.isclose(output, expected, rel_tol=self.rel_tol)
            return bool(output == expected)
        return type(output) is type(expected) and bool(output == expected)


class TooMuch(Exception):  # noqa: N818 - a reason, not an error
    """Comparing would take too long."""


def _items(value: object) -> Sequence[object] | None:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else None


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _sentence(difference: Mapping[str, Any]) -> str:
    path = difference["path"] or "/"
    if "output" not in difference:
        return f"{path}: {shown(difference['expected'])} is missing"
    if "expected" not in difference:
        return f"{path}: {shown(difference['output'])} was not expected"
    return f"{path}: {shown(difference['output'])} instead of {shown(difference['expected'])}"


def _leaves(value: object) -> int:
    if isinstance(value, Mapping):
        return max(1, sum(map(_leaves, cast("Mapping[str, object]", value).values())))
    items = _items(value)
    return 1 if items is None else max(1, sum(map(_leaves, items)))
