"""The journal stays bounded: what a dead collector has not taken moves into the store, and is sent from there."""

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace

import tracelm
from tests.collector import ACCEPTED, Answer, Sink, free_ports, sink
from tests.reliability.test_nothing_lost import deliver_the_rest, in_store, run
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.errors import StoreError
from tracelm.otlp.protobuf import logs_request, trace_request
from tracelm.store.outbox import Outbox
from tracelm.trace.segments import Segment, journal_bytes, list_segments

SEGMENT = 40_000
LIMIT = 100_000
UP_TO = LIMIT + SEGMENT + 2_000
"""The limit, the segment that is being written, and the line by which it outgrows its size."""
OPS = 400
SCORES = 10


@tracelm.op
def step(number: int) -> int:
    return number


class Away:
    """A collector that answers 503 until it is back."""

    is_back = False

    def __call__(self, _path: str, _body: bytes) -> Answer:
        return ACCEPTED if self.is_back else (503, b"", {})


@pytest.fixture
def away() -> Away:
    return Away()


@pytest.fixture
def collector(away: Away) -> Iterator[Sink]:
    with sink(away) as running:
        yield running


def record(home: Path, endpoint: str | None, *, store_url: str | None = None) -> None:
    tracelm.init(
        "test",
        home=home,
        endpoint=endpoint,
        store_url=store_url,
        segment_max_bytes=SEGMENT,
        journal_max_bytes=LIMIT,
        shutdown_timeout_s=0,
    )
    for number in range(OPS):
        step(number)
    for number in range(SCORES):
        tracelm.score(f"{number + 1:032x}:{number + 1:016x}", name="helpful", value=True)


def wait_until(home: Path, *, bounded: bool = True) -> None:
    for _ in range(3_000):
        if (journal_bytes(home) <= UP_TO) is bounded:
            return
        tracelm.flush(0.01)  # lets the background work
    raise AssertionError(f"the journal holds {journal_bytes(home)} bytes")


def moved(home: Path) -> list[Segment]:
    return [segment for segment in list_segments(home) if segment.moved() is not None]


def account(report: tracelm.FlushReport) -> tuple[int, int, int, int]:
    return report.recorded, report.delivered, report.pending, report.lost


def test_a_dead_collector_does_not_let_the_journal_grow_and_gets_everything_when_it_is_back(
    tmp_path: Path, away: Away, collector: Sink
) -> None:
    record(tmp_path, collector.url)
    wait_until(tmp_path)
    assert account(tracelm.flush(0)) == (OPS + SCORES, 0, OPS + SCORES, 0)
    assert len(moved(tmp_path)) == 1  # one open file, however long it lasts
    away.is_back = True
    assert account(tracelm.flush(60)) == (OPS + SCORES, OPS + SCORES, 0, 0)
    assert (len(collector.ids()), len(collector.spans()), len(collector.log_records())) == (OPS, OPS, SCORES)
    assert in_store(tmp_path) == OPS
    assert moved(tmp_path) == []


def test_what_is_sent_from_the_store_is_what_was_recorded(tmp_path: Path, away: Away, collector: Sink) -> None:
    tracelm.init("test", home=tmp_path, endpoint=collector.url, shutdown_timeout_s=0)
    with tracelm.session("c-7"), tracelm.attributes({"list": [1, 2.5], "flag": True}), tracelm.span("whole") as span:
        trace.get_current_span().add_event("happened", {"at": 1})
        tracelm.score(span.context, name="tone", value="friendly", explanation="because")
    tracelm.shutdown()
    (segment,) = list_segments(tmp_path)
    (line,), (log,) = segment.read("spans").lines, segment.read("logs").lines
    Outbox(tmp_path).bound_journal(0)
    assert moved(tmp_path) == [segment]
    away.is_back = True
    deliver_the_rest(tmp_path, collector)
    arrived = {each.name: each for each in collector.spans()}["whole"]
    assert arrived == trace_request([line]).resource_spans[0].scope_spans[0].spans[0]
    assert collector.log_records() == [logs_request([log]).resource_logs[0].scope_logs[0].log_records[0]]


@pytest.mark.parametrize("ops", [150, 300, 450, 600])
def test_killed_at_any_moment_of_the_move_nothing_is_missing(tmp_path: Path, ops: int) -> None:
    (port,) = free_ports(1)
    program = (
        f"tracelm.init('test', endpoint='http://127.0.0.1:{port}', segment_max_bytes={SEGMENT}, "
        "journal_max_bytes=40_000)\n"
        f"for number in range({ops}): step(number)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    run(tmp_path, program)
    with sink(port=port) as collector:
        deliver_the_rest(tmp_path, collector)
        assert len(collector.ids()) == ops + 1
    assert in_store(tmp_path) == ops + 1
    assert list_segments(tmp_path) == []


def test_what_dead_processes_left_is_moved_too(tmp_path: Path, away: Away, collector: Sink) -> None:
    for _ in range(3):
        run(
            tmp_path,
            f"tracelm.init('test', endpoint='{collector.url}', segment_max_bytes={SEGMENT}, shutdown_timeout_s=0)\n"
            "for number in range(100): step(number)\n",
        )
    assert journal_bytes(tmp_path) > UP_TO
    tracelm.init("test", home=tmp_path, journal_max_bytes=LIMIT)  # this one has no collector at all
    wait_until(tmp_path)
    tracelm.shutdown()
    assert in_store(tmp_path) == 300
    assert moved(tmp_path)
    away.is_back = True
    deliver_the_rest(tmp_path, collector)
    assert (len(collector.ids()), len(collector.spans())) == (301, 301)


def test_without_a_collector_a_journal_that_is_too_large_is_indexed(tmp_path: Path) -> None:
    record(tmp_path, None)
    wait_until(tmp_path)
    assert account(tracelm.flush(0)) == (OPS + SCORES, OPS + SCORES, 0, 0)
    assert in_store(tmp_path) == OPS


def test_below_the_limit_the_process_that_records_makes_no_store(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path, segment_max_bytes=SEGMENT)
    for number in range(OPS):
        step(number)
    tracelm.shutdown()
    assert not (tmp_path / "tracelm.db").exists()


def test_a_store_that_cannot_take_the_records_leaves_them_in_the_journal(
    tmp_path: Path, away: Away, collector: Sink
) -> None:
    (tmp_path / "a file").touch()
    record(tmp_path, collector.url, store_url=f"sqlite:///{tmp_path}/a file/tracelm.db")
    before = tracelm.flush(0).failures
    wait_until(tmp_path, bounded=False)
    tracelm.flush(0.5)
    report = tracelm.flush(0)
    assert account(report) == (OPS + SCORES, 0, OPS + SCORES, 0)
    assert report.failures > before
    away.is_back = True
    assert account(tracelm.flush(60)) == (OPS + SCORES, OPS + SCORES, 0, 0)


def test_what_the_store_has_deleted_meanwhile_is_counted_as_lost(tmp_path: Path, away: Away, collector: Sink) -> None:
    record(tmp_path, collector.url)
    wait_until(tmp_path)
    with sqlite3.connect(tmp_path / "tracelm.db") as database:
        deleted = database.execute(
            "DELETE FROM spans WHERE (trace_id, span_id) IN (SELECT trace_id, span_id FROM outbox LIMIT 3)"
        ).rowcount
    asked = collector.asked
    while collector.asked < asked + 2:  # what is on its way now was read before
        tracelm.flush(0.05)
    away.is_back = True
    assert account(tracelm.flush(60)) == (OPS + SCORES, OPS + SCORES - deleted, 0, deleted)
    assert deleted == 3


def test_a_score_that_waits_for_the_collector_outlives_the_age_of_its_trace(
    tmp_path: Path, away: Away, collector: Sink
) -> None:
    away.is_back = True
    tracelm.init("test", home=tmp_path, endpoint=collector.url, shutdown_timeout_s=0)
    with tracelm.span("delivered") as span:
        pass
    assert account(tracelm.flush(60)) == (1, 1, 0, 0)
    away.is_back = False
    tracelm.score(span.context, name="tone", value="friendly")
    tracelm.shutdown()
    Outbox(tmp_path).bound_journal(0)
    with tracelm.open_store(home=tmp_path) as store:
        store.maintenance.retain("errors 1h, rest 1h", now_ns=2 * time.time_ns())
    away.is_back = True
    deliver_the_rest(tmp_path, collector)
    assert len(collector.log_records()) == 1


def test_records_that_wait_in_another_store_are_not_taken_for_lost(tmp_path: Path, collector: Sink) -> None:
    record(tmp_path, collector.url)
    wait_until(tmp_path)
    (segment,) = moved(tmp_path)
    with pytest.raises(StoreError, match="TRACELM_STORE_URL"):
        Outbox(tmp_path, f"sqlite:///{tmp_path}/other.db").read(segment, "spans", 0, max_bytes=1_000)


def test_lines_that_are_no_records_are_set_aside_and_the_others_are_moved(tmp_path: Path) -> None:
    lines = [span_line(span=f"{number:016x}") for number in (1, 2)]
    spans = (lines[0], b'{"resourceSpans": 7}', b"no JSON", lines[1])
    segment, lock = write_segment(tmp_path, spans=spans, destinations=("d",))
    with segment.file("spans").open("ab") as file:
        file.write(b'{"resourceSpans": [torn')
    os.close(lock)
    outbox = Outbox(tmp_path)
    outbox.bound_journal(0)
    batch = outbox.read(segment, "spans", 0, max_bytes=1_000_000)
    assert [bool(line) for line in batch.lines] == [True, False, False, True]
    assert batch.end == segment.size("spans")
    aside = b"".join(file.read_bytes() for file in (tmp_path / "unreadable").iterdir())
    assert all(part in aside for part in (b": 7}", b"no JSON", b"torn"))
    assert in_store(tmp_path) == 2
