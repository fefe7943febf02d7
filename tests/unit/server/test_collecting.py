"""What the API does with traces that somebody marked: a dataset out of them, and a file of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from inline_snapshot import snapshot

import tracelm
from tests.serving import Serving, make_key, serving
from tracelm.server.api.export import chosen
from tracelm.server.problems import Problem


@tracelm.op(name="answer")
def answer(question: str) -> str:
    return f"about {question}"


@tracelm.op(name="tick")
def tick() -> None:
    with tracelm.span("inner"):
        pass


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    tracelm.init("shop", home=home, patch=False)
    for question in ("hours", "prices"):
        answer(question)
    tick()
    tracelm.shutdown()
    return home


@pytest.fixture
def server(home: Path) -> Iterator[Serving]:
    with serving(home) as running:
        yield running


def traces(server: Serving, name: str, *, key: str | None = None) -> list[str]:
    page = server.get("/traces", key=key, where=f"name:{name}", order_by="start").json
    return [each["trace_id"] for each in page["items"]]


def test_calls_become_the_next_version_of_a_dataset_each_of_them_once(server: Serving) -> None:
    first, second = traces(server, "answer")
    begun = server.post("/datasets/golden/rows", {"calls": [{"trace_id": first}], "note": "the first"})
    assert (begun.status, begun.json["version"]["version"], begun.json["version"]["note"]) == (201, "v0", "the first")
    both = {"calls": [{"trace_id": first}, {"trace_id": second, "project": "shop"}]}
    grown = server.post("/datasets/golden/rows", both).json
    assert {name: grown[name] for name in ("added", "known", "without_inputs")} == snapshot(
        {"added": 1, "known": 1, "without_inputs": 0}
    )
    assert grown["version"]["version"] == "v1"
    rows = server.get("/datasets/golden/versions/v1").json["rows"]["items"]
    assert [(each["columns"]["question"], each["columns"]["expected"]) for each in rows] == [
        ("hours", "about hours"),
        ("prices", "about prices"),
    ]
    old = server.get("/datasets/golden/versions/v0").json["rows"]["items"]
    assert old[0]["digest"] == rows[0]["digest"]


def test_a_name_may_have_slashes(server: Serving) -> None:
    [first, _] = traces(server, "answer")
    path = "/datasets/team%2Fgolden"
    assert server.post(f"{path}/rows", {"calls": [{"trace_id": first}]}).status == 201
    assert server.get("/datasets").json["items"] == ["team/golden"]
    assert [each["version"] for each in server.get(path).json["items"]] == ["v0"]
    assert server.get(f"{path}/versions/v0").json["row_count"] == 1
    assert server.get(f"{path}/lineage").json["runs"] == []


def test_the_output_is_left_out_where_it_is_not_what_is_expected(server: Serving) -> None:
    [first, _] = traces(server, "answer")
    server.post("/datasets/golden/rows", {"calls": [{"trace_id": first}], "with_output": False})
    assert server.get("/datasets/golden/versions/v0").json["columns"] == ["id", "question", "metadata"]


def test_spans_without_arguments_are_counted_and_alone_make_no_dataset(server: Serving) -> None:
    [trace] = traces(server, "tick")
    spans = server.get(f"/traces/{trace}").json["spans"]
    inner = next(each for each in spans if each["name"] == "inner")
    call = {"trace_id": trace, "span_id": inner["span_id"]}
    refused = server.post("/datasets/golden/rows", {"calls": [call]})
    assert refused.status == 422
    assert "arguments that were recorded" in refused.json["detail"]
    assert server.get("/datasets").json["items"] == []
    [first, _] = traces(server, "answer")
    taken = server.post("/datasets/golden/rows", {"calls": [call, {"trace_id": first}]}).json
    assert (taken["added"], taken["without_inputs"]) == (1, 1)


def test_who_may_not_read_or_sees_some_projects_only_makes_no_dataset(home: Path) -> None:
    keys = [make_key(home, "ingest"), make_key(home, "read"), make_key(home, "read", "ingest", projects=("shop",))]
    with serving(home) as server:
        [first, _] = traces(server, "answer", key=keys[1])
        for key in keys:
            assert server.post("/datasets/golden/rows", {"calls": [{"trace_id": first}]}, key=key).status == 403
        assert server.get("/datasets", key=keys[1]).json["items"] == []


def test_marked_traces_are_a_file_that_a_store_takes_in(server: Serving, tmp_path: Path) -> None:
    [first, _], [tree] = traces(server, "answer"), traces(server, "tick")
    reply = server.ask("GET", f"/api/v1/export/spans.jsonl?trace={first}&trace={tree}")
    assert reply.headers["content-disposition"] == 'attachment; filename="spans.jsonl"'
    file = tmp_path / "spans.jsonl"
    file.write_bytes(reply.body)
    with tracelm.open_store(f"sqlite:///{tmp_path}/other.db") as other:
        assert other.maintenance.import_(file).spans == 3
        assert {each.name for each in other.spans()} == {"answer", "tick", "inner"}


def test_a_key_exports_its_own_project_only(home: Path) -> None:
    key, whole = make_key(home, "read", projects=("other",)), make_key(home, "read")
    with serving(home) as server:
        [first, _] = traces(server, "answer", key=whole)
        assert server.get("/export/spans.jsonl", key=key, trace=first).body == b""
        assert server.get("/export/spans.jsonl", key=key, trace=first, project="shop").status == 403


def test_all_traces_that_a_filter_finds_are_a_file(server: Serving) -> None:
    def exported(**query: Any) -> list[str]:
        lines = server.get("/export/spans.jsonl", **query).body.splitlines()
        spans = [orjson.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in lines]
        return sorted(each["name"] for each in spans)

    assert exported() == ["answer", "answer", "inner", "tick"]
    assert exported(where="name:tick", project="shop") == ["inner", "tick"]
    assert exported(until_ns=1) == []
    wrong = server.get("/export/spans.jsonl", where="name:")
    assert (wrong.status, wrong.json["position"]) == (400, 5)
    both = server.get("/export/spans.jsonl", where="name:tick", trace=traces(server, "tick")[0])
    assert (both.status, both.json["detail"]) == (400, "name traces, or give a filter and a time: not both")


def test_a_file_of_more_traces_than_one_wants_to_wait_for_is_refused_before_it_begins(home: Path) -> None:
    with tracelm.open_store(home=home) as store:
        assert len(chosen(store, "name:answer", most=2)) == 2
        with pytest.raises(Problem, match="more than 2 traces match"):
            chosen(store, "", most=2)
