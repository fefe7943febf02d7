"""A dataset that is published over a server is the one that is published where it runs: same version, same digests."""

import datetime
import http.client
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from inline_snapshot import snapshot

import tracelm
from tests.serving import Reply, Serving, make_key, serving
from tracelm.data.content import digest_of, packed

ANY_KIND: list[dict[str, Any]] = [
    {
        "n": 10**30,
        "text": "Grüße 你好",
        "$odd": {"$float": 1},
        "when": datetime.date(2026, 1, 2),
        "list": [1, [2.0]],
    },
    {"n": Decimal("0.10"), "text": None, "$odd": float("-inf"), "when": b"\x00\xff", "list": [datetime.timedelta(9)]},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("home")) as running:
        yield running


def here(server: Serving) -> str:
    return f"sqlite:///{server.home}/tracelm.db"


def test_a_dataset_published_over_a_server_is_the_one_published_there(server: Serving, tmp_path: Path) -> None:
    dataset = tracelm.Dataset(name="of any kind/ä", rows=[*ANY_KIND, *ANY_KIND[:1]])
    near = dataset.publish(aliases=["reviewed"], note="first", url=f"sqlite:///{tmp_path}/near.db")
    far = dataset.publish(aliases=["reviewed"], note="first", url=server.url)
    assert (far.version, far.digest) == (near.version, near.digest) == ("v0", dataset.digest)
    kept = [
        tracelm.Dataset.load(dataset.name, version="reviewed", url=url)
        for url in (f"sqlite:///{tmp_path}/near.db", here(server), server.url)
    ]
    assert [list(each.rows) for each in kept] == [list(kept[0].rows)] * 3
    assert {(each.columns, each.row_digests) for each in kept} == {(dataset.columns, dataset.row_digests)}
    [version] = tracelm.Dataset.versions(dataset.name, url=server.url)
    assert (version.note, version.aliases) == ("first", ("reviewed",))


def test_a_row_with_half_a_surrogate_pair_is_kept_and_shown_as_it_is(server: Serving) -> None:
    dataset = tracelm.Dataset(name="halves", rows=[{"text": "a\ud800", "more": {"\udfff": 1}}])
    dataset.publish(url=server.url)
    assert [*tracelm.Dataset.load("halves", url=server.url).rows] == [*dataset.rows]
    page = server.ask("GET", "/api/v1/datasets/halves/versions/v0")
    [row] = json.loads(page.body)["rows"]["items"]
    assert (page.status, row["columns"]) == (200, dataset.row(0))


def test_publishing_again_changes_nothing_and_only_new_rows_are_sent(server: Serving) -> None:
    rows = [{"a": number} for number in range(3)]
    first = tracelm.Dataset(name="again", rows=rows).publish(url=server.url)
    assert tracelm.Dataset(name="again", rows=rows).publish(url=server.url).version == first.version == "v0"
    listed = {"columns": ["a"], "rows": [digest_of(row) for row in [*rows, {"a": 3}]]}
    assert server.post("/datasets/again/versions", listed).json == {"version": None, "missing": [3]}
    lines = b"\n".join(packed({"a": number}) for number in range(2, 4))
    sent = [server.ask("POST", "/api/v1/dataset-rows", lines).json for _ in range(2)]
    assert sent == [{"received": 2, "new": 1}, {"received": 2, "new": 0}]
    answers = [server.post("/datasets/again/versions", listed).json for _ in range(2)]
    assert answers[0] == answers[1]
    assert (answers[0]["version"]["version"], answers[0]["missing"]) == ("v1", [])


def test_many_rows_and_large_ones_are_sent_in_parts(server: Serving) -> None:
    rows = [{"text": f"{number} " + "x" * (3_000_000 if number == 7 else 900)} for number in range(20_000)]
    dataset = tracelm.Dataset(name="large", rows=rows)
    dataset.publish(url=server.url)
    assert tracelm.Dataset.load("large", url=here(server)).digest == dataset.digest


def test_an_alias_moves_over_a_server_too(server: Serving) -> None:
    for number in range(2):
        tracelm.Dataset(name="alias", rows=[{"a": number}]).publish(url=server.url)
    tracelm.Dataset.set_alias("alias", "production", version="v0", url=server.url)
    tracelm.Dataset.set_alias("alias", "production", version="v1", url=server.url)
    assert tracelm.Dataset.load("alias", version="production", url=here(server)).version == "v1"
    for alias, version in (("x", "v7"), ("v3", "v0")):
        with pytest.raises(tracelm.StoreError) as near:
            tracelm.Dataset.set_alias("alias", alias, version=version, url=here(server))
        with pytest.raises(tracelm.StoreError) as far:
            tracelm.Dataset.set_alias("alias", alias, version=version, url=server.url)
        assert str(far.value) == str(near.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{}", "line 2 is no row of a dataset: an object in JSON, with a key for each column"),
        (b"[1]", "line 2 is no row of a dataset: an object in JSON, with a key for each column"),
        (b'{"$float": "1"}', "line 2 is no row of a dataset: an object in JSON, with a key for each column"),
        (b'{"a": {"$date": "tomorrow"}}', "line 2 is no row of a dataset as tracelm writes it"),
        (b'{"a": {"$timedelta": 5}}', "line 2 is no row of a dataset as tracelm writes it"),
        (b'{"a": {"$Decimal": "x"}}', "line 2 is no row of a dataset as tracelm writes it"),
        (b'{"a": 1', "line 2 is no row of a dataset as tracelm writes it"),
        (b'{"a": "\xff"}', "line 2 is no row of a dataset as tracelm writes it"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "line 2 is no row of a dataset as tracelm writes it"),
        (b'{"a": ' + b"[" * 100_000, "line 2 is no row of a dataset as tracelm writes it"),
    ],
    ids=lambda each: str(each[:20]),
)
def test_what_is_no_row_is_refused_with_its_line(server: Serving, line: bytes, why: str) -> None:
    told = server.ask("POST", "/api/v1/dataset-rows", packed({"a": "kept?"}) + b"\n" + line)
    assert (told.status, told.json["detail"]) == (422, why)
    digest = digest_of({"a": "kept?"})
    listed = {"columns": ["a"], "rows": [digest]}
    assert server.post("/datasets/refused/versions", listed).json["missing"] == [0]


def test_a_version_is_refused_whose_rows_are_no_dataset(server: Serving) -> None:
    server.ask("POST", "/api/v1/dataset-rows", packed({"a": 1}) + b"\n" + packed({"b": 1, "$c": 2}))
    digests = [digest_of({"a": 1}), digest_of({"b": 1, "$c": 2})]
    told: list[Reply] = [
        server.post("/datasets/odd/versions", {"columns": ["a"], "rows": digests}),
        server.post("/datasets/odd/versions", {"columns": ["a", "a"], "rows": digests[:1]}),
        server.post("/datasets/odd/versions", {"columns": ["a"], "rows": ["no digest"]}),
        server.post("/datasets/odd/versions", {"columns": ["a"], "rows": []}),
    ]
    assert [each.status for each in told] == [422] * 4
    assert [each.json["detail"] for each in told[:2]] == snapshot(
        [
            "row 1 (counted from 0) has the columns ['$c', 'b'], the dataset ['a']",
            "a column is named twice",
        ]
    )
    assert [each.json["errors"][0]["where"] for each in told[2:]] == ["body.rows.0", "body.rows"]
    with pytest.raises(tracelm.StoreError, match="no dataset 'odd'"):
        tracelm.Dataset.load("odd", url=server.url)


def test_what_is_larger_than_the_server_takes_is_refused_with_the_remedy(server: Serving) -> None:
    with pytest.raises(tracelm.StoreError, match=r"\(413\).* 32,000,000 bytes: .*published where the server runs"):
        tracelm.Dataset(name="huge", rows=[{"a": "x" * 33_000_000}]).publish(url=server.url)
    assert server.post("/datasets/huge/aliases", {"alias": "x" * 1_100_000, "version": "v0"}).status == 413


def test_who_may_not_send_and_read_all_may_not_publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    dataset = tracelm.Dataset(name="d", rows=[{"a": 1}])
    keys = {
        "may": make_key(home, "read", "ingest"),
        "read only": make_key(home, "read"),
        "send only": make_key(home, "ingest"),
        "one project": make_key(home, "read", "ingest", projects=("mine",)),
    }
    with serving(home) as server:
        for name in ("read only", "one project"):
            monkeypatch.setenv("TRACELM_API_KEY", keys[name])
            with pytest.raises(tracelm.StoreError, match=r"no right to ingest|a key for all projects"):
                dataset.publish(url=server.url)
        listed = {"columns": ["a"], "rows": list(dataset.row_digests)}
        for path, body in (
            ("/dataset-rows", packed({"a": 1})),
            ("/datasets/d/versions", orjson.dumps(listed)),
            ("/datasets/d/aliases", b'{"alias": "x", "version": "v0"}'),
        ):
            sent = {"content-type": "application/json"}
            told = [
                server.ask("POST", f"/api/v1{path}", body, key=keys.get(name), headers=sent).status for name in keys
            ]
            assert told[1:] == [403, 403, 403], path
            assert server.ask("POST", f"/api/v1{path}", body, headers=sent).status == 401
        monkeypatch.setenv("TRACELM_API_KEY", keys["may"])
        assert dataset.publish(url=server.url).version == "v0"


def test_nothing_of_a_large_request_is_read_for_somebody_without_a_key(tmp_path: Path) -> None:
    make_key(tmp_path, "read")
    with serving(tmp_path) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.putrequest("POST", "/api/v1/dataset-rows")
        connection.putheader("content-length", "30000000")
        connection.endheaders()  # and no body: the answer comes without it
        assert connection.getresponse().status == 401
        connection.close()
