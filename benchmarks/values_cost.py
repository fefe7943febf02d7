"""What it costs to encode a value, and that it does not grow with what is cut away.

    python benchmarks/values_cost.py [--rounds 7]

Each line is one value, in a small and in a huge size; times are the median of the rounds, in µs of this thread's CPU.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from tracelm.trace.values import encode

_LIMIT = 64_000


def values() -> Iterator[tuple[str, Callable[[int], object], int, int]]:
    """Yield what is encoded: a name, a maker, and two sizes."""
    yield "small dict", lambda _: {"amount": 4200, "merchant": "UNKNOWN_INTL"}, 1, 1
    yield "str", lambda size: "x" * size, 20_000, 50_000_000
    yield "str, three levels deep", lambda size: {"a": [{"b": "x" * size}]}, 20_000, 50_000_000
    yield "list of int", lambda size: list(range(size)), 100_000, 10_000_000
    yield "list of str", lambda size: ["ab"] * size, 100_000, 10_000_000
    yield "dict", lambda size: {str(key): key for key in range(size)}, 100_000, 2_000_000
    yield "messages", lambda size: [{"role": "user", "content": "x" * 1_000}] * size, 1_000, 1_000_000
    yield "range", range, 1_000, 10**12
    yield "ndarray", np.zeros, 10_000, 10_000_000
    yield "DataFrame", lambda size: pd.DataFrame({"a": np.zeros(size)}), 10_000, 10_000_000
    yield "bytes", lambda size: b"x" * size, 10_000, 50_000_000


def median_us(value: object, rounds: int) -> float:
    """Time `encode` of one value."""
    encode(value, max_bytes=_LIMIT)
    took: list[float] = []
    for _ in range(rounds):
        start = time.thread_time_ns()
        encode(value, max_bytes=_LIMIT)
        took.append((time.thread_time_ns() - start) / 1_000)
    return statistics.median(took)


def main() -> None:
    """Print one line a value."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{'value':<24}{'size':>14}{'µs':>10}{'size':>18}{'µs':>10}{'×':>7}")
    for name, make, small, large in values():
        first, second = median_us(make(small), rounds), median_us(make(large), rounds)
        print(f"{name:<24}{small:>14,}{first:>10.0f}{large:>18,}{second:>10.0f}{second / first:>7.1f}")


if __name__ == "__main__":
    main()
