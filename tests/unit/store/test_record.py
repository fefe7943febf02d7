"""What is kept of a record: byte for byte what came in, with its long texts and messages cut out."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracelm
from tracelm.store.record import compress, decompress, digests, pack, text_of, unpack

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=700),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def compact(value: Any) -> str:
    return orjson.dumps(value).decode()


def body(*texts: str) -> bytes:
    return orjson.dumps({"name": "x", "attributes": [{"key": "k", "value": {"stringValue": text}} for text in texts]})


def messages(*contents: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content} for content in contents]


@given(texts=st.lists(st.text(max_size=1_500) | JSON.map(json.dumps) | JSON.map(compact)))
@settings(deadline=None)
def test_any_record_comes_out_as_it_went_in(texts: list[str]) -> None:
    made = body(*texts)
    packed = pack(made, texts)
    assert unpack(packed.blob, packed.pieces) == made
    assert set(digests(packed.blob)) == set(packed.pieces)


def readable(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def alone(value: Any) -> Any:
    return value


def as_argument(value: Any) -> Any:
    return {"model": "m", "messages": value}


def inside_an_argument(value: Any) -> Any:
    return {"request": {"messages": value}}


@pytest.mark.parametrize("spell", [compact, json.dumps, readable])
@pytest.mark.parametrize("wrap", [alone, as_argument, inside_an_argument])
def test_a_message_is_the_same_piece_in_each_turn_of_a_conversation(
    spell: Callable[[Any], str], wrap: Callable[[Any], Any]
) -> None:
    said = [f"message {n}: " + "привет, мир. " * 12 for n in range(6)]
    pieces: dict[bytes, bytes] = {}
    for turn in range(1, 7):
        text = spell(wrap(messages(*said[:turn])))
        pieces |= pack(body(text), [text]).pieces
    assert sorted(text_of(piece) for piece in pieces.values() if b"role" in piece)[-6:] == sorted(
        spell(message) for message in messages(*said)
    )
    assert len(pieces) <= 7  # the first turn is too short to be cut, or is a text of its own


def test_a_long_text_is_one_piece_and_a_short_one_stays() -> None:
    packed = pack(body("a" * 512, "b" * 511), ["a" * 512, "b" * 511])
    assert list(packed.pieces.values()) == [b"a" * 512]


def test_a_text_that_stands_twice_in_a_record_is_kept_once() -> None:
    packed = pack(body("a" * 600, "a" * 600), ["a" * 600, "a" * 600])
    assert (len(packed.pieces), len(digests(packed.blob))) == (1, 2)


def test_a_text_that_is_spelled_in_another_way_stays_in_the_record() -> None:
    made = b'{"value":"' + b"\\u00e9" * 600 + b'"}'
    packed = pack(made, ["é" * 600])
    assert (dict(packed.pieces), unpack(packed.blob, {})) == ({}, made)


def test_what_is_nested_deeper_than_can_be_written_is_one_piece() -> None:
    text = "[" * 600 + "]" * 600
    packed = pack(body(text), [text])
    assert [text_of(piece) for piece in packed.pieces.values()] == [text]
    assert unpack(packed.blob, packed.pieces) == body(text)


def test_a_missing_piece_and_a_damaged_record_are_clear_errors() -> None:
    packed = pack(body("a" * 600), ["a" * 600])
    with pytest.raises(tracelm.StoreError, match="a text of a record is missing"):
        unpack(packed.blob, {})
    with pytest.raises(tracelm.StoreError, match="is damaged"):
        decompress(packed.blob[:-3])


def test_short_records_are_compressed_well() -> None:
    made = body("in the post", "where is it?") * 2
    assert decompress(compress(made)) == made
    assert len(compress(made)) < len(made) / 2
