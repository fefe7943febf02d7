"""The event `gen_ai.client.inference.operation.details`: all that a call's span says, messages as structure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import openai
import pytest

import tracelm
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.otlp.records import LogRecord, SpanRecord
from tracelm.testing.conformance import check_log
from tracelm.trace.segments import list_segments

pytest_plugins = ("tests.recordings.fixtures",)
EVENT = "gen_ai.client.inference.operation.details"
CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages")


@pytest.fixture
def ask(tmp_path: Path, own_url: str) -> Callable[..., tuple[SpanRecord, list[LogRecord]]]:
    """Ask once and return the span and the events."""

    def run(name: str = "chat-completions-sync-basic", **settings: Any) -> tuple[SpanRecord, list[LogRecord]]:
        tracelm.init("test", home=tmp_path, **settings)
        recorded = Recorded(load()[f"local-{name}"], own_url)
        with recorded.client() as client:
            try:
                answer = recorded.ask(client)
            except openai.BadRequestError:
                answer = ()
            if recorded.is_streamed:
                list(answer)
        tracelm.shutdown()
        (segment,) = list_segments(tmp_path)
        (span,) = (span for line in segment.read("spans").lines for span in decode_spans(line).records)
        return span, [log for line in segment.read("logs").lines for log in decode_logs(line).records]

    return run


Ask = Callable[..., tuple[SpanRecord, list[LogRecord]]]


def test_no_event_is_written_unless_asked_for(ask: Ask) -> None:
    assert ask()[1] == []


@pytest.mark.parametrize(
    "name",
    [
        "chat-completions-sync-basic",
        "chat-completions-stream-usage",
        pytest.param("responses-sync-basic", marks=pytest.mark.openai(3, 0)),
    ],
)
def test_the_event_says_what_the_span_says_with_messages_as_structure(ask: Ask, name: str, shared: Path) -> None:
    span, (event,) = ask(name, details_event="on")
    assert (event.event_name, event.severity, event.trace_id, event.span_id) == (EVENT, 5, span.trace_id, span.span_id)
    assert [each for each in check_log(event) if each.level == "violation"] == []
    structured = {key for key in span.attributes if key in {*CONTENT, "gen_ai.system_instructions"}}
    for key in structured:
        assert event.attributes[key] == json.loads(str(span.attributes[key]))
        schema = shared / "semconv" / f"{key.replace('.', '-').replace('_', '-')}.json"
        jsonschema.validate(event.attributes[key], json.loads(schema.read_text()))
    said = {key: value for key, value in span.attributes.items() if key not in structured}
    assert {key: event.attributes.get(key) for key in said} == said


def test_a_failed_call_gives_an_event_with_its_error(ask: Ask) -> None:
    _, (_, event) = ask("chat-completions-sync-error-400", details_event="on")
    assert event.attributes["error.type"] == "400"
    assert "gen_ai.output.messages" not in event.attributes


@pytest.mark.parametrize("settings", [{"details_event": "on"}, {"details_event": "content", "capture_content": False}])
def test_a_failed_call_gives_an_event_with_its_exception(ask: Ask, settings: dict[str, Any]) -> None:
    span, (event, _) = ask("chat-completions-sync-error-400", **settings)
    assert (event.event_name, event.severity, event.span_id) == ("gen_ai.client.operation.exception", 13, span.span_id)
    assert event.attributes["exception.type"] == "openai.BadRequestError"
    assert str(event.attributes["exception.message"]).startswith("Error code: 400")
    assert check_log(event) == []


def test_without_content_the_event_of_an_exception_says_its_type_only(ask: Ask) -> None:
    _, (event, _) = ask("chat-completions-sync-error-400", details_event="on", capture_content=False)
    assert {key for key in event.attributes if key.startswith("exception.")} == {"exception.type"}


def test_without_content_the_event_has_none_either(ask: Ask) -> None:
    span, (event,) = ask(details_event="on", capture_content=False)
    assert not set(CONTENT) & (set(span.attributes) | set(event.attributes))


def test_content_can_stand_on_the_event_alone(ask: Ask) -> None:
    span, (event,) = ask(details_event="content", capture_content=False)
    assert not set(CONTENT) & set(span.attributes)
    assert set(CONTENT) <= set(event.attributes)


@pytest.mark.parametrize(
    ("word", "emit", "on_span", "events"),
    [
        ("SPAN_ONLY", "", True, 0),
        ("EVENT_ONLY", "", False, 1),
        ("SPAN_AND_EVENT", "", True, 1),
        ("NO_CONTENT", "", False, 0),
        ("NO_CONTENT", "true", False, 1),
        ("SPAN_AND_EVENT", "false", True, 0),
    ],
)
def test_the_variables_of_opentelemetry_say_where_content_goes(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, word: str, emit: str, on_span: bool, events: int
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", word)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT", emit)
    span, found = ask()
    assert (CONTENT[0] in span.attributes, len(found)) == (on_span, events)
    assert all((CONTENT[0] in each.attributes) == (word != "NO_CONTENT") for each in found)


def test_a_secret_in_a_message_reaches_neither_span_nor_event(tmp_path: Path, own_url: str) -> None:
    tracelm.init("test", home=tmp_path, details_event="on")
    recorded = Recorded(load()["local-chat-completions-sync-basic"], own_url)
    secret = "sk-proj-" + "Ab3_" * 12
    with recorded.client() as client:
        recorded.ask(client, messages=[{"role": "user", "content": f"my key is {secret}"}])
    tracelm.shutdown()
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"my key is" in on_disk
    assert secret.encode() not in on_disk


def test_an_embedding_is_no_inference_and_gives_no_event(ask: Ask) -> None:
    assert ask("embeddings-sync-basic", details_event="on")[1] == []
