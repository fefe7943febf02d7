"""A PostgreSQL store: clear errors, a restart that costs nothing but a try, several writers, forks."""

import gc
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

import tracelm
from tests import postgres
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.otlp.decode import decode_spans
from tracelm.store.database import open_database
from tracelm.store.ingest import write_spans
from tracelm.store.postgres import Postgres


def message(url: str) -> str:
    with pytest.raises(tracelm.StoreError) as caught:
        open_database(url)
    return str(caught.value)


def test_what_is_wrong_with_a_url_is_said_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    right = make_url(postgres.new_database())
    absent = right.set(database="nothing_here", password="hunter2").render_as_string(hide_password=False)
    assert "does not exist on that server: create it with 'createdb'" in message(absent)
    assert "hunter2" not in message(absent)
    monkeypatch.setattr("tracelm.store.postgres._CONNECT_TIMEOUT_S", 2)
    assert "does not answer: start the server" in message("postgresql://me:hunter2@127.0.0.1:1/db")
    with pytest.raises(tracelm.ConfigError, match="%40"):
        open_database("postgresql://me:p@ss@host:no-port/db")


def test_a_database_of_another_program_is_left_alone() -> None:
    url = postgres.new_database()
    subprocess.run([sys.executable, "-c", MAKE_A_TABLE, url], check=True)
    assert "holds tables of another program" in message(url)


MAKE_A_TABLE = (
    "import psycopg, sys\nwith psycopg.connect(sys.argv[1]) as c: c.execute('CREATE TABLE customers (name text)')"
)


def test_a_missing_driver_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\nimport tracelm\n"
        "try: tracelm.open_store('postgresql://me@host/db')\n"
        "except tracelm.MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip().endswith("pip install 'tracelm[postgres]'")


def test_connections_that_were_cut_are_made_again() -> None:
    database = open_database(postgres.new_database())
    assert isinstance(database, Postgres)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM spans").scalar() == 0
    with database.engine.connect() as other:
        other.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM spans").scalar() == 0


def test_a_connection_that_breaks_in_a_transaction_writes_nothing_and_says_so() -> None:
    database = open_database(postgres.new_database())
    (span,) = decode_spans(span_line("a")).records

    def write() -> None:
        with database.write() as connection:
            write_spans(connection, [(span, "shop")])
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            with database.engine.connect() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(tracelm.StoreError, match="try again"):
        write()
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM spans").scalar() == 0


def _write(url: str, first: int) -> None:
    database = open_database(url)
    for number in range(first, first + 40):
        (span,) = decode_spans(span_line(f"{number}", span=f"{number:016x}")).records
        with database.write() as connection:
            write_spans(connection, [(span, "shop")])


def test_writers_of_one_trace_at_once_count_all_its_spans(tmp_path: Path) -> None:
    url = postgres.new_database()
    open_database(url)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(url, 1_000 * n)) for n in range(1, 4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with tracelm.open_store(url, home=tmp_path) as store:
        assert store.traces()[0].span_count == 120
        assert store.maintenance.check() == []


def _open_files() -> int:
    return len([*Path("/dev/fd").iterdir()])


def test_a_closed_store_leaves_no_connection_open(tmp_path: Path) -> None:
    url = postgres.new_database()
    with tracelm.open_store(url, home=tmp_path) as store:
        store.traces()
    gc.collect()
    gc.disable()  # it would close what was forgotten
    try:
        before = _open_files()
        for _ in range(20):
            with tracelm.open_store(url, home=tmp_path) as store:
                store.traces()
        assert _open_files() <= before
    finally:
        gc.enable()


def test_a_forked_child_reads_through_a_connection_of_its_own(tmp_path: Path) -> None:
    write_segment(tmp_path, spans=[span_line("a")])
    with tracelm.open_store(postgres.new_database(), home=tmp_path) as store:
        assert len(store.spans()) == 1
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if len(store.spans()) == 1 else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(store.spans()) == 1
