"""Calls of an op at any moment, written into a store as they would have been recorded."""

from random import Random
from typing import Final

from tests.unit.store.otlp_lines import span_line
from tracelm.otlp.decode import decode_spans
from tracelm.store.ingest import write_spans
from tracelm.store.store import Store

MINUTE_NS: Final = 60 * 10**9
HOUR_NS: Final = 60 * MINUTE_NS


class Traffic:
    """Calls of ops, whose output is "please" or "no".

    Attributes:
        store: Where they are recorded.
    """

    def __init__(self, store: Store, *, seed: int = 7) -> None:
        self.store = store
        self._random = Random(seed)
        self._count = 0

    def calls(
        self, n: int, *, passing: float, from_ns: int, to_ns: int, op: str = "answer", release: str = "1.0"
    ) -> None:
        """Record calls at moments that are spread evenly.

        Args:
            n: How many.
            passing: With which probability each says "please".
            from_ns: When the first may begin, nanoseconds since 1970, UTC.
            to_ns: Before when the last begins.
            op: What is called.
            release: Of the program.
        """
        moments = [from_ns + (to_ns - from_ns) * number // n for number in range(n)]
        lines = [self._line(each, self._random.random() < passing, op, release) for each in moments]
        spans = [decode_spans(line).records[0] for line in lines]
        with self.store.writing() as connection:
            write_spans(connection, [(span, "shop") for span in spans])

    def _line(self, start_ns: int, passes: bool, op: str, release: str) -> bytes:
        self._count += 1
        attributes: dict[str, object] = {
            "tracelm.op.name": op,
            "input.value": '{"question":"?"}',
            "output.value": '"please"' if passes else '"no"',
            "service.version": release,
        }
        trace, span = f"{self._random.getrandbits(128):032x}", f"{self._count:016x}"
        end_ns = start_ns + 10**6
        return span_line(op, trace=trace, span=span, start=start_ns, end=end_ns, attributes=attributes, project="shop")
