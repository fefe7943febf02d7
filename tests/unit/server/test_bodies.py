"""Inflation: what comes out is bounded while it is made, not measured afterwards."""

import gzip
import tracemalloc
import zlib

import pytest

from tracelm.errors import DecodeError
from tracelm.server.bodies import BodyTooLargeError, inflated

MILLION = 1_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_never_takes_more_memory_than_the_limit(encoding: str) -> None:
    bomb = (gzip.compress if encoding == "gzip" else zlib.compress)(bytes(200 * MILLION))
    tracemalloc.start()
    with pytest.raises(BodyTooLargeError, match="more than 1,000,000 bytes"):
        inflated(bomb, encoding, max_bytes=MILLION)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10 * MILLION


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "deflate"])
def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(encoding: str) -> None:
    def sent(count: int) -> bytes:
        body = bytes(count)
        return gzip.compress(body) if encoding == "gzip" else zlib.compress(body) if encoding == "deflate" else body

    assert inflated(sent(1_000), encoding, max_bytes=1_000) == bytes(1_000)
    with pytest.raises(BodyTooLargeError):
        inflated(sent(1_001), encoding, max_bytes=1_000)


def test_what_is_not_compressed_as_it_says_is_refused() -> None:
    for body in (b"plain", gzip.compress(b"x" * 99)[:-1], b"\x1f\x8b"):
        with pytest.raises(DecodeError):
            inflated(body, "gzip", max_bytes=1_000)
