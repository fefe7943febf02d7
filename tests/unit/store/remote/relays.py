"""Something between a store and its server, or in its place."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass

from tests.serving import Serving


@dataclass(frozen=True)
class Answer:
    """What is sent."""

    status: int
    kind: str
    body: bytes
    location: str | None = None


@dataclass(frozen=True)
class Relay:
    """Something between us and a server, or in its place."""

    url: str
    asked: list[str]
    keys: list[str | None]


@contextlib.contextmanager
def relayed(server: Serving | None, change: Callable[[str, Answer], Answer], *, keep: bool = True) -> Generator[Relay]:
    """Pass requests on to a server, and its answers back, changed; without a server, `change` gets an empty one."""
    asked: list[str] = []
    keys: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            keys.append(self.headers.get("authorization"))
            answer = Answer(200, "application/json", b"{}")
            if server is not None:
                reply = server.ask("GET", self.path)
                answer = Answer(reply.status, reply.headers["content-type"], reply.body)
            answer = change(self.path, answer)
            self.send_response(answer.status)
            self.send_header("content-type", answer.kind)
            self.send_header("content-length", str(len(answer.body)))
            if answer.location is not None:
                self.send_header("location", answer.location)
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = not keep

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Relay(f"http://127.0.0.1:{listening.server_address[1]}", asked, keys)
        finally:
            listening.shutdown()
            thread.join()
