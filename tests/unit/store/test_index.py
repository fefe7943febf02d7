"""The journal gets into the store whole, once, whoever reads it and whenever somebody dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

import tracelm
from tests.unit.store.otlp_lines import log_line, span_line, write_segment
from tracelm.store.database import Database, default_url, open_database
from tracelm.store.index import IndexReport, index_closed
from tracelm.trace.segments import list_segments, locked

pytestmark = pytest.mark.usefixtures("backend")


def database(home: Path) -> Database:
    return open_database(os.environ.get("TRACELM_STORE_URL") or default_url(home))


def counts(home: Path) -> tuple[int, int, int]:
    """Return how many spans, log records and scores the database holds."""
    with database(home).read() as connection:
        (found,) = connection.exec_driver_sql(
            "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM log_records), (SELECT count(*) FROM scores)"
        )
    spans, logs, scores = found
    return int(spans), int(logs), int(scores)


def score_line(uid: str, value: float = 1.0) -> bytes:
    return log_line(
        "gen_ai.evaluation.result",
        {"log.record.uid": uid, "gen_ai.evaluation.name": "good", "gen_ai.evaluation.score.value": value},
    )


def everything(home: Path) -> list[tuple[object, ...]]:
    """Return all rows of all tables but the cursors."""
    tables = ("spans", "traces", "log_records", "scores", "runs")
    with database(home).read() as connection:
        return [
            tuple(row) for table in tables for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id")
        ]


def test_a_living_segment_is_read_as_it_grows(tmp_path: Path) -> None:
    segment, lock = write_segment(tmp_path, spans=[span_line("a", span="00000000000000a1")])
    with tracelm.open_store(home=tmp_path) as store:
        assert [span.name for span in store.spans()] == ["a"]
        with segment.file("spans").open("ab") as file:
            file.write(span_line("b", span="00000000000000a2") + b"\n")
        assert sorted(span.name for span in store.spans()) == ["a", "b"]
        assert store.index() == IndexReport()
    assert segment.path.exists()
    os.close(lock)


def test_a_closed_segment_is_deleted_once_it_is_in_the_store(tmp_path: Path) -> None:
    segment, lock = write_segment(tmp_path, spans=[span_line()], logs=[score_line("u")])
    os.close(lock)
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index() == IndexReport(spans=1, logs=1, removed=1)
        assert not segment.path.exists()
        assert len(store.spans()) == 1
        assert len(store.scores()) == 1


def test_a_segment_that_a_collector_has_not_taken_stays(tmp_path: Path) -> None:
    segment, lock = write_segment(tmp_path, spans=[span_line()], destinations=["collector"])
    os.close(lock)
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index() == IndexReport(spans=1)
        assert store.index() == IndexReport()
        segment.move_cursor("collector", {"spans": segment.size("spans"), "logs": 0})
        assert store.index() == IndexReport(removed=1)
    assert not segment.path.exists()


def test_a_segment_that_somebody_exports_just_now_stays(tmp_path: Path) -> None:
    segment, lock = write_segment(tmp_path, spans=[span_line()])
    os.close(lock)
    with tracelm.open_store(home=tmp_path) as store:
        with locked(segment.path):
            assert store.index() == IndexReport(spans=1)
        assert store.index() == IndexReport(removed=1)


def test_the_same_lines_again_change_nothing(tmp_path: Path) -> None:
    spans = [
        span_line("root", attributes={"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}),
        span_line("child", span="00000000000000a2", parent="00000000000000a1"),
    ]
    logs = [score_line("u"), log_line("other", {"k": "no uid"})]
    with tracelm.open_store(home=tmp_path) as store:
        for expected in (IndexReport(spans=2, logs=2, removed=1), IndexReport(spans=2, logs=2, removed=1)):
            _segment, lock = write_segment(tmp_path, spans=spans, logs=logs)
            os.close(lock)
            assert store.index() == expected
            first = everything(tmp_path)
        assert everything(tmp_path) == first
        assert counts(tmp_path) == (2, 2, 1)
        assert store.traces()[0].input_tokens == 5


def test_a_record_that_comes_anew_replaces_the_one_of_the_same_key(tmp_path: Path) -> None:
    write_segment(
        tmp_path,
        spans=[span_line("early", end=0), span_line("late", end=9_000)],
        logs=[score_line("u", 0.0), score_line("u", 1.0)],
    )
    with tracelm.open_store(home=tmp_path) as store:
        assert [(span.name, span.end_ns) for span in store.spans()] == [("late", 9_000)]
        assert [trace.name for trace in store.traces()] == ["late"]
        assert [score.value for score in store.scores()] == [1.0]


def test_one_project_cannot_touch_the_span_of_another(tmp_path: Path) -> None:
    write_segment(tmp_path, spans=[span_line("mine", project="a"), span_line("theirs", project="b")])
    with tracelm.open_store(home=tmp_path) as store:
        assert [span.name for span in store.spans(project="a")] == ["mine"]
        assert [span.name for span in store.spans(project="b")] == ["theirs"]


def test_the_project_of_the_resource_goes_before_that_of_the_segment(tmp_path: Path) -> None:
    write_segment(tmp_path, project="segment", spans=[span_line(), span_line(span="00000000000000a2", project="own")])
    with tracelm.open_store(home=tmp_path) as store:
        assert sorted(span.project for span in store.spans()) == ["own", "segment"]


def test_a_torn_last_line_of_a_dead_process_is_counted_and_the_rest_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    segment, lock = write_segment(tmp_path, spans=[span_line()], destinations=["collector"])
    with segment.file("spans").open("ab") as file:
        file.write(span_line("torn")[:40])
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index() == IndexReport(spans=1)  # its process may still finish the line
        os.close(lock)
        assert store.index() == IndexReport(skipped=1)
        assert store.index() == IndexReport()
    assert "torn last line" in caplog.text


def test_a_line_that_cannot_be_read_is_passed_over_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = span_line("bad").replace(b"5b8e", b"nope")
    write_segment(tmp_path, spans=[span_line("a"), b"{no json", bad, span_line("b", span="00000000000000a2")])
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index() == IndexReport(spans=2, skipped=2)
        assert sorted(span.name for span in store.spans()) == ["a", "b"]
    assert "cannot read 2 records" in caplog.text


def test_many_batches_are_read_to_the_end(tmp_path: Path) -> None:
    big = "x" * 20_000
    lines = [span_line(span=f"{number:016x}", attributes={"text": big}) for number in range(1, 101)]
    _segment, lock = write_segment(tmp_path, spans=lines)
    os.close(lock)
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index() == IndexReport(spans=100, removed=1)
        (trace,) = store.traces()
        assert trace.span_count == 100


def test_a_line_longer_than_a_batch_is_read(tmp_path: Path) -> None:
    write_segment(
        tmp_path, spans=[span_line(attributes={"text": "x" * 2_000_000}), span_line("b", span="00000000000000a2")]
    )
    with tracelm.open_store(home=tmp_path) as store:
        assert len(store.spans()) == 2


KILLED_AT = {
    "before the cursor moves": ("tracelm.store.index", "_move_cursor", 2),
    "between two batches": ("tracelm.store.index", "_write_lines", 3),
    "before a segment is deleted": ("tracelm.trace.segments", "Segment.remove", 1),
    "while a segment is deleted": ("shutil", "rmtree", 1),
}
KILLING = """
import os, signal, sys, importlib
from pathlib import Path
import tracelm, tracelm.store.index
module, name, times = importlib.import_module(sys.argv[2]), sys.argv[3], int(sys.argv[4])
*owner, name = name.split(".")
owner = getattr(module, owner[0]) if owner else module
whole, calls = getattr(owner, name), 0
def kill(*given, **more):
    global calls
    calls += 1
    if calls == times:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*given, **more)
setattr(owner, name, kill)
tracelm.open_store(home=Path(sys.argv[1])).index()
"""


@pytest.mark.parametrize("where", KILLED_AT)
def test_killed_while_indexing_every_record_is_in_the_store_once(tmp_path: Path, where: str) -> None:
    lines = [span_line(span=f"{n:016x}", attributes={"text": "x" * 5_000}) for n in range(1, 201)]
    segment, lock = write_segment(tmp_path, spans=lines, logs=[score_line("u")])
    os.close(lock)
    tracelm.open_store(home=tmp_path)  # the database is there already
    at = [str(part) for part in KILLED_AT[where]]
    killed = subprocess.run([sys.executable, "-c", KILLING, tmp_path, *at], check=False)
    assert killed.returncode == -signal.SIGKILL
    gone = where == "while a segment is deleted"  # then it is out of sight already
    assert segment.path.exists() is not gone
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index().removed == (0 if gone else 1)
        assert counts(tmp_path) == (200, 1, 1)
        assert store.traces()[0].span_count == 200
    _next, lock = write_segment(tmp_path, spans=[span_line(span="00000000000000ff")])
    os.close(lock)
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index().removed == 1
    assert list((tmp_path / "journal").iterdir()) == []  # nothing of the first one is left either


def _index_all(home: Path, start: Barrier, results: "multiprocessing.Queue[int]") -> None:
    start.wait()
    with tracelm.open_store(home=home) as store:
        results.put(store.index().spans)


def test_processes_that_index_at_once_count_every_record_once(tmp_path: Path) -> None:
    for part in range(5):
        lines = [span_line(span=f"{part * 1000 + n + 1:016x}", attributes={"t": "x" * 500}) for n in range(1000)]
        _segment, lock = write_segment(tmp_path, spans=lines)
        os.close(lock)
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(4), context.Queue()
    workers = [context.Process(target=_index_all, args=(tmp_path, start, results)) for _ in range(4)]
    for worker in workers:
        worker.start()  # all four also make the database at once
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert sum(results.get() for _ in workers) == 5000
    assert counts(tmp_path)[0] == 5000
    assert list_segments(tmp_path) == []


def test_index_closed_leaves_the_living_alone(tmp_path: Path) -> None:
    living, _lock = write_segment(tmp_path, spans=[span_line("living")])
    closed, lock = write_segment(tmp_path, spans=[span_line("closed", span="00000000000000a2")])
    os.close(lock)
    assert index_closed(tmp_path, os.environ.get("TRACELM_STORE_URL")) == IndexReport(spans=1, removed=1)
    assert (living.path.exists(), closed.path.exists()) == (True, False)
    assert counts(tmp_path)[0] == 1


def test_index_closed_makes_no_database_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    write_segment(tmp_path, spans=[span_line("living")])
    assert index_closed(tmp_path, f"sqlite:///{tmp_path}/other.db") == IndexReport()
    assert not (tmp_path / "other.db").exists()


def test_a_copy_of_a_store_does_not_take_the_journal_away(tmp_path: Path) -> None:
    segment, lock = write_segment(tmp_path, spans=[span_line()])
    os.close(lock)
    with tracelm.open_store(f"sqlite:///{tmp_path}/backup/copy.db", home=tmp_path) as copy:
        assert len(copy.spans()) == 1
    assert segment.path.exists()
    with tracelm.open_store(home=tmp_path) as store:
        assert len(store.spans()) == 1
    assert not segment.path.exists()


def test_a_store_elsewhere_that_the_settings_name_may_delete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELM_STORE_URL", f"sqlite:///{tmp_path}/else/where.db")
    segment, lock = write_segment(tmp_path, spans=[span_line()])
    os.close(lock)
    with tracelm.open_store(home=tmp_path) as store:
        assert store.place == str(tmp_path / "else" / "where.db")
        assert len(store.spans()) == 1
    assert not segment.path.exists()


_REFUSES = {
    "sqlite": "CREATE TRIGGER no BEFORE INSERT ON spans WHEN NEW.name = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END",
    "postgresql": "ALTER TABLE spans ADD CHECK (name <> 'poison')",
}


def test_a_record_that_the_store_does_not_take_is_set_aside_and_all_others_are_indexed(
    tmp_path: Path, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    with database(tmp_path).write() as connection:
        connection.exec_driver_sql(_REFUSES[backend])
    names = ["a", "poison", "b"]
    lines = [span_line(name, span=f"{number:016x}") for number, name in enumerate(names, start=1)]
    segment, lock = write_segment(tmp_path, spans=lines, logs=[score_line("u")])
    os.close(lock)
    with tracelm.open_store(home=tmp_path) as store:
        assert store.index() == IndexReport(spans=2, logs=1, skipped=1, removed=1)
        assert sorted(span.name for span in store.spans()) == ["a", "b"]
        assert store.index() == IndexReport()
    (kept,) = (tmp_path / "unreadable").iterdir()
    assert kept.read_bytes() == lines[1] + b"\n"
    assert f"cannot read 1 records of {segment.file('spans')}" in caplog.text
    assert "IntegrityError" in caplog.text


def test_counts_that_no_database_can_add_up_are_in_the_record_alone(tmp_path: Path) -> None:
    call = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 2**62, "gen_ai.usage.output_tokens": 7}
    write_segment(tmp_path, spans=[span_line(span=f"{number:016x}", attributes=call) for number in range(1, 5)])
    with tracelm.open_store(home=tmp_path) as store:
        (trace,) = store.traces()
        assert (trace.span_count, trace.input_tokens, trace.output_tokens) == (4, None, 28)
        assert [span.otlp.attributes["gen_ai.usage.input_tokens"] for span in store.spans()] == [2**62] * 4


def test_of_a_span_that_comes_twice_in_one_batch_the_later_counts(tmp_path: Path) -> None:
    lines = [span_line(f"first {number}", span=f"{number:016x}") for number in range(1, 201)]
    lines += [span_line(f"second {number}", span=f"{number:016x}") for number in range(1, 201)]
    write_segment(tmp_path, spans=lines)
    with tracelm.open_store(home=tmp_path) as store:
        assert {span.name.split()[0] for span in store.spans()} == {"second"}
        assert [trace.span_count for trace in store.traces()] == [200]


def test_a_trace_of_several_projects_has_a_line_for_each(tmp_path: Path) -> None:
    lines = [
        span_line("root", span="00000000000000a1", start=1_000, project="shop"),
        span_line("child", span="00000000000000a2", parent="00000000000000a1", start=1_500, project="shop", status=2),
        span_line("there", span="00000000000000b1", parent="00000000000000a2", start=1_600, project="bank"),
        span_line("below", span="00000000000000b2", parent="00000000000000b1", start=1_700, project="bank"),
    ]
    for line in lines:
        write_segment(tmp_path, spans=[line])
    with tracelm.open_store(home=tmp_path) as store:
        found = [(trace.project, trace.name, trace.span_count, trace.error_count) for trace in store.traces()]
    assert sorted(found) == [("bank", "there", 2, 0), ("shop", "root", 2, 1)]
