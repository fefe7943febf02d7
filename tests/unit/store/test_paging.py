"""Pages of lists and of traces: where they begin, what they refuse."""

import base64
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tests.unit.evals.saved import run_of
from tests.unit.store.filters.filled import add, filled, one, trace_id, verdict
from tests.unit.store.otlp_lines import log_line
from tracelm.errors import StoreError
from tracelm.store import queries, stats
from tracelm.store.results import Rows
from tracelm.store.store import Store

pytestmark = pytest.mark.usefixtures("backend")


def pages(store: Store, what: str, told: str) -> list[list[object]]:
    """Return a list in pages of two, of each record what `told` names."""
    found: list[list[object]] = []
    after: str | None = None
    while True:
        page: Rows[Any] = getattr(store, what)(after=after, limit=2)
        found.append([getattr(each, told) for each in page])
        after = page.next
        if after is None:
            return found


def test_every_list_comes_in_pages(tmp_path: Path) -> None:
    spans = [one(f"s{n}", trace=n, start=n, tracelm__run__id=f"run-{n}") for n in range(1, 6)]
    scores = [verdict("right", trace=n, gen_ai__evaluation__score__value=n) for n in range(1, 6)]
    decisions = [
        log_line("tracelm.guardrail.decision", {"log.record.uid": f"d{n}", "tracelm.guardrail.name": f"g{n}"}, time=n)
        for n in range(1, 6)
    ]
    with filled(tmp_path, spans, [*scores, *decisions]) as store:
        names = {
            what: pages(store, what, told)
            for what, told in {
                "traces": "name",
                "spans": "name",
                "scores": "value",
                "decisions": "guardrail",
                "runs": "run_id",
            }.items()
        }
    assert names == {
        "traces": [["s5", "s4"], ["s3", "s2"], ["s1"]],
        "spans": [["s5", "s4"], ["s3", "s2"], ["s1"]],
        "scores": [[5, 4], [3, 2], [1]],
        "decisions": [["g5", "g4"], ["g3", "g2"], ["g1"]],
        "runs": [["run-5", "run-4"], ["run-3", "run-2"], ["run-1"]],
    }


def test_what_a_run_gave_and_conversations_come_in_pages(tmp_path: Path) -> None:
    tracelm.init("evals", home=tmp_path, patch=False)
    run_of([True, False, ValueError("no")], trials=2)
    for name in ("a", "b", "c", "a"):
        with tracelm.session(name), tracelm.span("turn"):
            pass
    tracelm.shutdown()
    with tracelm.open_store(home=tmp_path) as store:
        [run] = store.runs()
        for read in (store.trials, store.run_scores):
            whole, found, after = read(run.run_id), list[Any](), None
            while True:
                page = read(run.run_id, after=after, limit=2)
                found += page
                after = page.next
                if after is None:
                    break
            assert (found, len(page), whole.next) == ([*whole], len(whole) % 2 or 2, None)
            with pytest.raises(StoreError, match="another query"):
                read(run.run_id, after=store.spans(limit=1).next)
        asked: dict[str, Any] = {"project": "evals", "since_ns": 0, "until_ns": 2**62, "limit": 2}
        with store.reading() as connection:
            first, after = stats.sessions(connection, after=None, **asked)
            rest, end = stats.sessions(connection, after=after, **asked)
    assert ([each.session_id for each in (*first, *rest)], end) == (["a", "c", "b"], None)


def test_a_list_that_ends_with_the_page_has_no_next_page(tmp_path: Path) -> None:
    with filled(tmp_path, [one("a", trace=1), one("b", trace=2)]) as store:
        assert store.spans(limit=2).next is None
        assert store.spans(limit=None).next is None
        assert store.spans(limit=1).next is not None


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "nonsense", "é", "A" * 2_000),
        *(base64.urlsafe_b64encode(each).decode() for each in (b"[]", b"{}", b'[1,"x",5]', b'[2,"x",5,5]')),
        *(base64.urlsafe_b64encode(each).decode() for each in (b'[1,"x","5",5]', b'[1,"x",5,5.0]', b'[1,"x",true,5]')),
    ],
)
def test_what_is_no_cursor_is_refused(tmp_path: Path, cursor: str) -> None:
    with filled(tmp_path, [one("a")]) as store, pytest.raises(StoreError, match="no cursor"):
        store.spans(after=cursor)


def test_a_cursor_of_another_query_is_refused(tmp_path: Path) -> None:
    with filled(tmp_path, [one("a", trace=1), one("b", trace=2)]) as store:
        cursor = store.spans("latency>0", limit=1).next
        assert [span.name for span in store.spans("latency > 0ms", after=cursor)] == ["a"]
        assert [span.name for span in store.spans("latency>0", after=cursor, since_ns=1)] == ["a"]
        for asked in ({}, {"where": "latency>1ms"}, {"where": "latency>0", "order_by": "start"}):
            with pytest.raises(StoreError, match="another query"):
                store.spans(after=cursor, **asked)  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="another query"):
            store.spans("latency>0", project="shop", after=cursor)
        with pytest.raises(StoreError, match="another query"):
            store.traces("latency>0", after=cursor)


def test_an_unknown_order_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with filled(tmp_path, [one("a")]) as store:
        with pytest.raises(StoreError, match="start, latency, cost, tokens"):
            store.traces(order_by="-name")
        with pytest.raises(ValueError, match="limit=0"):
            store.spans(limit=0)


@pytest.mark.parametrize(
    "where",
    ["model:gpt-4o*", "has:score", "attr.tier:gold", '"about 1"', "model:never", "-model:o1 latency<1h", "trace:0*"],
)
def test_a_filter_finds_the_same_in_pages_and_as_a_whole_in_every_order(tmp_path: Path, where: str) -> None:
    spans = [
        one(
            f"s{n}",
            trace=n % 120,
            span=n,
            start=n,
            ms=n * 7 % 50,
            gen_ai__operation__name="chat",
            gen_ai__request__model=("gpt-4o", "o1", "gpt-4o-mini")[n % 3],
            gen_ai__usage__input_tokens=n * 5 % 17,
            tier="gold" if n % 4 else "none",
            input__value=f"asked about {n}",
        )
        for n in range(1, 181)
    ]
    scores = [verdict("right", trace=n, gen_ai__evaluation__score__value=1) for n in range(1, 120, 2)]
    with filled(tmp_path, spans, scores) as store:
        for order in ("-start", "start", "-latency", "latency", "-tokens", "tokens"):
            for read in (store.traces, store.spans):
                whole = [each.name for each in read(where, project="shop", order_by=order, limit=None)]
                found: list[str] = []
                after: str | None = None
                while page := read(where, project="shop", order_by=order, after=after, limit=70):
                    found += [each.name for each in page]
                    if (after := page.next) is None:
                        break
                assert found == whole, (order, read)


# --- a trace in pages ---------------------------------------------------------------------------------------
def paged(store: Store, limit: int, trace: int = 1) -> list[tuple[str, int, int]]:
    """Return name, depth and count of children of all spans of a trace, page after page."""
    found: list[tuple[str, int, int]] = []
    after: str | None = None
    while True:
        page = store.trace_page(trace_id(trace), project="shop", after=after, limit=limit)
        found += [(each.span.name, each.depth, each.child_count) for each in page.spans]
        after = page.next
        if after is None:
            return found


TREE = [
    one("root", span=1, start=1),
    one("a", span=2, parent=1, start=2),
    one("b", span=3, parent=1, start=3),
    one("a1", span=4, parent=2, start=9),
    one("a2", span=5, parent=2, start=10),
    one("orphan", span=6, parent=99, start=4),
    one("ring1", span=7, parent=8, start=6),
    one("ring2", span=8, parent=7, start=5),
    one("tail", span=9, parent=7, start=1),
    one("itself", span=10, parent=10, start=20),
]
ORDERED = [
    ("root", 0, 2),
    ("a", 1, 2),
    ("a1", 2, 0),
    ("a2", 2, 0),
    ("b", 1, 0),
    ("orphan", 0, 0),
    ("itself", 0, 0),
    ("ring2", 0, 1),
    ("ring1", 1, 1),
    ("tail", 2, 0),
]


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_a_trace_comes_in_pages_of_its_tree_with_rings_and_orphans(tmp_path: Path, limit: int) -> None:
    with filled(tmp_path, TREE) as store:
        assert paged(store, limit) == ORDERED
        assert [span.name for span in store.trace(trace_id(1)).spans] == [name for name, _, _ in ORDERED]


def test_spans_that_come_in_between_two_pages_of_a_trace_repeat_none(tmp_path: Path) -> None:
    with filled(tmp_path, TREE) as store:
        first = store.trace_page(trace_id(1), limit=3)
        add(store, [one("early", span=20, parent=1, start=1), one("late", span=21, parent=3, start=50)])
        second = store.trace_page(trace_id(1), limit=3, after=first.next)
    assert [each.span.name for each in second.spans] == ["a2", "b", "late"]


def test_what_is_remembered_of_a_large_trace_is_how_it_stands_now(tmp_path: Path) -> None:
    many = [one("root", span=1), *(one(f"s{n}", span=n, parent=1, start=n) for n in range(2, 1_202))]
    with filled(tmp_path, many) as store:
        first = store.trace_page(trace_id(1), limit=600)
        assert paged(store, 600)[0] == ("root", 0, 1_200)
        add(store, [one("late", span=2_000, parent=3, start=5), one("s4", span=4, parent=1, start=1_500)])
        with tracelm.open_store(home=tmp_path) as other:
            expected = paged(other, 600)
        assert paged(store, 600) == expected
        assert [expected[at] for at in (0, 2, 3, -1)] == [
            ("root", 0, 1_200),
            ("s3", 1, 1),
            ("late", 2, 0),
            ("s4", 1, 0),
        ]
        second = store.trace_page(trace_id(1), limit=600, after=first.next)
        assert second.spans[0].span.name == "s601"
        store.maintenance.retain("errors 1d, rest 1d")
        with pytest.raises(StoreError, match="no trace"):
            store.trace_page(trace_id(1), after=first.next)


def test_a_page_of_a_trace_knows_its_summary_and_its_cursor(tmp_path: Path) -> None:
    with filled(tmp_path, [*TREE, one("other", trace=2)]) as store:
        page = store.trace_page(trace_id(1)[:31] + "1", limit=2)
        assert (page.summary.span_count, len(page.spans)) == (10, 2)
        with pytest.raises(StoreError, match="another query"):
            store.trace_page(trace_id(2), after=page.next)
        with pytest.raises(StoreError, match="no trace"):
            store.trace_page("ffff")
        with pytest.raises(ValueError, match="limit=0"):
            store.trace_page(trace_id(1), limit=0)


def test_a_deep_trace_is_no_problem(tmp_path: Path) -> None:
    chain = [one(f"s{n}", span=n, parent=n - 1 if n > 1 else None, start=n) for n in range(1, 3_001)]
    with filled(tmp_path, chain) as store:
        page = store.trace_page(trace_id(1), limit=3_000)
        assert [each.depth for each in page.spans] == list(range(3_000))
        assert isinstance(store, tracelm.Store)


def test_an_outline_has_the_places_of_all_spans_and_whose_they_are(tmp_path: Path) -> None:
    with filled(tmp_path, TREE) as store:
        add(store, [one("there", span=0xFEDC_BA98_7654_3210, parent=3, start=30)], project="other")
        with store.reading() as connection:
            whole = queries.trace_outline(connection, store.outlines, trace_id(1), project=None)
            part = queries.trace_outline(connection, store.outlines, trace_id(1), project="shop")
            lines = queries.spans_of_trace(connection, trace_id(1), ["fedcba9876543210", "0" * 16], project=None)
        spans = store.trace(trace_id(1)).spans
    assert [f"{each:016x}" for each in whole.span_ids] == [span.span_id for span in spans]
    assert [whole.projects[owner] for owner in whole.owners] == [span.project for span in spans]
    assert (part.projects, list(part.depths)) == (["shop"], [depth for _, depth, _ in ORDERED])
    assert [span.name for span in lines] == ["there"]
