"""What was published where the server runs is read from there: datasets with their versions, row by row."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import tracelm
from tests.serving import Serving, make_key, serving

ROWS = [
    {
        "number": number,
        "large": 10**30,
        "text": "Grüße 你好 $",
        "$odd": {"$float": 1},
        "when": datetime.date(2026, 1, 2),
    }
    for number in range(1_100)
] + [{"number": 2**70, "large": Decimal("0.10"), "text": None, "$odd": float("-inf"), "when": b"\x00\xff"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("home")
    url = f"sqlite:///{home}/tracelm.db"
    dataset = tracelm.Dataset(name="rows of any kind/ä", rows=ROWS)
    dataset.publish(aliases=["reviewed"], note="first", url=url)
    tracelm.Dataset(name=dataset.name, rows=ROWS[:2]).publish(url=url)
    with serving(home) as running:
        yield running


def test_a_dataset_is_the_same_read_here_and_from_a_server(server: Serving) -> None:
    here = f"sqlite:///{server.home}/tracelm.db"
    for version, count in (("v0", 1_101), ("reviewed", 1_101), (None, 2)):
        near = tracelm.Dataset.load("rows of any kind/ä", version=version, url=here)
        far = tracelm.Dataset.load("rows of any kind/ä", version=version, url=server.url)
        assert (far.digest, far.version, far.columns, len(far)) == (near.digest, near.version, near.columns, count)
        assert [far.row(index) for index in range(count)] == [near.row(index) for index in range(count)]
    found = tracelm.Dataset.versions("rows of any kind/ä", url=server.url)
    assert found == tracelm.Dataset.versions("rows of any kind/ä", url=here)
    assert [(each.version, each.note, each.aliases) for each in found] == [
        ("v1", None, ()),
        ("v0", "first", ("reviewed",)),
    ]


def test_what_there_is_not_is_told_as_the_store_itself_does(server: Serving) -> None:
    here = f"sqlite:///{server.home}/tracelm.db"
    for name, version in (("none", None), ("none", "v0"), ("rows of any kind/ä", "v7")):
        with pytest.raises(tracelm.StoreError) as near:
            tracelm.Dataset.load(name, version=version, url=here)
        with pytest.raises(tracelm.StoreError) as far:
            tracelm.Dataset.load(name, version=version, url=server.url)
        assert str(far.value) == str(near.value)


def test_a_key_for_some_projects_reads_no_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    tracelm.Dataset(name="d", rows=[{"a": 1}]).publish(url=f"sqlite:///{home}/tracelm.db")
    monkeypatch.setenv("TRACELM_API_KEY", make_key(home, "read", projects=("mine",)))
    with serving(home) as server:
        with pytest.raises(tracelm.StoreError, match="needs a key for all projects"):
            tracelm.Dataset.load("d", url=server.url)
        with tracelm.open_store(server.url) as store, pytest.raises(tracelm.StoreError, match="for all projects"):
            store.unpriced_models()
