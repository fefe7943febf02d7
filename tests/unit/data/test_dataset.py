"""Datasets: immutable rows, the same digest anywhere, and errors that say what to do."""

import datetime
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from inline_snapshot import snapshot

import tracelm

ROWS: list[dict[str, Any]] = [
    {"question": "1 + 1", "expected": 2, "tags": ["sum", {"level": 1}]},
    {"question": "2 * 3", "expected": 6, "tags": []},
]


def dataset(rows: Any = ROWS, name: str = "sums") -> tracelm.Dataset:
    return tracelm.Dataset(name=name, rows=rows)


def test_rows_are_read_as_they_were_given() -> None:
    given = dataset()
    assert (given.name, len(given), given.columns) == ("sums", 2, ("question", "expected", "tags"))
    assert given.rows == ROWS
    assert list(given) == ROWS
    assert given.rows[1] == ROWS[1]
    assert given.rows[-1:] == [ROWS[1]]


def test_nobody_can_change_a_row() -> None:
    source = json.loads(json.dumps(ROWS))
    given = dataset(source)
    before = given.digest
    source[0]["tags"].append("changed outside")
    given.rows[0]["tags"][1]["level"] = 99
    for row in given:
        row["question"] = "?"
    assert given.rows == ROWS
    assert given.digest == before == dataset().digest


def test_the_digest_is_the_same_on_any_machine() -> None:
    rows = [
        {
            "text": "naïve \ud800 🙂",
            "number": 1.5,
            "whole": 2**70,
            "bytes": b"\x00\xff",
            "when": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
            "day": datetime.date(2026, 1, 2),
            "exact": Decimal("1.10"),
            "id": UUID(int=7),
            "nothing": None,
            "nan": float("nan"),
        }
    ]
    assert dataset(rows).digest == snapshot("1fa0f902877fbd7ce5d9cb8487135378415664cca6c40e0c42ebc9005223e958")
    assert dataset().digest == snapshot("0b6a804129253473ad8fdd6d64a510e13cc143b03828c92ff49ce36ab742018a")


def test_the_digest_does_not_depend_on_the_process() -> None:
    code = f"import tracelm; print(tracelm.Dataset(name='x', rows={ROWS!r}).digest)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == dataset().digest


def test_content_and_order_of_rows_count_and_name_and_order_of_columns_do_not() -> None:
    turned = [dict(reversed(row.items())) for row in ROWS]
    assert dataset(turned).digest == dataset(name="other").digest
    assert dataset(ROWS[::-1]).digest != dataset().digest
    assert dataset(ROWS[::-1]).row_digests == dataset().row_digests[::-1]
    assert dataset(ROWS[:1]).digest != dataset().digest
    assert dataset(turned) == dataset()
    assert dataset(name="other") != dataset()


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0, None), ("1", 1), (b"a", "a"), ({"$bytes": "YQ=="}, b"a"), (float("nan"), None)],
)
def test_different_values_have_different_digests(one: object, other: object) -> None:
    assert dataset([{"x": one}]).digest != dataset([{"x": other}]).digest


def test_scalars_of_numpy_and_pandas_are_taken_as_pythons_own() -> None:
    odd = [{"a": np.int64(3), "b": np.float64(1.5), "c": np.bool_(True), "d": pd.Timestamp("2026-01-02")}]
    plain = [{"a": 3, "b": 1.5, "c": True, "d": datetime.datetime(2026, 1, 2)}]
    assert dataset(odd).digest == dataset(plain).digest
    json.dumps(dataset(odd).rows[0]["a"])


def looped() -> dict[str, Any]:
    row: dict[str, Any] = {}
    row["self"] = row
    return row


REFUSED: list[tuple[Any, str]] = [
    ([], "has no rows: give at least one"),
    ([{"a": 1}, {"b": 2}], r"row 1 \(counted from 0\) lacks 'a' and adds 'b'.*None where there is no value"),
    ([{"a": 1}, {"a": 1, "b": 2}], "row 1 .* adds 'b'"),
    ([{"a": 1}, 3], "row 1 .* is of type int: give a dict of columns"),
    (["text"], "row 0 .* is of type str"),
    ({"a": [1, 2]}, "rows must be a list of dicts"),
    ("text", "rows must be a list of dicts"),
    ([{1: "a"}], "row 0 .* key 1, which is no text: write '1'"),
    ([{"a": {"b": {2: "c"}}}], "row 0 .*: column a.b has the key 2"),
    ([{"a": 1, "output": 2}], "column 'output'.*rename it"),
    ([{}], "row 0 .* has no columns"),
    ([{"a\ud800": 1}], r"row 0 .* has a column 'a\\ud800', in which half a character stands: rename it"),
    ([{"a": [1, {"b": object()}]}], r"row 0 .*: column a\[1\].b is of type object, which is no plain data"),
    ([looped()], "row 0 .* contains itself"),
    ([{"id": 1}, {"id": 2}, {"id": 1}], r"rows 0 and 2 .* have the same id 1: give each its own"),
]


@pytest.mark.parametrize(("rows", "message"), REFUSED)
def test_what_is_no_dataset_is_refused_with_the_row_and_the_remedy(rows: Any, message: str) -> None:
    with pytest.raises(tracelm.DatasetError, match=message) as caught:
        dataset(rows)
    assert "sums" in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_a_dataset_needs_a_name(name: Any) -> None:
    with pytest.raises(tracelm.DatasetError, match="needs a name"):
        dataset(name=name)


def test_rows_can_come_from_a_generator() -> None:
    assert dataset(row for row in ROWS) == dataset()


def test_json_lines_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "sums.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\n".join(json.dumps(row) for row in ROWS).encode() + b"\n")
    assert tracelm.Dataset.from_jsonl(path) == dataset()
    assert tracelm.Dataset.from_jsonl(str(path), name="other").name == "other"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": \n', r"bad.jsonl, line 2 is no JSON"),
        (b'{"a": 1}\n[1]\n', r"row 1 .* is of type list"),
        (b"", "has no rows"),
        (b'{"a": "\xff"}', "bad.jsonl is not UTF-8.*save it as UTF-8"),
    ],
)
def test_json_lines_that_are_none_are_told_with_their_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(tracelm.DatasetError, match=message):
        tracelm.Dataset.from_jsonl(path)


def test_csv_cells_are_text_and_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes('a,b\r\n1,"x, ""y""\nz"\r\n\r\n2,w\u2028w\r\n'.encode())
    assert tracelm.Dataset.from_csv(path).rows == [{"a": "1", "b": 'x, "y"\nz'}, {"a": "2", "b": "w\u2028w"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n1\n", "line 3 has 1 cells for 2 columns"),
        ("a,b\n1,2,3\n", "line 2 has 3 cells for 2 columns"),
        ("a,a\n1,2\n", "two columns of one name: a, a"),
        ("a,b\n", "has no rows"),
        ("", "has no rows"),
        ('a\n"1" 2\n', "line 2 is no CSV"),
    ],
)
def test_csv_that_is_none_is_told_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(tracelm.DatasetError, match=message):
        tracelm.Dataset.from_csv(path)


def test_missing_cells_of_a_dataframe_are_none() -> None:
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": [pd.Timestamp("2026-01-02"), None]})
    given = tracelm.Dataset.from_pandas(frame, name="frame")
    assert given.rows[0] == {"a": 1.5, "b": "x", "c": datetime.datetime(2026, 1, 2)}
    assert given.rows[1] == {"a": None, "b": None, "c": None}


def test_a_dataframe_whose_columns_are_numbers_is_refused() -> None:
    with pytest.raises(tracelm.DatasetError, match="key 0, which is no text"):
        tracelm.Dataset.from_pandas(pd.DataFrame([[1, 2]]), name="frame")


def test_real_datasets_can_be_read(shared: Path) -> None:
    assert len(tracelm.Dataset.from_jsonl(shared / "datasets" / "gsm8k_test.jsonl")) == 1319
    assert len(tracelm.Dataset.from_csv(shared / "datasets" / "truthfulqa.csv")) == 790
    with pytest.raises(tracelm.DatasetError, match=r"row 1 .* adds 'system_prompt'"):
        tracelm.Dataset.from_jsonl(shared / "datasets" / "injection_jailbreak.jsonl")
