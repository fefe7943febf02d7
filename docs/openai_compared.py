"""Compares what is recorded of OpenAI's client, by tracelm and by OpenTelemetry's own instrumentation.

    python -m docs.openai_compared FOLDER

Every recorded exchange in FOLDER that speaks OpenAI's interface is asked for again with the real client, once under
each of the two, and what they record is laid side by side in `docs/reference/openai-compared.md`. Both record content.
"""

import importlib.metadata
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.recordings.foreign import replayed, speaking_openai
from tests.recordings.recorded import Recorded

PAGE = Path(__file__).parent / "reference" / "openai-compared.md"
THEIRS = "opentelemetry-instrumentation-genai-openai"
OLD_NAMES = {"gen_ai.usage.cache_creation.input_tokens": "gen_ai.usage.cache_write.input_tokens"}
"""What version 1.3b0 writes under a name that the conventions have replaced."""


@dataclass
class Found:
    """What one of them records of one exchange.

    Attributes:
        spans: How many spans.
        attributes: Names of their attributes.
        metrics: Names of the metrics.
        events: Names of the events.
        broke: What it raised into the program, if it did.
    """

    spans: int = 0
    broke: str = ""
    attributes: set[str] = field(default_factory=set[str])
    metrics: set[str] = field(default_factory=set[str])
    events: set[str] = field(default_factory=set[str])


def ask(recorded: Recorded) -> None:
    """Ask once, and read the whole answer; what the provider refuses is refused."""
    import openai

    with recorded.client() as client:
        try:
            answer = recorded.ask(client)
            if recorded.is_streamed:
                for _chunk in answer:
                    pass
        except openai.OpenAIError:
            if not recorded.fails:
                raise


def under_tracelm(recordings: list[Recorded]) -> list[Found]:
    """Record each exchange with tracelm."""
    import tracelm
    from tracelm.otlp.decode import decode_logs, decode_spans
    from tracelm.trace.segments import list_segments

    found: list[Found] = []
    for recorded in recordings:
        with tempfile.TemporaryDirectory() as home, _meters() as reader:
            tracelm.init("compared", home=home, metric_names="both", details_event="on", stream_usage="leave")
            ask(recorded)
            tracelm.shutdown()
            # More than one, where a call took so long that it was written as pending.
            segments = list_segments(Path(home))
            spans = [s for each in segments for line in each.read("spans").lines for s in decode_spans(line).records]
            logs = [x for each in segments for line in each.read("logs").lines for x in decode_logs(line).records]
        found.append(
            Found(
                spans=len(spans),
                attributes={key for span in spans for key in span.attributes},
                metrics=_names(reader),
                events={log.event_name for log in logs},
            )
        )
    return found


def under_opentelemetry(recordings: list[Recorded]) -> list[Found]:
    """Record each exchange with OpenTelemetry's instrumentation."""
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_AND_EVENT"
    from opentelemetry.instrumentation.genai.openai import (  # pyright: ignore[reportMissingTypeStubs]
        OpenAIInstrumentor,
    )

    found: list[Found] = []
    for recorded in recordings:
        spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
        logs: Any = cast("Any", InMemoryLogRecordExporter)()
        tracers, loggers, meters = TracerProvider(), LoggerProvider(), MeterProvider([reader])
        tracers.add_span_processor(SimpleSpanProcessor(spans))
        loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
        instrumentor: Any = OpenAIInstrumentor()
        instrumentor.instrument(tracer_provider=tracers, logger_provider=loggers, meter_provider=meters)
        broke = ""
        try:
            ask(recorded)
        except Exception as error:
            broke = type(error).__name__
        finally:
            instrumentor.uninstrument()
        finished = spans.get_finished_spans()
        names = {key for span in finished for key in cast("Mapping[str, object]", span.attributes or {})}
        found.append(
            Found(
                spans=len(finished),
                broke=broke,
                attributes={OLD_NAMES.get(name, name) for name in names},
                metrics=_names(reader),
                events={str(log.log_record.event_name) for log in logs.get_finished_logs()},
            )
        )
    del os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"]
    return found


def page(recordings: list[Recorded], ours: list[Found], theirs: list[Found]) -> str:
    """Return the page of the reference."""
    kinds: dict[str, list[int]] = {}
    providers = len({recorded.recording["provider"] for recorded in recordings})
    for index, recorded in enumerate(recordings):
        kinds.setdefault(recorded.endpoint, []).append(index)
    lines = [
        "# Beside OpenTelemetry's own instrumentation",
        "",
        *textwrap.wrap(
            f"What is recorded of OpenAI's client by tracelm and by `{THEIRS}` {importlib.metadata.version(THEIRS)}, "
            f"of the same {len(recordings)} recorded exchanges with {providers} providers, asked again with the real "
            "client. Made by `python -m docs.openai_compared`; a test holds that tracelm records, of every exchange, "
            "all that the other does, but for `gen_ai.request.encoding_formats` of `base64`: the client asks for that "
            "by itself, and where there is no answer nothing below its methods shows that the program did. Metrics are "
            'those with `metric_names="both"`; the newest names alone have none for the tokens of embeddings.',
            width=120,
            break_long_words=False,
            break_on_hyphens=False,
        ),
        "",
        "| endpoint | exchanges | spans: tracelm | OpenTelemetry |",
        "|---|---|---|---|",
    ]
    for kind, indexes in sorted(kinds.items()):
        counts = [sum(found[index].spans for index in indexes) for found in (ours, theirs)]
        lines.append(f"| {kind} | {len(indexes)} | {counts[0]} | {counts[1] or 'none'} |")
    broken = [recorded.recording["id"] for recorded, found in zip(recordings, theirs, strict=True) if found.broke]
    if broken:
        lines += ["", f"An error of OpenTelemetry's instrumentation reached the program in {len(broken)} of them:", ""]
        lines += [f"- `{name}`" for name in broken]
    for title, name in (("Attributes", "attributes"), ("Metrics", "metrics"), ("Events", "events")):
        lines += [
            "",
            f"## {title}",
            "",
            "In how many exchanges each was recorded:",
            "",
            "| name | tracelm | OpenTelemetry |",
            "|---|---|---|",
        ]
        named = sorted({each for found in (*ours, *theirs) for each in getattr(found, name)})
        for each in named:
            counts = [sum(each in getattr(found, name) for found in side) for side in (ours, theirs)]
            lines.append(f"| `{each}` | {counts[0] or ''} | {counts[1] or ''} |")
    return "\n".join(lines) + "\n"


@contextmanager
def _meters() -> Generator[InMemoryMetricReader]:
    """Let the program have a MeterProvider for the block: OpenTelemetry lets it be set only once."""
    from opentelemetry.metrics import _internal

    reader = InMemoryMetricReader()
    before = _internal._METER_PROVIDER  # pyright: ignore[reportPrivateUsage]
    _internal._METER_PROVIDER = MeterProvider([reader])  # pyright: ignore[reportPrivateUsage]
    try:
        yield reader
    finally:
        _internal._METER_PROVIDER = before  # pyright: ignore[reportPrivateUsage]


def _names(reader: InMemoryMetricReader) -> set[str]:
    data = reader.get_metrics_data()
    resources = () if data is None else data.resource_metrics
    return {metric.name for resource in resources for scope in resource.scope_metrics for metric in scope.metrics}


def compare(
    serving: Callable[[], Any], recordings: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Recorded], list[Found], list[Found]]:
    """Ask for all recordings under both.

    Args:
        serving: Runs a server for the block, as a context manager that gives its address.
        recordings: By id.
    """
    with serving() as url:
        asked = [Recorded(recording, url) for _, recording in sorted(recordings.items())]
        return asked, under_tracelm(asked), under_opentelemetry(asked)


def main() -> None:
    """Write the page."""
    folder = Path(sys.argv[1])
    recordings, ours, theirs = compare(lambda: replayed(folder), speaking_openai(folder))
    PAGE.write_text(page(recordings, ours, theirs), encoding="utf-8")
    print(PAGE.name)


if __name__ == "__main__":
    main()
