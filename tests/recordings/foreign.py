"""The recordings in the shared folder: what other projects recorded, of many providers."""

import importlib.util
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.recordings.recorded import can_be_asked
from tests.recordings.server import load

_ENDPOINTS = frozenset(
    {
        "chat.completions",
        "completions",
        "responses",
        "responses.compact",
        "embeddings",
        "images",
        "audio.speech",
        "audio.transcriptions",
        "moderations",
    }
)


def speaking_openai(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the recordings that the installed client of OpenAI has a method for, by their ids."""
    return {
        name: recording
        for name, recording in load(folder).items()
        if recording["endpoint"] in _ENDPOINTS and can_be_asked(recording)
    }


@contextmanager
def replayed(folder: Path) -> Generator[str]:
    """Play the recordings in `folder` with the server that lies beside it; yields its address."""
    spec = importlib.util.spec_from_file_location("replay_server", folder.parent / "replay_server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.ReplayServer(folder) as server:
        yield server.url
