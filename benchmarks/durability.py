"""How many of 10,000 finished spans survive: `kill -9` right after the last return, and a collector that is down.

Beside plain OpenTelemetry (BatchSpanProcessor and the OTLP/HTTP exporter, with their defaults). Kept means: at the
collector, or on disk where the next process finds it. Run it with `python benchmarks/durability.py`.
"""

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import tracelm

TRACELM = """
import os, signal, sys, tracelm
tracelm.init("durability", endpoint=sys.argv[1], shutdown_timeout_s=1)
@tracelm.op
def step(number): return number
for number in range(int(sys.argv[2])): step(number)
if sys.argv[3] == "kill": os.kill(os.getpid(), signal.SIGKILL)
"""
OPENTELEMETRY = """
import os, signal, sys
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(sys.argv[1] + "/v1/traces", timeout=1)))
tracer = provider.get_tracer("durability")
for number in range(int(sys.argv[2])):
    with tracer.start_as_current_span("step") as span: span.set_attribute("number", number)
if sys.argv[3] == "kill": os.kill(os.getpid(), signal.SIGKILL)
"""
PROGRAMS = {"tracelm": TRACELM, "plain OpenTelemetry": OPENTELEMETRY}
CASES = {
    "kill -9, collector up": (True, "kill"),
    "kill -9, collector down": (False, "kill"),
    "normal exit, collector up": (True, "exit"),
    "normal exit, collector down": (False, "exit"),
}


@contextmanager
def collector() -> Generator[tuple[str, set[bytes]]]:
    """Run an OTLP endpoint; yields its address and the ids of the spans that it got."""
    ids: set[bytes] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    ids.update(span.span_id for span in scope.spans)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", ids
    finally:
        server.shutdown()
        server.server_close()


def kept(program: str, count: int, *, up: bool, ending: str) -> int:
    """Run a program; returns how many of its spans are at the collector or on disk."""
    with tempfile.TemporaryDirectory() as home, collector() as (url, ids):
        subprocess.run(
            [sys.executable, "-c", program, url if up else "http://127.0.0.1:9", str(count), ending],
            env=os.environ | {"TRACELM_HOME": home},
            stderr=subprocess.DEVNULL,
            check=False,
        )
        with tracelm.open_store(home=Path(home)) as store:
            on_disk = {bytes.fromhex(span.span_id) for span in store.spans(limit=None)}
        return len(ids | on_disk)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000)
    count: int = parser.parse_args().spans
    print(f"{'spans kept of ' + str(count):30}", *(f"{name:>20}" for name in PROGRAMS))
    for case, (up, ending) in CASES.items():
        found = [kept(program, count, up=up, ending=ending) for program in PROGRAMS.values()]
        print(f"{case:30}", *(f"{number:>20,}" for number in found))


if __name__ == "__main__":
    main()
