"""Amazon's Converse API, and Nova's own form, in the words of OpenTelemetry's GenAI conventions."""

from collections.abc import Mapping
from typing import Final, TypeVar

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._bedrock.blocks import converse_parts
from tracelm.integrations._endpoint import asked_attributes
from tracelm.integrations._exchange import Message, Reply
from tracelm.integrations._fields import count, field, fields, items, number, text
from tracelm.pricing.cost import Usage, inclusive

_Value = TypeVar("_Value")

_FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_call",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
"""What the message schema calls differently. The span's own list keeps the provider's words."""


def converse_attributes(body: Mapping[str, object], *, streams: bool) -> dict[str, AttributeValue]:
    """Return the attributes of a request that hold no content.

    Args:
        body: Of the request.
        streams: Whether the reply is to come in chunks.
    """
    asked = fields(body.get("inferenceConfig"))
    more = fields(body.get("additionalModelRequestFields"))
    top_k = [more.get("top_k"), field(more.get("inferenceConfig"), "topK"), asked.get("topK"), asked.get("top_k")]
    known: dict[str, AttributeValue | None] = {
        semconv.REQUEST_MAX_TOKENS: _first(count(asked.get("maxTokens")), count(asked.get("max_new_tokens"))),
        semconv.REQUEST_TEMPERATURE: number(asked.get("temperature")),
        semconv.REQUEST_TOP_P: _first(number(asked.get("topP")), number(asked.get("top_p"))),
        semconv.REQUEST_TOP_K: _first(*map(count, top_k)),
        semconv.AWS_BEDROCK_GUARDRAIL_ID: text(field(body.get("guardrailConfig"), "guardrailIdentifier")),
    }
    return asked_attributes(known, stops=asked.get("stopSequences"), streams=streams)


def converse_input(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.input.messages` of a request. What tools answered stands in messages of the user."""
    return [
        {"role": text(field(each, "role")) or "user", "parts": list(converse_parts(field(each, "content")))}
        for each in items(body.get("messages"))
    ]


def converse_instructions(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.system_instructions` of a request."""
    return list(converse_parts(body.get("system")))


def converse_tools(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.tool.definitions` of a request."""
    found: list[Message] = []
    for each in items(field(body.get("toolConfig"), "tools")):
        for kind, held in fields(each).items():
            name = text(field(held, "name"))
            if kind == "toolSpec" and name:
                found.append(_tool(name, held))
            elif name:
                found.append({"type": kind, "name": name})
    return found


def read_converse(answer: object, *, ended_badly: bool = False) -> Reply:
    """Read an answer, whole or as far as it came.

    Args:
        answer: What the client returns, the JSON value of a body, or what was put together from a stream.
        ended_badly: Whether it broke off.
    """
    body = fields(answer)
    reason = "error" if ended_badly else text(body.get("stopReason")) or "error"
    message = field(body.get("output"), "message")
    return Reply(
        finish_reasons=[reason],
        usage=converse_usage(body.get("usage")),
        service_tier=text(field(body.get("serviceTier"), "type")),
        messages=lambda: [
            {
                "role": text(field(message, "role")) or "assistant",
                "parts": list(converse_parts(field(message, "content"))),
                "finish_reason": _FINISH_REASONS.get(reason, reason),
            }
        ],
    )


def converse_usage(reported: object) -> Usage:
    """Read the usage of an answer. There, what was read from a cache and written to one is no part of the input."""
    usage = fields(reported)
    long = [each for each in items(usage.get("cacheDetails")) if field(each, "ttl") == "1h"]
    return inclusive(
        Usage(
            input_tokens=count(usage.get("inputTokens")),
            output_tokens=count(usage.get("outputTokens")),
            cache_read_tokens=_first(
                count(usage.get("cacheReadInputTokens")), count(usage.get("cacheReadInputTokenCount"))
            ),
            cache_write_tokens=_first(
                count(usage.get("cacheWriteInputTokens")), count(usage.get("cacheWriteInputTokenCount"))
            ),
            cache_write_1h_tokens=_first(*(count(field(each, "inputTokens")) for each in long)),
        ),
        cache_is_apart=True,
    )


def _tool(name: str, spec: object) -> Message:
    found: Message = {"type": "function", "name": name}
    described = text(field(spec, "description"))
    if described:
        found["description"] = described
    schema = field(field(spec, "inputSchema"), "json")
    return found | {"parameters": schema} if schema is not None else found


def _first(*values: _Value | None) -> _Value | None:
    return next((each for each in values if each is not None), None)
