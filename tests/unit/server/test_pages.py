"""The pages of every list begin behind the last line of the page before, whatever has come in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tests.serving import Serving, serving
from tests.unit.evals.saved import dataset, run_of
from tests.unit.store.otlp_lines import span_line, write_segment

BEGAN = 1_795_000_000_000_000_000


def turn(session: str, number: int, *, start: int) -> bytes:
    return span_line("turn", trace=f"{number:032x}", start=BEGAN + start, attributes={"session.id": session})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with three conversations of two turns, one run, and two versions of a dataset."""
    home = tmp_path_factory.mktemp("home")
    turns = [turn(name, number, start=number // 3) for number, name in enumerate("abcabc", 1)]
    write_segment(home, project="shop", spans=turns)
    tracelm.init("evals", home=home, patch=False)
    run_of([True, False, ValueError("no"), True], trials=2)
    tracelm.shutdown()
    with serving(home) as running:
        yield running


def paged(server: Serving, path: str, **query: Any) -> list[Any]:
    """Return all lines of a list, read two at a time."""
    found: list[Any] = []
    after: dict[str, Any] = {}
    while True:
        page = server.get(path, limit=2, **query, **after).json
        page = page.get("rows", page)
        assert 1 <= len(page["items"]) <= 2
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def run_id(server: Serving) -> str:
    return str(server.get("/runs").json["items"][0]["run_id"])


@pytest.mark.parametrize(
    ("path", "query"),
    [("/sessions", {"since_ns": 0}), *((f"/runs/RUN/{of}", {}) for of in ("rows", "trials", "scores"))],
    ids=str,
)
def test_pages_put_together_are_the_list(server: Serving, path: str, query: dict[str, Any]) -> None:
    path = path.replace("RUN", run_id(server))
    whole = server.get(path, limit=1000, **query).json
    assert whole["next"] is None
    assert len(whole["items"]) > 2
    assert paged(server, path, **query) == whole["items"]


def test_rows_of_a_run_come_in_the_order_of_the_dataset_also_filtered(server: Serving) -> None:
    path = f"/runs/{run_id(server)}"
    places = [(row, trial) for row in range(4) for trial in range(2)]
    assert [(each["row"], each["trial"]) for each in paged(server, f"{path}/rows")] == places
    assert [(each["row_index"], each["trial"]) for each in paged(server, f"{path}/trials")] == places
    failed = paged(server, f"{path}/rows", outcome="task_error")
    assert [(each["row"], each["trial"]) for each in failed] == [(2, 0), (2, 1)]


def test_a_conversation_that_goes_on_between_two_pages_is_neither_repeated_nor_does_it_push_one_out(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    write_segment(home, project="shop", spans=[turn(name, n, start=n) for n, name in enumerate("abcd", 1)])
    with serving(home) as running:
        first = running.get("/sessions", since_ns=0, limit=2).json
        write_segment(home, project="shop", spans=[turn("a", 11, start=11), turn("e", 12, start=12)])
        second = running.get("/sessions", since_ns=0, limit=9, after=first["next"]).json
        anew = running.get("/sessions", since_ns=0).json
    assert [each["session_id"] for each in first["items"]] == ["d", "c"]
    assert ([each["session_id"] for each in second["items"]], second["next"]) == (["b"], None)
    assert [each["session_id"] for each in anew["items"]] == ["e", "a", "d", "c", "b"]


def test_an_alias_that_moves_between_two_pages_mixes_no_versions(server: Serving) -> None:
    with tracelm.open_store(home=server.home):
        tracelm.init("evals", home=server.home, patch=False)
        dataset(4).publish(aliases=["current"])
        first = server.get("/datasets/saved/versions/current", limit=2).json["rows"]
        assert [each["row"] for each in paged(server, "/datasets/saved/versions/current")] == [0, 1, 2, 3]
        dataset(5).publish(aliases=["current"])
        tracelm.shutdown()
    moved = server.get("/datasets/saved/versions/current", limit=2, after=first["next"])
    assert (moved.status, "another query" in moved.json["detail"]) == (400, True)
    pinned = server.get("/datasets/saved/versions/v0", limit=2, after=first["next"]).json["rows"]
    assert [each["row"] for each in pinned["items"]] == [2, 3]


@pytest.mark.parametrize("of", ["rows", "trials", "scores"])
def test_a_cursor_of_another_list_is_refused(server: Serving, of: str) -> None:
    sessions = server.get("/sessions", since_ns=0, limit=1).json["next"]
    for after in (sessions, "5", "nonsense"):
        assert server.get(f"/runs/{run_id(server)}/{of}", after=after).status == 400
    assert server.get("/sessions", since_ns=0, after="5").status == 400
    rows = server.get(f"/runs/{run_id(server)}/rows", limit=1).json["next"]
    assert server.get(f"/runs/{run_id(server)}/rows", after=rows, outcome="scored").status == 400
    assert server.get("/runs/none-of-this/rows", after=rows).status == 404
