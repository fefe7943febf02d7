"""A store behind a server answers as the same store does here, and says clearly what it cannot do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, cast

import pytest

import tracelm
from tests.serving import Serving
from tests.unit.store.remote.recorded import APART, BEGAN, CALLS, SHARED, TREE, numbered, run_id
from tracelm.evals.stored import load_run
from tracelm.guards.traffic import calls, decided
from tracelm.store.remote.store import RemoteStore
from tracelm.store.results import Rows
from tracelm.store.store import Store


@dataclass(frozen=True)
class Both:
    """The same store, here and behind a server."""

    here: Store
    there: Store


@pytest.fixture
def both(server: Serving) -> Iterator[Both]:
    with tracelm.open_store(home=server.home) as here, tracelm.open_store(server.url) as there:
        yield Both(here, there)


def whole(found: Any) -> Any:
    """Return all that a record, or a list or a tree of them, says: also what is fetched when it is asked for."""
    if isinstance(found, dict):
        return {key: whole(value) for key, value in cast("dict[Any, Any]", found).items()}
    if isinstance(found, list | tuple | Rows):
        return [whole(each) for each in cast("Sequence[Any]", found)]
    if not is_dataclass(found):
        return found
    told: dict[str, Any] = {
        each.name: whole(getattr(found, each.name)) for each in fields(found) if each.name != "record"
    }
    for name in ("otlp", "root", "attributes", "input", "output", "guardrail", "taken", "planned"):
        if hasattr(type(found), name):
            told[name] = getattr(found, name)
    return type(found).__name__, told


def task_version(store: Store) -> str:
    return store.run(run_id(store)).task_version or ""


QUERIES: dict[str, Callable[[Store], Any]] = {
    "projects": lambda store: store.projects(),
    "traces": lambda store: store.traces(limit=None),
    "traces of a project": lambda store: store.traces(project="shop", order_by="-tokens", limit=3),
    "traces by filter": lambda store: store.traces("latency>2s -status:error", since_ns=BEGAN + 2, until_ns=BEGAN + 6),
    "a trace": lambda store: store.trace(f"{3:032x}"),
    "a trace of two projects": lambda store: store.trace(SHARED),
    "a trace's part in one project": lambda store: store.trace(SHARED, project="other"),
    "a trace by its first characters": lambda store: store.trace("CCCC"),
    "a page of a tree": lambda store: store.trace_page(TREE, limit=20),
    "spans": lambda store: store.spans("-name:step", limit=None),
    "spans by what they equal": lambda store: store.spans(name="hostile", trace_id=SHARED, project="shop"),
    "spans of a run": lambda store: store.spans(run_id=run_id(store)),
    "spans by text": lambda store: store.spans('"你好"'),
    "a span": lambda store: store.span(SHARED, numbered(1)),
    "a repriced span": lambda store: store.spans(trace_id=CALLS),
    "a span whose messages came apart": lambda store: store.spans(trace_id=APART)[0].input or "",
    "every span of GenAI": lambda store: list(store.genai_spans()),
    "spans of GenAI of a project": lambda store: list(store.genai_spans(project="shop", since_ns=BEGAN)),
    "models without a price": lambda store: store.unpriced_models(),
    "known outputs": lambda store: store.known_outputs(task_version(store), project="evals"),
    "decisions of guardrails": lambda store: list(decided(store, project="shop")),
    "calls of ops": lambda store: list(calls(store, project="shop")),
    "calls of one op": lambda store: list(calls(store, ops=["checkout"])),
    "linked spans": lambda store: store.linked(store.run(run_id(store)).trace_id or ""),
    "linked spans of a project": lambda store: store.linked("f" * 32, project="evals", limit=None),
    "scores": lambda store: store.scores(limit=None),
    "some scores": lambda store: store.scores(trace_id=SHARED, name="relevance", source="sdk", limit=2),
    "decisions": lambda store: store.decisions(trace_id=SHARED),
    "alerts": lambda store: store.alerts(limit=None),
    "alerts of a monitor": lambda store: store.alerts(monitor="answers", since_ns=BEGAN, until_ns=BEGAN + 3, limit=2),
    "runs": lambda store: store.runs(limit=None),
    "runs of an evaluation": lambda store: store.runs(name="saved", project="evals", limit=1),
    "a run": lambda store: store.run(run_id(store)[:8]),
    "trials": lambda store: store.trials(run_id(store)),
    "scores of a run": lambda store: store.run_scores(run_id(store), project="evals"),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_query_gives_the_same_records_as_the_store_itself(both: Both, query: Callable[[Store], Any]) -> None:
    here, there = query(both.here), query(both.there)
    assert whole(there) == whole(here)
    assert type(there) is type(here)
    if hasattr(here, "to_pandas"):
        assert there.next == here.next
        assert there.to_pandas().equals(here.to_pandas())


def test_the_battery_looks_at_something(both: Both) -> None:
    empty = [name for name, query in QUERIES.items() if not whole(query(both.here))]
    assert empty == ["linked spans of a project"]
    [call] = both.there.spans(trace_id=CALLS)
    assert (call.cost_usd, call.attributes["gen_ai.usage.cost.amount"]) == (0.007, 0.007)
    assert call.repricings is not None


def test_a_run_reads_back_from_a_server_as_it_does_here(both: Both) -> None:
    here, there = (load_run(store, store.run(run_id(store))) for store in (both.here, both.there))
    assert there.summary.equals(here.summary)
    assert there.rows.equals(here.rows)
    assert (len(there.rows), there.rows["trial"].nunique()) == (40, 2)


def test_a_list_of_more_than_a_page_is_read_to_its_end_or_to_the_limit(both: Both) -> None:
    assert len(both.there.spans(trace_id=TREE, limit=None)) == 2_300
    some = both.there.spans(trace_id=TREE, limit=1_500)
    rest = both.there.spans(trace_id=TREE, limit=None, after=some.next)
    assert (len(some), len(rest), rest.next) == (1_500, 800, None)
    assert [*some, *rest] == list(both.here.spans(trace_id=TREE, limit=None))


def test_a_large_tree_is_read_whole_and_in_pages(both: Both) -> None:
    tree, here = both.there.trace(TREE), both.here.trace(TREE)
    assert ([*tree.spans], tree.children(tree.roots[0])) == ([*here.spans], here.children(here.roots[0]))
    page = both.there.trace_page(TREE, limit=1_300)
    rest = both.there.trace_page(TREE, limit=1_300, after=page.next)
    assert [each.span for each in (*page.spans, *rest.spans)] == [*here.spans]
    assert (len(page.spans), rest.next) == (1_300, None)


WRONG: dict[str, Callable[[Store], Any]] = {
    "a filter": lambda store: store.traces("op:a latency>>2s"),
    "a filter of spans": lambda store: store.spans("name:a (", project="shop"),
    "a project": lambda store: store.traces(project="unknown"),
    "a project that is asked for": lambda store: store.check_project("unknown"),
    "a cursor": lambda store: store.spans(after="nonsense"),
    "a cursor of another query": lambda store: store.spans(after=store.spans("name:step", limit=1).next),
    "a trace": lambda store: store.trace("e" * 32),
    "a trace in a project": lambda store: store.trace(SHARED, project="evals"),
    "a short id": lambda store: store.trace("ab"),
    "several traces": lambda store: store.trace("0000"),
    "no id": lambda store: store.trace("../../../etc/passwd"),
    "a span": lambda store: store.span(SHARED, "e" * 16),
    "a run": lambda store: store.run("none-of-this"),
    "trials of no run": lambda store: store.trials("none/of/this"),
    "a limit": lambda store: store.scores(limit=0),
    "a page without spans": lambda store: store.trace_page(TREE, limit=0),
}


@pytest.mark.parametrize("query", WRONG.values(), ids=WRONG)
def test_every_mistake_is_told_as_the_store_itself_does(both: Both, query: Callable[[Store], Any]) -> None:
    with pytest.raises((tracelm.TracelmError, ValueError)) as here:
        query(both.here)
    with pytest.raises(type(here.value)) as there:
        query(both.there)
    assert str(there.value) == str(here.value)
    assert getattr(there.value, "__dict__", {}) == here.value.__dict__


NEEDS_THE_DATABASE: dict[str, Callable[[Store], Any]] = {
    "reprice": lambda store: store.reprice(since_ns=0),
    "maintenance": lambda store: store.maintenance,
    "writing": lambda store: store.writing().__enter__(),
    "reading": lambda store: store.reading().__enter__(),
    "texts": lambda store: store.index_texts(),
    "kept open": lambda store: store.kept_open().__enter__(),
    "home": lambda store: store.home,
}


@pytest.mark.parametrize("use", NEEDS_THE_DATABASE.values(), ids=NEEDS_THE_DATABASE)
def test_what_needs_the_database_says_where_it_can_be_done(both: Both, use: Callable[[Store], Any]) -> None:
    use(both.here)
    with pytest.raises(tracelm.StoreError, match="do it where the server runs"):
        use(both.there)


def test_a_public_method_of_the_store_is_answered_or_refused(both: Both) -> None:
    """A method that is added to `Store` must not reach for a database that is not here."""
    told = set(vars(RemoteStore)) | {"place", "kept_open", "writing", "reading", "reprice", "index_texts"}
    told |= {"genai_spans"}  # which asks for spans
    assert {name for name in vars(Store) if not name.startswith("_")} <= told
