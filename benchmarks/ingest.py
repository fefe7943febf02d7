"""OTLP/HTTP protobuf → committed and queryable: how many spans a second a server takes, and how long a post takes.

Four sender processes post batches of 512 spans (about 700 bytes each: chat calls and the spans around them, eight to a
trace) over connections that they keep, first as fast as the server answers, then at a pace. Beside it the floor: the
same senders against an endpoint that only reads. Run it with `python -m benchmarks.ingest`; Linux
only (`/proc`).
"""

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

import tracelm
from benchmarks.sink import sink

BATCH = 512
SENDERS = 4
IN_A_TRACE = 8
ASKED = "What does the charge of {} on my card mean? I do not know this merchant, please look into it. "


def one_span(trace_id: bytes, number: int, session: int) -> Span:
    """Return a span of about 700 bytes: every second one is a model call."""
    now = time.time_ns()
    is_call = number % 2 == 1
    span = Span(
        trace_id=trace_id,
        span_id=os.urandom(8),
        name="chat gpt-4o" if is_call else f"support.answer_{number % 3}",
        kind=Span.SPAN_KIND_CLIENT if is_call else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=now - 10**9,
        end_time_unix_nano=now,
    )
    asked = ASKED.format(session) * 2
    texts = {"gen_ai.conversation.id": f"session-{session}", "user.id": f"user-{session % 97}"}
    if is_call:
        texts |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": asked}]}]),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "text", "content": ASKED}]}]
            ),
        }
    else:
        texts |= {"tracelm.op.name": "support.answer", "input.value": asked, "output.value": f"It is {number}. " * 20}
    for key, value in texts.items():
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = key, value
    if is_call:
        for key, count in (("gen_ai.usage.input_tokens", 40 + number), ("gen_ai.usage.output_tokens", number)):
            attribute = span.attributes.add()
            attribute.key, attribute.value.int_value = key, count
    return span


def batch() -> bytes:
    """Return a request with 512 spans."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    attribute = of_resource.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", "support"
    spans = of_resource.scope_spans.add().spans
    for _ in range(BATCH // IN_A_TRACE):
        trace_id = os.urandom(16)
        session = int.from_bytes(trace_id[:2], "big")
        made = [one_span(trace_id, number, session) for number in range(IN_A_TRACE)]
        for each in made[1:]:
            each.parent_span_id = made[0].span_id
        spans.extend(made)
    return request.SerializeToString()


def send(url: str, count: int, pace_s: float) -> None:
    """Post `count` batches, one each `pace_s` seconds, and print how long each took; what this process does."""
    bodies = [batch() for _ in range(count)]
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.connect()
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    took: list[float] = []
    refused = 0
    for number, body in enumerate(bodies):
        due = begin + number * pace_s
        time.sleep(max(0.0, due - time.time()))
        while True:
            began = time.perf_counter()
            connection.request("POST", "/v1/traces", body, {"content-type": "application/x-protobuf"})
            reply = connection.getresponse()
            answer = reply.read()
            if reply.status == 200:
                assert not answer, answer
                break
            refused += 1
            time.sleep(float(reply.headers.get("retry-after", 1)))
        took.append(time.perf_counter() - began)
    print(json.dumps({"took": took, "refused": refused, "end": time.time()}), flush=True)


@dataclass(frozen=True)
class Result:
    """What the senders measured."""

    spans_per_s: float
    took: Sequence[float]
    refused: int

    def percentile_ms(self, share: float) -> float:
        """Return the time that this share of the posts took at most, in milliseconds."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def measure(url: str, *, batches: int, rate: float | None) -> Result:
    """Let four processes send `batches` requests each, at `rate` spans a second over all; `None`: all it takes."""
    pace_s = 0.0 if rate is None else BATCH * SENDERS / rate
    command = [sys.executable, "-m", "benchmarks.ingest", "--send", url, str(batches), str(pace_s)]
    senders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(SENDERS)
    ]
    for each in senders:
        assert each.stdout.readline() == "ready\n"
    begin = time.time() + 0.2
    for number, each in enumerate(senders):
        each.stdin.write(f"{begin + pace_s * number / SENDERS}\n")
        each.stdin.flush()
    told = [json.loads(each.communicate()[0]) for each in senders]
    took = [each for one in told for each in one["took"]]
    seconds = max(one["end"] for one in told) - begin
    return Result(SENDERS * batches * BATCH / seconds, took, sum(one["refused"] for one in told))


@contextmanager
def server(home: Path) -> Generator[tuple[str, int]]:
    """Run `tracelm serve`; yields its address and process id."""
    command = [sys.executable, "-c", "from tracelm.cli.main import main; main()", "serve", "--port=0", "--grpc-port=0"]
    with subprocess.Popen(
        command, env=os.environ | {"TRACELM_HOME": str(home)}, stdout=subprocess.PIPE, text=True
    ) as process:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        try:
            yield found[0], process.pid
        finally:
            process.terminate()


def peak_mb(pid: int) -> float:
    """Return the most memory that a process had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1000


def cpu_s(pid: int) -> float:
    """Return how much processor time a process took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(name: str, found: Result, rest: str = "") -> None:
    """Print one line of the table."""
    print(
        f"{name:28} {found.spans_per_s:>9,.0f} {found.percentile_ms(0.5):>9,.1f} {found.percentile_ms(0.99):>9,.1f} "
        f"{found.refused:>8} {rest}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--send", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--batches", type=int, default=80, help="requests a sender")
    parser.add_argument("--rate", type=float, default=8_000, help="spans a second, paced")
    given = parser.parse_args()
    if given.send:
        send(given.send[0], int(given.send[1]), float(given.send[2]))
        return
    size = statistics.mean(len(batch()) for _ in range(5)) / BATCH
    print(f"{SENDERS} senders, {given.batches} batches of {BATCH} spans each, {size:,.0f} bytes a span")
    print(f"{'':28} {'spans/s':>9} {'p50 ms':>9} {'p99 ms':>9} {'refused':>8}")
    with sink() as url:
        told("floor, saturated", measure(url, batches=given.batches, rate=None))
        told(f"floor, {given.rate:,.0f}/s", measure(url, batches=given.batches, rate=given.rate))
    for name, rate in (("tracelm, saturated", None), (f"tracelm, {given.rate:,.0f}/s", given.rate)):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            with server(home) as (url, pid):
                began = cpu_s(pid)
                found = measure(url, batches=given.batches, rate=rate)
                told(name, found, f"{peak_mb(pid):,.0f} MB at most, {cpu_s(pid) - began:,.1f} s of processor")
            with tracelm.open_store(home=home) as store:
                kept = sum(each.traces for each in store.projects()) * IN_A_TRACE
            assert kept == SENDERS * given.batches * BATCH, f"{kept} spans are there"


if __name__ == "__main__":
    main()
