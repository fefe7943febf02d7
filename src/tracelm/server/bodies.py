"""The body of a request, inflated up to a limit."""

import zlib
from typing import Final

from tracelm.errors import DecodeError

ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
_GZIP: Final = 31  # zlib's window bits for gzip, zlib and raw deflate
_ZLIB: Final = 15
_RAW: Final = -15


class BodyTooLargeError(DecodeError):
    """The body is larger than the server takes, as it came or inflated."""


def inflated(body: bytes, encoding: str, *, max_bytes: int) -> bytes:
    """Return what the body holds.

    Args:
        body: As it came.
        encoding: Its `Content-Encoding`, one of `ENCODINGS`.
        max_bytes: No more than this is ever inflated.

    Raises:
        BodyTooLargeError: It holds more.
        DecodeError: It is not compressed as `encoding` says.
    """
    if encoding in {"", "identity"}:
        whole = body
    elif encoding == "gzip":
        whole = _inflated(body, _GZIP, max_bytes)
    else:  # "deflate" means zlib's format; some senders leave out its head
        has_head = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
        whole = _inflated(body, _ZLIB if has_head else _RAW, max_bytes)
    if len(whole) > max_bytes:
        raise BodyTooLargeError(f"the request holds more than {max_bytes:,} bytes: send smaller batches")
    return whole


def _inflated(body: bytes, window: int, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    rest = body
    try:
        while rest:
            stream = zlib.decompressobj(window)
            parts.append(stream.decompress(rest, max_bytes - size + 1))
            size += len(parts[-1])
            if size > max_bytes:
                break  # the rest is not looked at
            if not stream.eof:
                raise DecodeError("the compressed body is cut short")
            rest = stream.unused_data if window == _GZIP else b""  # a gzip file may have several members
    except zlib.error as error:
        raise DecodeError(f"the body is not compressed as its Content-Encoding says: {error}") from None
    return b"".join(parts)
