"""Images and sounds go into a folder by the hash of their content; a value holds the reference."""

import base64
import hashlib
import importlib
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import orjson
import pytest

import tracelm
from tracelm.settings import Settings
from tracelm.startup import shutdown, start
from tracelm.testing import Spans
from tracelm.trace.media import MediaFolder, kind_of
from tracelm.trace.provider import RandomIds
from tracelm.trace.safely import failures
from tracelm.trace.values import encode


def png(seed: int = 0) -> bytes:
    """Make the smallest image: one pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, seed]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


IMAGE = png()
HASH = hashlib.sha256(IMAGE).hexdigest()
REFERENCE = {"type": "media", "media": f"sha256:{HASH}", "mime_type": "image/png", "bytes": len(IMAGE)}
DATA_URL = f"data:image/png;base64,{base64.b64encode(IMAGE).decode()}"


def read(value: object, home: Path, *, max_bytes: int = 10_000, media_max_bytes: int = 1_000_000) -> Any:
    return orjson.loads(str(encode(value, max_bytes=max_bytes, media=MediaFolder(home, media_max_bytes))))


def kept(home: Path) -> list[Path]:
    return sorted(path for path in (home / "media").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "value", [IMAGE, bytearray(IMAGE), memoryview(IMAGE), DATA_URL], ids=lambda it: type(it).__name__
)
def test_an_image_is_kept_by_its_hash_and_the_value_holds_the_reference(value: object, tmp_path: Path) -> None:
    assert read({"deep": [value]}, tmp_path) == {"deep": [REFERENCE]}
    (path,) = kept(tmp_path)
    assert path == tmp_path / "media" / HASH[:2] / f"{HASH}.png"
    assert path.read_bytes() == IMAGE


def test_the_same_image_is_written_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    read([IMAGE, DATA_URL], home)
    (path,) = kept(home)
    written = path.stat().st_mtime_ns, path.stat().st_ino
    read(IMAGE, home)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (home, home / "media", path.parent)} == {0o700}


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"RIFF\x00\x00\x00\x00ELSE", None),
        (b"text", None),
        (b"", None),
    ],
)
def test_a_kind_is_told_by_its_first_bytes(head: bytes, mime_type: str | None) -> None:
    assert kind_of(head) == mime_type


def test_what_is_too_large_is_only_described(tmp_path: Path) -> None:
    found = read({"a": IMAGE, "b": DATA_URL}, tmp_path, media_max_bytes=10)
    assert found["a"] == {"type": "media", "mime_type": "image/png", "bytes": len(IMAGE)}
    assert found["b"]["type"] == "media"
    assert "media" not in found["b"]
    assert kept(tmp_path) == []


def test_a_folder_that_cannot_be_written_costs_the_medium_not_the_value(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("in the way")
    before = failures()
    assert read({"image": IMAGE, "q": 1}, tmp_path) == {
        "image": {"type": "media", "mime_type": "image/png", "bytes": len(IMAGE)},
        "q": 1,
    }
    assert failures() == before + 1


def test_a_data_url_that_is_no_base64_is_described_and_counted(tmp_path: Path) -> None:
    before = failures()
    found = read("data:image/png;base64,A" + "é" * 40, tmp_path)
    assert found["type"] == "media"
    assert "media" not in found
    assert failures() == before + 1


def test_without_a_folder_media_are_described(tmp_path: Path) -> None:
    found = orjson.loads(str(encode([DATA_URL, IMAGE], max_bytes=1_000)))
    assert found[0] == {"type": "media", "mime_type": "image/png", "bytes": found[0]["bytes"]}
    assert (found[1]["type"], found[1]["mime_type"]) == ("bytes", "image/png")


def test_an_image_of_pil_is_kept_as_png(tmp_path: Path) -> None:
    pil = importlib.import_module("PIL.Image")
    found = read(pil.new("RGB", (3, 2)), tmp_path)
    assert (found["type"], found["mime_type"], found["size"], found["mode"]) == ("media", "image/png", [3, 2], "RGB")
    assert kept(tmp_path)[0].read_bytes().startswith(b"\x89PNG")
    assert read(pil.new("RGB", (3, 2)), tmp_path, media_max_bytes=5) == {"type": "image", "mode": "RGB", "size": [3, 2]}


Start = Callable[..., Spans]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Start]:
    def begin(**given: Any) -> Spans:
        shutdown()
        start(Settings(project="test", home=tmp_path, **given), ids=RandomIds(seed=0))
        return Spans(tmp_path)

    yield begin
    shutdown()


@tracelm.op
def describe(image: bytes) -> str:
    return "a pixel"


def test_what_an_op_is_given_is_kept(recording: Start, tmp_path: Path) -> None:
    spans = recording()
    describe(IMAGE)
    assert orjson.loads(str(spans.one().attributes["input.value"])) == {"image": REFERENCE}
    assert [path.read_bytes() for path in kept(tmp_path)] == [IMAGE]


def test_without_content_no_media_are_kept(recording: Start, tmp_path: Path) -> None:
    recording(capture_content=False)
    describe(IMAGE)
    _ask()
    assert kept(tmp_path) == []


def _ask() -> None:
    reply = {"role": "assistant", "content": "A pixel."}
    body = {"id": "1", "choices": [{"index": 0, "message": reply, "finish_reason": "stop"}]}
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=body))
    client = openai.OpenAI(api_key="test", max_retries=0, http_client=httpx2.Client(transport=transport))
    parts: list[Any] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"ID3 a sound").decode(), "format": "mp3"}},
    ]
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}])


def test_a_message_with_an_image_holds_a_uri_and_stays_valid(recording: Start, tmp_path: Path, shared: Path) -> None:
    import jsonschema  # type: ignore[import-untyped]

    spans = recording()
    _ask()
    messages = orjson.loads(str(spans.one("chat m").attributes["gen_ai.input.messages"]))
    jsonschema.validate(messages, orjson.loads((shared / "semconv" / "gen-ai-input-messages.json").read_bytes()))
    text, image, sound = messages[0]["parts"]
    assert text == {"type": "text", "content": "What is this?"}
    assert image == {
        "type": "uri",
        "uri": f"tracelm-media:sha256/{HASH}",
        "mime_type": "image/png",
        "bytes": len(IMAGE),
        "modality": "image",
    }
    assert (sound["modality"], sound["mime_type"]) == ("audio", "audio/mp3")
    assert len(kept(tmp_path)) == 2


def test_a_message_whose_image_is_too_large_stays_valid(recording: Start, shared: Path) -> None:
    import jsonschema

    spans = recording(media_max_bytes=1)
    _ask()
    messages = orjson.loads(str(spans.one("chat m").attributes["gen_ai.input.messages"]))
    jsonschema.validate(messages, orjson.loads((shared / "semconv" / "gen-ai-input-messages.json").read_bytes()))
    assert messages[0]["parts"][1]["type"] == "media"
