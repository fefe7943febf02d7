"""`init`, `flush`, `shutdown`: the life of recording in one process."""

import atexit
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tracelm.errors import ConfigError
from tracelm.settings import Settings
from tracelm.trace import listeners, recent, runtime, streams, threads
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import failures, report, safely
from tracelm.trace.segments import journal_bytes

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    from tracelm.store.outbox import Outbox
    from tracelm.trace.destination import Destination
    from tracelm.trace.export import Exporter
    from tracelm.trace.journal import Journal
    from tracelm.trace.rules import Rule

_own_provider: "TracerProvider | None" = None
_indexing = threading.Lock()


class Startable(Protocol):
    """A monitor."""

    def start(self) -> object:
        """Run in this process."""
        ...


@dataclass(frozen=True, slots=True)
class FlushReport:
    """Where the records of this process are. `recorded` = `delivered` + `pending` + `lost`.

    Attributes:
        recorded: Spans, scores and decisions that ended.
        delivered: Acknowledged by the OTLP endpoint; without an endpoint: on disk in the journal.
        pending: On disk, and not yet at the endpoint. The next process brings them there.
        lost: Could not be written, or were refused by the endpoint for good.
        failures: Failures of tracelm itself that were kept away from the program.
    """

    recorded: int
    delivered: int
    pending: int
    lost: int
    failures: int


def init(
    project: str,
    *,
    home: str | os.PathLike[str] | None = None,
    endpoint: str | None = None,
    protocol: str | None = None,
    store_url: str | None = None,
    url: str | None = None,
    capture_content: bool | None = None,
    max_attribute_bytes: int | None = None,
    redact: "Iterable[Rule] | None" = None,
    media_max_bytes: int | None = None,
    segment_max_bytes: int | None = None,
    journal_max_bytes: int | None = None,
    shutdown_timeout_s: float | None = None,
    stream_usage: str | None = None,
    metric_names: str | None = None,
    details_event: str | None = None,
    propagate_threads: bool | None = None,
    patch: bool | None = None,
    integrations: Iterable[str] | None = None,
    sample_rate: float | None = None,
    keep_errors: bool | None = None,
    disabled: bool | None = None,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    monitors: "Iterable[Startable]" = (),
) -> None:
    """Start recording. Call it once, early; calling it again with the same project does nothing.

    The program's OpenTelemetry TracerProvider is used where there is one, otherwise one is set up. What is left out
    comes from the environment (`TRACELM_HOME`, `TRACELM_DISABLED`, …), then from the defaults of
    `tracelm.settings.Settings`.

    Args:
        project: What the traces belong to.
        home: Folder of the journal and of the default store.
        endpoint: Base URL of an OTLP collector, such as `http://localhost:4318`. Default:
            `OTEL_EXPORTER_OTLP_ENDPOINT`; without both, nothing leaves this machine.
        protocol: `http/protobuf` or `grpc`.
        store_url: Where `tracelm.open_store()` looks.
        url: Address of a tracelm server that `tracelm.open_store()` asks instead.
        capture_content: Record inputs, outputs and messages.
        max_attribute_bytes: Longer values are cut and marked. 0: no limit.
        redact: What is secret besides the defaults, which always hold: names (`"ssn"`), compiled regular expressions
            (what they match is hidden), and functions that get each text and return what may be recorded of it.
        media_max_bytes: Images and sounds up to this size, in bytes, are kept in a folder; larger ones are described.
        segment_max_bytes: Size at which a journal segment is closed, in bytes.
        journal_max_bytes: Size of the journal from which on closed segments are moved into the store, in bytes.
        shutdown_timeout_s: How long the end of the program may wait for a collector, in seconds.
        stream_usage: What to do about a streamed chat completion that will not report its tokens: `estimate`, `inject`
            or `leave`.
        metric_names: Names of the metrics of model calls: `latest`, `1.41` or `both`.
        details_event: Whether each call of a model also gives an event with all that its span says: `off`, `on`, or
            `content` for content in the event and not on the span.
        propagate_threads: Carry the current span into threads and thread pools.
        patch: Patch client libraries such as openai.
        integrations: Instrumentors of others that are installed and shall record here as well:
            `["openinference:crewai", "openllmetry:chromadb", "opentelemetry:httpx"]`. A library that one of them
            patches is left to it.
        sample_rate: The share of the traces to record, from 0 to 1. Default: `OTEL_TRACES_SAMPLER`, else 1.
        keep_errors: Record a trace that was not sampled too when something in it failed.
        disabled: Record nothing.
        prices: Prices of models that no public list knows, or that you pay another price for:
            `{"my-model": {"input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.4}}`. A `*` in a name stands for
            anything. `docs/how-to/price-your-own-model.md` has all keys.
        monitors: Monitors that run in this process, in the background.

    Raises:
        ConfigError: A setting cannot work, an instrumentor is not installed, or another project is being recorded in
            this process.

    Example:
        >>> import tracelm
        >>> tracelm.init("support-bot", disabled=True)
    """
    given: dict[str, Any] = {
        "home": None if home is None else Path(home),
        "endpoint": endpoint,
        "protocol": protocol,
        "store_url": store_url,
        "url": url,
        "capture_content": capture_content,
        "max_attribute_bytes": max_attribute_bytes,
        "redact": None if redact is None else tuple(redact),
        "media_max_bytes": media_max_bytes,
        "segment_max_bytes": segment_max_bytes,
        "journal_max_bytes": journal_max_bytes,
        "shutdown_timeout_s": shutdown_timeout_s,
        "stream_usage": stream_usage,
        "metric_names": metric_names,
        "details_event": details_event,
        "propagate_threads": propagate_threads,
        "patch": patch,
        "integrations": None if integrations is None else tuple(integrations),
        "sample_rate": sample_rate,
        "keep_errors": keep_errors,
        "disabled": disabled,
    }
    settings = Settings.from_env(project=project, **given)
    with runtime.lock:
        if runtime.active is not None:
            _check_same(runtime.active, settings, {name for name, value in given.items() if value is not None})
        else:
            start(settings, prices=prices)
        if runtime.active is not None:
            for each in monitors:
                each.start()


def start(
    settings: Settings,
    *,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    ids: "IdGenerator | None" = None,
) -> None:
    """Set the pipeline up from finished settings. `init` is the way in for programs."""
    if settings.disabled or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    from opentelemetry import trace

    from tracelm.pricing.prices import PriceTable
    from tracelm.trace import instrumentors
    from tracelm.trace import provider as pipeline
    from tracelm.trace.destination import find_destination
    from tracelm.trace.journal import Journal
    from tracelm.trace.redact import Redactor
    from tracelm.trace.sampling import sample_alike
    from tracelm.trace.tail import Tail
    from tracelm.trace.tracer import JournalTracer

    global _own_provider  # noqa: PLW0603 - OpenTelemetry has one global provider as well
    others = instrumentors.find(settings.integrations)
    table = PriceTable.from_user(prices)
    redactor = Redactor(settings.redact)
    provider = None if ids is not None else pipeline.program_provider()
    if provider is _own_provider:  # from before a `shutdown`: its resource names the former project
        provider = None
    destination = find_destination(settings, spans_elsewhere=provider is not None)
    if provider is None:
        provider = pipeline.build_provider(
            settings.project, ids, sample_rate=settings.sample_rate, keep_errors=settings.keep_errors
        )
        if _own_provider is not None:  # still the global one
            sample_alike(_own_provider.sampler, provider.sampler)
        if pipeline.program_provider() is None and ids is None:
            trace.set_tracer_provider(provider)
            _own_provider = provider
    elif not pipeline.joined(provider):
        provider.add_span_processor(pipeline.JournalSpanProcessor())
    journal = Journal(
        settings.home,
        project=settings.project,
        destinations=() if destination is None else (destination.id,),
        segment_max_bytes=settings.segment_max_bytes,
        on_closed=lambda: _bound_journal(settings),
    )
    tail = Tail() if settings.keep_errors else None
    runtime.active = Runtime(
        settings=settings,
        tracer=JournalTracer(provider, "tracelm", _version(), sample_rate=settings.sample_rate, tail=tail),
        tail=tail,
        journal=journal,
        exporter=None if destination is None else _exporter(settings, journal, destination),
        prices=table,
        redactor=redactor,
    )
    atexit.register(shutdown)
    if settings.propagate_threads:
        threads.propagate()
    left_to = instrumentors.apply(others, provider)
    if settings.patch:
        from tracelm.trace.patching import patch

        patch(left_to)
    _bound_journal(settings)


def flush(timeout_s: float = 5.0) -> FlushReport:
    """Bring what was recorded to its destination, as far as that works in `timeout_s` seconds.

    Records are on disk before each call returns; without an endpoint there is nothing to wait for.

    Returns:
        Where the records of this process are.
    """
    current = runtime.active
    if current is None:
        return FlushReport(recorded=0, delivered=0, pending=0, lost=0, failures=failures())
    if current.exporter is not None:
        current.exporter.flush(timeout_s)
    return _report(current)


def shutdown() -> FlushReport:
    """Let monitors end, deliver what can be delivered within `shutdown_timeout_s`, close the journal, undo the patches.

    It runs by itself when the program ends. `init` may be called again afterwards.

    Returns:
        Where the records of this process are.
    """
    current = runtime.active
    if current is not None:
        listeners.end(current.settings.shutdown_timeout_s)
    with runtime.lock:
        current = runtime.active
        if current is None:
            return FlushReport(recorded=0, delivered=0, pending=0, lost=0, failures=failures())
        atexit.unregister(shutdown)
        streams.end_open_streams()
        threads.stop_propagating()
        if current.exporter is not None:
            with safely("stop the export"):
                current.exporter.stop(current.settings.shutdown_timeout_s)
        if current.settings.patch:
            from tracelm.trace.patching import unpatch

            unpatch()
        if current.settings.integrations:
            from tracelm.trace.instrumentors import take_back

            take_back()
        runtime.active = None
        recent.clear()
        current.journal.close()
        return _report(current)


def _report(current: Runtime) -> FlushReport:
    journal, exporter = current.journal, current.exporter
    # In this order: what is settled or lost meanwhile was counted as recorded before.
    delivered, refused = (0, 0) if exporter is None else (exporter.delivered, exporter.lost)
    lost = journal.lost + refused
    recorded = journal.recorded
    if exporter is None:
        delivered = recorded - lost
    return FlushReport(
        recorded=recorded,
        delivered=delivered,
        pending=recorded - delivered - lost,
        lost=lost,
        failures=failures(),
    )


def _check_same(current: Runtime, wanted: Settings, given: set[str]) -> None:
    active = current.settings
    if wanted.project != active.project:
        raise ConfigError(
            f"tracelm already records project {active.project!r} in this process: call tracelm.shutdown() before "
            f"tracelm.init({wanted.project!r})"
        )
    differing = sorted(name for name in given if getattr(wanted, name) != getattr(active, name))
    if differing:
        raise ConfigError(
            f"tracelm already records with another {', '.join(differing)}: call tracelm.shutdown() first, or give "
            "it to the first tracelm.init()"
        )


def _exporter(settings: Settings, journal: "Journal", destination: "Destination") -> "Exporter":
    from tracelm.trace.export import Exporter

    limit = settings.journal_max_bytes
    return Exporter(journal, destination, outbox=lambda: _outbox(settings), journal_max_bytes=limit)


def _outbox(settings: Settings) -> "Outbox":
    from tracelm.store.outbox import Outbox  # brings the database: imported when it is needed, which is mostly never

    return Outbox(settings.home, settings.store_url)


def _bound_journal(settings: Settings) -> None:
    """Look in the background whether the journal is too large; one thread at a time."""
    if not _indexing.acquire(blocking=False):
        return

    def work() -> None:
        try:
            # Below the limit, whoever asks the store indexes: that work shares the interpreter with the program.
            if journal_bytes(settings.home) > settings.journal_max_bytes:
                _outbox(settings).bound_journal(settings.journal_max_bytes)
        except Exception as error:
            report("index the journal in the background", error)
        finally:
            _indexing.release()

    try:
        threading.Thread(target=work, name="tracelm-index", daemon=True).start()
    except RuntimeError:  # the interpreter is shutting down
        _indexing.release()


def _version() -> str:
    from importlib.metadata import version

    return version("tracelm")
