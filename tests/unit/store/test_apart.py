"""What was said in a call is shown with its span, though its instrumentation sent it as log records of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tests.otlp_bodies import told
from tests.unit.store.otlp_lines import log_line, span_line, write_segment
from tracelm import semconv
from tracelm.otlp.records import LogRecord
from tracelm.otlp.request import decode_logs_request
from tracelm.store.stored import StoredSpan

pytestmark = pytest.mark.usefixtures("backend")

CALL: dict[str, object] = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "m"}


def said() -> tuple[LogRecord, ...]:
    return decode_logs_request((told.FOLDER / "openai-v2-logs.bin").read_bytes(), encoding="protobuf").records


def messages(span: StoredSpan, key: str) -> list[tuple[str, Any]]:
    return [(each["role"], each["parts"]) for each in json.loads(str(span.attributes[key]))]


@pytest.mark.parametrize("first", ["spans", "logs", "both"])
def test_messages_of_a_real_sender_stand_in_the_span_whatever_came_first(tmp_path: Path, first: str) -> None:
    spans = [each.source for each in told.kept("openai-v2")]
    logs = [each.source for each in said()]
    with tracelm.open_store(home=tmp_path) as store:
        write_segment(tmp_path, spans=spans if first != "logs" else [], logs=logs if first != "spans" else [])
        store.index()
        write_segment(tmp_path, spans=spans if first == "logs" else [], logs=logs if first == "spans" else [])
        calls = store.spans(order_by="start")
        previews = [(each.input_preview, each.output_preview) for each in store.traces(order_by="start")]
        whole = [(each.input, each.output) for each in store.traces(order_by="start")]
    for call, expected in zip(calls, told.CALLS, strict=True):
        for key, side in ((semconv.INPUT_MESSAGES, "asked"), (semconv.OUTPUT_MESSAGES, "answered")):
            assert messages(call, key) == [(each["role"], each["parts"]) for each in expected[side]]
    assert whole == [(call.input, call.output) for call in calls]
    assert previews[0] == ("Hello!", "Hello! How can I assist you today?")
    assert previews[3] == (
        "Tell me a funny joke, a one-liner.",
        "Why couldn't the bicycle stand up by itself? It was two tired.",
    )


def test_the_records_stay_what_they_were(tmp_path: Path) -> None:
    write_segment(
        tmp_path,
        spans=[each.source for each in told.kept("openai-v2")],
        logs=[each.source for each in said()],
    )
    with tracelm.open_store(home=tmp_path) as store:
        calls = store.spans(order_by="start")
        assert [each.otlp.source for each in calls] == [each.source for each in told.kept("openai-v2")]
        assert semconv.INPUT_MESSAGES not in calls[0].otlp.attributes
        kept = [log.source for call in calls for log in call.record.said()]
    assert kept == [each.source for each in said()]


def test_the_one_record_that_tells_all_of_a_call_is_read_too(tmp_path: Path) -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "why?"}]}]
    details = {"gen_ai.input.messages": json.dumps(asked), "gen_ai.system_instructions": "[]", "user.id": "not this"}
    newest = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
    write_segment(tmp_path, spans=[span_line(attributes=newest)], logs=[log_line(semconv.DETAILS_EVENT, details)])
    with tracelm.open_store(home=tmp_path) as store:
        [span] = store.spans()
        [trace] = store.traces()
    assert json.loads(str(span.input)) == asked
    assert (trace.input_preview, "user.id" in span.attributes) == ("why?", False)


def test_what_the_span_itself_tells_is_not_told_otherwise(tmp_path: Path) -> None:
    own = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "of the span"}]}])
    log = log_line("gen_ai.user.message", {}, body={"kvlistValue": {"values": []}})
    write_segment(tmp_path, spans=[span_line(attributes=CALL | {"gen_ai.input.messages": own})], logs=[log])
    with tracelm.open_store(home=tmp_path) as store:
        [span] = store.spans()
        assert (span.input, store.traces()[0].input_preview) == (own, "of the span")


def test_messages_of_another_span_or_project_are_not_taken(tmp_path: Path) -> None:
    body = {"stringValue": "secret of others"}
    write_segment(
        tmp_path,
        spans=[span_line(attributes=CALL)],
        logs=[log_line("gen_ai.user.message", {}, span="f" * 16, body=body)],
    )
    write_segment(tmp_path, project="others", logs=[log_line("gen_ai.user.message", {}, body=body)])
    with tracelm.open_store(home=tmp_path) as store:
        [span] = store.spans()
        assert (span.input, span.output, store.traces()[0].input_preview) == (None, None, None)


@pytest.mark.parametrize(
    "body",
    [{"stringValue": "plain"}, {"intValue": "5"}, {"arrayValue": {"values": [{"stringValue": "a"}]}}, {}],
    ids=str,
)
def test_a_body_of_any_form_is_no_harm(tmp_path: Path, body: dict[str, object]) -> None:
    logs = [log_line(name, {}, body=body) for name in ("gen_ai.user.message", "gen_ai.choice", "gen_ai.tool.message")]
    write_segment(tmp_path, spans=[span_line(attributes=CALL)], logs=logs)
    with tracelm.open_store(home=tmp_path) as store:
        [span] = store.spans()
        assert [role for role, _ in messages(span, semconv.INPUT_MESSAGES)] == ["user", "tool"]
        assert store.traces()[0].trace_id == span.trace_id
