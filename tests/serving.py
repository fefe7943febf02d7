"""A real server for tests: `tracelm serve` as a process of its own, on ports that it picks."""

import contextlib
import http.client
import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import grpc
import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracelm.server.access.caller import Right
from tracelm.server.access.keys import create_key
from tracelm.store.open import open_store

_LINE = re.compile(r"tracelm serves http://(\S+):(\d+) \(.*\) and \S+:(\d+) \(")
_BEGAN_NS = 1_795_000_000_000_000_000
_START = "from tracelm.cli.main import main; main()"


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Serving:
    """A server that is running."""

    process: "subprocess.Popen[str]"
    home: Path
    port: int
    grpc_port: int
    log: Path

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> Reply:
        """Send a request on a connection of its own."""
        sent = {"host": f"127.0.0.1:{self.port}"} | dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        asked = f"{path}?{urlencode(query)}" if query else path
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        with contextlib.closing(connection):
            connection.putrequest(method, asked, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())

    def get(self, path: str, *, key: str | None = None, **query: object) -> Reply:
        """Ask the API."""
        return self.ask("GET", f"/api/v1{path}", key=key, query=query)

    def post(self, path: str, document: object, *, key: str | None = None, **headers: str) -> Reply:
        """Send JSON to the API."""
        sent = {"content-type": "application/json"} | {name.replace("_", "-"): each for name, each in headers.items()}
        return self.ask("POST", f"/api/v1{path}", orjson.dumps(document), key=key, headers=sent)

    def send(self, body: bytes, *, signal: str = "traces", key: str | None = None, **headers: str) -> Reply:
        """Send an OTLP request; protobuf unless the headers say otherwise."""
        sent = {"content-type": "application/x-protobuf"} | {
            name.replace("_", "-"): each for name, each in headers.items()
        }
        return self.ask("POST", f"/v1/{signal}", body, key=key, headers=sent)

    def export(
        self, body: bytes, *, service: str = "trace.v1.Trace", key: str | None = None, compression: Any = None
    ) -> bytes:
        """Send an OTLP request over gRPC.

        Raises:
            grpc.RpcError: It was refused.
        """
        options = [("grpc.max_send_message_length", -1)]
        metadata = () if key is None else (("authorization", f"Bearer {key}"),)
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options, compression) as channel:
            path = f"/opentelemetry.proto.collector.{service}Service/Export"
            call: Any = channel.unary_unary(path)  # pyright: ignore[reportUnknownVariableType]
            answer: bytes = call(body, metadata=metadata)
            return answer

    def stop(self) -> int:
        """End it as a supervisor does; returns its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)

    def metric(self, name: str) -> float:
        """Return one of its own numbers."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


@contextlib.contextmanager
def serving(home: Path, *arguments: str, command: tuple[str, ...] = ()) -> Generator[Serving]:
    """Run a server for the block.

    Args:
        home: Its folder.
        arguments: Further ones of the command line.
        command: What stands before the command.
    """
    home.mkdir(parents=True, exist_ok=True)
    log = home / "serve.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*command, sys.executable, "-c", _START, "serve", "--port=0", "--grpc-port=0", *arguments],
            env=os.environ | {"TRACELM_HOME": str(home)},
            stdout=subprocess.PIPE, stderr=stderr, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = _LINE.search(line)
        assert found is not None, f"{line!r} {log.read_text()}"
        yield Serving(process, home, int(found[2]), int(found[3]), log)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def make_key(home: Path, *rights: Right, projects: tuple[str, ...] | None = None, name: str = "test") -> str:
    """Make an API key."""
    with open_store(home=home) as store, store.writing() as connection:
        return create_key(connection, name=name, rights=rights, projects=projects)[1]


def trace_request(
    spans: int = 1, *, trace: bytes = b"", project: str = "shop", name: str = "op", first: int = 1
) -> ExportTraceServiceRequest:
    """Return a request with spans of one trace, the first of them its root."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    attribute = of_resource.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", project
    scope = of_resource.scope_spans.add()
    trace_id = trace or os.urandom(16)
    for number in range(first, first + spans):
        span = scope.spans.add()
        span.trace_id, span.span_id, span.name = trace_id, number.to_bytes(8, "big"), name
        if number > 1:
            span.parent_span_id = (1).to_bytes(8, "big")
        span.start_time_unix_nano, span.end_time_unix_nano = (
            1_795_000_000_000_000_000 + number,
            1_795_000_001_000_000_000,
        )
    return request
