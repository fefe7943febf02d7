"""A store is looked after: what is too old goes, faults are found, and what goes out comes in again as it was."""

import itertools
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Table, delete, func, select, update

import tracelm
from tests import postgres
from tests.unit.store.otlp_lines import log_line, span_line, write_segment
from tracelm.otlp.decode import decode_spans
from tracelm.store.database import Database, open_database
from tracelm.store.ingest import write_spans
from tracelm.store.migrate import migrate
from tracelm.store.record_files import Format
from tracelm.store.retention import Removed, Retention, used_bytes
from tracelm.store.store import Store
from tracelm.store.sweep import sweep
from tracelm.store.tables import CONTENTS, LOGS, RESOURCES, SCORES, SPANS, TRACES

pytestmark = pytest.mark.usefixtures("backend")

DAY = 86_400 * 10**9
NOW = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp()) * 10**9
_numbers = itertools.count(1)


def trace(days_old: float, text: str = "", *, failed: bool = False, project: str = "shop", run: str = "") -> bytes:
    """Return a trace of one span that ended some days ago; it is named by its age."""
    end = NOW - int(days_old * DAY)
    number = next(_numbers)
    attributes: dict[str, object] = {"input.value": f"{text} " * 600} if text else {}
    return span_line(
        f"{days_old}", trace=f"{number:032x}", span=f"{number:016x}", start=end - 5, end=end, status=2 * failed,
        project=project, attributes=attributes | ({"tracelm.run.id": run} if run else {}),
    )  # fmt: skip


def noise(days_old: int) -> bytes:
    """Return a trace that compresses badly."""
    return trace(days_old).replace(
        b'"attributes":[]',
        b'"attributes":[{"key":"k","value":{"stringValue":"%b"}}]'
        % (random.Random(days_old).randbytes(1_000).hex().encode()),
    )


def opened(home: Path, *spans: bytes, logs: tuple[bytes, ...] = ()) -> Store:
    write_segment(home, spans=spans, logs=logs)
    store = tracelm.open_store(home=home)
    store.index()
    return store


def open_database_of(store: Store) -> Database:
    return open_database(os.environ.get("TRACELM_STORE_URL") or f"sqlite:///{store.place}")


def names(store: Store) -> list[str]:
    return sorted(span.name for span in store.spans())


def count(store: Store, table: Table) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_errors_are_kept_longer_than_the_rest(tmp_path: Path) -> None:
    old = (trace(13), trace(15), trace(80, failed=True), trace(95, failed=True))
    with opened(tmp_path, *old) as store:
        removed = store.maintenance.retain("keep errors 90d, rest 14d", now_ns=NOW)
        assert (removed, names(store)) == (Removed(traces=2, spans=2, records=0), ["13", "80"])
        assert store.maintenance.retain("errors 90d, rest 14d", now_ns=NOW) == Removed()


def test_retention_is_of_one_project_where_it_is_named(tmp_path: Path) -> None:
    with opened(tmp_path, trace(20), trace(30, project="other")) as store:
        store.maintenance.retain("rest 14d", project="other", now_ns=NOW)
        assert names(store) == ["20"]
        with pytest.raises(tracelm.StoreError, match="no project 'unknown'"):
            store.maintenance.retain("rest 14d", project="unknown", now_ns=NOW)


def test_evaluation_runs_stay_unless_they_are_named(tmp_path: Path) -> None:
    with opened(tmp_path, trace(400, run="r-1"), trace(20)) as store:
        store.maintenance.retain("rest 14d", now_ns=NOW)
        assert (names(store), len(store.runs())) == (["400"], 1)
        store.maintenance.retain("runs 1y", now_ns=NOW)
        assert (names(store), len(store.runs())) == ([], 0)


def test_what_belongs_to_a_deleted_trace_goes_with_it_and_shared_contents_stay(tmp_path: Path) -> None:
    old, new = trace(20, "shared"), trace(1, "shared")
    only = trace(20, "only the old one has this")
    identity = orjson.loads(old)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    good = {"gen_ai.evaluation.name": "good", "gen_ai.evaluation.score.value": 1.0}
    trace_id, span_id = str(identity["traceId"]), str(identity["spanId"])
    logs = (log_line("gen_ai.evaluation.result", good, trace=trace_id, span=span_id, project="shop"),)
    with opened(tmp_path, old, new, only, logs=logs) as store:
        assert (count(store, CONTENTS), count(store, SCORES), count(store, LOGS)) == (2, 1, 1)
        store.maintenance.retain("rest 14d", now_ns=NOW)
        assert (count(store, CONTENTS), count(store, SCORES), count(store, LOGS)) == (1, 0, 0)
        assert (store.spans()[0].input or "").startswith("shared")
        assert store.maintenance.check() == []


def test_a_log_record_without_a_trace_ages_too(tmp_path: Path) -> None:
    with opened(tmp_path, trace(1)) as store:
        old = log_line("app.note", {"k": 1}, trace="", span="", time=NOW - 20 * DAY)
        write_segment(tmp_path, logs=[old])
        assert store.maintenance.retain("rest 14d", now_ns=NOW) == Removed(records=1)


def test_a_size_deletes_the_oldest_until_it_is_met(tmp_path: Path, backend: str) -> None:
    lines = [noise(days) for days in range(1, 400)]
    with opened(tmp_path, *lines) as store:
        if backend == "postgresql":
            with pytest.raises(tracelm.StoreError, match="cannot be kept by size: say for how many days"):
                store.maintenance.retain(Retention(max_bytes=1), now_ns=NOW)
            return
        before = store.maintenance.stats().size_bytes
        size = used_bytes(open_database_of(store)) - 200_000
        store.maintenance.retain(Retention(max_bytes=size), now_ns=NOW)
        left = [int(name) for name in names(store)]
        assert 0 < len(left) < 399
        assert sorted(left) == list(range(1, len(left) + 1))
        store.maintenance.vacuum()
        assert store.maintenance.stats().size_bytes < min(before, size)


@pytest.mark.parametrize("text", ["", "rest", "rest 14", "rest 14 days", "rest 14d; errors 9d", "rest 1d, rest 2d"])
def test_a_retention_that_cannot_be_read_says_how_it_is_written(text: str, tmp_path: Path) -> None:
    with opened(tmp_path) as store, pytest.raises(tracelm.ConfigError, match="rest"):
        store.maintenance.retain(text)


def test_a_sweep_takes_nothing_that_is_written_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, again = trace(20, "written again meanwhile"), trace(1, "written again meanwhile")
    with opened(tmp_path, gone) as store:
        database = open_database_of(store)
        with store.writing() as connection:
            connection.execute(delete(SPANS))
            connection.execute(delete(TRACES))
        whole = sweep.__globals__["_live"]

        def meanwhile(given: Database) -> object:
            live = whole(given)
            with database.write() as connection:
                write_spans(connection, [(decode_spans(again).records[0], "shop")])
            return live

        monkeypatch.setitem(sweep.__globals__, "_live", meanwhile)
        assert sweep(database) == 0
        monkeypatch.undo()
        assert (store.spans()[0].input or "").startswith("written again")
        assert store.maintenance.check() == []
        with store.writing() as connection:
            connection.execute(delete(SPANS))
        assert (sweep(database), count(store, CONTENTS), count(store, RESOURCES)) == (1, 0, 0)


def test_damage_is_found_and_named(tmp_path: Path) -> None:
    with opened(tmp_path, trace(1, "a"), trace(2, "b"), trace(3)) as store:
        assert store.maintenance.check() == []
        with store.writing() as connection:
            first = connection.execute(select(func.min(CONTENTS.c.id))).scalar_one()
            connection.execute(delete(CONTENTS).where(CONTENTS.c.id == first))
            connection.execute(update(CONTENTS).values(content=b"noise"))
            connection.execute(update(TRACES).where(TRACES.c.name == "3").values(span_count=7))
        found = {(fault.where, fault.what) for fault in store.maintenance.check()}
    assert ("contents", "1 (2) not what the digest says") in found
    assert ("spans", "2 (1, 2) cannot be put together") in found
    assert any(where == "traces" and "do not count their spans right" in what for where, what in found)


@pytest.mark.parametrize("format", ["json", "protobuf", "parquet"])
def test_what_is_exported_comes_in_again_as_it_was(format: Format, tmp_path: Path) -> None:  # noqa: A002
    good = {"gen_ai.evaluation.name": "good", "gen_ai.evaluation.score.value": 1.0, "log.record.uid": "u"}
    lines = [trace(days, f"text {days}", failed=days == 2, project=f"p{days % 2}") for days in range(1, 8)]
    with opened(tmp_path / "a", *lines, logs=(log_line("gen_ai.evaluation.result", good, project="p1"),)) as store:
        done = store.maintenance.export(tmp_path / "out", format=format)
        spans = {span.span_id: span for span in store.spans()}
        scores = list(store.scores())
    assert (done.spans, done.logs, done.skipped) == (7, 1, ())
    copy = open_database(f"sqlite:///{tmp_path / 'copy.db'}")
    with Store(copy, tmp_path / "b", owned=True) as other:
        assert other.maintenance.import_(tmp_path / "out") == done
        assert other.maintenance.import_(tmp_path / "out") == done  # again: nothing changes
        assert {span.span_id: span for span in other.spans()} == spans
        assert list(other.scores()) == scores
        for span in other.spans():
            assert span.otlp.attributes == spans[span.span_id].otlp.attributes
            if format != "protobuf":
                assert span.otlp.source == spans[span.span_id].otlp.source
        assert other.maintenance.check() == []


def test_an_export_is_of_one_project_where_it_is_named_and_into_an_empty_folder(tmp_path: Path) -> None:
    with opened(tmp_path / "home", trace(1), trace(2, project="other")) as store:
        assert store.maintenance.export(tmp_path / "out", project="other").spans == 1
        with pytest.raises(tracelm.ConfigError, match="is not empty"):
            store.maintenance.export(tmp_path / "out")


@pytest.mark.parametrize(("name", "content"), [("spans.jsonl", b"no json\n"), ("spans.binpb", b"\0\0\0\x09torn")])
def test_what_cannot_be_read_is_left_out_and_named(name: str, content: bytes, tmp_path: Path) -> None:
    with opened(tmp_path / "home") as store:
        whole = span_line("whole", project="shop") + b"\n" if name.endswith("jsonl") else b""
        (tmp_path / name).write_bytes(whole + content)
        done = store.maintenance.import_(tmp_path / name)
    assert (done.spans, len(done.skipped)) == (1 if whole else 0, 1)
    assert done.skipped[0].startswith(f"{name}, record ")


def test_a_folder_with_nothing_to_import_says_what_there_could_be(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as store, pytest.raises(tracelm.ConfigError, match=r"spans\.jsonl"):
        store.maintenance.import_(tmp_path)


def test_a_whole_store_moves_to_another_database_and_goes_on_there(tmp_path: Path, backend: str) -> None:
    home = tmp_path / "home"
    with opened(home, *(trace(days, f"text {days}") for days in range(1, 30))) as store:
        source = open_database_of(store)
        tracelm.Dataset(name="sums", rows=[{"inputs": {"a": 1}}]).publish()
    url = f"sqlite:///{tmp_path / 'new.db'}" if backend == "postgresql" else postgres.new_database()
    target = open_database(url)
    moved = {table.name: table.rows for table in migrate(source, target)}
    assert (moved["spans"], moved["contents"], moved["traces"]) == (29, 29, 29)
    with Store(target, tmp_path / "other", owned=True) as there:
        assert len(there.spans()) == 29
        assert there.maintenance.check() == []
        write_segment(tmp_path / "other", spans=[trace(0, "new")])
        assert len(there.spans()) == 30


def test_a_move_that_was_broken_off_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path / "home", *(trace(days, f"text {days}") for days in range(1, 2_500))) as store:
        source = open_database_of(store)
    target = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    copied: list[str] = []

    def stop(table: str, rows: int) -> None:
        copied.append(table)
        if table == "spans" and rows >= 1_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(source, target, progress=stop)
    before = len(copied)
    with pytest.raises(tracelm.StoreError, match="filled in part from"):
        migrate(open_database(f"sqlite:///{tmp_path / 'third.db'}"), target)
    moved = migrate(source, target, progress=lambda table, _: copied.append(table))
    assert {table.name: table.rows for table in moved}["spans"] == 2_499
    assert "contents" not in copied[before:]


def test_a_target_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "home", trace(1)) as store:
        database = open_database_of(store)
    with pytest.raises(tracelm.StoreError, match="is not empty"):
        migrate(open_database(f"sqlite:///{tmp_path / 'new.db'}"), database)


def test_what_changes_while_it_moves_is_found(tmp_path: Path) -> None:
    with opened(tmp_path / "home", trace(1)) as store:
        source = open_database_of(store)
    target = open_database(f"sqlite:///{tmp_path / 'new.db'}")

    def meddle(table: str, _rows: int) -> None:
        if table == "traces":
            with target.write() as connection:
                connection.execute(update(SPANS).values(name="other"))

    with pytest.raises(tracelm.StoreError, match="something wrote meanwhile"):
        migrate(source, target, progress=meddle)
