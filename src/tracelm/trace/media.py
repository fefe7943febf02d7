"""Images and sounds go into a folder of their own, by the hash of their content; a value holds only the reference.

`<home>/media/<aa>/<sha256>.<extension>`, each written once: first hidden, then renamed. What cannot be kept (too large,
no room on the disk, no base64) is described and counted; the program never notices.
"""

import base64
import binascii
import contextlib
import hashlib
import io
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tracelm.trace.safely import report

_DATA_URL: Final = re.compile(r"data:((?:image|audio|video)/[A-Za-z0-9.+\-]{1,60})(?:;[A-Za-z0-9=.+\-]{1,60})*;base64,")
_EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "image/svg+xml": "svg",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/aac": "aac",
    "video/mp4": "mp4",
    "application/pdf": "pdf",
}
_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def kind_of(head: bytes) -> str | None:
    """Tell the MIME type of an image or a sound by its first bytes; `None` for anything else."""
    for start, mime_type in _STARTS:
        if head.startswith(start):
            return mime_type
    return _RIFF.get(head[8:12]) if head.startswith(b"RIFF") else None


@dataclass(frozen=True, slots=True)
class DataUrl:
    """A data URL of an image, a sound or a film, not decoded yet.

    Attributes:
        mime_type: What it says of itself.
        encoded: Its base64.
    """

    mime_type: str
    encoded: str

    def described(self) -> dict[str, Any]:
        """Return what is said of it when it is not kept."""
        return _reference(self.mime_type, len(self.encoded) * 3 // 4)


def read_data_url(text: str) -> DataUrl | None:
    """Return the parts of a text that is a data URL of a medium, else `None`."""
    match = _DATA_URL.match(text, 0, 300)
    return None if match is None else DataUrl(match[1], text[match.end() :])


def described_image(image: Any) -> dict[str, Any]:
    """Describe an image of PIL."""
    return {"type": "image", "mode": str(image.mode), "size": list(image.size)}


class MediaFolder:
    """Keeps media under a home folder.

    Args:
        home: As in the settings.
        max_bytes: What is larger is only described.
    """

    def __init__(self, home: Path, max_bytes: int) -> None:
        self._folder = home / "media"
        self._max_bytes = max_bytes

    def keep(self, data: "bytes | bytearray | memoryview", mime_type: str, length: int) -> dict[str, Any]:
        """Keep bytes.

        Returns:
            The reference: `{"type": "media", "media": "sha256:…", "mime_type": …, "bytes": …}`; without `media` where
            they could not be kept.
        """
        found = _reference(mime_type, length)
        if length > self._max_bytes:
            return found
        try:
            digest = hashlib.sha256(data).hexdigest()
            self._write(digest, mime_type, data)
        except Exception as error:
            report("keep an image or a sound", error)
            return found
        return {"type": "media", "media": f"sha256:{digest}", **found}

    def keep_encoded(self, url: DataUrl) -> dict[str, Any]:
        """Keep the content of a data URL; returns the reference, as `keep` does."""
        return self._decoded(url.encoded, url.mime_type)

    def keep_image(self, image: Any) -> dict[str, Any]:
        """Keep an image of PIL, as PNG; returns the reference with its mode and size."""
        described = described_image(image)
        try:
            width, height = image.size
            if width * height * len(image.getbands()) <= self._max_bytes:
                buffer = io.BytesIO()
                # The caller waits: little compression, at a third of the time.
                image.save(buffer, format="PNG", compress_level=1)
                data = buffer.getvalue()
                return self.keep(data, "image/png", len(data)) | {"mode": described["mode"], "size": described["size"]}
        except Exception as error:  # a mode that PNG does not know, say
            report("keep an image or a sound", error)
        return described

    def keep_part(self, encoded: str, mime_type: str | None) -> dict[str, Any]:
        """Keep what a message holds inline.

        Returns:
            A part of a message by OpenTelemetry's GenAI conventions: of type `uri`; of our type `media`, which only
            describes, where it could not be kept.
        """
        found = self._decoded(encoded, mime_type)
        if "media" not in found:
            return found
        uri = f"tracelm-media:{str(found['media']).replace(':', '/')}"
        return {"type": "uri", "uri": uri, "mime_type": found["mime_type"], "bytes": found["bytes"]}

    def _decoded(self, encoded: str, mime_type: str | None) -> dict[str, Any]:
        size = len(encoded) * 3 // 4
        if size > self._max_bytes:
            return _reference(mime_type or "application/octet-stream", size)
        try:
            data = base64.b64decode(encoded)
        except (binascii.Error, ValueError) as error:
            report("decode an image or a sound", error)
            return _reference(mime_type or "application/octet-stream", size)
        return self.keep(data, mime_type or kind_of(data[:16]) or "application/octet-stream", len(data))

    def _write(self, digest: str, mime_type: str, data: "bytes | bytearray | memoryview") -> None:
        folder = self._folder / digest[:2]
        path = folder / f"{digest}.{_EXTENSIONS.get(mime_type, 'bin')}"
        if path.exists():
            return
        for each in (self._folder.parent, self._folder, folder):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        hidden = folder / f".{digest}.{os.getpid()}-{secrets.token_hex(4)}"
        try:
            descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            hidden.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                hidden.unlink()
            raise


def _reference(mime_type: str, length: int) -> dict[str, Any]:
    return {"type": "media", "mime_type": mime_type, "bytes": length}
