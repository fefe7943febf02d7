"""What the bits of a span say of its attributes: never that it lacks what it has."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from tests.unit.store.filters.filled import filled, one
from tracelm.otlp.records import AnyValue
from tracelm.store.filters import parse
from tracelm.store.filters.attribute_bits import bits_of, may_hold
from tracelm.store.filters.attributes import holds
from tracelm.store.filters.syntax import Between, Compares, Has, Literally, Matches, Name, Pattern, Term, Value
from tracelm.store.tables import SPANS

KEYS = st.sampled_from(["customer.tier", "n", "gen_ai.request.temperature", "ключ", "\ud800"])
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([0, -0.0, 1, 1.0, 5e-324]))
TEXTS = st.one_of(
    st.text(max_size=5), st.text(min_size=60, max_size=70), st.sampled_from(["1.0", "1", "TRUE", "İ", "nan"])
)
PLAIN = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.binary(max_size=3), st.just({"a": 1}))
VALUES: st.SearchStrategy[AnyValue] = st.one_of(PLAIN, st.lists(PLAIN, max_size=3))


def says_it_may(term: Term, attributes: Mapping[str, AnyValue]) -> bool:
    condition = may_hold(term)
    assert condition is not None
    asked = condition.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    row = "SELECT ? AS attribute_bits_low, ? AS attribute_bits_high"
    with sqlite3.connect(":memory:") as database:
        (found,) = database.execute(f"SELECT {asked} FROM ({row}) AS spans", bits_of(attributes)).fetchone()
    database.close()
    return bool(found)


@given(attributes=st.dictionaries(KEYS, VALUES, max_size=3), data=st.data())
def test_what_is_true_of_a_span_is_never_ruled_out(attributes: dict[str, AnyValue], data: st.DataObject) -> None:
    name = Name("attr", data.draw(KEYS))
    there = attributes.get(name.key or "")
    own = [
        each for each in (there if isinstance(there, list) else [there]) if isinstance(each, bool | int | float | str)
    ]
    asked: list[Value] = [
        Literally(spelled) for each in own for spelled in (str(each), str(each).upper(), str(each).lower())
    ]
    asked += [each for each in own if not isinstance(each, bool | str)]
    values = st.one_of(TEXTS.map(Literally), NUMBERS, *([st.sampled_from(asked)] if asked else []))
    matches = st.builds(Matches, st.just(name), st.lists(values, min_size=1, max_size=2).map(tuple))
    others: tuple[Term, ...] = (
        Has(name),
        Compares(name, ">", -1e9),
        Between(name, -1e9, 1e9),
        Matches(name, (Pattern("*"),)),
    )
    term: Term = data.draw(st.one_of(matches, st.sampled_from(others)))
    assert says_it_may(term, attributes) or not holds(term, attributes)


@pytest.mark.parametrize(
    "where", ["attr.customer.tier:platinum", "attr.nothing:x", "has:attr.nothing", "attr.n:7", "attr.n>7"]
)
def test_few_spans_that_lack_an_attribute_are_read(where: str) -> None:
    term = parse(where)
    assert isinstance(term, Term)
    others: dict[str, AnyValue] = {"server.address": "api.openai.com", "server.port": 443, "gen_ai.request.seed": 5}
    spans: list[dict[str, AnyValue]] = [{**others, "customer.tier": f"tier {each}"} for each in range(1_000)]
    assert sum(says_it_may(term, each) for each in spans) < 50


def test_spans_from_before_there_were_bits_are_found(tmp_path: Path) -> None:
    with filled(tmp_path, [one("old", customer__tier="gold"), one("other", span=2)]) as store:
        with store.writing() as connection:
            connection.execute(SPANS.update().values(attribute_bits_low=None, attribute_bits_high=None))
        assert [span.name for span in store.spans("attr.customer.tier:gold")] == ["old"]
        assert [span.name for span in store.spans("-attr.customer.tier:gold")] == ["other"]
