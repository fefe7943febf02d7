"""The database file: private, upgraded as a whole, and a clear sentence when it cannot be used."""

import multiprocessing
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from inline_snapshot import snapshot
from sqlalchemy import select

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.store.database import path_of
from tracelm.store.migrations import HEAD, VERSION_TABLE
from tracelm.store.sqlite import SQLite
from tracelm.store.statements import add
from tracelm.store.tables import METADATA, PROJECTS


def message(home: Path) -> str:
    with pytest.raises(tracelm.StoreError) as caught:
        tracelm.open_store(home=home).traces()
    return str(caught.value).replace(str(home), "HOME")


def _is_of_sqlite(_object: object, name: str, *_: object) -> bool:
    return name != "spans_by_project_start"


def test_the_migrations_make_the_tables_that_the_code_reads(tmp_path: Path) -> None:
    database = SQLite(tmp_path / "tracelm.db")
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "include_object": _is_of_sqlite}
        )
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, METADATA) == []


def test_files_are_for_this_user_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    database = SQLite(home / "tracelm.db")
    with database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM spans")  # with its -wal and -shm beside it
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in home.iterdir()}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert "tracelm.db-wal" in modes


def test_a_store_whose_making_dies_half_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tracelm.db"
    whole = METADATA.create_all

    def torn(*given: object) -> None:
        whole(*given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(METADATA, "create_all", torn)
        with pytest.raises(KeyboardInterrupt):
            SQLite(path)
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    database.close()
    with SQLite(path).read() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar() == HEAD


def test_alembic_is_not_loaded_when_nothing_is_to_be_upgraded(tmp_path: Path) -> None:
    SQLite(tmp_path / "tracelm.db")
    code = (
        "import sys, tracelm; from pathlib import Path; tracelm.open_store(home=Path(sys.argv[1])).traces(); "
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == 0


def test_the_first_open_says_nothing_to_the_programs_log(tmp_path: Path) -> None:
    code = (
        "import logging, sys; logging.basicConfig(level=logging.INFO); import tracelm; from pathlib import Path\n"
        "tracelm.open_store(home=Path(sys.argv[1])).traces()"
    )
    found = subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("", "")


def _open(path: Path) -> None:
    SQLite(path)


def test_processes_that_start_at_once_all_get_a_store(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_open, args=(tmp_path / "tracelm.db",)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]


def test_a_database_of_a_newer_tracelm_is_left_alone(tmp_path: Path) -> None:
    SQLite(tmp_path / "tracelm.db")
    database = sqlite3.connect(tmp_path / "tracelm.db")
    database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9000'")
    database.commit()
    database.close()
    assert message(tmp_path) == (
        f"the store HOME/tracelm.db was written by a newer tracelm (schema 9000, here {HEAD}): pip install --upgrade "
        "tracelm"
    )


def test_a_file_that_is_no_database_says_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "tracelm.db").write_text("notes " * 500)
    assert message(tmp_path) == snapshot(
        "the store HOME/tracelm.db is no database: move it away, or name another file with TRACELM_STORE_URL"
    )


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "tracelm.db")
    database.execute("CREATE TABLE customers (name TEXT)")
    database.close()
    assert message(tmp_path) == snapshot(
        "HOME/tracelm.db holds tables of another program: name another with TRACELM_STORE_URL"
    )


def test_a_folder_in_place_of_the_file_says_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "tracelm.db").mkdir()
    assert message(tmp_path) == snapshot(
        "the store HOME/tracelm.db cannot be opened (Is a directory): make its folder writable for this user, or set "
        "TRACELM_HOME to a folder that is"
    )


def test_a_home_under_a_file_says_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be opened" in message(tmp_path / "file" / "home")


def test_a_home_that_cannot_be_written_says_the_remedy(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o500)
    code = (
        "import os, sys, tracelm, tracelm.store.open, tracelm.store.sqlite; from pathlib import Path\n"
        "os.geteuid() or os.setuid(65534)  # root may write everywhere, nobody may not\n"
        "try: tracelm.open_store(home=Path(sys.argv[1])).traces()\n"
        "except tracelm.StoreError as error: print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code, home], check=False, capture_output=True, text=True)
    assert found.stdout.replace(str(home), "HOME") == snapshot(
        "the store HOME/tracelm.db cannot be opened (Permission denied): make its folder writable for this user, or "
        "set TRACELM_HOME to a folder that is\n"
    )


def test_a_damaged_database_says_the_remedy(tmp_path: Path) -> None:
    write_segment(tmp_path, spans=[span_line(span=f"{n:016x}") for n in range(1, 400)])
    with tracelm.open_store(home=tmp_path) as store:
        store.traces()
    path = tmp_path / "tracelm.db"
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\x55" * (len(data) - 4096))
    assert "is damaged" in message(tmp_path)


def test_a_locked_database_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracelm.store.sqlite._BUSY_TIMEOUT_S", 0.05)
    write_segment(tmp_path, spans=[span_line()])
    store = tracelm.open_store(home=tmp_path)
    other = sqlite3.connect(tmp_path / "tracelm.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(tracelm.StoreError, match="end the process that holds it"):
        store.traces()
    other.execute("COMMIT")
    other.close()
    assert len(store.traces()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "traces.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///a?b=c",
    ],
)
def test_another_kind_of_store_is_refused_with_what_works(url: str) -> None:
    with pytest.raises(tracelm.ConfigError, match="a store is an SQLite file or a PostgreSQL database"):
        tracelm.open_store(url)


def test_a_password_in_a_refused_url_is_not_repeated() -> None:
    with pytest.raises(tracelm.ConfigError) as caught:
        tracelm.open_store("mysql://user:secret@host/db")
    assert "secret" not in str(caught.value)


def test_urls_name_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert path_of("sqlite:///a b%20c.db") == tmp_path / "a b%20c.db"
    assert path_of("sqlite:////var/x.db") == Path("/var/x.db")
    with tracelm.open_store("sqlite:///a b%20c.db") as store:
        assert Path(store.place).exists()


def test_what_is_kept_open_writes_the_file_that_is_there_now(tmp_path: Path) -> None:
    database = SQLite(tmp_path / "tracelm.db")
    with database.kept_open():
        with database.write() as connection:
            add(connection, PROJECTS, [{"name": "old", "created_ns": 1}])
        database.compact()  # so that the file is whole without its log
        other = tmp_path / "other.db"
        shutil.copy(tmp_path / "tracelm.db", other)
        for end in ("", "-wal", "-shm"):
            (tmp_path / f"tracelm.db{end}").unlink(missing_ok=True)
        other.rename(tmp_path / "tracelm.db")
        with database.write() as connection:
            add(connection, PROJECTS, [{"name": "new", "created_ns": 2}])
    with tracelm.open_store(home=tmp_path) as store:
        assert sorted(project.name for project in store.projects()) == ["new", "old"]


def test_a_forked_child_writes_through_a_connection_of_its_own(tmp_path: Path) -> None:
    database = SQLite(tmp_path / "tracelm.db")
    with database.kept_open():
        with database.write() as connection:
            add(connection, PROJECTS, [{"name": "parent", "created_ns": 1}])
        child = multiprocessing.get_context("fork").Process(target=_add_from_child, args=(database,))
        child.start()
        child.join()
        assert child.exitcode == 0
        with database.write() as connection:
            assert sorted(connection.execute(select(PROJECTS.c.name)).scalars()) == ["child", "parent"]


def _add_from_child(database: SQLite) -> None:
    with database.write() as connection:
        add(connection, PROJECTS, [{"name": "child", "created_ns": 2}])
