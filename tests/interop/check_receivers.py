"""What tracelm records arrives whole in the servers of others, as they are installed today (`make interop`)."""

import json
import time
from collections.abc import Iterator
from typing import Any, cast

import openai
import pytest

import tracelm
from tests.interop.receivers import RECEIVERS, Read, Running, plain, running
from tests.interop.senders import SCENARIOS, SHARED, recorded_provider
from tests.otlp_bodies.told import CALLS
from tracelm.store.stored import StoredSpan
from tracelm.store.tree import TraceTree

EMBEDDING = "openai-embeddings-sync-basic-821294bd"


@pytest.fixture(scope="module", params=RECEIVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@tracelm.op(kind="tool")
def look_up(city: str) -> dict[str, str]:
    return {"city": city, "weather": "mild 🙂"}


@tracelm.op
def fail() -> None:
    raise ValueError("no such page")


@tracelm.op
def answer(question: str, client: openai.OpenAI) -> str:
    """Chat, call tools, stream, embed, use a tool, and fail."""
    for recording in (*SCENARIOS.values(), EMBEDDING):
        asked = json.loads((SHARED / "recordings" / f"{recording}.json").read_text())["request"]["body"]
        asked = {key: value for key, value in asked.items() if value is not None}
        headers = {"x-recording-id": recording}
        if recording == EMBEDDING:
            client.embeddings.create(**asked, extra_headers=headers)
            continue
        reply = cast("Any", client.chat.completions.create(**asked, extra_headers=headers))
        if asked.get("stream"):
            for _ in reply:
                pass
    look_up("Paris")
    with pytest.raises(ValueError, match="no such page"):
        fail()
    return question.upper()


@pytest.fixture(scope="module")
def sent(server: Running, tmp_path_factory: pytest.TempPathFactory) -> TraceTree:
    """Record a trace, let it be delivered, and return it as our own store has it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, recorded_provider() as url:
        patch.setenv("OTEL_EXPORTER_OTLP_HEADERS", server.receiver.headers)
        # For spans only: neither has a place for log records, see below.
        patch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{server.url}/v1/traces")
        tracelm.init("interop", home=home)
        with tracelm.session("conversation-7", user_id="ada"), tracelm.span("turn") as turn:
            answer("why?", openai.OpenAI(base_url=f"{url}/v1", api_key="test"))
            tracelm.score(turn, name="helpful", value=True, explanation="because")
        report = tracelm.flush(timeout_s=120)
        tracelm.shutdown()
    assert (report.delivered, report.pending, report.lost) == (10, 0, 0)
    for _ in range(600):  # Phoenix acknowledges what it has not written yet
        if len(server.read(turn.trace_id)) == 9:
            break
        time.sleep(0.1)
    with tracelm.open_store(home=home) as store:
        return store.trace(turn.trace_id)


def facts(span: StoredSpan) -> dict[str, Any]:
    return {"name": span.name, "parent_span_id": span.parent_span_id, "status": span.status}


def told(found: Read, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [part["content"] for message in messages for part in message["parts"] if part["type"] == "text"]


def test_every_span_has_its_name_parent_times_and_status(server: Running, sent: TraceTree) -> None:
    found = server.read(sent.summary.trace_id)
    expected = {each.span_id: facts(each) for each in sent.spans}
    assert {span_id: told(each, expected[span_id]) for span_id, each in found.items()} == expected
    assert len(expected) == 9
    for span in sent.spans:  # Phoenix keeps microseconds
        read = found[span.span_id]
        assert abs(read.start_us * 1000 - span.start_ns) <= 1000
        assert abs(read.end_us * 1000 - span.end_ns) <= 1000


def test_every_attribute_that_was_sent_is_given_back(server: Running, sent: TraceTree) -> None:
    found = server.read(sent.summary.trace_id)
    lost: dict[str, Any] = {}
    for span in sent.spans:
        for key, value in span.otlp.attributes.items():
            if found[span.span_id].attributes.get(key) != plain(value):
                lost[f"{span.name} {key}"] = (value, found[span.span_id].attributes.get(key))
    assert lost == {}
    assert {each.span_id: [event.name for event in each.otlp.events] for each in sent.spans} == {
        span_id: each.events for span_id, each in found.items()
    }


def test_calls_of_a_model_are_seen_as_such_with_their_messages_and_tokens(server: Running, sent: TraceTree) -> None:
    found = server.read(sent.summary.trace_id)
    calls = [found[each.span_id] for each in sent.spans if each.operation == "chat"]
    assert {each.kind for each in calls} <= {"CHAT_MODEL", "LLM"}
    assert [each.tokens for each in calls] == [each["tokens"][:2] for each in CALLS]
    for call, each in zip(CALLS, calls, strict=True):
        asked, answered = texts(call["asked"]), texts(call["answered"])
        assert [text for text in each.asked if text in asked] == asked
        assert [text for text in each.answered if text in answered] == answered
    [embedding] = [found[each.span_id] for each in sent.spans if each.operation == "embeddings"]
    assert embedding.kind == "EMBEDDING"
    [tool] = [found[each.span_id] for each in sent.spans if each.operation == "execute_tool"]
    assert tool.kind == "TOOL"


def test_scores_have_no_place_there_and_stay_here(server: Running, sent: TraceTree) -> None:
    assert server.status_of_a_log_record() in {404, 405}
    assert [(each.name, each.passed) for each in sent.scores] == [("helpful", True)]
