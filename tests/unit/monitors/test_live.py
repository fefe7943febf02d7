"""A monitor within the program: what it judges, that the program never waits for it, and that it ends in time."""

import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from opentelemetry import trace as otel

import tracelm
from tests.collector import sink
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.worker import catch_up
from tracelm.scorers import ToolsCalled


@tracelm.op(name="answer")
def answer(question: str) -> str:
    return f"please read {question}"


@tracelm.op(name="search", kind="tool")
def search(term: str) -> str:
    return term


@tracelm.op(name="agent")
def agent(question: str) -> str:
    return search(question)


def polite(output: str) -> bool:
    return "please" in output


def monitor(*scorers: Any, **options: Any) -> Monitor:
    known: dict[str, Any] = {"name": "answers", "scorers": scorers or (polite,), "where": "op:answer", **options}
    return Monitor(**known)


def init(**options: Any) -> None:
    """Begin to record; the end waits as long as a busy machine may need."""
    options.setdefault("shutdown_timeout_s", 60)
    tracelm.init("shop", **options)


@pytest.fixture
def free() -> Iterator[threading.Event]:
    """What a scorer waits for that would else wait for ever."""
    event = threading.Event()
    yield event
    event.set()


def test_what_is_recorded_is_judged_in_the_background_as_beside_the_program() -> None:
    init(monitors=[monitor(ToolsCalled(tools=("search",)), where="op:agent", sample_rate=0.999)])
    agent("a")
    answer("not asked about")
    tracelm.shutdown()
    with tracelm.open_store() as store:
        (score,) = store.scores()
        (span,) = store.spans(op="agent")
        assert (score.name, score.passed, score.source, score.monitor) == ("tools_called", True, "monitor", "answers")
        assert (score.trace_id, score.span_id, score.project) == (span.trace_id, span.span_id, "shop")
        assert score.weight == pytest.approx(1 / 0.999)
        assert tracelm.monitor_status(store, "answers").ops[0].figures.n == 1


def test_no_span_has_two_scores_when_it_also_runs_beside_the_program() -> None:
    init()
    running = monitor().start()
    for number in range(5):
        answer(str(number))
    assert running.drain(60)
    with tracelm.open_store() as store:
        assert anyio.run(lambda: catch_up(store, monitor())).judged == 0
        answer("judged beside first, and then here")
        anyio.run(lambda: catch_up(store, monitor()))
        assert running.drain(60)
        assert len(store.scores()) == len({each.span_id for each in store.scores()}) == 6


def test_the_program_never_waits_and_what_is_left_out_is_counted_and_said_once(
    free: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    busy = threading.Event()

    def hangs(output: str) -> bool:
        busy.set()
        return free.wait(60)

    init()
    running = monitor(hangs, timeout_s=None).start(waiting=3)
    answer("first")
    assert busy.wait(30)
    for number in range(10):
        answer(str(number))  # returns, though nothing is judged
    assert (running.progress.waiting, running.progress.dropped) == (4, 7)
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert sum("leaves spans out" in each for each in said) == 1
    free.set()
    assert running.drain(60)
    assert running.progress.judged == 4
    with tracelm.open_store() as store:
        assert len(store.scores()) == 4
        assert anyio.run(lambda: catch_up(store, monitor(hangs))).judged == 7  # nothing is lost


def test_the_end_of_the_program_waits_only_so_long(free: threading.Event) -> None:
    def hangs(output: str) -> bool:
        return free.wait(60)

    running = monitor(hangs, timeout_s=None)
    tracelm.init("shop", shutdown_timeout_s=0.05)
    live = running.start()
    answer("a")
    tracelm.shutdown()  # would else take a minute
    assert live.progress.dropped == 1


def test_its_own_calls_and_rows_of_evaluations_are_no_traffic() -> None:
    def asks_back(output: str) -> bool:
        return answer(output) != ""

    init(monitors=[monitor(asks_back)])
    dataset = tracelm.Dataset(name="questions", rows=[{"question": "a"}])
    tracelm.Evaluation(dataset=dataset, scorers=[polite], name="e").run(answer)
    answer("hours")
    tracelm.shutdown()
    with tracelm.open_store() as store:
        assert len(store.scores(source="monitor")) == 1
        assert len(store.spans(op="answer")) == 2


def test_a_scorer_that_fails_is_a_record_and_the_next_span_is_judged() -> None:
    def breaks(output: str) -> bool:
        raise LookupError(output)

    async def later(output: str) -> bool:
        await anyio.lowlevel.checkpoint()
        return True

    init()
    running = monitor(breaks, later).start()
    answer("a")
    answer("b")
    assert running.drain(60)
    assert (running.progress.judged, running.progress.failed) == (4, 2)


def test_only_chosen_traces_are_judged_and_the_same_as_beside_the_program() -> None:
    init(monitors=[monitor(sample_rate=0.3)])
    for number in range(60):
        answer(str(number))
    tracelm.shutdown()
    with tracelm.open_store() as store:
        chosen = {each.trace_id for each in store.spans(op="answer") if monitor(sample_rate=0.3).chosen(each.trace_id)}
        assert {each.trace_id for each in store.scores()} == chosen
        assert 0 < len(chosen) < 60


def test_scores_reach_the_collector_that_is_set() -> None:
    with sink() as collector:
        init(endpoint=collector.url, monitors=[monitor()])
        answer("a")
        tracelm.shutdown()
        (record,) = collector.log_records()
        assert record.event_name == "gen_ai.evaluation.result"
        assert record.span_id == collector.spans()[0].span_id


def test_alerts_are_looked_at_within_the_program() -> None:
    told: list[str] = []

    def never(output: str) -> bool:
        return False

    def keeps(notice: tracelm.sinks.AlertNotice) -> None:
        told.append(notice.kind)

    low = tracelm.Alert("pass_rate < 0.9", min_n=20, to=[keeps])
    init(monitors=[monitor(never, alerts=[low])])
    for number in range(30):
        answer(str(number))
    tracelm.shutdown()
    assert told == ["firing"]


def test_a_forked_child_judges_its_own_spans() -> None:
    init()
    live = monitor().start()
    answer("parent")
    assert live.drain(60)  # a thread that works may hold locks of its libraries, which a child would wait for
    child = os.fork()
    if child == 0:
        try:
            answer("child")
            tracelm.shutdown()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    tracelm.shutdown()
    with tracelm.open_store() as store:
        assert len(store.scores()) == 2


def test_spans_of_other_libraries_are_heard_too() -> None:
    init(monitors=[monitor(where="name:theirs")])
    with otel.get_tracer("theirs.client").start_as_current_span("theirs", attributes={"output.value": '"please"'}):
        pass
    tracelm.shutdown()
    with tracelm.open_store() as store:
        assert [each.passed for each in store.scores()] == [True]


def test_one_name_is_one_monitor() -> None:
    init()
    running = monitor().start()
    assert monitor().start() is running
    with pytest.raises(tracelm.ConfigError, match="another monitor 'answers' runs in this process"):
        monitor(where="op:search").start()
    running.stop()
    monitor(where="op:search").start().stop()
