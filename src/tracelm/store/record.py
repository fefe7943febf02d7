"""What the store keeps of a record: its OTLP/JSON, with long texts and chat messages cut out, compressed.

A piece that was cut out is kept in `contents`, once, however many records have it; where it stood is a hole with its
digest. Pieces are cut from the encoded bytes and put back as they were, so a record comes out byte for byte as it
went in, whatever it holds. A conversation whose every call repeats all messages before costs one piece a message.
"""

import functools
import hashlib
import json
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import orjson

from tracelm.errors import StoreError

DIGEST_BYTES: Final = 16
LONG: Final = 512
"""Shorter texts stay where they are: a row of their own would cost more. In characters."""
_SHORTEST_PART: Final = 64
_DEEPEST: Final = 3  # messages stand in a list, or in a list of an argument
_LEVEL: Final = 1
_COUNT: Final = struct.Struct("<I")
_HOLE: Final = struct.Struct(f"<I{DIGEST_BYTES}s")
_NO_HOLES: Final = _COUNT.pack(0)
_DICTIONARY: Final = Path(__file__).with_name("record.zdict")


@dataclass(frozen=True, slots=True)
class Packed:
    """A record as it is stored.

    Attributes:
        blob: The record with its holes, compressed.
        pieces: What was cut out, by digest: bytes as they stood in the record.
    """

    blob: bytes
    pieces: Mapping[bytes, bytes]


def pack(body: bytes, texts: Sequence[str]) -> Packed:
    """Cut long texts out of a record.

    Args:
        body: The record, OTLP/JSON.
        texts: The texts in it, in their order; one that `body` spells in another way than orjson stays in it.
    """
    if not texts:
        return Packed(compress(_NO_HOLES + body), {})
    spots: list[tuple[int, bytes]] = []
    after = 0
    for text in texts:
        if len(text) < LONG:
            continue
        encoded = orjson.dumps(text)
        start = body.find(encoded, after)
        if start >= 0:
            spots += ((start + offset, piece) for offset, piece in _pieces(text, encoded))
            after = start + len(encoded)
    pieces: dict[bytes, bytes] = {}
    holes: list[bytes] = []
    kept: list[bytes] = []
    end = length = 0
    for start, piece in spots:
        digest = hashlib.blake2b(piece, digest_size=DIGEST_BYTES).digest()
        pieces[digest] = piece
        kept.append(body[end:start])
        length += start - end
        holes.append(_HOLE.pack(length, digest))
        end = start + len(piece)
    kept.append(body[end:])
    return Packed(compress(b"".join((_COUNT.pack(len(holes)), *holes, *kept))), pieces)


def digests(blob: bytes) -> list[bytes]:
    """Return the digests of what was cut out of a record, in the order in which it stands there."""
    return [digest for _, digest in _holes(decompress(blob))]


def unpack(blob: bytes, pieces: Mapping[bytes, bytes]) -> bytes:
    """Return the record as it was.

    Raises:
        StoreError: A piece is missing.
    """
    content = decompress(blob)
    holes = _holes(content)
    first = _COUNT.size + len(holes) * _HOLE.size
    if not holes:
        return content[first:]
    parts: list[bytes] = []
    end = 0
    for start, digest in holes:
        parts.append(content[first + end : first + start])
        try:
            parts.append(pieces[digest])
        except KeyError:
            raise StoreError(
                f"a text of a record is missing (digest {digest.hex()}): the span was deleted meanwhile, or the store "
                "is damaged; `tracelm store check` says which"
            ) from None
        end = start
    parts.append(content[first + end :])
    return b"".join(parts)


def without_pieces(blob: bytes) -> bytes:
    """Return the record for a look at what is short: still OTLP/JSON."""
    content = decompress(blob)
    (count,) = _COUNT.unpack_from(content)
    return content[_COUNT.size + count * _HOLE.size :]


def with_nulls(blob: bytes) -> tuple[bytes, list[bytes]]:
    """Return the record with `null` in its holes, so that JSON inside of a text can be read, and what was cut out."""
    content = decompress(blob)
    if content.startswith(_NO_HOLES):
        return content[_COUNT.size :], []
    cut = [digest for _, digest in _holes(content)]
    return unpack(blob, dict.fromkeys(cut, b"null")), cut


def text_of(piece: bytes) -> str:
    """Return the text that a piece spells."""
    return cast("str", orjson.loads(b'"%b"' % piece))


def compress(content: bytes) -> bytes:
    """Compress for the store."""
    return _coder().compress(content)


def decompress(content: bytes) -> bytes:
    """Undo `compress`.

    Raises:
        StoreError: It is damaged.
    """
    return _coder().decompress(content)


def _holes(content: bytes) -> list[tuple[int, bytes]]:
    (count,) = _COUNT.unpack_from(content)
    return list(_HOLE.iter_unpack(content[_COUNT.size : _COUNT.size + count * _HOLE.size]))


def _pieces(text: str, encoded: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what to cut out of a text, with its offset in `encoded`: its messages where it is JSON, else all of it."""
    parts = _parts(text) if text[0] in "[{" else []
    offset = 1  # the quotation mark
    for part in parts:
        piece = orjson.dumps(part)[1:-1]
        start = encoded.find(piece, offset)
        if start >= 0:  # escapes are made character by character: a part's stand in the whole as they are
            yield start, piece
            offset = start + len(piece)
    if not parts:
        yield 1, encoded[1:-1]


def _parts(text: str) -> list[str]:
    """Return the parts of a JSON text that may come again, in their order; none where they are not most of it."""
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    found: list[str] = []
    end = 0
    for one in _repeated(value):
        for spelled in _spellings(one):
            start = text.find(spelled, end)
            if start >= 0:
                found.append(spelled)
                end = start + len(spelled)
                break
    return found if 2 * sum(map(len, found)) > len(text) else []


def _repeated(value: Any, depth: int = 0) -> Iterator[Any]:
    if isinstance(value, str) and len(value) >= LONG:
        yield value
    elif isinstance(value, dict) and depth < _DEEPEST:
        for each in cast("dict[str, Any]", value).values():
            yield from _repeated(each, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for each in cast("list[Any]", value):
            if isinstance(each, dict | list):
                yield each
            else:
                yield from _repeated(each, depth + 1)


def _spellings(value: Any) -> Iterator[str]:
    """Yield how JSON's usual writers spell a value: without blanks, or as Python's does."""
    try:
        compact = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # it reads what is nested deeper than it writes
        return
    if len(compact) >= _SHORTEST_PART:
        yield compact
        yield json.dumps(value)
        yield json.dumps(value, ensure_ascii=False)


class _Coder(threading.local):
    """zstd with a dictionary, one for each thread: its objects must not be shared."""

    def __init__(self) -> None:
        import zstandard

        known = zstandard.ZstdCompressionDict(_dictionary())
        self.compress = zstandard.ZstdCompressor(level=_LEVEL, dict_data=known, write_checksum=False).compress
        self._decompress = zstandard.ZstdDecompressor(dict_data=known).decompress
        self._error = zstandard.ZstdError

    def decompress(self, content: bytes) -> bytes:
        try:
            return self._decompress(content)
        except self._error as error:
            raise StoreError(
                f"a record of the store is damaged ({error}): put a copy of the store in its place"
            ) from None


@functools.cache
def _coder() -> _Coder:
    return _Coder()


@functools.cache
def _dictionary() -> bytes:
    return _DICTIONARY.read_bytes()
