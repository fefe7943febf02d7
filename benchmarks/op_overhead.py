"""What `@tracelm.op` costs, beside the bare call and beside plain OpenTelemetry.

    python benchmarks/op_overhead.py [--calls 2000] [--rounds 7] [--only NAME]

Each block runs in a process of its own; the variants take turns, so that a machine that slows down slows all of them.
Compare the ratios of one run, not the times of two machines.

| variant | what happens in the call |
|---|---|
| bare | the function |
| plain OTel | a span with two JSON attributes; BatchSpanProcessor that drops nothing; OTLP/HTTP to a sink on loopback |
| @op | the span is on disk, in the journal, before the call returns |
| @op exported | the same, and this process also brings the journal to the sink |
| @op disabled | nothing is recorded: `init` was not called |
| @op left out | `sample_rate=0`: the call is not sampled |

`blocked` is what the caller waits, per call; `cpu` is what the process uses until every span is durable (on disk, or at
the sink), per call; `peak` is the most memory that the process had.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sink import sink

SMALL = {"amount": 4200, "merchant": "UNKNOWN_INTL"}
LARGE = {"text": "The quick brown fox jumps over the lazy dog. " * 455}  # 20 KB
MEDIUM = {"text": "The quick brown fox jumps over the lazy dog. " * 114}  # 5 KB
UNITS_A_MB = 1024 if sys.platform == "linux" else 1024**2
VARIANTS = ("bare", "plain OTel", "@op", "@op exported", "@op disabled", "@op left out")
CASES = {
    "small": "small argument, sync",
    "async": "small argument, async",
    "20KB": "20 KB argument, sync",
    "nested": "five nested calls",
    "generator": "generator of 100 chunks",
    "busy": "5 KB argument beside a busy Python thread",
}


def work(value: Any) -> str:
    """Stand for a function: returns at once."""
    return "ok"


async def work_async(value: Any) -> str:
    """Stand for a coroutine function."""
    return "ok"


def chunks(value: Any) -> Iterator[str]:
    """Stand for a streaming function."""
    for _ in range(100):
        yield "chunk"


def spin(stop: threading.Event) -> None:
    """Stand for a thread that computes in Python all the time."""
    while not stop.is_set():
        pass


def calling(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that only calls another one."""

    def work(value: Any) -> Any:
        return inner(value)

    return work


class Bare:
    """The functions as they are."""

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function."""
        return function

    wrap_async = wrap_generator = wrap

    def drain(self) -> None:
        """Nothing was recorded."""


class Plain(Bare):
    """What one writes by hand with OpenTelemetry."""

    def __init__(self, endpoint: str) -> None:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.trace = trace
        self.processor = BatchSpanProcessor(
            OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"), max_queue_size=1_000_000
        )
        provider = TracerProvider()
        provider.add_span_processor(self.processor)
        self.tracer = provider.get_tracer("plain")

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Do in the call what an op does."""

        def call(value: Any) -> Any:
            with self.tracer.start_as_current_span("work") as span:
                span.set_attribute("input.value", json.dumps({"value": value}))
                result = function(value)
                span.set_attribute("output.value", json.dumps(result))
            return result

        return call

    def wrap_async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Do in the call what an op does."""

        async def call(value: Any) -> Any:
            with self.tracer.start_as_current_span("work") as span:
                span.set_attribute("input.value", json.dumps({"value": value}))
                result = await function(value)
                span.set_attribute("output.value", json.dumps(result))
            return result

        return call

    def wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make the span current only while the generator runs: nothing is left attached across a `yield`."""

        def call(value: Any) -> Iterator[Any]:
            span = self.tracer.start_span("chunks", attributes={"input.value": json.dumps({"value": value})})
            items, inner = [], function(value)
            while True:
                with self.trace.use_span(span):
                    try:
                        item = next(inner)
                    except StopIteration:
                        break
                items.append(item)
                yield item
            span.set_attribute("output.value", json.dumps(items))
            span.end()

        return call

    def drain(self) -> None:
        """Wait until the sink has everything."""
        self.processor.force_flush()


class Traced(Bare):
    """Ops."""

    def __init__(self, home: Path, endpoint: str | None, *, enabled: bool = True, sample_rate: float = 1.0) -> None:
        import tracelm

        self.tracelm = tracelm
        if enabled:
            tracelm.init("benchmark", home=home, endpoint=endpoint, patch=False, sample_rate=sample_rate)

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make the function an op."""
        return self.tracelm.op(function)

    wrap_async = wrap_generator = wrap

    def drain(self) -> None:
        """Wait until everything is where it belongs."""
        report = self.tracelm.flush(60)
        assert (report.pending, report.lost) == (0, 0), report


def build(variant: str, endpoint: str, home: Path) -> Bare:
    """Set one variant up."""
    match variant:
        case "bare":
            return Bare()
        case "plain OTel":
            return Plain(endpoint)
        case "@op disabled":
            return Traced(home, None, enabled=False)
        case "@op left out":
            return Traced(home, None, sample_rate=0.0)
        case _:
            return Traced(home, endpoint if "exported" in variant else None)


def measured(case: str, kit: Bare) -> tuple[Callable[[], Any], bool]:
    """Return the call to measure, and whether it is to be awaited."""
    if case == "async":
        call = kit.wrap_async(work_async)
        return lambda: call(SMALL), True
    if case == "generator":
        call = kit.wrap_generator(chunks)
        return lambda: [None for _ in call(SMALL)], False
    if case == "nested":
        call = kit.wrap(work)
        for _ in range(4):
            call = kit.wrap(calling(call))
        return lambda: call(SMALL), False
    call = kit.wrap(work)
    value = {"small": SMALL, "20KB": LARGE, "busy": MEDIUM}[case]
    return lambda: call(value), False


def run_block(case: str, variant: str, endpoint: str, calls: int) -> dict[str, float]:
    """Run one block in this process."""
    stop = threading.Event()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        kit = build(variant, endpoint, Path(folder))
        call, is_async = measured(case, kit)
        times: list[int] = []

        def sync_block(count: int) -> None:
            clock = time.perf_counter_ns
            for _ in range(count):
                before = clock()
                call()
                times.append(clock() - before)

        async def async_block(count: int) -> None:
            clock = time.perf_counter_ns
            for _ in range(count):
                before = clock()
                await call()
                times.append(clock() - before)

        def block(count: int) -> None:
            times.clear()
            asyncio.run(async_block(count)) if is_async else sync_block(count)

        if case == "busy":
            threading.Thread(target=spin, args=(stop,), daemon=True).start()
        block(max(calls // 10, 20))  # warms up
        kit.drain()
        cpu = time.process_time()
        block(calls)
        kit.drain()
        cpu = time.process_time() - cpu
        stop.set()
        ordered = sorted(times)
        found = {
            "mean": statistics.fmean(times) / 1_000,
            "p50": ordered[len(ordered) // 2] / 1_000,
            "p99": ordered[len(ordered) * 99 // 100] / 1_000,
            "cpu": cpu / calls * 1e6,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_A_MB,
        }
        if isinstance(kit, Traced):
            kit.tracelm.shutdown()
        return found


def compare(case: str, endpoint: str, calls: int, rounds: int) -> None:
    """Run the blocks of one case in turn, and print the table."""
    blocks: dict[str, list[dict[str, float]]] = {variant: [] for variant in VARIANTS}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TRACELM_"))}
    for _ in range(rounds):
        for variant, done in blocks.items():
            command = [sys.executable, __file__, "--block", case, variant, endpoint, "--calls", str(calls)]
            ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            done.append(json.loads(ran.stdout))
    floor = blocks["plain OTel"]
    print(f"\n{CASES[case]}: µs a call; medians of {rounds} blocks of {calls} calls, interleaved")
    print(f"{'':14}{'blocked mean':>14}{'p50':>9}{'p99':>10}{'cpu':>9}{'peak MB':>9}   × plain OTel: blocked, cpu")
    for variant, done in blocks.items():
        middle = {key: statistics.median(block[key] for block in done) for key in done[0]}
        ratio = {
            key: statistics.median(block[key] / beside[key] for block, beside in zip(done, floor, strict=True))
            for key in ("mean", "cpu")
        }
        print(
            f"{variant:14}{middle['mean']:14.2f}{middle['p50']:9.2f}{middle['p99']:10.2f}{middle['cpu']:9.2f}"
            f"{middle['peak']:9.0f}   {ratio['mean']:5.2f}, {ratio['cpu']:.2f}"
        )


def main() -> None:
    """Measure, and print one table a kind of call."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=2_000, help="calls in a block")
    parser.add_argument("--rounds", type=int, default=7, help="blocks of each variant")
    parser.add_argument("--only", choices=CASES, action="append", help="measure only this case")
    parser.add_argument("--block", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.block:
        print(json.dumps(run_block(*given.block, calls=given.calls)))
        return
    with sink() as endpoint:
        for case in given.only or CASES:
            calls = given.calls if case != "generator" else given.calls // 10
            compare(case, endpoint, calls, given.rounds)


if __name__ == "__main__":
    main()
