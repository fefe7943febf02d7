"""What the store gives back: spans, traces as trees, scores, decisions, runs; for people and for pandas."""

from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

import tracelm
from tests.unit.store.otlp_lines import TRACE, log_line, span_line, write_segment
from tracelm.store.store import Store

pytestmark = pytest.mark.usefixtures("backend")

OTHER = "aaaa" + TRACE[4:]


def opened(home: Path, *spans: bytes, logs: tuple[bytes, ...] = ()) -> Store:
    write_segment(home, spans=spans, logs=logs)
    return tracelm.open_store(home=home)


def model_call(span: str, *, cost: float | None, operation: str = "chat", tokens: int = 10, **more: str) -> bytes:
    attributes: dict[str, object] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": 2,
    }
    if cost is not None:
        attributes["gen_ai.usage.cost.amount"] = cost
    return span_line("chat m", span=span, parent=more.get("parent", "00000000000000a1"), attributes=attributes)


def test_a_span_has_its_columns_and_all_of_its_record(tmp_path: Path) -> None:
    line = span_line(
        "chat m",
        attributes={
            "tracelm.op.name": "explain",
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.usage.output_tokens": 3,
            "gen_ai.usage.cost.amount": 0.25,
            "gen_ai.usage.cost.currency": "USD",
            "gen_ai.conversation.id": "s",
            "user.id": "u",
            "input.value": "in",
            "output.value": "out",
            "custom": True,
        },
        status=2,
        message="no",
    )
    with opened(tmp_path, line) as store:
        (span,) = store.spans()
    assert {name: value for name, value in vars(span).items() if name != "record"} == snapshot(
        {
            "project": "shop",
            "trace_id": "5b8efff798038103d269b633813fc60c",
            "span_id": "00000000000000a1",
            "parent_span_id": None,
            "name": "chat m",
            "kind": "internal",
            "start_ns": 1000,
            "end_ns": 2000,
            "duration_ns": 1000,
            "status": "error",
            "status_message": "no",
            "error_type": None,
            "op": "explain",
            "operation": "chat",
            "provider": "openai",
            "model": "m",
            "input_tokens": 12,
            "output_tokens": 3,
            "cache_read_tokens": None,
            "cache_write_tokens": None,
            "reasoning_tokens": None,
            "cost_usd": 0.25,
            "session_id": "s",
            "user_id": "u",
            "release": None,
            "environment": None,
            "tags": (),
            "run_id": None,
            "row_digest": None,
            "state": "ended",
            "recorded_cost_usd": None,
            "repricings": None,
        }
    )
    assert (span.input, span.output, span.attributes["custom"]) == ("in", "out", True)
    assert span.otlp.source == line


def test_odd_values_in_known_attributes_cost_no_span(tmp_path: Path) -> None:
    odd = {
        "gen_ai.usage.input_tokens": "many",
        "gen_ai.usage.output_tokens": 3.0,
        "gen_ai.usage.cost.amount": float("inf"),
        "tracelm.op.name": 5,
        "gen_ai.request.model": True,
        "user.id": "",
    }
    with opened(tmp_path, span_line(attributes=odd)) as store:
        (span,) = store.spans()
    assert (span.input_tokens, span.output_tokens, span.cost_usd) == (None, 3, None)
    assert (span.op, span.model, span.user_id) == (None, None, None)


def test_an_amount_in_another_currency_is_no_cost_in_dollars(tmp_path: Path) -> None:
    euros = {"gen_ai.usage.cost.amount": 1.0, "gen_ai.usage.cost.currency": "EUR"}
    with opened(tmp_path, span_line(attributes=euros)) as store:
        assert store.spans()[0].cost_usd is None


def test_a_trace_adds_up_its_model_calls_and_nothing_twice(tmp_path: Path) -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 20, "gen_ai.usage.cost.amount": 0.5}
    with opened(
        tmp_path,
        model_call("00000000000000a2", cost=0.25),
        model_call("00000000000000a3", cost=None),
        model_call("00000000000000a4", cost=0.25, operation="embeddings"),
        span_line("agent", attributes=agent),
    ) as store:
        (trace,) = store.traces()
    assert (trace.name, trace.span_count) == ("agent", 4)
    assert (trace.input_tokens, trace.output_tokens, trace.cost_usd) == (30, 6, 0.5)


def test_unknown_cost_is_absent_and_never_zero(tmp_path: Path) -> None:
    with opened(tmp_path, model_call("00000000000000a1", cost=None, parent="")) as store:
        assert store.traces()[0].cost_usd is None


def test_a_root_that_arrives_late_names_the_trace(tmp_path: Path) -> None:
    child = span_line("child", span="00000000000000a2", parent="00000000000000a1", start=500, status=2)
    segment, _lock = write_segment(tmp_path, spans=[child])
    with tracelm.open_store(home=tmp_path) as store:
        assert [(trace.name, trace.status) for trace in store.traces()] == [("child", "error")]
        with segment.file("spans").open("ab") as file:
            file.write(span_line("root", attributes={"input.value": "hello"}) + b"\n")
        (trace,) = store.traces()
    assert (trace.name, trace.status, trace.error_count, trace.input) == ("root", "unset", 1, "hello")
    assert (trace.start_ns, trace.end_ns) == (500, 2000)


def test_lists_are_newest_first_and_limited(tmp_path: Path) -> None:
    lines = [span_line(f"s{n}", trace=f"{n:032x}", start=n, end=n) for n in range(1, 60)]
    with opened(tmp_path, *lines) as store:
        assert [trace.name for trace in store.traces(limit=2)] == ["s59", "s58"]
        assert len(store.traces()) == 50
        assert len(store.traces(limit=None)) == 59
        assert [span.name for span in store.spans(limit=2)] == ["s59", "s58"]
        with pytest.raises(ValueError, match="limit=0"):
            store.spans(limit=0)


def test_filters_match_exactly(tmp_path: Path) -> None:
    with opened(
        tmp_path,
        span_line("a", span="00000000000000a1", attributes={"tracelm.op.name": "f", "tracelm.run.id": "run1"}),
        span_line("b", span="00000000000000a2", trace=OTHER, project="other"),
    ) as store:
        assert [span.name for span in store.spans(op="f")] == ["a"]
        assert [span.name for span in store.spans(name="b")] == ["b"]
        assert [span.name for span in store.spans(run_id="run1")] == ["a"]
        assert [span.name for span in store.spans(trace_id=OTHER)] == ["b"]
        assert [span.name for span in store.spans(project="other")] == ["b"]
        assert [trace.name for trace in store.traces(project="shop")] == ["a"]
        assert len(store.spans(op="g")) == 0


def test_an_unknown_project_says_which_are_known(tmp_path: Path) -> None:
    with opened(tmp_path, span_line(), span_line(project="other")) as store:
        for query in (store.traces, store.spans, store.scores, store.decisions, store.runs):
            with pytest.raises(tracelm.StoreError) as caught:
                query(project="shoop")
            assert str(caught.value) == snapshot("no project 'shoop' in this store; it has 'other', 'shop'")
        assert [(project.name, project.traces) for project in store.projects()] == [("other", 1), ("shop", 1)]


def test_a_project_that_has_only_scores_is_known(tmp_path: Path) -> None:
    with opened(tmp_path, logs=(log_line("e", {}, project="p"),)) as store:
        assert [(each.name, each.traces, each.last_start_ns) for each in store.projects()] == [("p", 0, None)]
        assert len(store.traces(project="p")) == 0


def test_a_trace_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    with opened(tmp_path, span_line(), span_line(trace=TRACE[:8] + OTHER[8:])) as store:
        assert store.trace(TRACE).summary.trace_id == TRACE
        with pytest.raises(tracelm.StoreError, match="no trace has an id that begins with 'ffff'"):
            store.trace("ffff")
        with pytest.raises(tracelm.StoreError, match="at least 4"):
            store.trace("5b8")


def test_an_ambiguous_beginning_names_the_candidates(tmp_path: Path) -> None:
    twin = TRACE[:30] + "ff"
    with opened(tmp_path, span_line(), span_line(trace=twin)) as store:
        with pytest.raises(tracelm.StoreError) as caught:
            store.trace(TRACE[:6].upper())
        assert TRACE in str(caught.value)
        assert twin in str(caught.value)


def test_a_trace_comes_in_tree_order(tmp_path: Path) -> None:
    with opened(
        tmp_path,
        span_line("leaf", span="00000000000000a4", parent="00000000000000a2", start=3),
        span_line("second", span="00000000000000a3", parent="00000000000000a1", start=4),
        span_line("first", span="00000000000000a2", parent="00000000000000a1", start=2),
        span_line("root", span="00000000000000a1", start=1),
    ) as store:
        tree = store.trace(TRACE)
    assert [span.name for span in tree.spans] == ["root", "first", "leaf", "second"]
    assert [span.name for span in tree.roots] == ["root"]
    assert [span.name for span in tree.children(tree.roots[0])] == ["first", "second"]


def test_a_trace_through_two_projects_is_one_tree(tmp_path: Path) -> None:
    with opened(
        tmp_path,
        span_line("caller", project="front", start=1, end=9),
        span_line("service", span="00000000000000a2", parent="00000000000000a1", project="back", start=2, end=3),
    ) as store:
        tree = store.trace(TRACE)
        assert [span.name for span in tree.spans] == ["caller", "service"]
        assert (tree.summary.project, tree.summary.span_count, len(tree.roots)) == ("front", 2, 1)
        assert [span.name for span in store.trace(TRACE, project="back").spans] == ["service"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(parents=st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_every_span_stands_once_in_the_tree_whatever_its_parent_says(
    tmp_path_factory: pytest.TempPathFactory, parents: list[int]
) -> None:
    trace = uuid4().hex  # the examples share a database where that is a server
    lines = [
        span_line(str(n), trace=trace, span=f"{n:016x}", parent=f"{parent:016x}" if parent else None, start=10 - n)
        for n, parent in enumerate(parents, start=1)
    ]
    with opened(tmp_path_factory.mktemp("home"), *lines) as store:
        tree = store.trace(trace)
        assert sorted(span.name for span in tree.spans) == sorted(str(n) for n in range(1, len(parents) + 1))
        walked: list[str] = []
        stack = list(tree.roots)
        while stack:
            span = stack.pop()
            walked.append(span.name)
            stack.extend(tree.children(span))
        assert sorted(walked) == sorted(span.name for span in tree.spans)
        assert tree.summary.span_count == len(parents)


def test_scores_and_decisions_are_read(tmp_path: Path) -> None:
    score = {
        "log.record.uid": "u1",
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": 0.0,
        "gen_ai.evaluation.score.label": "false",
        "gen_ai.evaluation.explanation": "off topic",
        "tracelm.score.passed": False,
        "tracelm.score.source": "human",
        "tracelm.score.author": "ada",
        "tracelm.scorer.version": "v",
        "tracelm.score.details": '{"risk": 0.5}',
    }
    decision = {
        "log.record.uid": "u2",
        "tracelm.guardrail.name": "pii",
        "tracelm.guardrail.action.intended": "block",
        "tracelm.guardrail.action.taken": "block",
        "tracelm.guardrail.outcome": "enforced",
        "tracelm.guardrail.latency_s": 0.002,
    }
    failed = {"log.record.uid": "u3", "gen_ai.evaluation.name": "judge", "error.type": "TimeoutError"}
    with opened(
        tmp_path,
        span_line(),
        logs=(
            log_line("gen_ai.evaluation.result", score, time=1),
            log_line("tracelm.guardrail.decision", decision, time=2),
            log_line("gen_ai.evaluation.result", failed, time=3),
        ),
    ) as store:
        broken, found = store.scores()
        assert (broken.name, broken.value, broken.error_type) == ("judge", None, "TimeoutError")
        assert vars(found) == snapshot(
            {
                "project": "shop",
                "uid": "u1",
                "trace_id": "5b8efff798038103d269b633813fc60c",
                "span_id": "00000000000000a1",
                "time_ns": 1,
                "name": "relevance",
                "value": 0.0,
                "label": "false",
                "passed": False,
                "explanation": "off topic",
                "error_type": None,
                "source": "human",
                "author": "ada",
                "scorer_version": "v",
                "details": {"risk": 0.5},
                "run_id": None,
                "row_digest": None,
                "row_index": None,
                "trial": None,
                "monitor": None,
                "weight": None,
            }
        )
        assert [each.uid for each in store.scores(source="human", name="relevance")] == ["u1"]
        (made,) = store.decisions(trace_id=TRACE)
        assert (made.guardrail, made.intended, made.taken, made.outcome, made.latency_s) == (
            "pii",
            "block",
            "block",
            "enforced",
            0.002,
        )
        tree = store.trace(TRACE)
        assert [each.uid for each in tree.scores_of(tree.roots[0])] == ["u1", "u3"]
        assert [each.uid for each in tree.decisions_of(tree.roots[0])] == ["u2"]


def run_lines(*, finished: bool) -> tuple[list[bytes], list[bytes]]:
    rows = [
        span_line(
            "evaluation row",
            trace=f"{n:032x}",
            start=n * 10,
            status=2 if n == 3 else 0,
            attributes={
                "tracelm.run.id": "run-77",
                "tracelm.row.index": n - 1,
                "tracelm.row.digest": "d",
                "tracelm.row.outcome": "task_error" if n == 3 else "scored",
            },
        )
        for n in (1, 2, 3)
    ]
    run = {
        "tracelm.run.id": "run-77",
        "tracelm.run.name": "nightly",
        "tracelm.run.rows": 3,
        "tracelm.run.trials": 1,
        "tracelm.dataset.name": "d",
    }
    scores = [
        log_line(
            "gen_ai.evaluation.result",
            {
                "log.record.uid": f"u{n}",
                "gen_ai.evaluation.name": "good",
                "gen_ai.evaluation.score.value": value,
                "tracelm.score.source": "eval",
                "tracelm.run.id": "run-77",
                "tracelm.row.index": n,
            },
            trace=f"{n + 1:032x}",
        )
        for n, value in enumerate((1.0, 0.5))
    ]
    return [*rows, *([span_line("evaluate nightly", start=5, attributes=run)] if finished else [])], scores


def test_an_evaluation_run_is_summed_up(tmp_path: Path) -> None:
    spans, scores = run_lines(finished=True)
    with opened(tmp_path, *spans, logs=tuple(scores)) as store:
        (run,) = store.runs()
        assert run == store.run("run-7")
    assert (run.name, run.dataset, run.rows, run.trials, run.start_ns, run.end_ns) == ("nightly", "d", 3, 1, 5, 2000)
    assert (run.done, run.row_errors, run.means) == (3, 1, {"good": 0.75})


def test_a_run_whose_process_died_is_listed_as_not_finished(tmp_path: Path) -> None:
    spans, scores = run_lines(finished=False)
    with opened(tmp_path, *spans, logs=tuple(scores)) as store:
        (run,) = store.runs()
    assert (run.run_id, run.name, run.end_ns, run.start_ns, run.done) == ("run-77", None, None, 10, 3)


def test_rows_are_a_sequence(tmp_path: Path) -> None:
    with opened(tmp_path, span_line(), span_line("b", span="00000000000000a2", start=2000)) as store:
        rows = store.spans()
    assert (len(rows), rows[0].name, [row.name for row in rows[1:]], bool(rows)) == (2, "b", ["op"], True)
    assert repr(rows) == "<2 x StoredSpan>"
    assert rows[1:].to_pandas()["name"].tolist() == ["op"]


def test_pandas_has_the_documented_columns_also_when_nothing_is_there(tmp_path: Path) -> None:
    with opened(tmp_path) as empty:
        before = {
            name: getattr(empty, name)().to_pandas().dtypes.astype(str).to_dict()
            for name in ("spans", "traces", "scores", "decisions", "runs", "projects")
        }
    spans, scores = run_lines(finished=True)
    decision = log_line("tracelm.guardrail.decision", {"tracelm.guardrail.name": "g"})
    with opened(tmp_path, *spans, logs=(*scores, decision)) as full:
        for name, dtypes in before.items():
            frame = getattr(full, name)().to_pandas()
            assert len(frame) > 0
            assert frame.dtypes.astype(str).to_dict() == dtypes
    assert list(before["spans"])[:16] == [
        "trace_id",
        "span_id",
        "parent_span_id",
        "name",
        "start_ns",
        "end_ns",
        "duration_ns",
        "status",
        "status_message",
        "error_type",
        "op",
        "operation",
        "provider",
        "model",
        "input_tokens",
        "output_tokens",
    ]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.close()
    with pytest.raises(tracelm.StoreError, match="closed"):
        store.traces()


def test_what_a_program_records_is_there_at_once() -> None:
    tracelm.init("live")

    @tracelm.op
    def greet(name: str) -> str:
        return f"hello {name}"

    greet("ada")
    with tracelm.open_store() as store:
        (span,) = store.spans(op=store.spans()[0].op)
        assert (span.project, span.input, span.output) == ("live", '{"name":"ada"}', '"hello ada"')
        greet("bob")
        assert len(store.traces(project="live")) == 2
