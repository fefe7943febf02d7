"""Real receivers for export tests: a sink that keeps what it gets, and rotel, an OTLP collector in Rust."""

import contextlib
import gzip
import importlib.util
import socket
import ssl
import subprocess
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Answer = tuple[int, bytes, dict[str, str]]
ACCEPTED: Answer = (200, b"", {})
RESET: Answer = (0, b"", {})
"""The connection ends without an answer."""


class Sink:
    """An OTLP/HTTP endpoint on loopback.

    Attributes:
        url: Its base address.
        requests: Path, headers and body of each request that was answered with 200, in order.
        asked: How many requests came in all.
    """

    def __init__(
        self,
        answer: Callable[[str, bytes], Answer] = lambda _path, _body: ACCEPTED,
        *,
        port: int = 0,
        keep_alive: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.asked = 0
        self._changed = threading.Condition()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                encoding = self.headers.get("content-encoding")
                if encoding == "gzip":
                    body = gzip.decompress(body)
                elif encoding == "deflate":
                    body = zlib.decompress(body)
                status, content, headers = sink.answer(self.path, body)
                with sink._changed:
                    sink.asked += 1
                    if status == 200:
                        sink.requests.append((self.path, dict(self.headers.items()), body))
                    sink._changed.notify_all()
                if not keep_alive or not status:
                    self.close_connection = True  # without saying so
                if not status:
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'' if tls is None else 's'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def spans(self) -> list[Any]:
        """Return the spans that arrived."""
        return [
            span
            for path, _, body in list(self.requests)
            if path == "/v1/traces"
            for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        ]

    def ids(self) -> "Counter[bytes]":
        """Return how often each span arrived."""
        return Counter(span.span_id for span in self.spans())

    def log_records(self) -> list[Any]:
        """Return the log records that arrived."""
        return [
            record
            for path, _, body in list(self.requests)
            if path == "/v1/logs"
            for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope_logs in resource_logs.scope_logs
            for record in scope_logs.log_records
        ]

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 30) -> None:
        """Wait until a request made `condition` true."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=timeout_s), "the sink did not get what it waited for"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def sink(
    answer: Callable[[str, bytes], Answer] = lambda _path, _body: ACCEPTED,
    *,
    port: int = 0,
    keep_alive: bool = True,
    tls: ssl.SSLContext | None = None,
) -> Generator[Sink]:
    """Run a sink for the block."""
    running = Sink(answer, port=port, keep_alive=keep_alive, tls=tls)
    try:
        yield running
    finally:
        running.close()


@contextlib.contextmanager
def silence() -> Generator[str]:
    """Run a collector that accepts connections and never answers; yields its base address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def rotel_binary() -> str:
    """Return the path of the collector that PyPI's rotel brings."""
    spec = importlib.util.find_spec("rotel")
    assert spec is not None, "rotel is part of tracelm[dev]"
    assert spec.submodule_search_locations
    return f"{spec.submodule_search_locations[0]}/rotel-agent"


@contextlib.contextmanager
def rotel(folder: Path, *, to: str) -> Generator[dict[str, str]]:
    """Run a rotel that re-exports to the base address `to`; yields its endpoints by protocol."""
    binary = rotel_binary()
    for attempt in range(5):  # rotel cannot choose a port itself: somebody may take ours in between
        grpc_port, http_port = free_ports(2)
        command = (
            f"{binary} start --otlp-grpc-endpoint 127.0.0.1:{grpc_port} --otlp-http-endpoint 127.0.0.1:{http_port} "
            f"--exporter otlp --otlp-exporter-endpoint {to} --otlp-exporter-protocol http "
            f"--pid-file {folder}/pid{attempt} --log-file {folder}/log{attempt}"
        )
        with subprocess.Popen(command.split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                if listens(process, (grpc_port, http_port)):
                    yield {
                        "http/protobuf": f"http://127.0.0.1:{http_port}",
                        "grpc": f"http://127.0.0.1:{grpc_port}",
                    }
                    return
            finally:
                process.terminate()
    raise AssertionError("rotel does not start")


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody uses at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def listens(process: "subprocess.Popen[bytes]", ports: Iterable[int]) -> bool:
    """Wait until a process accepts connections on all ports; False when it ends before."""
    for port in ports:
        while True:
            if process.poll() is not None:
                return False
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
    return True
