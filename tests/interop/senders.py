"""Programs that send OTLP with the libraries of others, each in an environment of its own, and what arrives."""

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
import venv
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Literal

ROOT: Final = Path(__file__).parents[2]
SHARED: Final = ROOT.parent / "shared"
ENVIRONMENTS: Final = ROOT / ".interop"
PROGRAMS: Final = Path(__file__).parent / "programs"
SCENARIOS: Final = {
    "plain": "openai-chat-completions-sync-cache-read-d6cc56cc",
    "tool results": "openai-chat-completions-sync-tool-results-fd16b169",
    "tool calls": "openai-chat-completions-sync-parallel-tool-calls-adb50f5b",
    "stream": "openai-chat-completions-stream-stream-usage-899d8a7f",
}
"""What each sender asks: recordings of real answers."""

_SDK: Final = ("openai==3.57.0", "opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2")


@dataclass(frozen=True)
class Sender:
    """A program, and what must be installed for it.

    Attributes:
        program: Its file in `programs`.
        packages: From PyPI, or from npm where the program is JavaScript.
        settings: Environment variables, beside those that all get.
        alone: A package that is installed without what it asks for.
    """

    program: str
    packages: tuple[str, ...]
    settings: Mapping[str, str]
    alone: str | None = None


SENDERS: Final = {
    "openinference": Sender("openinference_openai.py", ("openinference-instrumentation-openai==0.1.66", *_SDK), {}),
    "openllmetry": Sender("openllmetry_openai.py", ("opentelemetry-instrumentation-openai==0.62.4", *_SDK), {}),
    "traceloop": Sender(
        "traceloop_sdk.py",
        (
            "opentelemetry-instrumentation-openai==0.62.4",
            "opentelemetry-sdk==1.45.1",
            "opentelemetry-exporter-otlp==1.45.1",
            "opentelemetry-instrumentation-logging==0.66b1",
            "opentelemetry-instrumentation-threading==0.66b1",
            "openai==3.57.0",
            "aiohttp",
            "colorama",
            "cuid",
            "deprecated",
            "httpx",
            "jinja2",
            "posthog",
            "tenacity",
        ),
        {},
        alone="traceloop-sdk==0.62.4",  # it asks for the instrumentations of thirty libraries
    ),
    "genai": Sender(
        "genai_openai.py",
        ("opentelemetry-instrumentation-genai-openai==1.3b0", *_SDK),
        {
            "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
        },
    ),
    "logfire": Sender("logfire_openai.py", ("logfire==5.4.0", "openai==3.57.0"), {}),
    "langfuse": Sender(
        "langfuse_openai.py",
        ("langfuse==5.0.4", "openai==3.57.0"),
        {
            "LANGFUSE_PUBLIC_KEY": "pk-lf-test",
            "LANGFUSE_SECRET_KEY": "sk-lf-test",
            "LANGFUSE_TRACING_ENVIRONMENT": "staging",
            "LANGFUSE_RELEASE": "r-1",
        },
    ),
    "js": Sender(
        "otel.mjs",
        (
            "@opentelemetry/api@1.9.1",
            "@opentelemetry/resources@2.12.1",
            "@opentelemetry/sdk-trace-node@2.12.0",
            "@opentelemetry/exporter-trace-otlp-http@0.223.1",
        ),
        {},
    ),
    "vercel": Sender(
        "vercel.mjs",
        (
            "ai@6.0.326",
            "@ai-sdk/openai@3.0.141",
            "@opentelemetry/api@1.9.1",
            "@opentelemetry/resources@2.12.1",
            "@opentelemetry/sdk-trace-node@2.12.0",
            "@opentelemetry/exporter-trace-otlp-proto@0.223.1",
        ),
        {},
    ),
}


APART: Final = {
    "openai-v2": Sender(
        "openai_v2.py",
        (
            "opentelemetry-instrumentation-openai-v2==2.1b0",
            "opentelemetry-sdk==1.36.0",
            "opentelemetry-exporter-otlp-proto-http==1.36.0",
            "openai==1.99.9",
            "httpx<0.28",
        ),
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"},
    )
}
"""Those that tell what was said in log records, beside the spans."""
_SENDERS: Final = {**SENDERS, **APART}


@dataclass(frozen=True)
class Body:
    """A request as it arrived, inflated."""

    path: str
    encoding: Literal["protobuf", "json"]
    data: bytes


def install(name: str) -> Path:
    """Fill the environment of a sender, unless it is filled already, and return its folder."""
    sender, folder = _SENDERS[name], ENVIRONMENTS / name
    marker = folder / "packages.txt"
    wanted = "\n".join([*sender.packages, sender.alone or ""])
    if marker.exists() and marker.read_text() == wanted:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    if sender.program.endswith(".mjs"):
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *sender.packages]
    else:
        venv.create(folder, with_pip=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *sender.packages]
    subprocess.run(command, check=True, stdout=sys.stderr)
    if sender.alone is not None:
        subprocess.run([*command[:5], "--no-deps", sender.alone], check=True, stdout=sys.stderr)
    marker.write_text(wanted)
    return folder


def send(name: str) -> list[Body]:
    """Run a sender to its end and return what arrived of spans, and of log records where it is one of `APART`."""
    with _receiver() as (endpoint, bodies):
        send_to(endpoint, name)
    return [body for body in bodies if body.path.endswith("traces") or (name in APART and body.path.endswith("logs"))]


def send_to(endpoint: str, name: str, **settings: str) -> None:
    """Run a sender to its end.

    Args:
        endpoint: Where it sends.
        name: Which one.
        settings: Environment variables, beside its own.
    """
    folder, sender = install(name), _SENDERS[name]
    program = PROGRAMS / sender.program
    if program.suffix == ".mjs":
        # Node looks for packages beside the program.
        command = ["node", shutil.copy(program, folder)]
    else:
        command = [str(folder / "bin" / "python"), str(program)]
    with recorded_provider() as url:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "OPENAI_BASE_URL": f"{url}/v1",
            "OPENAI_API_KEY": "test",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "LANGFUSE_BASE_URL": endpoint,
            "LANGFUSE_HOST": endpoint,
            "RECORDINGS": str(SHARED / "recordings"),
            "SCENARIOS": json.dumps(SCENARIOS),
            **sender.settings,
            **settings,
        }
        subprocess.run(command, check=True, env=environment, timeout=120)


@contextlib.contextmanager
def recorded_provider() -> Generator[str]:
    """Serve the recordings; yields the base address."""
    program = str(SHARED / "replay_server.py")
    command = [sys.executable, program, "--dir", str(SHARED / "recordings"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        try:
            yield f"http://{address}"
        finally:
            server.terminate()


def _read(request: BaseHTTPRequestHandler) -> bytes:
    if "content-length" in request.headers:
        return request.rfile.read(int(request.headers["content-length"]))
    pieces: list[bytes] = []  # OpenTelemetry for JavaScript sends in chunks
    while size := int(request.rfile.readline(), 16):
        pieces.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(pieces)


@contextlib.contextmanager
def _receiver() -> Generator[tuple[str, list[Body]]]:
    """Take whatever is posted."""
    bodies: list[Body] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = _read(self)
            if self.headers.get("content-encoding") == "gzip":
                data = gzip.decompress(data)
            kind = self.headers.get("content-type", "")
            bodies.append(Body(self.path, "json" if "json" in kind else "protobuf", data))
            self.send_response(200)
            self.send_header("content-type", kind)
            answer = b"{}" if "json" in kind else b""
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    finally:
        server.shutdown()
        server.server_close()
