"""The REST API: what it tells of traces, scores, runs and datasets, in pages, with errors that help."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

import tracelm
from tests.serving import Serving, serving
from tests.unit.evals.saved import dataset, run_of
from tests.unit.sinks.notices import NOTICE
from tests.unit.store.otlp_lines import log_line, span_line, write_segment
from tracelm.store import alerts
from tracelm.store.alerts import StoredAlert

SECOND = 10**9
BEGAN = 1_795_000_000 * SECOND
TRACE = "a" * 32
CHAT: dict[str, object] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.usage.cost.amount": 0.25,
    "gen_ai.usage.cost.currency": "USD",
}


def numbered(number: int) -> str:
    return f"{number:016x}"


def one_trace(trace: str, start_s: int, took_s: float, **root: Any) -> list[bytes]:
    start, end = BEGAN + start_s * SECOND, BEGAN + start_s * SECOND + int(took_s * SECOND)
    attributes = {"input.value": f'{{"question":"{start_s}"}}', "output.value": '"fine"', "session.id": "s1"}
    return [
        span_line("answer", trace=trace, span=numbered(1), start=start, end=end, attributes=attributes, **root),
        span_line(
            "chat gpt-4o",
            trace=trace,
            span=numbered(2),
            parent=numbered(1),
            start=start + 1,
            end=end - 1,
            attributes=CHAT,
        ),
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server over one home: traces of a journal, two runs of an evaluation, and a dataset."""
    home = tmp_path_factory.mktemp("home")
    spans = one_trace(TRACE, 0, 2)
    for number in range(1, 8):
        spans += one_trace(f"{number:032x}", number * 60, number, status=2 if number == 3 else 0)
    large: dict[str, object] = {"big": "x" * 100_000, "small": 1, "endless": math.inf}
    spans.append(
        span_line("large", trace=TRACE, span=numbered(3), parent=numbered(2), start=BEGAN, end=BEGAN, attributes=large)
    )
    score = {
        "log.record.uid": "u1",
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": 0.5,
        "tracelm.score.source": "monitor",
    }
    decision = {"log.record.uid": "u2", "tracelm.guardrail.name": "pii", "tracelm.guardrail.action.taken": "block"}
    logs = [
        log_line("gen_ai.evaluation.result", score, trace=TRACE, span=numbered(2), time=BEGAN),
        log_line("tracelm.guardrail.decision", decision, trace=TRACE, span=numbered(2), time=BEGAN),
    ]
    write_segment(home, project="shop", spans=spans, logs=logs)
    tracelm.init("evals", home=home, patch=False)
    run_of([True] * 15 + [False] * 5)
    run_of([False] * 15 + [True] * 4 + [ValueError("no")])
    tracelm.shutdown()
    made = dataset(5, text=["a"] * 5)
    made.publish(aliases=["reviewed"], note="first", url=f"sqlite:///{home}/tracelm.db")
    with serving(home) as running:
        yield running


def names(page: dict[str, Any]) -> list[str]:
    return [each["trace_id"][-1] for each in page["items"]]


def test_traces_come_in_pages_that_meet_without_a_gap(server: Serving) -> None:
    found: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = server.get("/traces", project="shop", limit=3, **after).json
        found += names(page)
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == ["7", "6", "5", "4", "3", "2", "1", "a"]


def test_traces_are_filtered_sorted_and_cut_out_by_time(server: Serving) -> None:
    def ask(**query: Any) -> list[str]:
        return names(server.get("/traces", project="shop", **query).json)

    assert ask(where="latency>5s") == ["7", "6"]
    assert ask(order_by="latency", limit=2) == ["1", "2"] or ask(order_by="latency", limit=3)[0] == "1"
    assert ask(where="status:error") == ["3"]
    assert ask(where="score.relevance>0.4") == ["a"]
    assert ask(since_ns=BEGAN + 60 * SECOND, until_ns=BEGAN + 180 * SECOND) == ["2", "1"]


def test_a_line_of_the_list_has_what_it_shows(server: Serving) -> None:
    [line] = [each for each in server.get("/traces", project="shop").json["items"] if each["trace_id"] == TRACE]
    assert line == snapshot(
        {
            "project": "shop",
            "trace_id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "root_span_id": "0000000000000001",
            "name": "answer",
            "start_ns": "1795000000000000000",
            "end_ns": "1795000002000000000",
            "duration_ns": 2000000000,
            "status": "unset",
            "status_message": None,
            "span_count": 3,
            "error_count": 0,
            "input_tokens": 10,
            "output_tokens": 5,
            "cost_usd": 0.25,
            "session_id": "s1",
            "user_id": None,
            "release": None,
            "environment": None,
            "tags": [],
            "run_id": None,
            "state": "ended",
            "input_preview": '{"question":"0"}',
            "output_preview": '"fine"',
        }
    )


def test_a_filter_that_cannot_be_read_says_where(server: Serving) -> None:
    reply = server.get("/traces", where="op:a latency>>2s")
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    assert reply.json == snapshot(
        {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "'>2s' is no value of 'latency': write a number with a unit: 300ms, 2s, 5m, 1h",
            "problem": "'>2s' is no value of 'latency'",
            "remedy": "write a number with a unit: 300ms, 2s, 5m, 1h",
            "position": 13,
            "length": 3,
        }
    )


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"order_by": "name"}, {"since_ns": -1}, {"since_ns": 2**63},
        {"after": "nonsense"}, {"project": ""}, {"project": "unknown"}, {"where": "x" * 4001},
    ],
    ids=str,
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_a_problem_with_a_reason(server: Serving, query: dict[str, Any]) -> None:
    reply = server.get("/traces", **query)
    assert reply.status in {400, 422}
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["detail"]


def test_a_trace_is_a_page_of_its_tree_with_scores_and_decisions(server: Serving) -> None:
    first = server.get(f"/traces/{TRACE}", limit=2).json
    assert [(each["name"], each["depth"], each["child_count"]) for each in first["spans"]] == [
        ("answer", 0, 1),
        ("chat gpt-4o", 1, 1),
    ]
    assert [each["name"] for each in first["scores"]] == ["relevance"]
    assert [(each["guardrail"], each["taken"]) for each in first["decisions"]] == [("pii", "block")]
    assert (first["trace"]["span_count"], first["trace"]["cost_usd"]) == (3, 0.25)
    second = server.get(f"/traces/{TRACE}", limit=2, after=first["next"]).json
    assert ([each["name"] for each in second["spans"]], second["next"], second["scores"]) == (["large"], None, [])
    assert server.get("/traces/" + "f" * 32).status == 404


def test_the_outline_of_a_trace_has_the_places_of_all_spans_and_lines_come_for_those_that_are_seen(
    server: Serving,
) -> None:
    whole = server.get(f"/traces/{TRACE}").json["spans"]
    outline = server.get(f"/traces/{TRACE}/outline").json
    assert outline == {
        "span_ids": [each["span_id"] for each in whole],
        "depths": [each["depth"] for each in whole],
        "child_counts": [each["child_count"] for each in whole],
        "projects": [whole[0]["project"]],
        "owners": [],
    }
    query = f"span={numbered(2)}&span={numbered(3)}&span={numbered(99)}"
    lines = server.ask("GET", f"/api/v1/traces/{TRACE}/lines?{query}").json["items"]
    placed = {each["span_id"]: each for each in whole}
    assert sorted(each["span_id"] for each in lines) == [numbered(2), numbered(3)]
    assert all(placed[each["span_id"]] | each == placed[each["span_id"]] for each in lines)
    assert server.get("/traces/" + "f" * 32 + "/outline").status == 404


def test_a_span_has_its_contents_and_names_what_is_too_large(server: Serving) -> None:
    span = server.get(f"/traces/{TRACE}/spans/{numbered(3)}").json
    assert span["attributes"] == {"small": 1, "endless": "Infinity"}
    [large] = span["large"]
    assert (large["key"], large["size_bytes"], large["beginning"]) == ("big", 100_002, "x" * 2_000)
    assert server.ask("GET", large["href"]).json == "x" * 100_000
    assert server.get(f"/traces/{TRACE}/spans/{numbered(3)}/value", key=None, event=0).status == 422
    otlp = server.get(f"/traces/{TRACE}/spans/{numbered(3)}/otlp").json
    assert otlp["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == "large"
    chat = server.get(f"/traces/{TRACE}/spans/{numbered(2)}").json
    assert ([each["name"] for each in chat["scores"]], len(chat["decisions"])) == (["relevance"], 1)


def test_spans_are_listed_by_filter(server: Serving) -> None:
    page = server.get("/spans", where="model:gpt-4o", project="shop", limit=100).json
    assert (len(page["items"]), {each["operation"] for each in page["items"]}) == (8, {"chat"})


@pytest.mark.parametrize(
    ("value", "stored"),
    [(True, (1.0, "true", True)), (0.75, (0.75, None, None)), ("bad", (None, "bad", None))],
)
def test_feedback_is_a_score_with_an_author_in_the_store(server: Serving, value: object, stored: object) -> None:
    feedback = {"trace_id": f"{5:032x}", "span_id": numbered(2), "name": "helpful", "value": value}
    reply = server.post("/scores", feedback | {"explanation": "so", "author": "Ada"})
    assert reply.status == 201
    uid = reply.json["uid"]
    with tracelm.open_store(home=server.home) as store:
        [found] = [each for each in store.scores(trace_id=f"{5:032x}") if each.uid == uid]
    assert (found.value, found.label, found.passed) == stored
    assert (found.source, found.author, found.explanation, found.span_id) == ("human", "Ada", "so", numbered(2))
    assert found.project == "shop"


def test_feedback_on_a_trace_is_about_its_root(server: Serving) -> None:
    reply = server.post("/scores", {"trace_id": f"{6:032x}", "name": "helpful", "value": False})
    assert (reply.status, reply.json["span_id"], reply.json["project"]) == (201, numbered(1), "shop")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"trace_id": "e" * 32}, 404), ({"span_id": "e" * 16}, 404), ({"trace_id": "short"}, 422),
        ({"value": None}, 422), ({"value": [1]}, 422), ({"name": " "}, 422), ({"source": "eval"}, 422),
        ({"extra": 1}, 422),
    ],
    ids=str,
)  # fmt: skip
def test_feedback_that_makes_no_sense_is_refused(server: Serving, change: dict[str, object], status: int) -> None:
    feedback: dict[str, object] = {"trace_id": f"{6:032x}", "name": "helpful", "value": True}
    assert server.post("/scores", feedback | change).status == status


def test_a_large_body_is_refused_before_it_is_read(server: Serving) -> None:
    for path in ("/api/v1/scores", "/api/v1/session", "/api/v1/keys", "/traces"):
        headers = {"content-type": "application/json", "content-length": "1000001"}
        assert server.ask("POST", path, headers=headers).status == 413
        headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
        assert server.ask("POST", path, headers=headers).status == 411


def test_sessions_sum_up_their_traces(server: Serving) -> None:
    [line] = server.get("/sessions", project="shop", since_ns=0).json["items"]
    assert line == snapshot(
        {
            "project": "shop",
            "session_id": "s1",
            "user_id": None,
            "trace_count": 8,
            "error_count": 1,
            "start_ns": "1795000000000000000",
            "end_ns": "1795000427000000000",
            "input_tokens": 80,
            "output_tokens": 40,
            "cost_usd": 2.0,
        }
    )


def test_figures_over_time_count_traces_errors_cost_and_latency(server: Serving) -> None:
    query: dict[str, Any] = {"project": "shop", "since_ns": BEGAN, "until_ns": BEGAN + 480 * SECOND}
    table = server.get("/stats", buckets=2, **query).json
    assert table == snapshot(
        {
            "since_ns": "1795000000000000000",
            "until_ns": "1795000480000000000",
            "bucket_ns": 240000000000,
            "items": [
                {
                    "start_ns": "1795000000000000000",
                    "group": None,
                    "count": 4,
                    "error_count": 1,
                    "input_tokens": 40,
                    "output_tokens": 20,
                    "cost_usd": 1.0,
                    "p50_ns": 2000000000,
                    "p95_ns": 3000000000,
                    "p99_ns": 3000000000,
                },
                {
                    "start_ns": "1795000240000000000",
                    "group": None,
                    "count": 4,
                    "error_count": 0,
                    "input_tokens": 40,
                    "output_tokens": 20,
                    "cost_usd": 1.0,
                    "p50_ns": 5000000000,
                    "p95_ns": 7000000000,
                    "p99_ns": 7000000000,
                },
            ],
        }
    )
    by_model = server.get("/stats", by="model", **query).json
    assert [(each["group"], each["count"], each["cost_usd"]) for each in by_model["items"]] == [("gpt-4o", 8, 2.0)]
    assert server.get("/stats", since_ns=5, until_ns=5).status == 400


def test_values_and_fields_complete_a_filter(server: Serving) -> None:
    assert server.get("/values", column="name", prefix="ch", project="shop").json == {"items": ["chat gpt-4o"]}
    assert server.get("/values", column="record").status == 422
    fields = {each["name"]: each for each in server.get("/fields").json["items"]}
    assert (fields["status"]["choices"], fields["score"]["has_key"]) == (["unset", "ok", "error"], True)


def test_a_filter_is_completed_with_what_was_recorded(server: Serving) -> None:
    def offered(text: str) -> list[str]:
        found = server.get("/complete", text=text, position=len(text), project="shop").json["items"]
        return [each["text"] for each in found]

    assert "latency" in " ".join(offered("lat"))
    assert offered("model:gp") == ["gpt-4o"]
    assert any("relevance" in each for each in offered("score.rel"))
    assert offered("project:") == []  # a key need not know the names of others


def test_the_description_has_the_form_of_errors_that_routes_point_to(server: Serving) -> None:
    schemas = server.get("/openapi.json").json["components"]["schemas"]
    assert {"detail", "position", "length"} <= schemas["ProblemDocument"]["properties"].keys()


def test_a_run_has_its_summary_rows_and_comparison(server: Serving) -> None:
    newer, older = server.get("/runs", project="evals").json["items"]
    run = server.get(f"/runs/{older['run_id']}").json
    [line] = run["summary"]
    assert (line["score"], line["n"], line["scored"], round(line["mean"], 2)) == ("right", 20, 20, 0.75)
    assert (line["low"] < 0.75 < line["high"], run["outcomes"]) == (True, {"scored": 20})
    rows = server.get(f"/runs/{newer['run_id']}/rows", outcome="task_error").json
    [row] = rows["items"]
    assert (row["row"], row["outcome"], row["inputs"], rows["next"]) == (19, "task_error", {"number": 19}, None)
    first = server.get(f"/runs/{older['run_id']}/rows", limit=15).json
    assert [each["output"] for each in first["items"]] == [True] * 15
    assert len(server.get(f"/runs/{older['run_id']}/rows", limit=15, after=first["next"]).json["items"]) == 5
    of_row = server.get(f"/runs/{older['run_id']}/rows", row=7).json
    assert ([each["row"] for each in of_row["items"]], of_row["next"]) == ([7], None)
    found = server.get(f"/runs/{newer['run_id']}/compare/{older['run_id']}").json
    [difference] = found["differences"]
    assert (difference["name"], difference["verdict"], len(found["pairs"])) == ("right", "worse", 20)
    assert found["pairs"][0]["values"] == {"right": 0.0}
    assert server.get("/runs/none-of-this").status == 404


def test_a_run_has_its_trials_and_the_scores_that_count(server: Serving) -> None:
    newer, older = server.get("/runs", project="evals").json["items"]
    assert newer["provenance"] == server.get(f"/runs/{newer['run_id']}").json["provenance"] != {}
    path = f"/runs/{newer['run_id']}/trials"
    first = server.get(path, limit=15).json
    rest = server.get(path, limit=15, after=first["next"]).json
    found = first["items"] + rest["items"]
    assert [(each["row_index"], each["trial"]) for each in found] == [(number, 0) for number in range(20)]
    assert ({each["outcome"] for each in found}, rest["next"]) == ({"scored", "task_error"}, None)
    assert (found[0]["is_exact"], found[0]["end_ns"].isdecimal(), found[19]["error"]) == (True, True, "ValueError: no")
    scores = server.get(f"/runs/{older['run_id']}/scores", limit=1000).json
    assert [each["value"] for each in scores["items"]] == [1.0] * 15 + [0.0] * 5
    links = server.get(f"/traces/{older['trace_id']}/linked", limit=7).json
    assert ({each["run_id"] for each in links["items"]}, links["next"] is None) == ({older["run_id"]}, False)


def test_spans_are_listed_by_what_they_equal(server: Serving) -> None:
    def ask(**query: Any) -> int:
        return len(server.get("/spans", limit=1000, **query).json["items"])

    [run, _] = server.get("/runs", project="evals").json["items"]
    assert (ask(trace_id=TRACE), ask(trace_id=TRACE, name="answer"), ask(op="none")) == (3, 1, 0)
    assert ask(run_id=run["run_id"], name="evaluate saved") == 1
    assert server.get("/spans", trace_id="short").status == 422


def test_several_spans_come_whole_at_once(server: Serving) -> None:
    wanted = [f"{TRACE}:{numbered(3)}", f"{TRACE}:{numbered(1)}", f"{'f' * 32}:{numbered(1)}"]
    path = "/api/v1/spans/otlp?" + "&".join(f"span={each}" for each in wanted)
    found = {each["span_id"]: each["otlp"] for each in server.ask("GET", path).json["items"]}
    assert found == {numbered(n): server.get(f"/traces/{TRACE}/spans/{numbered(n)}/otlp").body.decode() for n in (1, 3)}
    assert server.get("/spans/otlp").status == 422
    assert server.get("/spans/otlp", span="a:b").status == 422
    assert server.ask("GET", "/api/v1/spans/otlp?" + f"span={wanted[0]}&" * 101).status == 422


def test_a_dataset_has_versions_and_rows(server: Serving) -> None:
    assert server.get("/datasets").json == {"items": ["saved"]}
    [version] = server.get("/datasets/saved").json["items"]
    assert (version["version"], version["aliases"], version["note"]) == ("v0", ["reviewed"], "first")
    first = server.get("/datasets/saved/versions/reviewed", limit=2).json
    page = server.get("/datasets/saved/versions/reviewed", limit=2, after=first["rows"]["next"]).json
    assert [each["columns"] for each in page["rows"]["items"]] == [
        {"number": 2, "text": "a"},
        {"number": 3, "text": "a"},
    ]
    assert (page["row_count"], page["columns"]) == (5, ["number", "text"])
    last = server.get("/datasets/saved/versions/v0", limit=2, after=page["rows"]["next"]).json["rows"]
    assert ([each["row"] for each in last["items"]], last["next"]) == ([4], None)
    assert server.get("/datasets/none").status == 404
    assert server.get("/datasets/saved/versions/v9").status == 404


def test_moments_are_text_with_every_digit(server: Serving) -> None:
    line = server.get(f"/traces/{TRACE}").json["trace"]
    assert line["start_ns"] == str(BEGAN)


def test_an_unknown_path_of_the_api_is_a_problem_and_not_a_page(server: Serving) -> None:
    for path in ("/api", "/api/", "/api/v1/nothing", "/api/v2/traces", "/v1/nothing"):
        reply = server.ask("GET", path)
        assert (reply.status, b"<html" in reply.body) == (404, False), path
    assert server.ask("PUT", "/api/v1/traces").status == 405


def test_alerts_are_listed_with_what_they_said_and_where_they_stand(tmp_path: Path) -> None:
    standing = StoredAlert(
        monitor="answers",
        alert=NOTICE.alert,
        score="polite",
        condition=NOTICE.condition,
        severity="critical",
        status="firing",
        since_ns=BEGAN,
        looked_ns=BEGAN + SECOND,
        value=0.8,
        low=None,
        high=None,
        n=120,
        memory={},
    )
    with tracelm.open_store(home=tmp_path) as store, store.writing() as connection:
        notices = [replace(NOTICE, uid=f"n{number}", time_ns=BEGAN + number) for number in range(3)]
        assert alerts.keep(connection, "answers", [], [standing], notices)
    with serving(tmp_path) as running:
        first = running.get("/alerts", limit=2).json
        rest = running.get("/alerts", limit=2, after=first["next"]).json
        assert [each["uid"] for each in (*first["items"], *rest["items"])] == ["n2", "n1", "n0"]
        assert (first["items"][0]["kind"], first["items"][0]["time_ns"]) == ("firing", str(BEGAN + 2))
        (found,) = running.get("/alerts/standing", monitor="answers").json["items"]
        assert (found["status"], found["value"], found["since_ns"]) == ("firing", 0.8, str(BEGAN))
        assert "memory" not in found
        assert running.get("/alerts/standing", monitor="another").json == {"items": []}
