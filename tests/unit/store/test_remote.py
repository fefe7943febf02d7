"""A store behind a server answers as the same store does here, and says clearly what it cannot do."""

import contextlib
import gc
import http.server
import math
import multiprocessing
import socket
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

import tracelm
from tests.serving import Serving, make_key, serving
from tests.unit.evals.saved import run_of
from tests.unit.store.otlp_lines import log_line, span_line, write_segment
from tracelm.evals.stored import load_run
from tracelm.store.open import open_local
from tracelm.store.remote.store import RemoteStore
from tracelm.store.results import Rows
from tracelm.store.store import Store
from tracelm.store.stored import StoredSpan

BEGAN = 1_795_000_000_000_000_000
TREE, SHARED, CALLS = "b" * 32, "c" * 32, "d" * 32
CALL: dict[str, object] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.output_tokens": 100,
}
HOSTILE: dict[str, object] = {
    "input.value": '{"question": "Грüße 你好 \\u0000 <script>"}',
    "output.value": "x" * 100_000,
    "endless": math.inf,
    "yes": True,
    "many": ["a", 1, 2.5],
    "exact": 2**62 + 1,
    "__proto__": "data",
    "": "empty",
    "tracelm.tags": ["ä", "b"],
    "session.id": "s1",
    "user.id": "u1",
}


def numbered(number: int) -> str:
    return f"{number:016x}"


def record(home: Path) -> None:
    """Record traces of two projects, a repriced call, a large tree, scores, decisions, and evaluation runs."""
    spans = [
        span_line("answer", trace=f"{n:032x}", start=BEGAN + n, end=BEGAN + n * 10**9, status=2 * (n == 3), message="ß")
        for n in range(1, 8)
    ]
    spans.append(span_line("hostile", trace=SHARED, span=numbered(1), start=BEGAN, end=BEGAN + 9, attributes=HOSTILE))
    spans.append(
        span_line("of another", trace=SHARED, span=numbered(2), parent=numbered(1), start=BEGAN + 1, project="other")
    )
    spans.append(span_line("chat gpt-4o", trace=CALLS, start=BEGAN, end=BEGAN + 5, attributes=CALL))
    spans += [
        span_line("step", trace=TREE, span=numbered(n), parent=numbered(n // 2) if n > 1 else None, start=BEGAN + n)
        for n in range(1, 2_301)
    ]
    score = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.5, "tracelm.score.source": "sdk"}
    details = {"tracelm.score.details": '{"spans": [{"start": 0, "end": 3, "type": "pii"}]}'}
    decision = {"tracelm.guardrail.name": "pii", "tracelm.guardrail.action.taken": "block", "odd": math.inf}
    logs = [
        log_line(
            "gen_ai.evaluation.result", score | details | {"log.record.uid": f"u{n}"}, trace=SHARED, time=BEGAN + n
        )
        for n in range(1_050)
    ]
    logs += [
        log_line("tracelm.guardrail.decision", decision | {"log.record.uid": f"d/{n}"}, trace=SHARED, time=BEGAN + n)
        for n in range(3)
    ]
    write_segment(home, project="shop", spans=spans, logs=logs)
    tracelm.init("evals", home=home, patch=False)
    run_of([True] * 15 + [False] * 5, trials=2)
    run_of([False] * 4 + [ValueError("no")])
    tracelm.shutdown()
    with tracelm.open_store(home=home) as store:
        prices = {"gpt-4o": {"input_usd_per_mtok": 5.0, "output_usd_per_mtok": 20.0}}
        assert sum(each.changed for each in store.reprice(prices, since_ns=0)) == 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("home")
    record(home)
    with serving(home) as running:
        yield running


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


def run_id(store: Store) -> str:
    return store.runs(project="evals")[-1].run_id


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
    "linked spans": lambda store: store.linked(store.run(run_id(store)).trace_id or ""),
    "linked spans of a project": lambda store: store.linked("f" * 32, project="evals", limit=None),
    "scores": lambda store: store.scores(limit=None),
    "some scores": lambda store: store.scores(trace_id=SHARED, name="relevance", source="sdk", limit=2),
    "decisions": lambda store: store.decisions(trace_id=SHARED),
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
    "unpriced models": lambda store: store.unpriced_models(),
    "known outputs": lambda store: store.known_outputs("v", project="evals"),
    "texts": lambda store: store.index_texts(),
    "every model call": lambda store: next(store.genai_spans()),
    "kept open": lambda store: store.kept_open().__enter__(),
    "home": lambda store: store.home,
}


@pytest.mark.parametrize("use", NEEDS_THE_DATABASE.values(), ids=NEEDS_THE_DATABASE)
def test_what_needs_the_database_says_where_it_can_be_done(both: Both, use: Callable[[Store], Any]) -> None:
    use(both.here) if use is not NEEDS_THE_DATABASE["every model call"] else None
    with pytest.raises(tracelm.StoreError, match="do it where the server runs"):
        use(both.there)


def test_a_public_method_of_the_store_is_answered_or_refused(both: Both) -> None:
    """A method that is added to `Store` must not reach for a database that is not here."""
    told = set(vars(RemoteStore)) | {"place", "kept_open", "writing", "reading", "reprice", "unpriced_models"}
    told |= {"known_outputs", "index_texts", "genai_spans"}
    assert {name for name in vars(Store) if not name.startswith("_")} <= told


def test_a_server_is_asked_where_only_the_environment_names_it(
    server: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRACELM_URL", server.url)
    with tracelm.open_store() as store:
        assert (type(store), store.place, repr(store)) == (RemoteStore, server.url, f"<Store {server.url}>")
    for local in (tracelm.open_store(home=tmp_path), tracelm.open_store(f"sqlite:///{tmp_path}/a.db"), open_local()):
        assert type(local) is Store
    monkeypatch.delenv("TRACELM_URL")
    tracelm.init("p", url=server.url, patch=False)
    assert tracelm.open_store().place == server.url


@pytest.mark.parametrize(
    "address", ["http://", "http://:4318", "http://host:port", "http://host/?a=1", "http://host/#a", "http://[::1"]
)
def test_an_address_that_can_be_none_is_refused(address: str) -> None:
    with pytest.raises(tracelm.ConfigError, match="no address of a tracelm server"):
        tracelm.open_store(address)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(tracelm.ConfigError) as refused:
        tracelm.open_store("http://me:secret@localhost:4318")
    assert "secret" not in str(refused.value)


def test_what_is_too_much_for_one_answer_comes_in_several(tmp_path: Path) -> None:
    values = [letter * 3_000_000 for letter in "abc"]
    spans = [
        span_line("large", span=numbered(n), start=n, attributes={"value": value}) for n, value in enumerate(values, 1)
    ]
    write_segment(tmp_path / "home", spans=spans)
    with serving(tmp_path / "home") as running, tracelm.open_store(running.url) as store:
        assert [each.attributes["value"] for each in store.spans(order_by="start")] == values


def test_a_span_that_was_deleted_meanwhile_is_told_so(tmp_path: Path) -> None:
    write_segment(tmp_path / "home", spans=[span_line(trace="1" * 32), span_line(trace="2" * 32)])
    with serving(tmp_path / "home") as running, tracelm.open_store(running.url) as store:
        spans = store.spans()
        with tracelm.open_store(home=running.home) as here:
            assert here.maintenance.retain("rest 1d").traces == 2
        with pytest.raises(tracelm.StoreError, match="no span '00000000000000a1' in trace"):
            _ = spans[0].otlp


def test_records_can_be_looked_into_after_the_store_was_closed(server: Serving) -> None:
    with tracelm.open_store(server.url) as store:
        [span] = store.spans(trace_id=CALLS)
    assert span.attributes["gen_ai.request.model"] == "gpt-4o"
    with pytest.raises(tracelm.StoreError, match="this store is closed"):
        store.projects()


def test_no_connection_is_left_open(server: Serving) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with tracelm.open_store(server.url) as store:
            spans = store.spans(trace_id=CALLS)
        assert spans[0].otlp.name == "chat gpt-4o"
        del spans, store
        gc.collect()


def span_id_of(span: StoredSpan) -> str:
    return span.otlp.span_id


def test_threads_share_a_store(server: Serving) -> None:
    with tracelm.open_store(server.url) as store, ThreadPoolExecutor(8) as pool:
        spans = store.spans(trace_id=TREE, limit=64)
        asked = [pool.submit(span_id_of, each) for each in spans]
        ids = [each.result() for each in asked]
    assert ids == [each.span_id for each in spans]


def ask_in_a_child(store: Store, answer: Any) -> None:
    answer.send([each.name for each in store.projects()])


def test_a_forked_child_does_not_disturb_its_parent(server: Serving) -> None:
    context = multiprocessing.get_context("fork")
    with tracelm.open_store(server.url) as store:
        ours, theirs = context.Pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads: those of pytest
            child = context.Process(target=ask_in_a_child, args=(store, theirs))
            child.start()
        mine = [each.name for each in store.projects()]
        assert ours.recv() == mine
        child.join()


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(tmp_path: Path) -> None:
    write_segment(tmp_path / "home", spans=[span_line("op")])
    with serving(tmp_path / "home") as running, relayed(running, lambda _path, reply: reply, keep=False) as relay:
        with tracelm.open_store(relay.url) as store:
            for _ in range(3):
                assert [each.name for each in store.traces()] == ["op"]
        assert relay.asked[0] == "/api/v1/session"


# --- who is let in


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, dict[str, str]]]:
    home = tmp_path_factory.mktemp("guarded")
    shared = [span_line("mine", trace="ab" * 16), span_line("others", trace="ac" * 16, project="others")]
    shared.append(span_line("others", trace="ab" * 15 + "ff", project="others"))
    write_segment(home, project="mine", spans=shared)
    keys = {
        "read": make_key(home, "read"),
        "ingest": make_key(home, "ingest"),
        "mine": make_key(home, "read", projects=("mine",)),
        "two": make_key(home, "read", projects=("mine", "others")),
    }
    with serving(home) as running:
        yield running, keys


def test_a_key_of_the_environment_opens_a_store(
    guarded: tuple[Serving, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, keys = guarded
    monkeypatch.setenv("TRACELM_API_KEY", f" {keys['read']}\n")
    with tracelm.open_store(server.url) as store:
        assert sorted(each.name for each in store.projects()) == ["mine", "others"]


def test_a_key_of_one_project_sees_it_and_no_other(
    guarded: tuple[Serving, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, keys = guarded
    monkeypatch.setenv("TRACELM_API_KEY", keys["mine"])
    with tracelm.open_store(server.url) as store:
        assert [each.name for each in store.projects()] == ["mine"]
        assert [each.name for each in store.traces()] == ["mine"]
        assert store.trace("abab").summary.name == "mine"  # that others have one that begins so is not told
        with pytest.raises(tracelm.StoreError, match="there is no such thing in the projects of this key"):
            store.trace("acac")
        with pytest.raises(tracelm.StoreError, match="this key is not for this project"):
            store.traces(project="others")
    monkeypatch.setenv("TRACELM_API_KEY", keys["two"])
    with tracelm.open_store(server.url) as store, pytest.raises(tracelm.StoreError, match="name a project"):
        store.traces()


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (None, "needs an API key: set TRACELM_API_KEY"),
        ("", "needs an API key: set TRACELM_API_KEY"),
        (
            "tlm_" + "0" * 12 + "_" + "A" * 43,
            "does not take the key in TRACELM_API_KEY: this API key is not known here",
        ),
        ("ingest", "may not read: `tracelm keys create --name ME --read`"),
    ],
)
def test_who_is_not_let_in_reads_what_helps(
    guarded: tuple[Serving, dict[str, str]], monkeypatch: pytest.MonkeyPatch, key: str | None, told: str
) -> None:
    server, keys = guarded
    if key is not None:
        monkeypatch.setenv("TRACELM_API_KEY", keys.get(key, key))
    with pytest.raises(tracelm.StoreError, match=told) as refused:
        tracelm.open_store(server.url)
    assert not any(each in str(refused.value) for each in (*keys.values(), "A" * 43))


def test_a_key_that_can_be_none_is_not_sent_and_not_repeated(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELM_API_KEY", "secret\r\nx-evil: 1")
    with pytest.raises(tracelm.ConfigError, match="TRACELM_API_KEY holds something that is no key") as refused:
        tracelm.open_store(server.url)
    assert "secret" not in str(refused.value)


# --- what is no such server


@dataclass(frozen=True)
class Answer:
    """What is sent."""

    status: int
    kind: str
    body: bytes
    location: str | None = None


@dataclass(frozen=True)
class Relay:
    """Something between us and a server, or in its place."""

    url: str
    asked: list[str]
    keys: list[str | None]


@contextlib.contextmanager
def relayed(server: Serving | None, change: Callable[[str, Answer], Answer], *, keep: bool = True) -> Generator[Relay]:
    """Pass requests on to a server, and its answers back, changed; without a server, `change` gets an empty one."""
    asked: list[str] = []
    keys: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            keys.append(self.headers.get("authorization"))
            answer = Answer(200, "application/json", b"{}")
            if server is not None:
                reply = server.ask("GET", self.path)
                answer = Answer(reply.status, reply.headers["content-type"], reply.body)
            answer = change(self.path, answer)
            self.send_response(answer.status)
            self.send_header("content-type", answer.kind)
            self.send_header("content-length", str(len(answer.body)))
            if answer.location is not None:
                self.send_header("location", answer.location)
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = not keep

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Relay(f"http://127.0.0.1:{listening.server_address[1]}", asked, keys)
        finally:
            listening.shutdown()
            thread.join()


def test_a_server_that_is_not_there_is_named_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(tracelm.StoreError, match=f"{url} cannot be reached .*refused.*: start it with"):
            tracelm.open_store(url)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "text/html", b"<html>hello</html>"),
        Answer(404, "application/json", b'{"detail":"Not Found"}'),
        Answer(502, "text/html", b"<html>bad gateway</html>"),
        Answer(200, "application/json", b"no JSON"),
        Answer(200, "application/json", b"[]"),
        Answer(200, "application/json", b"null"),
        Answer(401, "application/problem+json", b"[]"),
    ],
    ids=str,
)
def test_what_is_no_tracelm_server_is_told_so(answer: Answer) -> None:
    with (
        relayed(None, lambda _path, _reply: answer) as relay,
        pytest.raises(tracelm.StoreError, match="as no tracelm server does"),
    ):
        tracelm.open_store(relay.url)


def test_a_redirect_is_not_followed_and_the_key_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELM_API_KEY", "tlm_key")
    with (
        relayed(None, lambda _path, reply: reply) as other,
        relayed(None, lambda _path, _reply: Answer(307, "text/plain", b"", other.url)) as relay,
    ):
        with pytest.raises(tracelm.StoreError, match=r"answers 307 .* Redirects are not followed"):
            tracelm.open_store(relay.url)
        assert (relay.keys, other.asked) == (["Bearer tlm_key"], [])


def without(*members: str) -> Callable[[str, Answer], Answer]:
    """Make an answer that an older server would give: without some members of the lines of lists."""

    def change(path: str, answer: Answer) -> Answer:
        if "/spans" not in path:
            return answer
        told = orjson.loads(answer.body)
        for line in told["items"]:
            for member in members:
                del line[member]
        return Answer(answer.status, answer.kind, orjson.dumps(told))

    return change


def test_a_server_that_is_too_old_is_told_so(server: Serving) -> None:
    with (
        relayed(server, without("repricings")) as relay,
        tracelm.open_store(relay.url) as store,
        pytest.raises(tracelm.StoreError, match=r"does not tell 'repricings': .* Upgrade it"),
    ):
        store.spans(limit=1)
    unknown = server.ask("GET", "/api/v1/nothing")
    has_not = Answer(unknown.status, unknown.headers["content-type"], unknown.body)
    with (
        relayed(server, lambda path, reply: has_not if "/trials" in path else reply) as relay,
        tracelm.open_store(relay.url) as store,
        pytest.raises(tracelm.StoreError, match="cannot answer this: it runs an older tracelm"),
    ):
        store.trials(run_id(store))


def test_a_server_that_is_newer_may_tell_more(server: Serving) -> None:
    def more(path: str, answer: Answer) -> Answer:
        told: dict[str, Any] = orjson.loads(answer.body)
        lines: list[dict[str, Any]] = told.get("items", []) if "/traces" in path else []
        for line in lines:
            line["new"] = 1
        return Answer(answer.status, answer.kind, orjson.dumps(told))

    with relayed(server, more) as relay, tracelm.open_store(relay.url) as store:
        assert len(store.traces(project="shop")) == 10


def test_an_answer_that_makes_no_sense_is_told_so(server: Serving) -> None:
    def senseless(path: str, answer: Answer) -> Answer:
        body = answer.body.replace(b'"start_ns":"', b'"start_ns":"x') if "/spans" in path else answer.body
        return Answer(answer.status, answer.kind, body.replace(b'"otlp":"{', b'"otlp":"{}'))

    with relayed(server, senseless) as relay, tracelm.open_store(relay.url) as store:
        with pytest.raises(tracelm.StoreError, match="answers in an unknown form"):
            store.spans(limit=1)
        with pytest.raises(tracelm.StoreError, match="sends what is no OTLP"):
            _ = store.traces(project="shop")[0].root


def test_a_server_below_a_path_is_found(server: Serving) -> None:
    """As behind a proxy that has other programs beside it."""
    asked: list[str] = []

    def below(path: str, answer: Answer) -> Answer:
        asked.append(path)
        inner = server.ask("GET", path.removeprefix("/tracelm"))
        return (
            Answer(inner.status, inner.headers["content-type"], inner.body) if path.startswith("/tracelm") else answer
        )

    with relayed(None, below) as relay, tracelm.open_store(f"{relay.url}/tracelm/") as store:
        assert len(store.traces(project="shop")) == 10
    assert asked[0] == "/tracelm/api/v1/session"
