"""`tracelm traces --where` and `tracelm spans`: filters, orders and pages on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from typer.testing import CliRunner

from tests.unit.store.filters.filled import call, filled, one
from tracelm.cli.main import app


def run(*arguments: str, code: int = 0) -> str:
    """Run `tracelm`, check its exit code, and return what it printed."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result.output


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.fixture(autouse=True)
def _recorded(tmp_path: Path) -> None:
    spans = [
        *(one(f"op-{n}", trace=n, start=n, ms=10 * n, failed=n == 2, error__type="KeyError") for n in range(1, 4)),
        call("chat m", trace=3, span=2, parent=1, start=3, ms=1, gen_ai__usage__input_tokens=7),
    ]
    filled(tmp_path / "home", spans).close()


def test_traces_and_spans_are_filtered_and_sorted() -> None:
    assert [each["name"] for each in run_json("traces", "--where", "latency>15ms")["traces"]] == ["op-3", "op-2"]
    assert [each["name"] for each in run_json("traces", "--where", "model:m")["traces"]] == ["op-3"]
    assert [each["name"] for each in run_json("spans", "--where", "is:root", "--sort", "latency")["spans"]] == [
        *("op-1", "op-2", "op-3")
    ]
    assert [each["name"] for each in run_json("spans", "--sort", "-tokens", "--limit", "1")["spans"]] == ["chat m"]


def test_pages_follow_one_another() -> None:
    first = run_json("traces", "--limit", "2")
    assert [each["name"] for each in first["traces"]] == ["op-3", "op-2"]
    second = run_json("traces", "--limit", "2", "--after", first["next"])
    assert ([each["name"] for each in second["traces"]], second["next"]) == (["op-1"], None)
    assert f"there are more: --after {first['next']}" in run("traces", "--limit", "2")
    assert "there are more" not in run("traces")


def test_a_cursor_of_another_filter_is_an_error_that_says_so() -> None:
    cursor = run_json("traces", "--limit", "2")["next"]
    assert "belongs to another query" in run("traces", "--where", "latency>1ms", "--after", cursor, code=1)
    assert "this is no cursor" in run("spans", "--after", "x", code=1)


def test_a_filter_that_cannot_be_read_is_shown_with_its_spot_and_ends_with_2() -> None:
    assert run("traces", "--where", "status:error latncy>2s", code=2) == snapshot("""\
error: unknown field 'latncy': did you mean latency?
  status:error latncy>2s
               ^^^^^^
""")
    assert run("spans", "--where", "latency>2s \x1b[31m:x", code=2) == snapshot("""\
error: unknown field '\\x1b[31m': put it in quotes if you search for text: "…"
  latency>2s  [31m:x
             ^^^^^
""")


def test_spans_are_listed_with_their_errors() -> None:
    shown = run("spans", "--where", "status:error")
    assert "op-2" in shown
    assert "KeyError" in shown
    assert "op-3" not in shown


def test_where_nothing_fits_it_says_so() -> None:
    for command in ("traces", "spans"):
        assert "no " + command + " that fit" in run(command, "--where", "latency>1h")


def test_an_order_that_there_is_not_is_a_wrong_command_line() -> None:
    assert "-latency" in run("traces", "--sort", "name", code=2)


def test_since_narrows_the_time() -> None:
    assert run_json("spans", "--since", "24h")["spans"] == []
    assert len(run_json("spans", "--since", "1969-12-31")["spans"]) == 4
