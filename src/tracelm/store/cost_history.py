"""What became of a span's cost since it was recorded.

The record is never changed. Beside it stands a JSON list of the costs that were computed anew, each with the time at
which that was done; the last one is in force.
"""

from typing import Any, Final, cast

import orjson

from tracelm import semconv
from tracelm.otlp.records import Attributes

_PREFIX: Final = "tracelm.cost."
_NAMES: Final = frozenset({semconv.COST_AMOUNT, semconv.COST_CURRENCY, semconv.COST_SOURCE})
_STAYS: Final = semconv.COST_FRAMEWORK
"""What a framework says that a call cost follows from no price of ours."""
_WAS: Final = {
    semconv.COST_AMOUNT: semconv.COST_RECORDED,
    semconv.COST_RULE: semconv.COST_RECORDED_RULE,
    semconv.COST_PRICE_VERSION: semconv.COST_RECORDED_PRICE_VERSION,
}


def in_force(recorded: Attributes, history: str | None) -> Attributes:
    """Return the attributes of a span with the cost that is in force, and the recorded one beside it."""
    if history is None:
        return recorded
    last = _entries(history)[-1]
    others = {
        key: value for key, value in recorded.items() if key == _STAYS or not (key in _NAMES or key.startswith(_PREFIX))
    }
    was = {now: recorded[key] for key, now in _WAS.items() if key in recorded}
    return {**others, **last["attributes"], **was, semconv.COST_REPRICED_AT: last["at_ns"]}


def extended(history: str | None, attributes: dict[str, str | float], *, at_ns: int) -> str:
    """Return the history with one cost more.

    Args:
        history: What was before; `None` for a cost that is still the recorded one.
        attributes: The new cost, as the attributes of a span.
        at_ns: When it was computed; nanoseconds since 1970, UTC.
    """
    entries = [] if history is None else _entries(history)
    return orjson.dumps([*entries, {"at_ns": at_ns, "attributes": attributes}]).decode()


def _entries(history: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", orjson.loads(history))
