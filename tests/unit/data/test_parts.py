"""Choosing, splitting, comparing and checking rows; rows out of files and of traces."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm


def numbers(size: int, **columns: Any) -> tracelm.Dataset:
    return tracelm.Dataset(name="numbers", rows=[{"number": n, **columns} for n in range(size)])


def test_select_takes_rows_and_columns() -> None:
    dataset = tracelm.Dataset(name="n", rows=[{"a": n, "b": -n} for n in range(5)])
    even = dataset.select(lambda row: row["a"] % 2 == 0, columns=["b"], name="even")
    assert (even.name, list(even.rows)) == ("even", [{"b": 0}, {"b": -2}, {"b": -4}])
    assert dataset.select(lambda row: True) == dataset
    with pytest.raises(tracelm.DatasetError, match="would have no rows"):
        dataset.select(lambda row: False)
    with pytest.raises(tracelm.DatasetError, match="has no column 'c', but a, b"):
        dataset.select(columns=["c"])


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 3))
def test_a_sample_is_the_same_each_time_and_lies_within_a_larger_one(small: int, large: int, seed: int) -> None:
    dataset = numbers(30)
    small, large = sorted((small, large))
    few, many = dataset.sample(small, seed=seed), dataset.sample(large, seed=seed)
    assert few == dataset.sample(small, seed=seed)
    assert len(few) == small
    assert set(few.row_digests) <= set(many.row_digests)
    assert [row["number"] for row in many.rows] == sorted(row["number"] for row in many.rows)


def test_another_seed_gives_another_sample() -> None:
    assert len({numbers(100).sample(10, seed=seed).digest for seed in range(5)}) == 5
    with pytest.raises(tracelm.DatasetError, match="a sample of 7 rows cannot be taken from 3"):
        numbers(3).sample(7)


@given(st.integers(20, 60), st.integers(0, 3))
def test_parts_hold_every_row_once_and_have_their_shares(size: int, seed: int) -> None:
    dataset = numbers(size)
    found = dataset.split(seed=seed, train=0.5, test=0.3, dev=0.2)
    digests = [digest for part in found.values() for digest in part.row_digests]
    assert sorted(digests) == sorted(dataset.row_digests)
    assert [abs(len(part) - size * share) <= 1 for part, share in zip(found.values(), (0.5, 0.3, 0.2), strict=True)]
    assert found["train"].name == "numbers-train"
    assert found == dataset.split(seed=seed, train=0.5, test=0.3, dev=0.2)


def test_a_cluster_is_never_torn_apart() -> None:
    dataset = tracelm.Dataset(name="n", rows=[{"n": n, "cluster": n // 7} for n in range(70)])
    found = dataset.split(train=0.7, test=0.3)
    train, test = ({row["cluster"] for row in found[name].rows} for name in ("train", "test"))
    assert not train & test
    assert len(train | test) == 10


@pytest.mark.parametrize("shares", [{"a": 0.5}, {"a": 1.5, "b": -0.5}, {}, {"a": 0.99, "b": 0.01}])
def test_shares_that_make_no_parts_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(tracelm.DatasetError, match=r"add up to 1|would have no rows"):
        numbers(3).split(seed=0, **shares)


def test_a_diff_names_what_was_added_removed_and_changed_by_id() -> None:
    old = tracelm.Dataset(name="n", rows=[{"id": n, "q": f"q{n}", "expected": n} for n in range(4)])
    rows = [{"id": n, "q": f"q{n}", "expected": n * (n != 2)} for n in (1, 2, 3, 9)]
    found = tracelm.Dataset(name="n", rows=rows).diff(old)
    assert [row["id"] for row in found.added] == [9]
    assert [row["id"] for row in found.removed] == [0]
    assert [(each.id, each.columns, each.before["expected"], each.after["expected"]) for each in found.changed] == [
        (2, ("expected",), 2, 0)
    ]
    assert (found.unchanged, bool(found)) == (2, True)
    assert str(found) == "1 added, 1 removed, 1 changed, 2 unchanged\n  2: expected"
    assert not old.diff(old)


def test_without_ids_rows_are_added_and_removed_as_often_as_they_stand_there() -> None:
    old = tracelm.Dataset(name="n", rows=[{"q": "a"}, {"q": "a"}, {"q": "b"}])
    found = tracelm.Dataset(name="n", rows=[{"q": "a"}, {"q": "c"}]).diff(old)
    assert (found.added, found.removed, found.changed) == (({"q": "c"},), ({"q": "a"}, {"q": "b"}), ())


def test_a_schema_says_which_cells_are_wrong() -> None:
    dataset = tracelm.Dataset(name="n", rows=[{"q": "a", "n": 1}, {"q": None, "n": True}, {"q": 3, "n": 2.5}])
    assert numbers(2).check({"number": int}).check({"number": float}).check({"number": (str, int)})
    with pytest.raises(tracelm.DatasetError) as error:
        dataset.check({"q": str, "n": int})
    assert "row 1, column 'q': NoneType instead of str; row 1, column 'n': bool instead of int" in str(error.value)
    with pytest.raises(tracelm.DatasetError, match="lacks 'x' and has 'n' besides: the schema names q, x"):
        dataset.check({"q": (str, type(None), int), "x": int})


def test_parquet_holds_nested_values(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "tags": ["a", "b"], "meta": {"k": 1.5}},
        {"id": 2, "tags": [], "meta": None},
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "data.parquet")
    dataset = tracelm.Dataset.from_parquet(tmp_path / "data.parquet")
    assert (dataset.name, list(dataset.rows)) == ("data", rows)
    (tmp_path / "no.parquet").write_bytes(b"no")
    with pytest.raises(tracelm.DatasetError, match="is no Parquet"):
        tracelm.Dataset.from_parquet(tmp_path / "no.parquet")
    with pytest.raises(FileNotFoundError):
        tracelm.Dataset.from_parquet(tmp_path / "missing.parquet")


def test_what_is_not_installed_is_told_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(tracelm.MissingExtraError, match=r"pip install 'tracelm\[huggingface\]'"):
        tracelm.Dataset.from_huggingface("openai/gsm8k", split="test")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(tracelm.MissingExtraError, match=r"pip install 'tracelm\[parquet\]'"):
        tracelm.Dataset.from_parquet(tmp_path / "data.parquet")


def test_recorded_calls_become_rows_with_their_arguments_and_outputs() -> None:
    @tracelm.op
    def answer(question: str, tone: str = "dry") -> str:
        if question == "fails":
            raise ValueError("no answer")
        return f"{question}!"

    tracelm.init("shop")
    for question in ("a", "b"):
        answer(question)
    with pytest.raises(ValueError, match="no answer"):
        answer("fails")
    found = tracelm.Dataset.from_traces(name="real", op=answer.__qualname__.rpartition(">.")[2])
    assert [(row["question"], row["tone"], row["expected"]) for row in found.rows] == [
        ("a", "dry", "a!"), ("b", "dry", "b!"), ("fails", "dry", None),
    ]  # fmt: skip
    assert found.rows[2]["metadata"]["status"] == "error"
    assert len(set(found.rows[0]["id"].split(":"))) == 2
    good = tracelm.Dataset.from_traces(
        name="good", project="shop", where=lambda span: span.status != "error", with_output=False
    )
    assert [row["question"] for row in good.rows] == ["a", "b"]
    assert "expected" not in good.columns
    with pytest.raises(tracelm.DatasetError, match="no recorded call with inputs was found"):
        tracelm.Dataset.from_traces(name="none", op="nothing")
