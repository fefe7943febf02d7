"""A monitor over a store: what it judges, what it writes, and that it does neither twice."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from inline_snapshot import snapshot

import tracelm
from tracelm.errors import StoreError
from tracelm.monitors.monitor import Monitor
from tracelm.monitors.worker import Progress, catch_up
from tracelm.scorers import PII, ToolsCalled
from tracelm.scoring.call import ScoreContext
from tracelm.store.store import Store
from tracelm.store.tables import MONITORS, SPANS


@tracelm.op(name="answer")
def answer(question: str) -> str:
    if question == "fail":
        raise ValueError("no answer")
    return f"please read {question}"


@tracelm.op(name="search", kind="tool")
def search(term: str) -> list[str]:
    return [term]


@tracelm.op(name="agent")
def agent(question: str) -> str:
    return search(question)[0]


def polite(output: str) -> bool:
    return "please" in output


def thankful(output: str) -> bool:
    return "thanks" in output


def quotes(output: str, question: str, inputs: dict[str, Any], context: ScoreContext) -> bool:
    return inputs == context.row == {"question": question} and question in output == context.output


@pytest.fixture
def store(backend: str) -> Iterator[Store]:
    tracelm.init("shop")
    with tracelm.open_store() as found:
        yield found


def run(store: Store, monitor: Monitor, **options: Any) -> Progress:
    return anyio.run(lambda: catch_up(store, monitor, **options))


def monitor(*scorers: Any, **options: Any) -> Monitor:
    known: dict[str, Any] = {"name": "answers", "scorers": scorers or (polite,), "where": "op:answer", **options}
    return Monitor(**known)


def test_a_score_is_the_record_that_every_score_is_with_its_monitor_and_weight(store: Store) -> None:
    answer("hours")
    assert run(store, monitor()) == Progress(monitor="answers", matched=1, judged=1)
    (span,) = store.spans(op="answer")
    (score,) = store.scores()
    assert (score.trace_id, score.span_id, score.project) == (span.trace_id, span.span_id, "shop")
    told = {name: value for name, value in vars(score).items() if name not in {"trace_id", "span_id", "time_ns", "uid"}}
    assert told == snapshot(
        {
            "project": "shop",
            "name": "polite",
            "value": 1.0,
            "label": "true",
            "passed": True,
            "explanation": None,
            "error_type": None,
            "source": "monitor",
            "author": None,
            "scorer_version": score.scorer_version,
            "details": {},
            "run_id": None,
            "row_digest": None,
            "row_index": None,
            "trial": None,
            "monitor": "answers",
            "weight": 1.0,
        }
    )
    assert store.maintenance.check() == []


def test_a_scorer_is_filled_as_in_an_evaluation(store: Store) -> None:
    answer("hours")
    run(store, monitor(quotes))
    assert [each.passed for each in store.scores()] == [True]


def test_each_span_is_scored_once_however_often_the_monitor_runs(store: Store) -> None:
    answer("one")
    assert run(store, monitor()).judged == 1
    answer("two")
    assert run(store, monitor()).judged == 1
    assert run(store, monitor()) == Progress(monitor="answers")
    assert len(store.scores()) == 2


def test_a_monitor_whose_place_was_lost_judges_nothing_again(store: Store) -> None:
    for number in range(5):
        answer(str(number))
    run(store, monitor())
    before = store.scores()
    with store.writing() as connection:
        connection.execute(MONITORS.delete())
    assert run(store, monitor()).judged == 0
    assert list(store.scores()) == list(before)


def test_a_changed_scorer_goes_on_from_where_the_other_was(store: Store) -> None:
    answer("one")
    run(store, monitor(tracelm.scorer(name="polite")(polite)))
    answer("two")
    run(store, monitor(tracelm.scorer(name="polite")(thankful)))
    newer, older = store.scores()
    assert (older.passed, newer.passed) == (True, False)
    assert older.scorer_version != newer.scorer_version


def test_more_than_a_page_is_judged_in_the_order_in_which_it_came(store: Store) -> None:
    for number in range(230):
        answer(str(number))
    assert run(store, monitor()).judged == 230
    assert len({each.span_id for each in store.scores(limit=None)}) == 230


def test_a_span_that_had_not_ended_is_judged_when_it_has(store: Store) -> None:
    answer("open")
    (span,) = store.spans(op="answer")
    with store.writing() as connection:
        of_span = SPANS.c.span_id == span.span_id
        connection.execute(SPANS.update().where(of_span).values(state="in flight", pending_in="some"))
    answer("done")
    assert run(store, monitor()).judged == 1
    assert run(store, monitor()).judged == 0
    with store.writing() as connection:
        connection.execute(SPANS.update().where(of_span).values(state="ended"))
    assert run(store, monitor()).judged == 1
    assert run(store, monitor()).judged == 0
    assert len(store.scores()) == 2


def test_a_new_monitor_looks_at_nothing_that_began_before_it_is_told_to(store: Store) -> None:
    answer("old")
    (span,) = store.spans(op="answer")
    assert run(store, monitor(), since_ns=span.start_ns + 1).judged == 0
    assert run(store, monitor()).judged == 0  # it began once
    assert run(store, monitor(name="another")).judged == 1


def test_rows_of_an_evaluation_are_no_traffic(store: Store) -> None:
    dataset = tracelm.Dataset(name="questions", rows=[{"question": "a"}])
    tracelm.Evaluation(dataset=dataset, scorers=[polite], name="e").run(answer)
    assert len(store.spans(op="answer")) == 1
    assert run(store, monitor()).matched == 0


def test_what_a_scorer_calls_is_not_recorded(store: Store) -> None:
    @tracelm.op(name="answer")
    def asks_back(output: str) -> bool:
        return answer(output) != ""

    answer("hours")
    assert run(store, monitor(asks_back)).judged == 1
    assert len(store.spans()) == 1
    assert run(store, monitor(asks_back)).judged == 0


def test_a_scorer_that_fails_is_a_record_and_stops_nothing(store: Store) -> None:
    def breaks(output: str) -> bool:
        raise LookupError(f"no {output}")

    def nonsense(output: str) -> object:
        return object()

    def wants(output: str, expected: str) -> bool:
        return output == expected

    answer("hours")
    assert run(store, monitor(breaks, nonsense, wants, polite)).failed == 3
    found = {each.name: (each.error_type, each.passed) for each in store.scores()}
    assert found == snapshot(
        {
            "breaks": ("LookupError", None),
            "nonsense": ("TypeError", None),
            "wants": ("tracelm.errors.EvaluationError", None),
            "polite": (None, True),
        }
    )


def test_a_scorer_that_hangs_ends_with_its_time(store: Store) -> None:
    free = threading.Event()

    def hangs(output: str) -> bool:
        free.wait(60)
        return True

    answer("hours")
    try:
        assert run(store, monitor(hangs, timeout_s=0.01)).failed == 1
    finally:
        free.set()
    (found,) = store.scores()
    assert (found.error_type, found.explanation) == ("TimeoutError", "TimeoutError: it took longer than timeout_s=0.01")


def test_async_scorers_and_those_with_several_scores_work(store: Store) -> None:
    async def several(output: str) -> dict[str, float]:
        await anyio.lowlevel.checkpoint()
        return {"length": len(output), "words": len(output.split())}

    answer("hours")
    run(store, monitor(several))
    assert {each.name: each.value for each in store.scores()} == {"several.length": 17, "several.words": 3}


def test_a_failed_call_is_judged_by_those_that_need_no_output(store: Store) -> None:
    def known(question: str) -> bool:
        return question != "fail"

    with pytest.raises(ValueError, match="no answer"):
        answer("fail")
    progress = run(store, monitor(polite, known))
    assert (progress.judged, progress.without_output) == (1, 1)
    assert [(each.name, each.passed) for each in store.scores()] == [("known", False)]


def test_a_trajectory_is_read_from_the_store(store: Store) -> None:
    agent("a")
    agent("b")
    run(store, monitor(ToolsCalled(tools=("search",)), where="op:agent"))
    assert [each.passed for each in store.scores()] == [True, True]


def test_a_call_of_a_model_is_judged_by_its_reply(store: Store) -> None:
    said = '[{"role":"assistant","parts":[{"type":"text","content":"mail ada@example.com"}]}]'
    asked = '[{"role":"user","parts":[{"type":"text","content":"who?"}]}]'
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": asked, "gen_ai.output.messages": said}
    with tracelm.span("chat m", attributes=attributes):
        pass

    def asked_by_user(messages: list[dict[str, object]]) -> bool:
        return messages[0]["role"] == "user"

    run(store, monitor(PII(), asked_by_user, where="operation:chat"))
    assert {each.name: each.passed for each in store.scores()} == {"pii": False, "asked_by_user": True}


def test_secrets_in_what_a_scorer_says_do_not_reach_the_store(store: Store) -> None:
    def tells(output: str) -> tracelm.Score:
        return tracelm.Score(value=False, explanation="password=hunter2hunter2", details={"api_key": "k1234567890"})

    answer("hours")
    run(store, monitor(tells))
    (found,) = store.scores()
    assert "hunter2" not in (found.explanation or "")
    assert "k1234567890" not in str(found.details)


def test_rare_cases_are_sampled_more_and_weigh_less(store: Store) -> None:
    def known(question: str) -> bool:
        return question != "fail"

    for number in range(60):
        answer(str(number))
    for _ in range(5):
        with pytest.raises(ValueError, match="no answer"):
            answer("fail")
    run(store, monitor(known, sample_rate=0.25, over_sample={"status:error": 1.0}))
    failed = [each.weight for each in store.scores(limit=None) if not each.passed]
    passed = [each.weight for each in store.scores(limit=None) if each.passed]
    assert failed == [1.0] * 5
    assert 0 < len(passed) < 40
    assert set(passed) == {4.0}


def test_two_processes_with_one_monitor_do_not_write_over_each_other(store: Store) -> None:
    answer("hours")
    other: Callable[[], Progress] = lambda: run(store, monitor())  # noqa: E731

    def meanwhile(output: str) -> bool:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return bool(output)

    with pytest.raises(StoreError, match="another process runs the monitor 'answers'"):
        run(store, monitor(meanwhile))
    assert [each.name for each in store.scores()] == ["polite"]


def test_scores_of_several_projects_stand_with_their_spans(store: Store) -> None:
    answer("one")
    tracelm.shutdown()
    tracelm.init("bank")
    answer("two")
    run(store, monitor())
    assert {each.project for each in store.scores()} == {"shop", "bank"}
