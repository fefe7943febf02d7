"""The scores of a monitor beside the program reach the collector: each of them, and once where nothing breaks."""

import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot

import tracelm
from tests.collector import ACCEPTED, Answer, sink
from tracelm.monitors.delivery import Delivery
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.worker import Progress, catch_up
from tracelm.store.store import Store
from tracelm.store.tables import OUTBOX


@tracelm.op(name="answer")
def answer(question: str) -> str:
    return f"please read {question}"


def polite(output: str) -> bool:
    return "please" in output


def breaks(output: str) -> bool:
    raise RuntimeError("no connection")


def monitor(*scorers: Any) -> Monitor:
    return Monitor(name="answers", scorers=scorers or (polite,), where="op:answer")


@pytest.fixture
def store(backend: str) -> Iterator[Store]:
    tracelm.init("shop")
    with tracelm.open_store() as found:
        yield found


def run(store: Store, watching: Monitor, delivery: Delivery | None) -> Progress:
    return anyio.run(lambda: catch_up(store, watching, delivery=delivery))


def to(url: str, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    found = Delivery.found()
    assert found is not None
    return found


def plain(record: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in record.attributes}


def test_a_score_arrives_as_the_record_that_a_score_is_on_the_span_that_it_judges(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("a")
    with sink() as collector:
        done = run(store, monitor(polite, breaks), to(collector.url, monkeypatch))
        assert (done.judged, done.exported, done.waiting) == (2, 2, 0)
        records = {plain(each)["gen_ai.evaluation.name"]: each for each in collector.log_records()}
    (span,) = store.spans(op="answer")
    assert {each.event_name for each in records.values()} == {"gen_ai.evaluation.result"}
    assert {(each.trace_id.hex(), each.span_id.hex()) for each in records.values()} == {(span.trace_id, span.span_id)}
    told = plain(records["polite"])
    uids = {each.uid for each in store.scores()}
    assert told.pop("log.record.uid") in uids
    told.pop("tracelm.scorer.version")
    assert told == snapshot(
        {
            "gen_ai.evaluation.name": "polite",
            "gen_ai.evaluation.score.value": 1.0,
            "gen_ai.evaluation.score.label": "true",
            "tracelm.score.source": "monitor",
            "tracelm.score.passed": True,
            "tracelm.monitor.name": "answers",
            "tracelm.score.weight": 1.0,
        }
    )
    assert plain(records["breaks"])["error.type"] == "RuntimeError"


def test_what_was_sent_is_not_sent_again_and_nothing_waits_where_no_collector_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Delivery.found() is None
    answer("before there was a collector")
    run(store, monitor(), None)
    with sink() as collector:
        delivery = to(collector.url, monkeypatch)
        answer("a")
        assert run(store, monitor(), delivery).exported == 1
        assert run(store, monitor(), delivery).exported == 0
        assert len(collector.log_records()) == 1


def test_what_the_collector_cannot_take_waits_also_for_another_process(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_down = True

    def reply(_path: str, _body: bytes) -> Answer:
        return (503, b"", {"retry-after": "0"}) if is_down else ACCEPTED

    for number in range(3):
        answer(str(number))
    with sink(reply) as collector:
        delivery = to(collector.url, monkeypatch)
        done = run(store, monitor(), delivery)
        assert (done.judged, done.exported, done.waiting) == (3, 0, 3)
        # Retention leaves what waits.
        store.maintenance.retain("rest 1d", now_ns=time.time_ns() + 10 * 86_400 * 10**9)
        is_down = False
        another = to(collector.url, monkeypatch)
        assert run(store, monitor(), another).exported == 3
        assert len({plain(each)["log.record.uid"] for each in collector.log_records()}) == 3
        with store.reading() as connection:
            assert connection.execute(OUTBOX.select()).all() == []


def test_a_collector_that_is_down_is_left_in_peace_for_a_while(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answer("a")
    with sink(lambda _path, _body: (503, b"", {"retry-after": "3600"})) as collector:
        delivery = to(collector.url, monkeypatch)
        for _ in range(3):
            assert run(store, monitor(), delivery).waiting == 1
        assert collector.asked == 1


def test_a_record_that_the_collector_refuses_for_good_does_not_hold_up_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(_path: str, body: bytes) -> Answer:
        return (400, b"", {}) if b"RuntimeError" in body else ACCEPTED

    answer("a")
    with sink(reply) as collector:
        done = run(store, monitor(breaks, polite), to(collector.url, monkeypatch))
        assert (done.exported, done.waiting) == (1, 0)
        assert len(collector.log_records()) == 1


def test_log_records_that_go_nowhere_wait_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    assert Delivery.found() is None
