"""Long texts and messages are kept once; what is deleted, written twice or torn leaves every record whole."""

from pathlib import Path

import orjson
import pytest
from sqlalchemy import Table, func, select

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.store.store import Store
from tracelm.store.tables import CONTENTS, LINKS, RESOURCES, SCOPES

pytestmark = pytest.mark.usefixtures("backend")


def count(store: Store, table: Table) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def conversation(turns: int) -> list[bytes]:
    """Return a span for each turn: each sends all the messages before."""
    said = [{"role": "user", "content": f"{n} " + "what a question this is " * 10} for n in range(turns)]
    return [
        span_line(f"turn {n}", span=f"{n:016x}", attributes={"gen_ai.input.messages": orjson.dumps(said[:n]).decode()})
        for n in range(1, turns + 1)
    ]


def test_a_conversation_of_k_turns_stores_k_messages(tmp_path: Path) -> None:
    lines = conversation(30)
    write_segment(tmp_path, spans=lines)
    with tracelm.open_store(home=tmp_path) as store:
        spans = sorted(store.spans(), key=lambda span: span.span_id)
        assert [span.otlp.source for span in spans] == lines
        assert count(store, CONTENTS) == 30
        assert (count(store, RESOURCES), count(store, SCOPES)) == (1, 1)


def test_what_comes_twice_adds_no_contents(tmp_path: Path) -> None:
    for _ in range(2):
        write_segment(tmp_path, spans=conversation(5))
    with tracelm.open_store(home=tmp_path) as store:
        assert len(store.spans()) == 5
        assert count(store, CONTENTS) == 5


def test_contents_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    write_segment(tmp_path, spans=conversation(700))
    with tracelm.open_store(home=tmp_path) as store:
        spans = store.spans(limit=None)
        with store.writing() as connection:
            connection.execute(CONTENTS.delete())
        assert {span.name for span in spans} == {f"turn {n}" for n in range(1, 701)}
        with pytest.raises(tracelm.StoreError, match="a text of a record is missing"):
            _ = spans[0].input


def test_a_span_that_links_to_another_can_be_found_from_there(tmp_path: Path) -> None:
    line = orjson.loads(span_line("row"))
    link = {"traceId": "c" * 32, "spanId": "d" * 16}
    line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["links"] = [link]
    write_segment(tmp_path, spans=[orjson.dumps(line), orjson.dumps(line)])
    with tracelm.open_store(home=tmp_path) as store:
        assert [span.name for span in store.linked("c" * 32)] == ["row"]
        assert list(store.linked("e" * 32)) == []
        assert count(store, LINKS) == 1


def test_the_list_of_traces_shows_the_beginning_of_what_went_in_and_came_out(tmp_path: Path) -> None:
    root = span_line("root", attributes={"input.value": "q" * 1_000, "output.value": "in the post"})
    child = span_line("child", span="00000000000000a2", parent="00000000000000a1", attributes={"input.value": "x"})
    write_segment(tmp_path, spans=[child])
    with tracelm.open_store(home=tmp_path) as store:
        assert store.traces()[0].input_preview == "x"
        write_segment(tmp_path, spans=[root])
        (trace,) = store.traces()
    assert (trace.input_preview, trace.output_preview) == ("q" * 240, "in the post")
    assert trace.input == "q" * 1_000


def test_of_a_model_call_the_list_shows_what_was_said_last(tmp_path: Path) -> None:
    said = [{"role": role, "parts": [{"type": "text", "content": role}]} for role in ("system", "user")]
    attributes = {
        "gen_ai.operation.name": "chat",
        "input.value": '{"messages": "as they were sent"}',
        "gen_ai.input.messages": orjson.dumps(said).decode(),
        "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"tool_call","name":"look"}]}]',
    }
    write_segment(tmp_path, spans=[span_line("chat m", attributes=attributes)])
    with tracelm.open_store(home=tmp_path) as store:
        (trace,) = store.traces()
    assert (trace.input_preview, trace.output_preview) == ("user", attributes["gen_ai.output.messages"])


def test_tags_release_and_environment_are_columns(tmp_path: Path) -> None:
    line = orjson.loads(span_line("root"))
    tags = [{"stringValue": tag} for tag in ("a", "b", "a")]
    line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] = [
        {"key": "tracelm.tags", "value": {"arrayValue": {"values": tags}}}
    ]
    line["resourceSpans"][0]["resource"] = {
        "attributes": [
            {"key": "service.version", "value": {"stringValue": "1.2"}},
            {"key": "deployment.environment.name", "value": {"stringValue": "staging"}},
        ]
    }
    write_segment(tmp_path, spans=[orjson.dumps(line)])
    with tracelm.open_store(home=tmp_path) as store:
        (span,) = store.spans()
        (trace,) = store.traces()
    assert (span.tags, span.release, span.environment) == (("a", "b"), "1.2", "staging")
    assert (trace.tags, trace.release, trace.environment) == (("a", "b"), "1.2", "staging")


def test_a_text_with_nul_is_kept_as_it_is_and_shown_without(tmp_path: Path) -> None:
    line = span_line("a\0b", attributes={"gen_ai.request.model": "m\0", "input.value": "x\0y"})
    write_segment(tmp_path, spans=[line])
    with tracelm.open_store(home=tmp_path) as store:
        (span,) = store.spans()
        assert (span.name, span.model, span.input) == ("a\ufffdb", "m\ufffd", "x\0y")
        assert span.otlp.source == line


def test_names_of_any_length_are_kept_apart_and_whole_in_the_record(tmp_path: Path) -> None:
    names = ["x" * 200_000, "x" * 199_999 + "y"]
    lines = [
        span_line("a", span=f"{n:016x}", project=name, attributes={"gen_ai.request.model": name, "session.id": name})
        for n, name in enumerate(names, start=1)
    ]
    write_segment(tmp_path, spans=lines)
    with tracelm.open_store(home=tmp_path) as store:
        spans = store.spans()
        assert len({span.project for span in spans}) == len({span.model for span in spans}) == 2
        assert {len(span.project) for span in spans} == {len(span.session_id or "") for span in spans} == {128}
        assert sorted(span.otlp.source for span in spans) == sorted(lines)
