"""What recording OpenAI's client costs, beside the same client unpatched.

    python benchmarks/openai_overhead.py [--blocks 40] [--only CASE] [--processor]

A server in another process answers at once. One process holds the client and takes turns, block by block: unpatched,
recorded, unpatched, recorded, … So both see the same machine at the same time, and what is quoted is the median of the
differences of neighbours, with the quartiles of those differences. With `opentelemetry-instrumentation-genai-openai`
installed, OpenTelemetry's own instrumentation takes a third turn (its spans and metrics go through a batch processor
that drops nothing, to a sink on loopback); `--peers` asks for it.

On a machine that others use as well, wall time says little. `--processor` measures the processor time of the calling
thread instead, over a transport in memory.
"""

import argparse
import asyncio
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

from openai_server import CHUNKS, events, openai_server, whole
from sink import sink

MESSAGES = [
    {"role": "system", "content": "You answer in one sentence."},
    {"role": "user", "content": "Where is my parcel? It was sent on Monday. " * 3},
]
CASES = {
    "plain": ("a plain call", 40, 150),
    "stream": (f"a stream of {CHUNKS} chunks", 20, 8 * CHUNKS),
    "first": ("time to the first chunk", 20, 100),
    "concurrent": ("64 concurrent async calls, per call", 1, 150),
}
"""What is measured, calls in a block, and the aim: µs that a call may cost more."""


_now: Callable[[], float] = time.perf_counter
_in_memory = False


def ask(client: Any, **more: Any) -> Any:
    """Call the model."""
    return client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, temperature=0.2, **more)


def plain(client: Any, calls: int) -> list[float]:
    """Time whole calls, in seconds."""
    found: list[float] = []
    for _ in range(calls):
        before = _now()
        ask(client)
        found.append(_now() - before)
    return found


def stream(client: Any, calls: int) -> list[float]:
    """Time streams from the call to their end."""
    found: list[float] = []
    for _ in range(calls):
        before = _now()
        for _chunk in ask(client, stream=True, stream_options={"include_usage": True}):
            pass
        found.append(_now() - before)
    return found


def first(client: Any, calls: int) -> list[float]:
    """Time streams from the call to their first chunk; the rest is read outside of the clock."""
    found: list[float] = []
    for _ in range(calls):
        before = _now()
        chunks = iter(ask(client, stream=True))
        next(chunks)
        found.append(_now() - before)
        for _chunk in chunks:
            pass
    return found


def concurrent(client: Any, calls: int) -> list[float]:
    """Time 64 calls at once, divided by 64."""

    async def run() -> float:
        import openai

        more = in_memory("AsyncClient") if _in_memory else {}
        async with openai.AsyncOpenAI(base_url=str(client.base_url), api_key="test", max_retries=0, **more) as other:
            await asyncio.gather(*(ask(other) for _ in range(64)))  # opens the connections
            before = _now()
            for _ in range(4):
                await asyncio.gather(*(ask(other) for _ in range(64)))
            return (_now() - before) / 256

    return [asyncio.run(run()) for _ in range(calls)]


def in_memory(kind: str) -> dict[str, Any]:
    """Return what makes a client answer itself.

    Args:
        kind: `Client` or `AsyncClient`.
    """
    import httpx2

    answers = {True: ("text/event-stream", b"".join(events())), False: ("application/json", whole())}

    def answer(request: httpx2.Request) -> httpx2.Response:
        mime_type, body = answers[b'"stream":true' in request.content.replace(b" ", b"")]
        return httpx2.Response(200, content=body, headers={"content-type": mime_type})

    return {"http_client": getattr(httpx2, kind)(transport=httpx2.MockTransport(answer))}


@contextmanager
def recorded() -> Any:
    """Record with tracelm, kept locally."""
    from tracelm.integrations.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()
    try:
        yield
    finally:
        OpenAIInstrumentor().uninstrument()


def otel(endpoint: str) -> Callable[[], AbstractContextManager[None]]:
    """Record with OpenTelemetry's own instrumentation, messages included, exported to the sink."""
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor  # type: ignore[import-not-found]
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=1_000_000))
    meters = MeterProvider([InMemoryMetricReader()])

    @contextmanager
    def instrumented() -> Any:
        OpenAIInstrumentor().instrument(tracer_provider=provider, meter_provider=meters)
        try:
            yield
        finally:
            OpenAIInstrumentor().uninstrument()

    return instrumented


def compare(
    case: str, variants: dict[str, Callable[[], AbstractContextManager[Any]]], client: Any, blocks: int
) -> None:
    """Take turns, and print one line a variant."""
    title, calls, aim = CASES[case]
    measure: Callable[[Any, int], list[float]] = globals()[case]
    times: dict[str, list[float]] = {name: [] for name in variants}
    for block in range(blocks + 2):
        for name, variant in variants.items():
            with variant():
                measure(client, 1)  # warms up what patching has thrown away
                gc.collect()
                found = statistics.median(measure(client, calls))
            if block >= 2:
                times[name].append(found * 1e6)
    print(f"\n{title}: µs; medians of {blocks} blocks of {calls}, interleaved (aim: at most +{aim})")
    floor = times["unpatched"]
    for name, found in times.items():
        line = f"  {name:14}{statistics.median(found):10.0f}"
        if name != "unpatched":
            more = [mine - bare for mine, bare in zip(found, floor, strict=True)]
            low, middle, high = statistics.quantiles(more, n=4)
            line += f"   +{middle:.0f} ({low:.0f} to {high:.0f})"
            if case == "stream":
                line += f"; a chunk +{middle / CHUNKS:.1f}"
        print(line)


def main() -> None:
    """Measure, and print one table a case."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=40, help="turns of each variant")
    parser.add_argument("--only", choices=CASES, action="append", help="measure only this case")
    parser.add_argument("--peers", action="store_true", help="OpenTelemetry's own instrumentation as well")
    parser.add_argument("--processor", action="store_true", help="processor time, over a transport in memory")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(("OTEL_", "TRACELM_"))]:
        del os.environ[name]
    import openai

    import tracelm

    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        base_url, endpoint = stack.enter_context(openai_server()), stack.enter_context(sink())
        if given.processor:
            global _now, _in_memory
            _now, _in_memory = time.thread_time, True
        more = in_memory("Client") if _in_memory else {}
        client = stack.enter_context(openai.OpenAI(base_url=base_url, api_key="test", max_retries=0, **more))
        tracelm.init("benchmark", home=home, patch=False)
        variants: dict[str, Callable[[], AbstractContextManager[Any]]] = {
            "unpatched": nullcontext,
            "tracelm": recorded,
        }
        if given.peers:
            variants["OpenTelemetry"] = otel(endpoint)
        for case in given.only or CASES:
            compare(case, variants, client, given.blocks)
        report = tracelm.shutdown()
        assert report.lost == 0
        print(f"\n{report.recorded} spans recorded, none lost, {report.failures} failures")


if __name__ == "__main__":
    main()
