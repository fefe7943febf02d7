"""Claude's Messages API in the words of OpenTelemetry's GenAI conventions: what is asked, and what is answered.

It is spoken by Anthropic itself, and by the clouds that serve Claude; the body is the same with each.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._claude.blocks import block_parts, shown
from tracelm.integrations._endpoint import asked_attributes
from tracelm.integrations._exchange import Message, Reply
from tracelm.integrations._fields import count, field, fields, items, number, plain, text
from tracelm.pricing.cost import Usage, inclusive

_FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_call",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""What the message schema calls differently. The span's own list keeps the provider's words."""
_SECRETS: Final = frozenset({"authorization_token", "cache_control"})


def request_attributes(body: Mapping[str, object], *, streams: bool) -> dict[str, AttributeValue]:
    """Return the attributes of a request that hold no content.

    Args:
        body: Of the request.
        streams: Whether the reply is to come in chunks.
    """
    config = body.get("output_config")
    known: dict[str, AttributeValue | None] = {
        semconv.REQUEST_MAX_TOKENS: count(body.get("max_tokens")),
        semconv.REQUEST_TEMPERATURE: number(body.get("temperature")),
        semconv.REQUEST_TOP_P: number(body.get("top_p")),
        semconv.REQUEST_TOP_K: count(body.get("top_k")),
        semconv.REQUEST_REASONING_LEVEL: text(field(config, "effort")),
    }
    found = asked_attributes(known, stops=body.get("stop_sequences"), streams=streams)
    if text(field(field(config, "format") or body.get("output_format"), "type")) == "json_schema":
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def input_messages(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.input.messages` of a request. What tools answered stands in messages of the user."""
    return [
        {"role": text(field(each, "role")) or "user", "parts": list(block_parts(field(each, "content")))}
        for each in items(body.get("messages"))
    ]


def instructions(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.system_instructions` of a request."""
    return list(block_parts(body.get("system")))


def tool_definitions(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.tool.definitions` of a request, with the servers of tools that it names."""
    servers = [{**_without_secrets(each), "type": "mcp"} for each in items(body.get("mcp_servers"))]
    return [*(_tool(each) for each in items(body.get("tools"))), *servers]


def read_message(message: object, *, ended_badly: bool = False) -> Reply:
    """Read a message, whole or as far as it came.

    Args:
        message: A client's object, the JSON value of the body, or what was put together from a stream.
        ended_badly: Whether it broke off.
    """
    body = fields(message)
    reason = "error" if ended_badly else text(body.get("stop_reason")) or "error"
    content = body.get("content")
    reported = body.get("usage")
    tier, speed = text(field(reported, "service_tier")), text(field(reported, "speed"))
    attributes: dict[str, AttributeValue] = {}
    if tier:
        attributes[semconv.ANTHROPIC_RESPONSE_SERVICE_TIER] = tier
    if speed and speed != "standard":
        attributes[semconv.ANTHROPIC_RESPONSE_SPEED] = tier = speed  # this is what it is billed by
    return Reply(
        id=text(body.get("id")),
        model=text(body.get("model")),
        finish_reasons=[reason],
        usage=message_usage(reported),
        service_tier=tier,
        attributes=attributes,
        messages=lambda: [
            {
                "role": text(body.get("role")) or "assistant",
                "parts": list(block_parts(content)),
                "finish_reason": _FINISH_REASONS.get(reason, reason),
            }
        ],
    )


def message_usage(reported: object) -> Usage:
    """Read the usage of a message. There, what was read from a cache and written to one is no part of the input."""
    usage = fields(reported)
    written = usage.get("cache_creation")
    # What a conversation was made shorter with is billed, and left out of the other counts.
    apart = [each for each in items(usage.get("iterations")) if text(field(each, "type")) == "compaction"]

    def total(name: str) -> int | None:
        counts = [count(usage.get(name)), *(count(field(each, name)) for each in apart)]
        return sum(each for each in counts if each is not None) if any(each is not None for each in counts) else None

    return inclusive(
        Usage(
            input_tokens=total("input_tokens"),
            output_tokens=total("output_tokens"),
            cache_read_tokens=total("cache_read_input_tokens"),
            cache_write_tokens=total("cache_creation_input_tokens"),
            cache_write_1h_tokens=count(field(written, "ephemeral_1h_input_tokens")),
            reasoning_tokens=count(field(usage.get("output_tokens_details"), "thinking_tokens")),
            web_searches=count(field(usage.get("server_tool_use"), "web_search_requests")),
        ),
        cache_is_apart=True,
    )


def _tool(tool: object) -> Message:
    kind = text(field(tool, "type")) or "custom"
    if kind != "custom":
        name = text(field(tool, "name")) or text(field(tool, "mcp_server_name")) or kind
        return {**_without_secrets(tool), "type": kind, "name": name}
    found: Message = {"type": "function", "name": text(field(tool, "name")) or ""}
    for name, key in (("description", "description"), ("input_schema", "parameters")):
        value = field(tool, name)
        if value is not None:
            found[key] = value
    return found


def _without_secrets(value: object) -> dict[str, object]:
    return {name: shown(each) for name, each in plain(value).items() if name not in _SECRETS}
