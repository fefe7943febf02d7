"""How often a detector is right: the figures that `tracelm scorers bench` found and that came with this version."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

FILE: Final = "measured.json"


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of cases, and how sure it is.

    Attributes:
        count: The cases that count.
        of: All cases.
        low: Lower end of Wilson's 95 % interval; `None` where there is no case.
        high: Upper end of it.
    """

    count: int
    of: int
    low: float | None = None
    high: float | None = None

    @property
    def share(self) -> float | None:
        """`count / of`; `None` where there is no case."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run over labelled texts found.

    Attributes:
        scorer: The name of the scorer.
        data: The files, by name.
        split: `test`, `tune`, or `all`.
        rows: How many texts there were.
        recall: By what was to be found: which share of it was found.
        precision: Which share of the findings was right; `None` where nothing was to be found.
        false_positives: By kind of text: which share of those in which nothing was to be found was refused.
        recall_at_1_percent: By kind of attack, and `all`: the recall at the threshold that refuses at most 1 % of the
            texts without an attack; empty where the scorer gives no `risk`.
        threshold_at_1_percent: That threshold; `None` where there is none.
        latency_p50_ms: The median time a text, in milliseconds, on the machine that measured.
        latency_p95_ms: The 95th percentile of it.
    """

    scorer: str
    data: tuple[str, ...]
    split: str
    rows: int
    recall: Mapping[str, Rate]
    precision: Rate | None
    false_positives: Mapping[str, Rate]
    recall_at_1_percent: Mapping[str, Rate]
    threshold_at_1_percent: float | None
    latency_p50_ms: float
    latency_p95_ms: float


def measured(name: str) -> Measured | None:
    """Return the figures of a scorer, by its name, such as `pii`; `None` where nothing was measured."""
    return _all().get(name)


@cache
def _all() -> Mapping[str, Measured]:
    listed = orjson.loads((files("tracelm.scorers") / FILE).read_bytes())
    return {each["scorer"]: from_plain(each) for each in listed}


def from_plain(plain: Mapping[str, Any]) -> Measured:
    """Read figures from what `dataclasses.asdict` made of them."""
    fields = dict(plain)
    for name in ("recall", "false_positives", "recall_at_1_percent"):
        fields[name] = {key: Rate(**rate) for key, rate in plain[name].items()}
    fields["data"] = tuple(plain["data"])
    fields["precision"] = None if plain["precision"] is None else Rate(**plain["precision"])
    return Measured(**fields)
