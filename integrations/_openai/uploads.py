"""What a request uploads beside its body. It is looked at without moving in it: the client has yet to send it."""

import io
import mimetypes
import os
import stat
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final, cast

from tracelm.integrations._exchange import Message
from tracelm.integrations._fields import items, text
from tracelm.integrations._parts import blob_part
from tracelm.trace.media import kind_of

_MAX_BYTES: Final = 25_000_000
"""What is larger is only described; no provider takes more at once."""


def upload_parts(files: object, *, modality: str) -> list[Message]:
    """Return one part for each upload.

    Args:
        files: What the HTTP client gets: a mapping or a list of pairs, each of a name and bytes, a file, or a tuple
            that begins with a file name.
        modality: What they are: `image`, `audio`.
    """
    return [_part(file, modality) for _, file in _pairs(files)]


def _pairs(files: object) -> Iterator[tuple[object, object]]:
    if isinstance(files, Mapping):
        yield from cast("Mapping[object, object]", files).items()
        return
    for each in items(files):
        pair = items(each)
        if len(pair) == 2:
            yield pair[0], pair[1]


def _part(file: object, modality: str) -> Message:
    whole = items(file)  # a name, what is in it, and perhaps its type
    given = (*whole, None)[:3] if len(whole) > 1 else (None, file, None)
    content = given[1]
    name = text(given[0]) or PurePath(text(getattr(content, "name", None)) or "").name
    data = _bytes(content)
    mime_type = text(given[2]) or (kind_of(data[:16]) if data else None)
    mime_type = mime_type or (mimetypes.guess_type(name)[0] if name else None)
    found: Message = {"type": "upload", "modality": modality}
    if data:
        found = blob_part(modality, mime_type, b64encode(data).decode())
    elif mime_type:
        found["mime_type"] = mime_type
    return found | {"name": name} if name else found


def _bytes(content: object) -> bytes | None:
    """Return what is uploaded, if it can be read without being moved or used up."""
    if isinstance(content, bytes | bytearray):
        return bytes(content) if len(content) <= _MAX_BYTES else None
    if isinstance(content, io.BytesIO):
        return content.getvalue() if content.getbuffer().nbytes <= _MAX_BYTES else None
    # Of a file on disk the system reads at a place of its own; only these three classes tell of one for sure.
    if type(content) in {io.BufferedReader, io.BufferedRandom, io.FileIO}:
        file: Any = content
        try:
            descriptor = file.fileno()
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_BYTES:
                return os.pread(descriptor, status.st_size, 0)
        except (OSError, ValueError):  # closed, or not what it seems
            return None
    return None
