"""A monitor within the program: what is recorded is judged by a thread in the background."""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
from sqlalchemy import create_engine, delete
from sqlalchemy.pool import StaticPool

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.monitors.alerts.watch import look
from tracelm.monitors.calibrated import keep_calibrations
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.record import Recorder
from tracelm.monitors.unrecorded import unrecorded
from tracelm.monitors.worker import CONCURRENCY, PAGE, Progress, chosen_of, judge_all
from tracelm.otlp.decode import decode_spans
from tracelm.store import monitors
from tracelm.store.ingest import write_spans
from tracelm.store.monitors import Page, Place
from tracelm.store.open import open_local
from tracelm.store.tables import METADATA
from tracelm.trace import listeners, runtime, tally
from tracelm.trace.fork import in_child
from tracelm.trace.safely import report

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from tracelm.otlp.records import SpanRecord

WAITING: Final = 1_000
"""So many spans wait at most; those that come then are left out, and counted."""
_REST_S: Final = 0.1
_LOOK_S: Final = 30.0
_log: Final = logging.getLogger("tracelm")
_lock: Final = threading.Lock()
_running: Final[dict[str, "LiveMonitor"]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveProgress:
    """What a monitor within the program has done.

    Attributes:
        judged: Verdicts of scorers, one a span and scorer.
        failed: How many of these are failures of the scorer.
        without_output: Verdicts that were not asked for, because the span has no output.
        waiting: Spans that wait for their turn.
        dropped: Spans that were left out, because too many waited or the program ended. `tracelm monitor run` judges
            them from the store.
    """

    judged: int
    failed: int
    without_output: int
    waiting: int
    dropped: int


class LiveMonitor:
    """A monitor that runs in this process; `Monitor.start()` makes it.

    The thread that ends a span draws whether its trace is wanted, and puts its record into a bounded queue: it never
    waits. A thread of the monitor's own judges them, and records the scores as the program records: in the journal,
    and from there in the store and at the collector.

    Attributes:
        monitor: What runs.
    """

    def __init__(self, monitor: Monitor, *, waiting: int = WAITING) -> None:
        """Begin to listen; use `Monitor.start` instead.

        Args:
            monitor: What is to run.
            waiting: So many spans wait at most.
        """
        self.monitor = monitor
        self._limit = waiting
        self._greatest = max((monitor.sample_rate, *monitor.over_sample.values()))
        self._progress = Progress(monitor=monitor.name)
        self._dropped = 0
        self._begin()
        in_child(self._begin)
        listeners.listen(self)

    def _begin(self) -> None:
        """Start with nothing that waits and no thread: also in a forked child, which has inherited neither."""
        self._queue: deque[bytes] = deque()
        self._busy = 0
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._idle = threading.Condition()
        self._ending = False
        self._late = False  # what is judged now was counted as left out

    @property
    def progress(self) -> LiveProgress:
        """What it has done so far."""
        done = self._progress
        return LiveProgress(
            judged=done.judged,
            failed=done.failed,
            without_output=done.without_output,
            waiting=len(self._queue) + self._busy,
            dropped=self._dropped,
        )

    def hear(self, context: "SpanContext", line: bytes) -> None:
        """Take note of a span; of an evaluation's traces none."""
        if tally.is_of_trial(context.trace_id):
            return
        if self._greatest < 1 and not self.monitor.may_choose(f"{context.trace_id:032x}", self._greatest):
            return
        if len(self._queue) >= self._limit or self._ending:
            self._drop(1)
            return
        self._queue.append(line)
        if self._thread is None:
            self._start()

    def drain(self, timeout_s: float = 5.0) -> bool:
        """Wait until nothing waits; return whether that is so.

        Args:
            timeout_s: How long at most, in seconds.
        """
        with self._idle:
            return self._idle.wait_for(lambda: not self._queue and not self._busy, timeout_s)

    def end(self, timeout_s: float) -> None:
        """Judge what waits, look at the alerts once more, as far as that works in so many seconds, and end."""
        by_s = time.monotonic() + timeout_s
        self._ending = True
        if not self.drain(timeout_s):
            self._late = True
            self._drop(len(self._queue) + self._busy)
            self._queue.clear()
        if self._thread is not None:
            self._thread.join(max(0.0, by_s - time.monotonic()))
        with _lock:
            _running.pop(self.monitor.name, None)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Listen no more, and `end`.

        Args:
            timeout_s: How long it may take, in seconds.
        """
        listeners.leave(self)
        self.end(timeout_s)

    def _drop(self, count: int) -> None:
        if not self._dropped:
            _log.warning(
                "the monitor %r leaves spans out: lower its sample_rate, or run it beside the program "
                "with `tracelm monitor run`, which judges them from the store too",
                self.monitor.name,
            )
        self._dropped += count

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._work, name=f"tracelm-monitor-{self.monitor.name}", daemon=True)
                self._thread = thread
                thread.start()

    def _work(self) -> None:
        try:
            anyio.run(self._serve)
        except Exception as error:
            report("run a monitor", error)
            self._thread = None  # the next span starts another

    async def _serve(self) -> None:
        """Judge what comes until nothing will: in one event loop, since clients are bound to theirs."""
        desk = _Desk()
        recorder = Recorder()
        looked_s = time.monotonic()
        while True:
            lines = self._take()
            if lines:
                try:
                    await self._judge(desk, recorder, lines)
                except Exception as error:
                    report("judge in a monitor", error)
                    self._drop(len(lines))
                finally:
                    with self._idle:
                        self._busy = 0
                        self._idle.notify_all()
            elif self._ending:
                await self._look()
                return
            else:
                await anyio.sleep(_REST_S)
            if time.monotonic() - looked_s >= _LOOK_S:
                looked_s = time.monotonic()
                await self._look()

    def _take(self) -> list[bytes]:
        with self._idle:
            lines = [self._queue.popleft() for _ in range(min(PAGE, len(self._queue)))]
            self._busy = len(lines)
        return lines

    async def _judge(self, desk: "_Desk", recorder: Recorder, lines: list[bytes]) -> None:
        page = desk.page(self.monitor, [span for line in lines for span in decode_spans(line).records])
        self._progress.matched += len(page.candidates)
        with unrecorded():
            logs = await judge_all(
                self.monitor, chosen_of(self.monitor, page), set(), recorder, self._progress, CONCURRENCY
            )
        current = runtime.active
        if logs and current is not None and not self._late:
            current.keep("logs", [log.source for log, _ in logs])

    async def _look(self) -> None:
        if not self.monitor.alerts and not self.monitor.calibrations:
            return
        try:
            with open_local() as store:
                store.index()
                with store.writing() as connection:
                    keep_calibrations(connection, self.monitor)
                await look(store, self.monitor, now_ns=time.time_ns())
        except Exception as error:
            report("look at the alerts of a monitor", error)


class _Desk:
    """A store in memory for the spans of one batch: filters mean there what they mean in a store."""

    def __init__(self) -> None:
        self._engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        METADATA.create_all(self._engine)

    def page(self, monitor: Monitor, spans: "list[SpanRecord]") -> Page:
        """Return which of some spans a monitor is about. What they hold is read here, until the next call."""
        with self._engine.begin() as connection:
            for table in reversed(METADATA.sorted_tables):
                connection.execute(delete(table))
            write_spans(connection, [(span, _project_of(span)) for span in spans])
            at = Place(monitor=monitor.name, since_ns=0, after=0)
            return monitors.page(connection, at, monitor.condition, monitor.cases, limit=len(spans) + 1)


def start(monitor: Monitor, *, waiting: int = WAITING) -> LiveMonitor:
    """Run a monitor in this process; one that runs already goes on.

    Args:
        monitor: The monitor.
        waiting: So many spans wait at most.

    Raises:
        ConfigError: Another one of this name runs.
    """
    with _lock:
        known = _running.get(monitor.name)
        if known is None:
            known = _running[monitor.name] = LiveMonitor(monitor, waiting=waiting)
        elif known.monitor != monitor:
            raise ConfigError(f"another monitor {monitor.name!r} runs in this process: give one of them another name")
        return known


def _project_of(span: "SpanRecord") -> str:
    return str(span.resource.attributes.get(semconv.PROJECT, "-"))
