"""A monitor over a store: what is new is judged, page by page, until nothing is new.

Scores and how far the monitor has come are committed together: after `kill -9` it goes on where it was, and no span
has a verdict of one scorer twice.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from tracelm.monitors.calibrated import keep_calibrations
from tracelm.monitors.judging import judge, lacks_output, values_of
from tracelm.monitors.monitor import Chosen, Monitor
from tracelm.monitors.record import Recorder
from tracelm.monitors.unrecorded import unrecorded
from tracelm.otlp.records import LogRecord
from tracelm.scoring.scorer import version_of
from tracelm.store import monitors
from tracelm.store.monitors import Candidate, Page

if TYPE_CHECKING:
    from tracelm.monitors.delivery import Delivery
    from tracelm.store.store import Store

PAGE: Final = 100
"""So many spans are looked at before what was found is committed: what a crash makes it judge again."""
CONCURRENCY: Final = 8


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a monitor has done.

    Attributes:
        monitor: Its name.
        matched: Spans that it is about.
        judged: Verdicts of scorers, one a span and scorer.
        failed: How many of these are failures of the scorer.
        without_output: Verdicts that were not asked for, because the span has no output.
        exported: Scores that the collector took.
        waiting: Scores that wait for the collector.
    """

    monitor: str
    matched: int = 0
    judged: int = 0
    failed: int = 0
    without_output: int = 0
    exported: int = 0
    waiting: int = 0


async def catch_up(
    store: "Store",
    monitor: Monitor,
    *,
    since_ns: int = 0,
    concurrency: int = CONCURRENCY,
    delivery: "Delivery | None" = None,
) -> Progress:
    """Judge what a monitor has not seen yet, and return what that was.

    Nothing is recorded of what scorers do meanwhile: a monitor must not find its own calls.

    Args:
        store: The store.
        monitor: The monitor.
        since_ns: If it has not run over this store yet: it looks at nothing that began earlier.
        concurrency: So many scorers work at once.
        delivery: Brings the scores to a collector; `None` where there is none.

    Raises:
        StoreError: The store failed, or another process runs the same monitor.
    """
    progress = Progress(monitor=monitor.name)
    queue = None if delivery is None else delivery.queue(monitor.name)
    recorder = Recorder()
    store.index()
    with store.writing() as connection:
        at = monitors.place(connection, monitor.name, since_ns=since_ns)
        keep_calibrations(connection, monitor)
    while True:
        with store.reading() as connection:
            page = monitors.page(connection, at, monitor.condition, monitor.cases, limit=PAGE)
            chosen = chosen_of(monitor, page)
            known = monitors.judged(connection, monitor.name, [each.span.trace_id for each, _ in chosen])
        progress.matched += len(page.candidates)
        with unrecorded():
            logs = await judge_all(monitor, chosen, known, recorder, progress, concurrency)
        if logs or page.waits or page.settled or page.upto > at.after:
            with store.writing() as connection:
                at = monitors.keep(connection, at, page, logs, queue=queue)
        if delivery is not None:
            progress.exported += await anyio.to_thread.run_sync(delivery.send, store, monitor.name)
        if page.is_last:
            break
    if delivery is not None:
        progress.waiting = delivery.waiting(store, monitor.name)
    return progress


def chosen_of(monitor: Monitor, page: Page) -> list[tuple[Candidate, Chosen]]:
    """Return the spans of a page that are judged, each with a scorer."""
    return [(each, one) for each in page.candidates for one in monitor.chosen(each.span.trace_id, each.cases)]


async def judge_all(
    monitor: Monitor,
    chosen: list[tuple[Candidate, Chosen]],
    known: set[tuple[str, str, str, str]],
    recorder: Recorder,
    progress: Progress,
    concurrency: int,
) -> list[tuple[LogRecord, str]]:
    """Judge spans, and return the records of their scores, each with its project.

    Args:
        monitor: The monitor.
        chosen: The spans, each with a scorer.
        known: What has a verdict: project, trace, span and version of the scorer.
        recorder: Makes the records.
        progress: Where it is counted.
        concurrency: So many scorers work at once.
    """
    found: dict[int, list[LogRecord]] = {}
    turns = anyio.Semaphore(concurrency)
    limiter = anyio.CapacityLimiter(concurrency)
    read: dict[int, dict[str, object]] = {}

    async def ask(number: int, candidate: Candidate, one: Chosen) -> None:
        span = candidate.span
        if candidate.number not in read:
            read[candidate.number] = values_of(span)
        values = read[candidate.number]
        if lacks_output(one.scorer, values):
            progress.without_output += 1
            return
        async with turns:
            judgement = await judge(one.scorer, values, timeout_s=monitor.timeout_s, limiter=limiter)
        progress.judged += 1
        progress.failed += judgement.error is not None
        found[number] = recorder.records(judgement, span, monitor=monitor.name, weight=one.weight)

    async with anyio.create_task_group() as group:
        for number, (candidate, one) in enumerate(chosen):
            span = candidate.span
            if (span.project, span.trace_id, span.span_id, version_of(one.scorer)) not in known:
                group.start_soon(ask, number, candidate, one)
    return [(log, chosen[number][0].span.project) for number in sorted(found) for log in found[number]]
