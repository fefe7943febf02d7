"""A small server on loopback that answers with the recordings in this folder."""

import base64
import json
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

FOLDER = Path(__file__).parent
Choose = Callable[[str, Mapping[str, Any]], str]


def load(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Return the recordings in `folder` by their ids."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


class _Answer(BaseHTTPRequestHandler):
    """Answers with the recording that the header `x-recording-id` names, else the first of the same path and mode.

    The header `x-replay-fault: drop-after-bytes=N` breaks the connection after N bytes of the body.
    """

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a request."""
        body = self.rfile.read(int(self.headers["content-length"]))
        asked: Mapping[str, Any] = json.loads(body) if body.startswith(b"{") else {}
        server = cast("_Server", self.server)
        name = self.headers.get("x-recording-id") or server.choose(self.path, asked)
        response = server.recordings[name]["response"]
        streamed = "sse" in response
        if "body_base64" in response:
            body = base64.b64decode(response["body_base64"])
        else:
            body = str(response["sse" if streamed else "body"]).encode()
        self.send_response(response["status"])
        self.send_header("content-type", response["headers"]["content-type"])
        self.send_header(*(("transfer-encoding", "chunked") if streamed else ("content-length", str(len(body)))))
        self.end_headers()
        pieces = [piece + b"\n\n" for piece in body.split(b"\n\n") if piece] if streamed else [body]
        fault = self.headers.get("x-replay-fault", "")
        if fault.startswith("drop-after-bytes="):
            pieces = [body[: int(fault.partition("=")[2])]]
            self.close_connection = True
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if streamed else piece)
        if streamed and not fault:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, recordings: Mapping[str, dict[str, Any]], choose: Choose | None) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.recordings = recordings
        self.choose = choose or self.find

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client has left in the middle of an answer, as some tests do."""

    def find(self, path: str, asked: Mapping[str, Any]) -> str:
        """Return what a judge was answered to the same messages; else the first success of the same path and mode."""
        judged = {name: recording for name, recording in self.recordings.items() if "-judge-" in name}
        for name, recording in judged.items():
            if recording["request"]["body"].get("messages") == asked.get("messages"):
                return name
        return next(
            name
            for name, recording in self.recordings.items()
            if name not in judged
            and recording["response"]["status"] == 200
            and recording["request"]["path"] == path
            and bool(recording["request"]["body"].get("stream")) == bool(asked.get("stream"))
        )


@contextmanager
def serve(recordings: Mapping[str, dict[str, Any]], *, choose: Choose | None = None) -> Generator[str]:
    """Serve `recordings` for the block; yields the address, `http://127.0.0.1:PORT`.

    Args:
        recordings: By name.
        choose: Names the recording for a path and a body, where the request does not name one.
    """
    server = _Server(recordings, choose)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
