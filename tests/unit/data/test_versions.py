"""Datasets in the store: versions, aliases, and rows that are kept once."""

import datetime
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracelm
from tracelm.data.content import digest_of, packed, unpacked

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC)).map(lambda each: each.replace(fold=0))
    | st.dates()
    | st.times().map(lambda each: each.replace(fold=0))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
)
KEYS = st.text(max_size=5) | st.sampled_from(["$", "$bytes", "$$float", "$datetime"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"q{number}", "number": number} for number in numbers]


@given(VALUES)
def test_what_a_row_may_hold_is_read_back_as_it_was(value: Any) -> None:
    assert digest_of(unpacked(packed(value))) == digest_of(value)
    assert repr(unpacked(packed(value))) == repr(value)


def test_each_publication_is_the_next_version_and_the_same_content_is_the_same_version() -> None:
    first = tracelm.Dataset(name="sums", rows=rows(1, 2)).publish(note="the beginning")
    assert first.version == "v0"
    assert tracelm.Dataset(name="sums", rows=rows(1, 2)).publish().version == "v0"
    second = tracelm.Dataset(name="sums", rows=rows(1, 2, 3)).publish(aliases=["reviewed"])
    assert second.version == "v1"
    assert tracelm.Dataset(name="sums", rows=rows(1, 2)).publish().version == "v2"
    assert tracelm.Dataset(name="other", rows=rows(1)).publish().version == "v0"
    assert [(each.version, each.aliases, each.note) for each in tracelm.Dataset.versions("sums")] == [
        ("v2", (), None),
        ("v1", ("reviewed",), None),
        ("v0", (), "the beginning"),
    ]


def test_a_version_is_loaded_by_number_by_alias_or_as_the_newest() -> None:
    for numbers in ((1, 2), (2, 3)):
        tracelm.Dataset(name="sums", rows=rows(*numbers)).publish()
    tracelm.Dataset.set_alias("sums", "production", version="v0")
    loaded = tracelm.Dataset.load("sums", version="production")
    assert (loaded.version, list(loaded.rows)) == ("v0", rows(1, 2))
    assert loaded == tracelm.Dataset(name="sums", rows=rows(1, 2))
    assert loaded.columns == ("id", "number")
    assert tracelm.Dataset.load("sums", version="v1").row_digests == tracelm.Dataset.load("sums").row_digests
    tracelm.Dataset.set_alias("sums", "production", version="v1")
    assert tracelm.Dataset.load("sums", version="production").version == "v1"


def test_rows_that_several_versions_hold_are_kept_once() -> None:
    for numbers in (range(50), range(51), range(52)):
        tracelm.Dataset(name="sums", rows=rows(*numbers)).publish()
    with tracelm.open_store() as store:
        path = Path(store.place)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM dataset_rows").fetchone() == (52,)
    database.close()


def test_what_is_not_there_is_told_with_what_there_is() -> None:
    with pytest.raises(tracelm.StoreError, match="no dataset 'sums' in this store; none was published"):
        tracelm.Dataset.load("sums")
    tracelm.Dataset(name="sums", rows=rows(1)).publish(aliases=["live"])
    with pytest.raises(tracelm.StoreError, match="no dataset 'sum' in this store; there is 'sums'"):
        tracelm.Dataset.versions("sum")
    with pytest.raises(tracelm.StoreError, match="has no version 'v7'; it has v0, live"):
        tracelm.Dataset.load("sums", version="v7")
    with pytest.raises(tracelm.StoreError, match="alias 'v1' reads like a version"):
        tracelm.Dataset.set_alias("sums", "v1", version="v0")


def test_every_type_a_row_may_hold_survives_the_store(tmp_path: Path) -> None:
    row = {
        "bytes": b"\x00\xff",
        "when": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC),
        "lasted": datetime.timedelta(days=-1, microseconds=7),
        "price": Decimal("1.20"),
        "key": UUID(int=7),
        "big": 2**70,
        "nan": float("inf"),
        "nested": {"$bytes": ["a", {"b": None}]},
    }
    url = f"sqlite:///{tmp_path}/own.db"
    tracelm.Dataset(name="types", rows=[row]).publish(url=url)
    [loaded] = tracelm.Dataset.load("types", url=url).rows
    assert loaded == row
    assert list(loaded) == list(row)


def test_a_run_knows_the_version_of_its_dataset() -> None:
    tracelm.init("versions")
    dataset = tracelm.Dataset(name="sums", rows=rows(1, 2)).publish()

    def positive(output: int) -> bool:
        return output > 0

    def same(number: int) -> int:
        return number

    run = tracelm.Evaluation(dataset=dataset, scorers=[positive]).run(same)
    assert run.provenance is not None
    assert run.provenance.dataset_version == "v0"
    with tracelm.open_store() as store:
        assert store.run(run.run_id).dataset_version == "v0"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True), min_size=1, max_size=4))
def test_any_history_can_be_read_back(tmp_path_factory: pytest.TempPathFactory, history: list[list[int]]) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('history')}/t.db"
    versions: list[str | None] = [
        tracelm.Dataset(name="sums", rows=rows(*numbers)).publish(url=url).version for numbers in history
    ]
    for numbers, version in zip(history, versions, strict=True):
        assert list(tracelm.Dataset.load("sums", version=version, url=url).rows) == rows(*numbers)
