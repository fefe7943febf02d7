"""Stores that earlier versions wrote (`schema-NNNN.sql`, dumped by SQLite) are brought up to date with all they hold.

Each was made by the version of its time, from a session with a turn that calls an op, a score, and a failure.
"""

import sqlite3
from pathlib import Path

import pytest

import tracelm
from tracelm.store.migrations import HEAD, versions
from tracelm.store.sqlite import SQLite

VERSIONS = Path(versions.__file__).parent
OLD = sorted(Path(__file__).parent.glob("schema-*.sql"))


@pytest.fixture(params=OLD, ids=[path.stem for path in OLD])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store as an earlier version left it."""
    path = tmp_path / "tracelm.db"
    dump: Path = request.param
    with sqlite3.connect(path) as database:
        database.executescript(dump.read_text())
    database.close()
    return path


def test_every_earlier_schema_has_a_stored_database() -> None:
    revisions = {path.name[1:5] for path in VERSIONS.glob("v*.py")}
    assert [path.stem for path in OLD] == [f"schema-{number}" for number in sorted(revisions - {HEAD})]


def test_an_old_store_opens_with_all_it_holds(old: Path) -> None:
    with tracelm.open_store(f"sqlite:///{old}") as store:
        spans = {span.name: span for span in store.spans()}
        assert {name: (span.status, span.state) for name, span in spans.items()} == {
            "turn": ("unset", "ended"), "answer": ("unset", "ended"), "fails": ("error", "ended"),
        }  # fmt: skip
        assert (spans["turn"].session_id, spans["turn"].user_id) == ("c-7", "ada")
        assert (spans["turn"].input_tokens, spans["turn"].output_tokens, spans["turn"].cost_usd) == (10, 2, 0.5)
        assert spans["answer"].input == '{"question":"where is it?"}'
        assert spans["answer"].parent_span_id == spans["turn"].span_id
        traces = {trace.name: trace for trace in store.traces()}
        assert (traces["turn"].span_count, traces["turn"].cost_usd, traces["fails"].error_count) == (2, 0.5, 1)
        (score,) = store.scores()
        assert (score.name, score.label, score.explanation, score.author) == ("helpful", "true", "because", "ada")


def test_costs_in_an_old_store_can_be_computed_anew(old: Path) -> None:
    with tracelm.open_store(f"sqlite:///{old}") as store:
        store.reprice({"m": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 10}}, since_ns=0)
        (turn,) = (span for span in store.spans() if span.name == "turn")
        assert (turn.cost_usd, turn.recorded_cost_usd) == (0.00003, 0.5)
        assert max(trace.cost_usd or 0 for trace in store.traces()) == 0.00003


def test_an_upgraded_store_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    def schema(path: Path) -> set[tuple[str, str, str]]:
        SQLite(path)
        with sqlite3.connect(path) as database:
            tables = [str(name) for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            columns = {
                (table, str(row[1]), f"{row[2]} {row[3]} {row[5]}")
                for table in tables
                for row in database.execute(f"PRAGMA table_info({table})")
            }
            indexes = {
                (str(table), str(name), str(sql))
                for table, name, sql in database.execute(
                    "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index'"
                )
            }
        database.close()
        return columns | indexes

    assert schema(old) == schema(tmp_path / "new.db")


def test_an_upgraded_store_takes_new_records(old: Path) -> None:
    tracelm.init("shop", home=old.parent, patch=False)
    with tracelm.span("new"):
        pass
    tracelm.shutdown()
    with tracelm.open_store(home=old.parent) as store:
        assert {span.name for span in store.spans()} == {"turn", "answer", "fails", "new"}
