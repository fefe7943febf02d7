"""What Claude is told and says, in the words of OpenTelemetry's GenAI conventions, block by block."""

from typing import Any

import pytest
from inline_snapshot import snapshot

from tracelm.integrations._claude.blocks import block_part
from tracelm.integrations._claude.events import MessageEvents
from tracelm.integrations._claude.messages import (
    input_messages,
    message_usage,
    read_message,
    request_attributes,
    tool_definitions,
)
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Usage
from tracelm.pricing.prices import PriceTable

BLOCKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an image that is there": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"},
    ),
    "an image somewhere": (
        {"type": "image", "source": {"type": "url", "url": "https://a.test/b.png"}},
        {"type": "uri", "modality": "image", "uri": "https://a.test/b.png"},
    ),
    "a file that the provider keeps": (
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "Terms"},
        {"type": "file", "modality": "document", "file_id": "file_1", "name": "Terms"},
    ),
    "a document that is text": (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "We pay."}},
        {"type": "text", "content": "We pay."},
    ),
    "a document of blocks": (
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "We pay."}]}},
        {"type": "document", "content": [{"type": "text", "content": "We pay."}]},
    ),
    "a cited text": (
        {"type": "text", "text": "Yes.", "citations": [{"type": "char_location", "encrypted_index": "x", "start": 1}]},
        {"type": "text", "content": "Yes.", "annotations": [{"type": "char_location", "start": 1}]},
    ),
    "a thought": (
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "reasoning", "content": "Hm."},
    ),
    "a thought that is hidden": ({"type": "redacted_thinking", "data": "x"}, {"type": "redacted_thinking"}),
    "a call of a tool": (
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}, "cache_control": {}},
        {"type": "tool_call", "name": "weather", "id": "t1", "arguments": {"city": "Oslo"}},
    ),
    "a tool that failed": (
        {"type": "tool_result", "tool_use_id": "t1", "content": "No such city.", "is_error": True},
        {"type": "tool_call_response", "response": "No such city.", "id": "t1", "is_error": True},
    ),
    "a tool that answers with an image": (
        {
            "type": "tool_result",
            "tool_use_id": "t1",
            "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}],
        },
        {
            "type": "tool_call_response",
            "response": [{"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"}],
            "id": "t1",
        },
    ),
    "a tool of the provider": (
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "news"}},
        {
            "type": "server_tool_call",
            "name": "web_search",
            "id": "s1",
            "server_tool_call": {"query": "news", "type": "web_search"},
        },
    ),
    "what it found": (
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": [{"type": "web_search_result", "url": "https://a.test", "encrypted_content": "x"}],
        },
        {
            "type": "server_tool_call_response",
            "server_tool_call_response": {
                "type": "web_search",
                "content": [{"type": "web_search_result", "url": "https://a.test"}],
            },
            "id": "s1",
        },
    ),
    "a page that it fetched": (
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "s1",
            "content": {
                "type": "web_fetch_result",
                "content": {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                },
            },
        },
        {
            "type": "server_tool_call_response",
            "server_tool_call_response": {
                "type": "web_fetch",
                "content": {
                    "type": "web_fetch_result",
                    "content": {
                        "type": "blob",
                        "modality": "document",
                        "content": "aGk=",
                        "mime_type": "application/pdf",
                    },
                },
            },
            "id": "s1",
        },
    ),
    "a tool of somebody's server": (
        {"type": "mcp_tool_use", "id": "m1", "name": "echo", "server_name": "demo", "input": {"say": "hi"}},
        {
            "type": "server_tool_call",
            "name": "echo",
            "id": "m1",
            "server_tool_call": {"arguments": {"say": "hi"}, "server_name": "demo", "type": "mcp"},
        },
    ),
    "a conversation made shorter": (
        {"type": "compaction", "content": "They met.", "encrypted_content": "x"},
        {"type": "compaction", "content": "They met."},
    ),
    "one of tomorrow": (
        {"type": "hologram", "depth": 3, "signature": "x"},
        {"type": "hologram", "depth": 3},
    ),
}


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_a_block_becomes_a_part(name: str) -> None:
    block, part = BLOCKS[name]
    assert block_part(block) == part


def test_what_opens_somebodys_server_is_not_recorded() -> None:
    server = {"type": "url", "name": "demo", "url": "https://a.test", "authorization_token": "s3cret"}
    tools = [{"type": "mcp_toolset", "mcp_server_name": "demo"}, {"name": "f", "input_schema": {"type": "object"}}]
    assert tool_definitions({"mcp_servers": [server], "tools": tools}) == snapshot(
        [
            {"type": "mcp_toolset", "mcp_server_name": "demo", "name": "demo"},
            {"type": "function", "name": "f", "parameters": {"type": "object"}},
            {"type": "mcp", "name": "demo", "url": "https://a.test"},
        ]
    )


def test_what_a_request_wants_stands_on_the_span() -> None:
    body: dict[str, Any] = {
        "max_tokens": 9,
        "temperature": 1,
        "top_k": 5,
        "top_p": 0.5,
        "stop_sequences": ["END", 3],
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {}}},
    }
    assert request_attributes(body, streams=True) == snapshot(
        {
            "gen_ai.request.max_tokens": 9,
            "gen_ai.request.temperature": 1.0,
            "gen_ai.request.top_p": 0.5,
            "gen_ai.request.top_k": 5,
            "gen_ai.request.reasoning.level": "high",
            "gen_ai.request.stop_sequences": ["END"],
            "gen_ai.request.stream": True,
            "gen_ai.output.type": "json",
        }
    )


def test_messages_that_can_be_read_only_once_are_left_to_the_client() -> None:
    given = iter([{"role": "user", "content": "Hello"}])
    assert input_messages({"messages": given}) == []
    assert next(given)


def test_input_is_what_was_new_what_was_read_and_what_was_written() -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 50,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 4},
        "server_tool_use": {"web_search_requests": 2},
    }
    assert message_usage(usage) == Usage(
        input_tokens=160,
        output_tokens=7,
        cache_read_tokens=100,
        cache_write_tokens=50,
        cache_write_1h_tokens=30,
        reasoning_tokens=4,
        web_searches=2,
    )


def test_each_kind_of_token_has_its_own_price() -> None:
    usage = {
        "input_tokens": 1_000_000,
        "cache_read_input_tokens": 1_000_000,
        "cache_creation_input_tokens": 2_000_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1_000_000, "ephemeral_1h_input_tokens": 1_000_000},
        "output_tokens": 1_000_000,
    }
    assert _buckets("claude-haiku-4-5", usage) == snapshot(
        {"input": 1.0, "cache_read": 0.1, "cache_write": 1.25, "cache_write_1h": 2.0, "output": 5.0}
    )


def test_what_a_conversation_was_made_shorter_with_is_paid_for() -> None:
    apart = {"type": "compaction", "input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 5}
    usage = {"input_tokens": 10, "output_tokens": 7, "iterations": [{"type": "message", "input_tokens": 10}, apart]}
    assert message_usage(usage) == Usage(input_tokens=115, output_tokens=27, cache_read_tokens=5)


def test_a_faster_answer_has_the_price_of_its_speed() -> None:
    tokens = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}
    assert _buckets("claude-opus-5", {**tokens, "service_tier": "standard"}) == snapshot({"input": 5.0, "output": 25.0})
    assert _buckets("claude-opus-5", {**tokens, "service_tier": "standard", "speed": "fast"}) == snapshot(
        {"input": 10.0, "output": 50.0}
    )


def test_a_stream_that_breaks_off_in_the_middle_of_arguments_keeps_them_as_they_came() -> None:
    events = MessageEvents(keep_content=True)
    block: dict[str, Any] = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
    events.add({"type": "content_block_start", "index": 0, "content_block": block})
    events.add(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"ci'}}
    )
    [message] = events.reply().messages()
    assert message["parts"] == [{"type": "tool_call", "name": "weather", "id": "t1", "arguments": '{"ci'}]
    assert message["finish_reason"] == "error"


def _buckets(model: str, usage: dict[str, Any]) -> dict[str, float]:
    reply = read_message({"model": model, "usage": usage, "stop_reason": "end_turn"})
    start_ns = 1_790_000_000_000_000_000
    attributes = {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": model,
        **reply.known(),
    }
    cost = PriceTable().cost(PricedCall.from_span(attributes, start_ns))
    assert cost is not None
    return {bucket: float(share) for bucket, share in cost.buckets_usd.items()}
