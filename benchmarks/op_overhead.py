"""What `@tracelm.op` costs the caller, beside the bare call and beside plain OpenTelemetry.

All variants run in turn in one process, block after block, so that a machine that slows down slows all of them.
Compare the ratios of one run, not times of two machines.

    python benchmarks/op_overhead.py [--calls 1000] [--rounds 15]

| variant | what happens in the call |
|---|---|
| bare | the function |
| plain OTel | a span with two JSON attributes; BatchSpanProcessor that drops nothing; OTLP/HTTP to a sink on loopback |
| @op | the span is on disk, in the journal, before the call returns |
| @op exported | the same, and this process also brings the journal to the sink |
"""

import argparse
import asyncio
import http.server
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import tracelm
from tracelm.trace import runtime

SMALL = {"amount": 4200, "merchant": "UNKNOWN_INTL"}
LARGE = {"text": "The quick brown fox jumps over the lazy dog. " * 455}  # 20 KB
VARIANTS = ("bare", "plain OTel", "@op", "@op exported")


def work(value: dict) -> str:
    """Stand for a function: returns at once."""
    return "ok"


async def work_async(value: dict) -> str:
    """Stand for a coroutine function."""
    return "ok"


op_sync, op_async = tracelm.op(work), tracelm.op(work_async)


def serve_sink() -> None:
    """Answer every OTLP request with success, in a process of its own; prints its port."""

    class Sink(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def measure(call: Callable[[], object], calls: int) -> list[int]:
    """Time each call, in nanoseconds."""
    clock, times = time.perf_counter_ns, []
    for _ in range(calls):
        before = clock()
        call()
        times.append(clock() - before)
    return times


async def measure_async(call: Callable[[], object], calls: int) -> list[int]:
    """Time each awaited call, in nanoseconds."""
    clock, times = time.perf_counter_ns, []
    for _ in range(calls):
        before = clock()
        await call()
        times.append(clock() - before)
    return times


class Bench:
    """One measurement of all variants."""

    def __init__(self, endpoint: str, home: Path) -> None:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
        self.processor = BatchSpanProcessor(exporter, max_queue_size=1_000_000)
        provider = TracerProvider()
        provider.add_span_processor(self.processor)
        self.tracer = provider.get_tracer("plain")
        self.runtimes = {}
        for variant, where in (("@op", None), ("@op exported", endpoint)):
            tracelm.init("benchmark", home=home / variant.replace(" ", "-"), endpoint=where, patch=False)
            self.runtimes[variant] = runtime.active
            runtime.active = None

    def plain(self, value: dict) -> str:
        """Do by hand what the op does."""
        with self.tracer.start_as_current_span("work") as span:
            span.set_attribute("input.value", json.dumps({"value": value}))
            result = work(value)
            span.set_attribute("output.value", json.dumps(result))
        return result

    async def plain_async(self, value: dict) -> str:
        """Do by hand what the op does."""
        with self.tracer.start_as_current_span("work") as span:
            span.set_attribute("input.value", json.dumps({"value": value}))
            result = await work_async(value)
            span.set_attribute("output.value", json.dumps(result))
        return result

    def block(self, variant: str, value: dict, *, is_async: bool, calls: int) -> list[int]:
        """Run one block of one variant, and wait until nothing of it is left to do."""
        runtime.active = self.runtimes.get(variant)
        functions = {"bare": (work, work_async), "plain OTel": (self.plain, self.plain_async)}
        function = functions.get(variant, (op_sync, op_async))[is_async]
        if is_async:
            times = asyncio.run(measure_async(lambda: function(value), calls))
        else:
            times = measure(lambda: function(value), calls)
        self.processor.force_flush()
        tracelm.flush(30)
        runtime.active = None
        return times

    def stop(self) -> None:
        """End the threads."""
        for each in self.runtimes.values():
            runtime.active = each
            tracelm.shutdown()
        self.processor.shutdown()


def main() -> None:
    """Measure, and print one table a kind of call."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1_000, help="calls in a block")
    parser.add_argument("--rounds", type=int, default=15, help="blocks of each variant")
    parser.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.sink:
        serve_sink()
        return
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    command = [sys.executable, __file__, "--sink"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as sink,
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            endpoint = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
            bench = Bench(endpoint, Path(folder))
            for title, value, is_async in (
                ("op, small argument, sync", SMALL, False),
                ("op, small argument, async", SMALL, True),
                ("op, 20 KB argument, sync", LARGE, False),
            ):
                report(bench, title, value, is_async=is_async, calls=given.calls, rounds=given.rounds)
            bench.stop()
        finally:
            sink.terminate()


def report(bench: Bench, title: str, value: dict, *, is_async: bool, calls: int, rounds: int) -> None:
    """Run the rounds and print mean, p50 and p99, with the ratio to plain OTel (median of the rounds)."""
    times = {variant: [] for variant in VARIANTS}
    for turn in range(rounds + 1):
        for variant in VARIANTS:
            block = bench.block(variant, value, is_async=is_async, calls=calls)
            if turn:  # the first round warms up
                times[variant].append(block)
    floor = [statistics.fmean(block) for block in times["plain OTel"]]
    print(f"\n{title}: caller-blocked µs, {rounds} rounds of {calls} calls, interleaved")
    print(f"{'':14}{'mean':>9}{'p50':>9}{'p99':>9}   × plain OTel (mean)")
    for variant, blocks in times.items():
        every = sorted(each / 1_000 for block in blocks for each in block)
        means = [statistics.fmean(block) for block in blocks]
        ratio = statistics.median(mean / beside for mean, beside in zip(means, floor, strict=True))
        p50, p99 = every[len(every) // 2], every[len(every) * 99 // 100]
        print(f"{variant:14}{statistics.median(means) / 1_000:9.2f}{p50:9.2f}{p99:9.2f}   {ratio:5.2f}")


if __name__ == "__main__":
    main()
