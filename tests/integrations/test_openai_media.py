"""Images, speech and transcriptions: media are kept, and what is uploaded arrives whole."""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.answering import MP3, PNG, WAV, Server, media, messages, sse
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Pipe(io.RawIOBase):
    """A file that can be read once, and not sought in."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1, /) -> bytes:
        return self._left.read(size)


@pytest.fixture(params=["bytes", "tuple", "path", "file", "moved file", "memory", "pipe"])
def upload(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[object]:
    """Each way to upload a file."""
    path = tmp_path / "talk.wav"
    path.write_bytes(WAV)
    with path.open("rb") as file, path.open("rb") as moved:
        moved.read(7)
        forms: dict[str, Callable[[], object]] = {
            "bytes": lambda: WAV,
            "tuple": lambda: ("talk.wav", WAV, "audio/wav"),
            "path": lambda: path,
            "file": lambda: file,
            "moved file": lambda: moved,
            "memory": lambda: io.BytesIO(WAV),
            "pipe": lambda: ("talk.wav", _Pipe(WAV), "audio/wav"),
        }
        yield forms[request.param]()


def test_an_upload_reaches_the_provider_whole_and_is_recorded(upload: Any, spans: Spans) -> None:
    server = Server({"text": "Hm."})
    with server.client() as client:
        client.audio.transcriptions.create(model="whisper-1", file=upload)
    assert WAV in server.asked[0].content
    [part] = messages(spans, "gen_ai.input.messages")[0]["parts"]
    if isinstance(upload, tuple) and isinstance(upload[1], _Pipe):  # pyright: ignore[reportUnknownMemberType]
        assert part == {"type": "upload", "modality": "audio", "mime_type": "audio/wav", "name": "talk.wav"}
    else:
        assert media(spans, part["uri"]) == WAV


def test_images_of_a_variation_and_their_links(spans: Spans) -> None:
    body = {"created": 1, "data": [{"url": "https://h/1.png"}, {"url": "https://h/2.png", "revised_prompt": "A sun"}]}
    with Server(body).client() as client:
        client.images.create_variation(image=PNG, n=2)
    attributes = spans.one("generate_content").attributes
    assert attributes["gen_ai.request.choice.count"] == 2
    assert attributes["gen_ai.response.finish_reasons"] == ["stop", "stop"]
    assert [message["parts"] for message in messages(spans, "gen_ai.output.messages")] == [
        [{"type": "uri", "modality": "image", "uri": "https://h/1.png"}],
        [{"type": "uri", "modality": "image", "uri": "https://h/2.png", "revised_prompt": "A sun"}],
    ]


@pytest.mark.parametrize("form", ["text", "srt", "vtt"])
def test_a_transcription_that_is_plain_text(form: Any, spans: Spans) -> None:
    with Server(b"Good day.", content_type="text/plain").client() as client:
        assert client.audio.transcriptions.create(model="whisper-1", file=WAV, response_format=form) == "Good day."
    assert messages(spans, "gen_ai.output.messages")[0]["parts"] == [{"type": "text", "content": "Good day."}]


def test_a_translation_is_recorded(spans: Spans) -> None:
    with Server({"text": "Good day."}).client() as client:
        client.audio.translations.create(model="whisper-1", file=WAV)
    assert messages(spans, "gen_ai.output.messages")[0]["parts"] == [{"type": "text", "content": "Good day."}]


def test_speech_that_is_streamed_to_a_file(spans: Spans, tmp_path: Path) -> None:
    with (
        Server(MP3, content_type="audio/mpeg").client() as client,
        client.audio.speech.with_streaming_response.create(model="tts-1", input="Hi", voice="alloy") as spoken,
    ):
        spoken.stream_to_file(tmp_path / "hi.mp3")
    assert (tmp_path / "hi.mp3").read_bytes() == MP3
    attributes = spans.one().attributes
    assert "gen_ai.response.time_to_first_chunk" not in attributes  # the program did not ask for a stream
    [part] = messages(spans, "gen_ai.output.messages")[0]["parts"]
    assert media(spans, part["uri"]) == MP3


async def test_speech_that_the_async_client_streams(spans: Spans) -> None:
    async with (
        Server(MP3, content_type="audio/mpeg").async_client() as client,
        client.audio.speech.with_streaming_response.create(model="tts-1", input="Hi", voice="alloy") as spoken,
    ):
        pieces = [piece async for piece in spoken.iter_bytes(10)]
    assert b"".join(pieces) == MP3
    [part] = messages(spans, "gen_ai.output.messages")[0]["parts"]
    assert media(spans, part["uri"]) == MP3


def test_speech_that_is_left_early_says_so(spans: Spans) -> None:
    with (
        Server(MP3, content_type="audio/mpeg").client() as client,
        client.audio.speech.with_streaming_response.create(model="tts-1", input="Hi", voice="alloy") as spoken,
    ):
        next(spoken.iter_bytes(10))
    span = spans.one()
    assert (span.status, span.attributes["tracelm.stream.outcome"]) == ("unset", "closed_early")
    assert "gen_ai.output.messages" not in span.attributes


@pytest.mark.openai(2, 0)
def test_speech_as_events_has_its_tokens(spans: Spans) -> None:
    halves = [base64.b64encode(half).decode() for half in (MP3[:30], MP3[30:])]
    events: list[dict[str, Any]] = [{"type": "speech.audio.delta", "audio": half} for half in halves]
    events.append({"type": "speech.audio.done", "usage": {"input_tokens": 4, "output_tokens": 90, "total_tokens": 94}})
    with Server(sse(*events), content_type="text/event-stream").client() as client:
        client.audio.speech.create(model="gpt-4o-mini-tts", input="Hi", voice="alloy", stream_format="sse")
    assert spans.one().attributes["gen_ai.usage.output_tokens"] == 90
    [part] = messages(spans, "gen_ai.output.messages")[0]["parts"]
    assert media(spans, part["uri"]) == MP3
