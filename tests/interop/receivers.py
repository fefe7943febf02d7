"""Servers of others that take OTLP, each in an environment of its own, and what they give back of a trace."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import venv
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from tests.collector import free_ports, listens
from tests.interop.senders import ENVIRONMENTS


@dataclass(frozen=True, kw_only=True)
class Read:
    """A span as a server gives it back.

    Attributes:
        span_id: 16 hex digits.
        parent_span_id: The same; `None` for a root.
        name: Its name.
        start_us: When it began, microseconds since 1970, UTC.
        end_us: When it ended.
        status: `unset`, `ok` or `error`.
        attributes: What it has, texts that are JSON read.
        events: The names of its events.
        kind: What the server takes it for, in its own words.
        tokens: Input and output, as the server counts them.
        asked: The texts that went into a model, as the server shows them.
        answered: Those that came out.
    """

    span_id: str
    parent_span_id: str | None
    name: str
    start_us: int
    end_us: int
    status: str
    attributes: Mapping[str, Any]
    events: Sequence[str]
    kind: str
    tokens: tuple[int | None, int | None]
    asked: Sequence[str]
    answered: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A server, and how it is spoken to.

    Attributes:
        packages: From PyPI.
        command: What starts it on a port, with its second one, in a folder.
        settings: Its environment, by the same.
        headers: What a request with spans must carry, as OpenTelemetry's variable has it.
        read: Returns the spans of a trace from its base address.
    """

    packages: tuple[str, ...]
    command: Callable[[int, Path], tuple[str, ...]]
    settings: Callable[[int, int, Path], dict[str, str]]
    headers: str
    read: Callable[[str, str], list[Read]]


@dataclass(frozen=True)
class Running:
    """A server that takes requests."""

    receiver: Receiver
    url: str

    def read(self, trace_id: str) -> dict[str, Read]:
        """Return the spans of a trace, by their ids."""
        return {each.span_id: each for each in self.receiver.read(self.url, trace_id)}

    def status_of_a_log_record(self) -> int:
        """Return what is answered to one, sent as OTLP is."""
        try:
            return int(_ask(f"{self.url}/v1/logs", b"", kind="application/x-protobuf").status)
        except urllib.error.HTTPError as error:
            return error.code


@contextlib.contextmanager
def running(name: str, folder: Path) -> Generator[Running]:
    """Install a server, unless that was done before, and run it for the block with all that it writes in `folder`."""
    receiver = RECEIVERS[name]
    binaries = _install(name, receiver.packages) / "bin"
    port, other_port = free_ports(2)
    command = receiver.command(port, folder)
    settings = {"PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(folder), "DO_NOT_TRACK": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(binaries / command[0]), *command[1:]],
            cwd=folder,
            env=settings | receiver.settings(port, other_port, folder),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        assert listens(process, [port]), (folder / "log").read_text()
        yield Running(receiver, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def _install(name: str, packages: tuple[str, ...]) -> Path:
    folder = ENVIRONMENTS / name
    marker = folder / "packages.txt"
    wanted = "\n".join(packages)
    if not marker.exists() or marker.read_text() != wanted:
        venv.create(folder, with_pip=True)
        subprocess.run(
            [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages],
            check=True,
            stdout=sys.stderr,
        )
        marker.write_text(wanted)
    return folder


def _ask(url: str, body: bytes | None = None, *, kind: str = "application/json") -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": kind}), timeout=60)


def plain(value: Any) -> Any:
    """Return a value with the JSON in its texts read: some servers keep the text, some what it says."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return [plain(each) for each in cast("Sequence[Any]", value)] if isinstance(value, list | tuple) else value


def _texts(messages: Any) -> list[str]:
    """Return the texts of messages in OpenTelemetry's form."""
    return [part["content"] for each in messages or () for part in each["parts"] if part["type"] == "text"]


# --- MLflow


def _of_mlflow(url: str, trace_id: str) -> list[Read]:
    asked = urllib.parse.urlencode({"trace_id": f"tr-{trace_id}"})
    trace = json.load(_ask(f"{url}/api/3.0/mlflow/traces/get?{asked}"))["trace"]
    return [_mlflow_span(each) for each in trace["spans"]]


def _mlflow_span(span: Mapping[str, Any]) -> Read:
    attributes = {each["key"]: _any_value(each["value"]) for each in span["attributes"]}
    tokens: Mapping[str, Any] = attributes.get("mlflow.chat.tokenUsage") or {}
    parent = span.get("parent_span_id")
    return Read(
        span_id=_hex(span["span_id"]),
        parent_span_id=_hex(parent) if parent else None,
        name=span["name"],
        start_us=span["start_time_unix_nano"] // 1000,
        end_us=span["end_time_unix_nano"] // 1000,
        status=str(span["status"].get("code", "STATUS_CODE_UNSET")).removeprefix("STATUS_CODE_").lower(),
        attributes={key: plain(value) for key, value in attributes.items() if not key.startswith("mlflow.")},
        events=[each["name"] for each in span.get("events", ())],
        kind=attributes.get("mlflow.spanType", ""),
        tokens=(tokens.get("input_tokens"), tokens.get("output_tokens")),
        asked=_texts(attributes.get("mlflow.spanInputs")) if "mlflow.chat.tokenUsage" in attributes else [],
        answered=_texts(attributes.get("mlflow.spanOutputs")) if "mlflow.chat.tokenUsage" in attributes else [],
    )


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()


def _any_value(value: Mapping[str, Any]) -> Any:
    """Read a value of OTLP in protobuf's JSON."""
    match dict(value):
        case {"kvlist_value": held}:
            return {each["key"]: _any_value(each.get("value", {})) for each in held.get("values", ())}
        case {"array_value": held}:
            return [_any_value(each) for each in held.get("values", ())]
        case held:
            return next(iter(held.values()), None)


# --- Phoenix


def _of_phoenix(url: str, trace_id: str) -> list[Read]:
    found: list[dict[str, Any]] = []
    asked: dict[str, str] = {"trace_id": trace_id, "limit": "1000"}
    page = json.load(_ask(f"{url}/v1/projects/default/spans?{urllib.parse.urlencode(asked)}"))
    found += page["data"]
    assert page["next_cursor"] is None
    return [_phoenix_span(each) for each in found]


def _phoenix_span(span: Mapping[str, Any]) -> Read:
    attributes: Mapping[str, Any] = span["attributes"]
    return Read(
        span_id=span["context"]["span_id"],
        parent_span_id=span["parent_id"],
        name=span["name"],
        start_us=_microseconds(span["start_time"]),
        end_us=_microseconds(span["end_time"]),
        status=span["status_code"].lower(),
        attributes={key: plain(value) for key, value in attributes.items()},
        events=[each["name"] for each in span["events"]],
        kind=span["span_kind"],
        tokens=(attributes.get("llm.token_count.prompt"), attributes.get("llm.token_count.completion")),
        asked=_numbered(attributes, "llm.input_messages"),
        answered=_numbered(attributes, "llm.output_messages"),
    )


def _microseconds(moment: str) -> int:
    since = datetime.fromisoformat(moment) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _numbered(attributes: Mapping[str, Any], below: str) -> list[str]:
    names = (f"{below}.{number}.message.content" for number in range(100))
    return [attributes[name] for name in names if name in attributes]


RECEIVERS: Final = {
    "mlflow": Receiver(
        packages=("mlflow==3.17.2",),
        command=lambda port, folder: (
            "mlflow", "server", "--host=127.0.0.1", f"--port={port}", "--workers=1",
            f"--backend-store-uri=sqlite:///{folder}/mlflow.db", f"--default-artifact-root={folder}",
        ),
        settings=lambda _port, _other, _folder: {"MLFLOW_DISABLE_TELEMETRY": "true"},
        headers="x-mlflow-experiment-id=0",
        read=_of_mlflow,
    ),
    "phoenix": Receiver(
        packages=("arize-phoenix==20.26.1",),
        command=lambda _port, _folder: ("phoenix", "serve"),
        settings=lambda port, other, folder: {
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(other),
            "PHOENIX_WORKING_DIR": str(folder),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        },
        headers="",
        read=_of_phoenix,
    ),
}  # fmt: skip
