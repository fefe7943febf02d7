"""Recorded exchanges as fixtures: `pytest_plugins = ("tests.recordings.fixtures",)` in a test module.

`own` runs a test once for each recording that the project made itself, `foreign` once for each recording in the
shared folder that speaks OpenAI's interface (many providers). Both answer over HTTP on loopback; the client in between
is the real one. What the installed client has no method for, as an old one may, is left out.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.recordings.bedrock import MADE
from tests.recordings.foreign import replayed, speaking_openai
from tests.recordings.google import GoogleRecorded, as_events, speaking_google
from tests.recordings.made_by_hand import STREAMS
from tests.recordings.made_google import GOOGLE
from tests.recordings.recorded import Recorded, can_be_asked
from tests.recordings.server import load, serve

_SHARED = Path(__file__).parents[3] / "shared" / "recordings"
_FOREIGN = speaking_openai(_SHARED)
_GOOGLE = speaking_google(load(_SHARED))
_GOOGLE_STREAMS = {name: changed for name, each in _GOOGLE.items() if (changed := as_events(each)) is not None}
"""Streams of another form than the one that the client asks for."""
_OWN = {name: recording for name, recording in load().items() if can_be_asked(recording)}


@pytest.fixture(scope="session")
def own_url() -> Iterator[str]:
    """The address of the project's own recordings."""
    with serve(load() | STREAMS | MADE | GOOGLE) as url:
        yield url


@pytest.fixture(scope="session")
def foreign_url(shared: Path) -> Iterator[str]:
    """The address of the shared recordings, played by the shared server."""
    with replayed(shared / "recordings") as url:
        yield url


@pytest.fixture(params=sorted(_OWN))
def own(request: pytest.FixtureRequest, own_url: str) -> Recorded:
    """Each recording that the project made itself."""
    return Recorded(_OWN[request.param], own_url)


@pytest.fixture(params=sorted(_FOREIGN))
def foreign(request: pytest.FixtureRequest, foreign_url: str) -> Recorded:
    """Each recording in the shared folder that speaks OpenAI's interface."""
    return Recorded(_FOREIGN[request.param], foreign_url)


def _is_chat(recorded: Recorded) -> bool:
    return recorded.endpoint in {"chat.completions", "responses"} and not recorded.fails and not recorded.is_azure


@pytest.fixture(params=sorted(name for name, each in _FOREIGN.items() if _is_chat(Recorded(each, ""))))
def foreign_chat(request: pytest.FixtureRequest, foreign_url: str) -> Recorded:
    """Each of them that is an answered chat, as a framework can ask for it."""
    return Recorded(_FOREIGN[request.param], foreign_url)


@pytest.fixture(scope="session")
def google_streams_url() -> Iterator[str]:
    """The address of the shared streams that were changed into the form for which Google's client asks."""
    with serve(_GOOGLE_STREAMS) as url:
        yield url


@pytest.fixture(params=sorted(_GOOGLE))
def google(request: pytest.FixtureRequest, foreign_url: str, google_streams_url: str) -> GoogleRecorded:
    """Each recording in the shared folder that Google's client has a method for."""
    changed = _GOOGLE_STREAMS.get(request.param)
    if changed is not None:
        return GoogleRecorded(changed, google_streams_url)
    return GoogleRecorded(_GOOGLE[request.param], foreign_url)


@pytest.fixture
def reply(own_url: str) -> Recorded:
    """One plain reply of the local model."""
    return Recorded(_OWN["local-chat-completions-sync-basic"], own_url)


@pytest.fixture
def stream(own_url: str) -> Recorded:
    """One streamed reply of the local model, with its usage."""
    return Recorded(_OWN["local-chat-completions-stream-usage"], own_url)


@pytest.fixture
def failure(own_url: str) -> Recorded:
    """One request that the local model refuses with status 400."""
    return Recorded(_OWN["local-chat-completions-sync-error-400"], own_url)


@pytest.fixture
def schemas(shared: Path) -> dict[str, Any]:
    """The schemas of attributes that hold content, by their names."""
    names = ("input.messages", "output.messages", "tool.definitions", "system_instructions")
    return {
        f"gen_ai.{name}": json.loads(
            (shared / "semconv" / f"gen-ai-{name.replace('.', '-').replace('_', '-')}.json").read_text()
        )
        for name in names
    }
