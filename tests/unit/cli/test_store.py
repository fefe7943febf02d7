"""`tracelm store`: what it holds, whether it is whole, what it keeps, and taking it elsewhere."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from typer.testing import CliRunner

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.cli.main import app
from tracelm.store.tables import CONTENTS

DAY_NS = 86_400 * 10**9


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["store", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store with a trace of today and one of three weeks ago; the older has a long text."""
    home = tmp_path / "home"  # that of the environment
    now = time.time_ns()
    old = {"input.value": "once upon a time " * 60}
    lines = [
        span_line("new", trace="a" * 32, start=now - 5, end=now),
        span_line("old", trace="b" * 32, start=now - 21 * DAY_NS, end=now - 21 * DAY_NS, attributes=old),
    ]
    _, lock = write_segment(home, spans=lines)
    os.close(lock)
    return home


@pytest.mark.usefixtures("home")
def test_stats_count_what_is_there() -> None:
    found = json.loads(run("stats", "--json"))
    assert (found["rows"]["spans"], found["rows"]["contents"], found["spans_by_project"]) == (2, 1, {"shop": 2})
    assert found["size_bytes"] > 0
    assert re.search(r"spans of shop +2", run("stats"))


def test_check_says_that_all_is_well_or_what_is_not(home: Path) -> None:
    assert run("check").endswith("every piece is what its digest says, every sum adds up")
    with tracelm.open_store() as store, store.writing() as connection:
        connection.execute(CONTENTS.delete())
    assert run("check", code=1) == snapshot(
        "spans: 1 (2) cannot be put together. Remedy: put a copy of the store in its place, or export what can be read"
    )
    assert json.loads(run("check", "--json", "--home", home, code=1))[0]["where"] == "spans"


@pytest.mark.usefixtures("home")
def test_retain_deletes_what_is_older_and_vacuum_gives_the_space_back() -> None:
    assert run("retain", "errors 90d, rest 14d") == "deleted 1 traces with 1 spans, and 0 log records"
    assert json.loads(run("retain", "errors 90d, rest 14d", "--json")) == {"traces": 0, "spans": 0, "records": 0}
    assert run("vacuum").startswith("deleted 0 pieces of contents; ")


@pytest.mark.usefixtures("home")
def test_a_retention_that_cannot_be_read_is_one_line() -> None:
    said = run("retain", "everything", code=1)
    assert said.startswith("error: retention 'everything' cannot be read: write 'errors 90d, rest 14d")
    assert len(said.splitlines()) == 1


@pytest.mark.usefixtures("home")
def test_what_was_exported_is_imported_elsewhere(tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    assert run("export", out) == f"wrote 2 spans and 0 log records into {out}"
    other.mkdir()
    assert run("import", out, "--home", other) == "read 2 spans and 0 log records"
    (out / "spans.jsonl").write_text("no json\n")
    said = run("import", out, "--home", other, code=1)
    assert "left out: spans.jsonl, record 1: it is no JSON" in said


def test_migrate_copies_a_whole_store_and_says_that_it_is_equal(home: Path, tmp_path: Path) -> None:
    with tracelm.open_store() as store:
        store.index()
    source, target = f"sqlite:///{home}/tracelm.db", f"sqlite:///{tmp_path}/new.db"
    said = run("migrate", source, target)
    assert said.splitlines()[-1] == "counts and hashes of all tables are equal on both sides"
    assert "spans                     2 rows" in said
    assert "is not empty" in run("migrate", source, target, code=1)
