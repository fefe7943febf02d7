"""Pages walked to the end are the whole list: in every order, with ties, with what has no value, while rows come in."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import postgres
from tests.unit.store.filters.filled import MS, add, filled, one
from tracelm.store.order import Skeleton, in_tree_order
from tracelm.store.store import Store

ORDERS = [sign + name for name in ("start", "latency", "cost", "tokens") for sign in ("", "-")]
_projects = itertools.count()

rows = st.fixed_dictionaries(
    {
        "start": st.integers(1, 3),
        "ms": st.integers(0, 2),
        "cost": st.none() | st.sampled_from([0.0, 0.1, 1e-9]),
        "given": st.none() | st.integers(0, 2),
        "made": st.none() | st.integers(0, 2),
    }
)
KEYS = {"cost": "gen_ai.usage.cost.amount", "given": "gen_ai.usage.input_tokens", "made": "gen_ai.usage.output_tokens"}


def line(number: int, row: dict[str, Any]) -> bytes:
    """Return a trace of one span, a model call."""
    attributes = {key: row[name] for name, key in KEYS.items() if row[name] is not None}
    attributes["gen_ai.operation.name"] = "chat"
    return one(f"s{number}", trace=number + 1, span=number + 1, start=row["start"], ms=row["ms"], **attributes)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    url = postgres.new_database() if request.param == "postgresql" else None
    with filled(tmp_path_factory.mktemp("home"), [], url=url) as store:
        yield store


def walked(store: Store, what: str, limit: int, **asked: Any) -> list[str]:
    """Return the names of all rows, page after page."""
    names: list[str] = []
    after = None
    for _ in range(100):
        page = getattr(store, what)(after=after, limit=limit, **asked)
        assert len(page) <= limit
        names += [each.name for each in page]
        after = page.next
        if after is None:
            return names
    raise AssertionError("the pages have no end")


def key(row: dict[str, Any], order: str) -> Any:
    match order.removeprefix("-"):
        case "start":
            return row["start"]
        case "latency":
            return row["ms"] * MS
        case "cost":
            return row["cost"]
        case _:
            known = [each for each in (row["given"], row["made"]) if each is not None]
            return sum(known) if known else None


def sorted_by_hand(known: Sequence[dict[str, Any]], order: str) -> list[str]:
    numbered = list(enumerate(known))
    falls = order.startswith("-")
    valued = [(key(row, order), number) for number, row in numbered if key(row, order) is not None]
    others = [number for number, row in numbered if key(row, order) is None]
    found = [number for _, number in sorted(valued, reverse=falls)]
    return [f"s{number}" for number in (*found, *sorted(others, reverse=falls))]


@pytest.mark.parametrize("what", ["spans", "traces"])
def test_pages_walked_to_the_end_are_the_whole_list(store: Store, what: str) -> None:
    @given(st.lists(rows, min_size=1, max_size=9), st.integers(1, 10), st.sampled_from(ORDERS))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def walk(known: list[dict[str, Any]], limit: int, order: str) -> None:
        project = f"p{next(_projects)}"
        add(store, [line(number, row) for number, row in enumerate(known)], project=project)
        whole = [each.name for each in getattr(store, what)(project=project, order_by=order, limit=None)]
        assert whole == sorted_by_hand(known, order)
        assert walked(store, what, limit, project=project, order_by=order) == whole

    walk()


def test_rows_that_come_in_between_two_pages_neither_hide_nor_repeat_others(store: Store) -> None:
    @given(
        st.lists(rows, min_size=2, max_size=8),
        st.lists(rows, max_size=4),
        st.integers(1, 3),
        st.sampled_from(ORDERS),
    )
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def walk(known: list[dict[str, Any]], late: list[dict[str, Any]], limit: int, order: str) -> None:
        project = f"p{next(_projects)}"
        add(store, [line(number, row) for number, row in enumerate(known)], project=project)
        first = store.spans(project=project, order_by=order, limit=limit)
        add(store, [line(100 + number, row) for number, row in enumerate(late)], project=project)
        names = [each.name for each in first]
        after = first.next
        while after is not None:
            page = store.spans(project=project, order_by=order, limit=limit, after=after)
            names += [each.name for each in page]
            after = page.next
        old = [name for name in names if len(name) < 4]
        assert old == sorted_by_hand(known, order)
        assert len(names) == len(set(names))

    walk()


skeletons: st.SearchStrategy[list[Skeleton]] = st.lists(
    st.tuples(
        st.sampled_from("pq"), st.sampled_from("abcdefgh"), st.none() | st.sampled_from("abcdefghz"), st.integers(0, 4)
    ),
    max_size=10,
    unique_by=lambda span: span[:2],
)


@given(skeletons)
@settings(max_examples=500)
def test_no_ring_and_no_orphan_hangs_or_loses_a_span(spans: list[Skeleton]) -> None:
    places = list(in_tree_order(spans))
    assert sorted(place.span for place in places) == list(range(len(spans)))
    depths = {place.span: place.depth for place in places}
    seen: set[int] = set()
    for place in places:
        seen.add(place.span)
        if place.parent is None:
            assert place.depth == 0
        else:
            assert place.parent in seen
            assert place.depth == depths[place.parent] + 1
            assert spans[place.parent][1] == spans[place.span][2]
        assert place.children == sum(other.parent == place.span for other in places)
