"""The server over a PostgreSQL database: the same promises."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tracelm
from tests.postgres import new_database
from tests.serving import Serving, serving, trace_request
from tracelm.server.access.keys import create_key
from tracelm.store.open import open_store


@pytest.fixture
def url() -> str:
    return new_database()


def test_spans_come_in_are_committed_and_asked_for(url: str, tmp_path: Path) -> None:
    requests = [trace_request(20) for _ in range(8)]
    with serving(tmp_path, f"--store={url}") as server, ThreadPoolExecutor(8) as pool:

        def send(number: int) -> int:
            return server.send(requests[number].SerializeToString()).status

        assert set(pool.map(send, range(8))) == {200}
        server.process.kill()
    with serving(tmp_path, f"--store={url}") as server:
        assert len(server.get("/traces", limit=100).json["items"]) == 8
        ask_everything(server, requests[0].resource_spans[0].scope_spans[0].spans[0].trace_id.hex())


def ask_everything(server: Serving, trace: str) -> None:
    """Ask for all that computes something in the database."""
    assert len(server.get(f"/traces/{trace}").json["spans"]) == 20
    assert server.post("/scores", {"trace_id": trace, "name": "helpful", "value": True}).status == 201
    [scores] = server.get("/stats/scores", buckets=1).json["items"]
    assert (scores["name"], scores["n"], scores["mean"]["mean"]) == ("helpful", 1, 1.0)
    outline = server.get(f"/traces/{trace}/outline").json
    assert (outline["depths"], outline["child_counts"][0]) == ([0, *[1] * 19], 19)
    assert len(server.get(f"/traces/{trace}/lines", span=outline["span_ids"][7]).json["items"]) == 1
    assert len(server.get("/export/spans.jsonl", where="name:op").body.splitlines()) == 160
    [stats] = server.get("/stats", since_ns=0, until_ns=2**62, buckets=1).json["items"]
    assert (stats["count"], stats["error_count"]) == (8, 0)
    assert stats["p50_ns"] <= stats["p99_ns"]
    assert server.get("/stats", by="name", since_ns=0).json["items"][0]["count"] == 160
    assert server.get("/sessions", since_ns=0).json["items"] == []
    assert server.get("/values", column="name", prefix="o").json["items"] == ["op"]
    assert server.get("/complete", text="score.", position=6).status == 200
    for path in ("/spans", "/scores", "/decisions", "/runs", "/datasets", "/projects"):
        assert server.get(path).status == 200
    assert server.ask("GET", "/readyz").status == 200


def test_text_that_postgresql_cannot_hold_harms_no_neighbour(url: str, tmp_path: Path) -> None:
    request = trace_request(3, name="a\0b")
    for span in request.resource_spans[0].scope_spans[0].spans:
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = "session.id", "s\0"
    with serving(tmp_path, f"--store={url}") as server:
        assert server.send(request.SerializeToString()).body == b""
        assert server.send(trace_request(2).SerializeToString()).body == b""
        assert len(server.get("/spans").json["items"]) == 5


def test_keys_are_kept_there_and_the_password_is_not_shown(url: str, tmp_path: Path) -> None:
    with open_store(url, home=tmp_path) as store, store.writing() as connection:
        _, key = create_key(connection, name="x", rights=["read"], projects=None)
    with serving(tmp_path, f"--store={url}") as server:
        assert server.get("/traces").status == 401
        assert server.get("/traces", key=key).status == 200


def test_a_local_program_is_followed_into_the_database(url: str, tmp_path: Path) -> None:
    with serving(tmp_path, f"--store={url}") as server:
        tracelm.init("local", home=tmp_path, patch=False, store_url=url)
        with tracelm.span("here"):
            pass
        tracelm.shutdown()
        assert [each["name"] for each in server.get("/spans", project="local").json["items"]] == ["here"]
