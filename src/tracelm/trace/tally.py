"""What a trace has used so far: summed while its spans end, for whoever waits for it in the same process."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tracelm import semconv


@dataclass(slots=True)
class Tally:
    """Sums over the calls of models in one trace.

    Attributes:
        cost_usd: US dollars; `None` as long as no call had a known price.
        input_tokens: Tokens sent.
        output_tokens: Tokens received.
        requests: Calls of models.
    """

    cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0

    @property
    def tokens(self) -> int:
        """Tokens sent and received."""
        return self.input_tokens + self.output_tokens


sums_of: Final[dict[int, Tally]] = {}
"""By trace id. Empty as long as nobody waits for a sum: asked on the way of each span, so it is no function."""


def is_of_trial(trace_id: int) -> bool:
    """Whether a trace is a row of an evaluation that runs: these are what sums are kept of."""
    return trace_id in sums_of


@contextmanager
def tally(trace_id: str) -> Generator[Tally]:
    """Sum what the spans of a trace use that end inside the block.

    Args:
        trace_id: 32 hex digits.
    """
    key = int(trace_id, 16)
    sums = sums_of[key] = Tally()
    try:
        yield sums
    finally:
        sums_of.pop(key, None)


def count(trace_id: int, attributes: Mapping[str, Any] | None) -> None:
    """Add a finished span to the tally of its trace, if somebody keeps one."""
    sums = sums_of.get(trace_id)
    if sums is None or not attributes or attributes.get(semconv.OPERATION_NAME) not in semconv.MODEL_OPERATIONS:
        return
    sums.requests += 1
    cost = attributes.get(semconv.COST_AMOUNT)
    if cost is not None:
        sums.cost_usd = (sums.cost_usd or 0.0) + float(cost)
    sums.input_tokens += int(attributes.get(semconv.INPUT_TOKENS) or 0)
    sums.output_tokens += int(attributes.get(semconv.OUTPUT_TOKENS) or 0)
