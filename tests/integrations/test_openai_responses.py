"""The Responses API: how responses end, what they are made of, and what is not recorded of them."""

from typing import Any

import pydantic
import pytest

from tests.integrations.answering import RESPONSE, Server, messages, sse
from tests.recordings.server import load
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.openai(3, 0)

FAILED: dict[str, Any] = {
    **RESPONSE,
    "status": "failed",
    "output": [],
    "error": {"code": "server_error", "message": "Sorry."},
}


def test_a_conversation_made_shorter(spans: Spans) -> None:
    kept = {"type": "message", "id": "m1", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    compacted = {"type": "compaction", "id": "cmp_1", "encrypted_content": "c2VjcmV0"}
    body = {**RESPONSE, "object": "response.compaction", "output": [kept, compacted], "status": None}
    with Server(body).client() as client:
        client.responses.compact(model="gpt-4o", input="A long talk")
    attributes = spans.one("chat gpt-4o").attributes
    assert attributes["gen_ai.conversation.compacted"] is True
    assert attributes["gen_ai.response.finish_reasons"] == ["compaction"]
    assert attributes["gen_ai.usage.input_tokens"] == 20
    [message] = messages(spans, "gen_ai.output.messages")
    assert (message["role"], message["finish_reason"]) == ("assistant", "compaction")
    assert message["parts"] == [
        {"type": "message", "role": "user", "parts": [{"type": "text", "content": "Hi"}]},
        {"type": "compaction", "id": "cmp_1"},
    ]
    assert "c2VjcmV0" not in str(attributes)


def test_a_response_that_failed_is_an_error_with_the_providers_code(spans: Spans) -> None:
    failed: dict[str, Any] = {
        **RESPONSE,
        "status": "failed",
        "output": [],
        "error": {"code": "server_error", "message": "Sorry."},
    }
    with Server(failed).client() as client:
        assert client.responses.create(model="gpt-4o", input="Hi").status == "failed"
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "server_error")
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]


def test_fetching_a_response_that_failed_is_no_failure(spans: Spans) -> None:
    failed: dict[str, Any] = {
        **RESPONSE,
        "status": "failed",
        "output": [],
        "error": {"code": "server_error", "message": "Sorry."},
    }
    with Server(failed).client() as client:
        client.responses.retrieve("resp_1")
    span = spans.one()
    assert (span.status, span.attributes["gen_ai.response.status"]) == ("unset", "failed")
    assert "error.type" not in span.attributes


def test_a_response_in_the_background_has_not_ended(spans: Spans) -> None:
    queued: dict[str, Any] = {**RESPONSE, "status": "queued", "output": [], "usage": None}
    with Server(queued).client() as client:
        client.responses.create(model="gpt-4o", input="Hi", background=True)
    span = spans.one()
    assert span.status == "unset"
    assert "gen_ai.response.finish_reasons" not in span.attributes
    assert "gen_ai.usage.input_tokens" not in span.attributes


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("incomplete", {"reason": "max_output_tokens"}, "length"),
        ("incomplete", {"reason": "content_filter"}, "content_filter"),
        ("cancelled", None, "error"),
        ("completed", None, "stop"),
    ],
)
def test_why_a_response_ended(status: str, details: object, reason: str, spans: Spans) -> None:
    with Server({**RESPONSE, "status": status, "incomplete_details": details}).client() as client:
        client.responses.create(model="gpt-4o", input="Hi")
    assert spans.one().attributes["gen_ai.response.finish_reasons"] == [reason]


def test_the_keys_of_a_tools_server_are_not_recorded(spans: Spans) -> None:
    tool: Any = {
        "type": "mcp",
        "server_label": "docs",
        "server_url": "https://mcp.example/sse",
        "headers": {"X-Team": "value-one"},
        "authorization": "value-two",
    }
    with Server(RESPONSE).client() as client:
        client.responses.create(model="gpt-4o", input="Hi", tools=[tool])
    assert messages(spans, "gen_ai.tool.definitions") == [
        {"type": "mcp", "server_label": "docs", "server_url": "https://mcp.example/sse", "name": "docs"}
    ]
    written = b"".join(path.read_bytes() for path in spans.home.rglob("*.jsonl")).decode()
    assert "value-one" not in written
    assert "value-two" not in written


def test_a_prompt_of_the_provider_with_its_variables(spans: Spans) -> None:
    prompt: Any = {
        "id": "pmpt_1",
        "version": "4",
        "variables": {"name": "Ada", "n": {"type": "input_text", "text": "1"}},
    }
    with Server(RESPONSE).client() as client:
        client.responses.create(prompt=prompt, conversation={"id": "conv_1"})
    found = {key: value for key, value in spans.one("chat").attributes.items() if "prompt" in key or "conv" in key}
    assert found == {
        "gen_ai.conversation.id": "conv_1",
        "gen_ai.prompt.name": "pmpt_1",
        "gen_ai.prompt.version": "4",
        "gen_ai.prompt.variable.name": "Ada",
        "gen_ai.prompt.variable.n": '{"type":"input_text","text":"1"}',
    }


def test_a_fetched_stream_says_where_it_goes_on(own_url: str, spans: Spans) -> None:
    sse = load()["local-responses-stream-basic"]["response"]["sse"].encode()
    with Server(sse, content_type="text/event-stream").client() as client:
        events = list(client.responses.retrieve("resp_1", stream=True, starting_after=7))
    assert events[-1].type == "response.completed"
    attributes = spans.one("fetch_response").attributes
    assert attributes["gen_ai.request.stream_cursor"] == "7"
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.response.status"] == "completed"
    assert "gen_ai.usage.output_tokens" not in attributes


def test_an_error_event_is_the_end_of_a_stream(spans: Spans) -> None:
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Ye"},
        {"type": "error", "code": "server_error", "message": "Sorry."},
    ]
    with Server(sse(*events), content_type="text/event-stream").client() as client:
        assert len(list(client.responses.create(model="gpt-4o", input="Hi", stream=True))) == 3
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "server_error")
    assert messages(spans, "gen_ai.output.messages")[0]["parts"] == [{"type": "text", "content": "Ye"}]


def test_parse_returns_the_parsed_response(spans: Spans) -> None:
    class Answer(pydantic.BaseModel):
        yes: bool

    said: dict[str, Any] = {
        **RESPONSE["output"][0],
        "content": [{"type": "output_text", "text": '{"yes": true}', "annotations": []}],
    }
    with Server({**RESPONSE, "output": [said]}).client() as client:
        assert client.responses.parse(model="gpt-4o", input="Hi", text_format=Answer).output_parsed == Answer(yes=True)
    assert spans.one().attributes["gen_ai.output.type"] == "json"


def test_the_helper_of_streamed_responses(spans: Spans) -> None:
    item = RESPONSE["output"][0]
    part = item["content"][0]
    at = {"output_index": 0, "content_index": 0, "item_id": item["id"]}
    started: dict[str, Any] = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
    body = sse(
        {"type": "response.created", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **at, "delta": "Yes.", "logprobs": []},
        {"type": "response.completed", "response": RESPONSE},
    )
    with (
        Server(body, content_type="text/event-stream").client() as client,
        client.responses.stream(model="gpt-4o", input="Hi") as events,
    ):
        assert events.get_final_response().output_text == "Yes."
    attributes = spans.one("chat gpt-4o").attributes
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.usage.reasoning.output_tokens"] == 3
