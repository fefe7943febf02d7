"""Any text is read or refused with its spot; any filter can be written and read again, and finds what it says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.store.filters.filled import MS, add, filled, one
from tracelm.errors import FilterError
from tracelm.store.filters import complete, parse
from tracelm.store.filters.fields import FIELDS, Kind
from tracelm.store.filters.syntax import (
    All,
    Between,
    Compares,
    Has,
    IsRoot,
    Literally,
    Matches,
    Name,
    Node,
    Not,
    OneSpan,
    Pattern,
    Search,
    Some,
    all_of,
    any_of,
)

ORDERS = (">", ">=", "<", "<=")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
bare = st.text("abcXYZ019-_./:@é検", min_size=1, max_size=8)
patterns = st.lists(bare, min_size=1, max_size=3).map("*".join).map(lambda text: "*" + text)


def numbers(kind: Kind) -> st.SearchStrategy[int | float]:
    match kind:
        case Kind.COST:
            return st.floats(0, 1e12).map(abs)
        case Kind.ANY:
            return st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
        case _:
            return st.integers(0, 2**63 - 1)


def names_of(*kinds: Kind) -> st.SearchStrategy[Name]:
    plain = [
        Name(each.name) for each in FIELDS.values() if each.kind in kinds and not each.has_key and each.name != "is"
    ]
    keyed = st.builds(Name, st.sampled_from(["score", "attr"]), texts.filter(bool) | bare)
    return (
        st.sampled_from(plain) | keyed
        if Kind.ANY in kinds and plain
        else keyed
        if Kind.ANY in kinds
        else st.sampled_from(plain)
    )


def values(name: Name) -> st.SearchStrategy[Any]:
    field = FIELDS[name.field]
    if field.kind.is_number:
        return numbers(field.kind)
    if field.kind is Kind.CHOICE:
        return st.sampled_from(field.choices).map(Literally)
    written = texts.map(str.lower) if name.field in {"trace", "span"} else texts
    written = written.filter(lambda text: text == text.lower()) if name.field in {"trace", "span"} else written
    if name.field in {"trace", "span"}:
        return written.map(Literally)
    return written.map(Literally) | patterns.map(Pattern)


def ordered(ends: tuple[Any, Any]) -> tuple[Any, Any]:
    low, high = sorted(ends)
    return low, high


NUMERIC = (Kind.DURATION, Kind.COST, Kind.COUNT, Kind.ANY)
matches = names_of(*(kind for kind in Kind if kind is not Kind.PRESENCE)).flatmap(
    lambda name: st.lists(values(name), min_size=1, max_size=3).map(lambda found: Matches(name, tuple(found)))
)
compares = names_of(*NUMERIC).flatmap(
    lambda name: st.builds(Compares, st.just(name), st.sampled_from(ORDERS), numbers(FIELDS[name.field].kind))
)
between = names_of(*NUMERIC).flatmap(
    lambda name: (
        st.tuples(numbers(FIELDS[name.field].kind), numbers(FIELDS[name.field].kind))
        .map(ordered)
        .map(lambda ends: Between(name, *ends))
    )
)
has = st.sampled_from([Name(each.name) for each in FIELDS.values() if each.is_nullable and each.name != "attr"]).map(
    Has
)
leaves: st.SearchStrategy[Node] = st.one_of(
    matches, compares, between, has, st.just(IsRoot()), texts.filter(bool).map(Search)
)


def combined(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda found: all_of(*found)),
        several.map(lambda found: any_of(*found)),
        parts.map(Not),
        parts.map(OneSpan),
    )


filters: st.SearchStrategy[Node] = st.recursive(leaves, combined, max_leaves=12)


@given(filters)
@settings(max_examples=400)
def test_what_is_written_is_read_as_it_was(node: Node) -> None:
    assert parse(str(node)) == node


pieces = st.sampled_from(
    (
        *FIELDS,
        *("score.x", 'attr."a b"', ":", "=", "!=", ">", ">=", "<", "<=", "..", "(", ")", '"', "-", "*", "\\", ",", " "),
        *("OR", "AND", "NOT", "span(", "1s", "0.5", "10k", "error", "has:", "is:root", "x", "検", "\n", "\0", "\ud800"),
    )
)


def read(text: str) -> Node | FilterError:
    try:
        return parse(text)
    except FilterError as error:
        return error


@given(st.text(max_size=60) | st.lists(pieces, max_size=25).map("".join))
@example("-" * 2_000)
@example("(" * 2_000)
@example('a:"' + "\\" * 999)
@example("name: !=*")
@example("name: <*a op: >=b*")
@settings(max_examples=600)
def test_any_text_is_read_or_refused_at_a_spot_inside_of_it(text: str) -> None:
    found = read(text)
    if isinstance(found, FilterError):
        assert 0 <= found.position <= len(text)
        assert found.length >= 1
        assert re.search(r"\n  .*\n +\^+$", str(found))
    else:
        assert parse(str(found)) == found


@given(st.text(max_size=40) | st.lists(pieces, max_size=15).map("".join), st.integers(-3, 60))
def test_any_text_can_be_completed_anywhere(text: str, position: int) -> None:
    for each in complete(text, position):
        assert 0 <= each.start <= each.end <= len(text)


# --- what is found ------------------------------------------------------------------------------------------
Found = dict[str, Any]
small_numbers = st.integers(0, 3)
spans = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "A", "b", "a_b", "a%b", "a*b"]),
        "op": st.none() | st.sampled_from(["a", "B", "a_b"]),
        "model": st.none() | st.sampled_from(["x", "X1", "y"]),
        "user": st.none() | st.sampled_from(["u", "U"]),
        "latency": small_numbers,
        "cost": st.none() | small_numbers.map(float),
        "input_tokens": st.none() | small_numbers,
        "output_tokens": st.none() | small_numbers,
        "status": st.sampled_from(["unset", "error"]),
    }
)
some_values = st.sampled_from(["a", "A", "b", "x", "x1", "y", "u", "U", "a_b", "a%b"]).map(Literally) | st.sampled_from(
    ["a*", "*b", "*", "x*", "U*", "a_*", "*%*"]
).map(Pattern)
found_leaves: st.SearchStrategy[Node] = st.one_of(
    st.builds(
        Matches,
        st.sampled_from(["name", "op", "model", "user"]).map(Name),
        st.lists(some_values, min_size=1, max_size=2).map(tuple),
    ),
    st.builds(
        Matches, st.just(Name("status")), st.sampled_from(["unset", "error"]).map(lambda each: (Literally(each),))
    ),
    st.builds(Compares, st.just(Name("latency")), st.sampled_from(ORDERS), small_numbers.map(lambda n: n * MS)),
    st.builds(
        Compares, st.sampled_from(["cost", "tokens", "input_tokens"]).map(Name), st.sampled_from(ORDERS), small_numbers
    ),
    st.builds(Between, st.sampled_from(["cost", "tokens"]).map(Name), st.just(1), st.just(2)),
    st.sampled_from(["op", "model", "cost", "tokens", "user"]).map(Name).map(Has),
    st.sampled_from(["a", "B", "_", "%", "*"]).map(Search),
)


def meant(node: Node, span: Found) -> bool:
    """Say by hand whether a span is what a filter asks for."""
    match node:
        case Not(part):
            return not meant(part, span)
        case OneSpan(part):
            return meant(part, span)
        case Matches(name, wanted):
            found = span[name.field]
            return found is not None and any(_same(name.field, str(found), each) for each in wanted)
        case Compares(name, order, value):
            found = _number(name.field, span)
            return found is not None and COMPARED[order](found, value)
        case Between(name, low, high):
            found = _number(name.field, span)
            return found is not None and low <= found <= high
        case Has(name):
            return (_number("tokens", span) if name.field == "tokens" else span[name.field]) is not None
        case Search(text):
            return text.lower() in span["name"].lower()
        case IsRoot():
            return True
        case All(parts):
            return all(meant(each, span) for each in parts)
        case Some(parts):
            return any(meant(each, span) for each in parts)


COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def _same(field: str, found: str, wanted: Any) -> bool:
    pattern = (
        ".*".join(map(re.escape, wanted.text.split("*"))) if isinstance(wanted, Pattern) else re.escape(wanted.text)
    )
    return re.fullmatch(pattern, found, re.DOTALL | (0 if field == "user" else re.IGNORECASE)) is not None


def _number(field: str, span: Found) -> float | None:
    if field == "latency":
        return int(span["latency"]) * MS
    if field == "tokens":
        known = [span[each] for each in ("input_tokens", "output_tokens") if span[each] is not None]
        return sum(known) if known else None
    return span[field]  # type: ignore[no-any-return]


KEYS = {
    "op": "tracelm.op.name",
    "model": "gen_ai.request.model",
    "user": "user.id",
    "cost": "gen_ai.usage.cost.amount",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}


def line(number: int, span: Found) -> bytes:
    attributes = {key: span[field] for field, key in KEYS.items() if span[field] is not None}
    return one(
        span["name"], trace=number, span=number, ms=span["latency"], failed=span["status"] == "error", **attributes
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_filter_finds_the_spans_that_it_means(tmp_path: Path, seed: int) -> None:
    with filled(tmp_path, []) as store:
        examples = 0

        @given(st.lists(spans, min_size=1, max_size=6), st.recursive(found_leaves, combined, max_leaves=6))
        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        def found(known: list[Found], node: Node) -> None:
            nonlocal examples
            examples += 1
            project = f"p{seed}-{examples}"
            add(store, [line(number, each) for number, each in enumerate(known, start=1)], project=project)
            wanted = sorted(number for number, each in enumerate(known, start=1) if meant(node, each))
            assert sorted(int(each.span_id, 16) for each in store.spans(str(node), project=project)) == wanted

        found()
