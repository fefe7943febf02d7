"""How a store finds its server, and keeps the connection."""

import gc
import multiprocessing
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tests.serving import Serving, serving
from tests.unit.store.otlp_lines import span_line, write_segment
from tests.unit.store.remote.recorded import CALLS, TREE, numbered
from tests.unit.store.remote.relays import relayed
from tracelm.store.open import open_local
from tracelm.store.remote.store import RemoteStore
from tracelm.store.store import Store
from tracelm.store.stored import StoredSpan


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
    with warnings.catch_warnings(action="ignore"):  # what other tests left behind is theirs
        gc.collect()
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


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(tmp_path: Path) -> None:
    write_segment(tmp_path / "home", spans=[span_line("op")])
    with serving(tmp_path / "home") as running, relayed(running, lambda _path, reply: reply, keep=False) as relay:
        with tracelm.open_store(relay.url) as store:
            for _ in range(3):
                assert [each.name for each in store.traces()] == ["op"]
        assert relay.asked[0] == "/api/v1/session"
