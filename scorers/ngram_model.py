"""A small linear model of texts: hashed words and pairs of words, one weight each, no library at run time.

The features of a text are the different words, pairs of neighbours and word beginnings in it, each hashed to a slot
(CRC-32); the logit is their mean weight, scaled, plus a bias. Weights are whole numbers of one byte.
"""

import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

SLOTS: Final = 1 << 15
"""How many weights there are."""
WINDOW_WORDS: Final = 60
"""A long text is judged in pieces of so many words, each overlapping the next by half."""
_token: Final = re.compile(r"[a-z0-9]+|[^\sa-z0-9]", re.ASCII)
_HEADER: Final = struct.Struct("<ff")


@dataclass(frozen=True, slots=True)
class NgramModel:
    """Weights.

    Attributes:
        weights: One signed byte a slot.
        scale: What a weight of 1 stands for.
        bias: The logit of a text without features.
    """

    weights: Sequence[int]
    scale: float
    bias: float

    def probability(self, slots: Sequence[int], *, among: int = 1) -> float:
        """Return how sure it is that a piece of a text is of the class that was learnt, 0 to 1.

        Args:
            slots: The features of the piece.
            among: How many pieces the text has. Each is another chance to be wrong, so that the odds are divided
                by it.
        """
        if not slots:
            return 0.0
        weights = self.weights
        logit = self.bias + self.scale * sum([weights[slot] for slot in slots]) / math.sqrt(len(slots))
        logit -= math.log(among)
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))

    def judged(self, text: str) -> Iterator[tuple[int, int, float]]:
        """Yield the pieces of a text, in lower case: where each begins and ends, and how sure the model is of it."""
        pieces = list(windows(text))
        for start, end, slots in pieces:
            yield start, end, self.probability(slots, among=len(pieces))

    def to_bytes(self) -> bytes:
        """Return the model as it is stored."""
        packed = bytes(weight & 0xFF for weight in self.weights)
        return zlib.compress(_HEADER.pack(self.scale, self.bias) + packed, 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> "NgramModel":
        """Read a model that `to_bytes` wrote.

        Raises:
            ValueError: It has not the right size.
        """
        raw = zlib.decompress(data)
        if len(raw) != _HEADER.size + SLOTS:
            raise ValueError(f"the model has {len(raw)} bytes, not {_HEADER.size + SLOTS}: install tracelm again")
        scale, bias = _HEADER.unpack_from(raw)
        return cls(memoryview(raw)[_HEADER.size :].cast("b"), scale, bias)


@cache
def injection_model() -> NgramModel:
    """Return the model of prompt injections that comes with tracelm."""
    return NgramModel.from_bytes((files("tracelm.scorers") / "injection_model.bin").read_bytes())


def windows(text: str) -> Iterator[tuple[int, int, list[int]]]:
    """Yield the pieces of a text: where each begins and ends, in characters, and its features.

    Args:
        text: Lower case, as `fold_letters` gives it.
    """
    found = [match.span() for match in _token.finditer(text)]
    step = WINDOW_WORDS // 2
    for first in range(0, max(len(found) - step, 1), step):
        part = found[first : first + WINDOW_WORDS]
        if part:
            # Which number or code it is says nothing; that it is one does.
            words = [word if word.isalpha() or not word.isalnum() else "0" for word in (text[a:b] for a, b in part)]
            yield part[0][0], part[-1][1], features(words)


def features(tokens: Sequence[str]) -> list[int]:
    """Return the slots of the different features of some words."""
    crc = zlib.crc32
    named = {token.encode() for token in tokens}
    named |= {f"{first} {second}".encode() for first, second in pairwise(tokens)}
    named |= {f"{token[:5]}-".encode() for token in tokens if len(token) > 5}
    return [crc(name) % SLOTS for name in named]
