"""What DSPy asks a language model, and what it is answered, in the words of OpenTelemetry's GenAI conventions."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._chat import input_messages, read_reply, request_attributes, tool_definitions
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import count, field, fields, items, number, plain, text
from tracelm.integrations._openai.responses import read_response
from tracelm.integrations._parts import text_message, text_part, tool_call, tool_call_part
from tracelm.integrations._providers import provider_called, server_at
from tracelm.integrations._usage import chat_usage
from tracelm.pricing.cost import Usage

_OPERATIONS: Final = {"text": "text_completion"}
_FINISH_REASONS: Final = {"tool_calls": "tool_call"}


def asked(lm: Any, inputs: Mapping[str, Any], *, is_streamed: bool) -> Request:
    """Describe a call.

    Args:
        lm: DSPy's language model, which has settings of its own.
        inputs: What it is called with.
        is_streamed: Whether the program gets the answer in pieces.
    """
    given = plain(inputs.get("kwargs"))
    body: dict[str, object] = {**plain(getattr(lm, "kwargs", None)), **given}
    head, _, rest = str(lm.model).partition("/")
    attributes: dict[str, AttributeValue] = {
        **server_at(text(body.get("api_base")) or text(body.get("base_url"))),
        **request_attributes({**body, "stream": is_streamed}),
    }
    return Request(
        operation=_OPERATIONS.get(str(getattr(lm, "model_type", "")), "chat"),
        provider=provider_called(head) if rest else "openai",
        model=rest or head,
        attributes=attributes,
        by_framework=True,
        part_is_lost=True,
        messages=lambda: _asked_messages(inputs, given),
        tools=lambda: tool_definitions(body),
    )


def answered(answer: object, outputs: object, *, model_type: str, is_known: bool) -> Reply:
    """Read an answer.

    Args:
        answer: What DSPy keeps of it: the provider's own, or a record with `responses`, `raw`, `usage` and `cost`.
        outputs: What the program gets.
        model_type: `chat`, `responses` or `text`.
        is_known: Whether a client below has told how the answer came: it knows better.
    """
    # DSPy takes the usage out of what comes from its cache; before 3.1 it says no more.
    is_cached = field(answer, "cache_hit") is True or field(answer, "usage") == {}
    responses = items(field(answer, "responses"))
    raw = field(answer, "raw") if hasattr(answer, "raw") else answer
    if responses:
        first = responses[0]
        reply = Reply(
            id=text(field(first, "id")),
            model=text(field(first, "model")),
            finish_reasons=[str(field(each, "finish_reason")) for each in responses],
            usage=_usage(field(answer, "usage")),
        )
    elif model_type == "responses":
        reply = read_response(raw)
    else:
        reply = read_reply(raw)
    cost = number(field(answer, "cost")) or number(fields(getattr(raw, "_hidden_params", None)).get("response_cost"))
    reasons = reply.finish_reasons
    reply = replace(
        reply,
        framework_usd=Decimal(str(cost)) if cost and not is_cached else None,
        messages=lambda: said(outputs, reasons),
        content={},
    )
    if is_cached:  # it was paid for when it went into the cache
        return replace(reply, usage=Usage(), attributes={semconv.RESPONSE_CACHED: True})
    if is_known:
        return replace(reply, id=None, model=None, finish_reasons=(), usage=Usage(), attributes={})
    return reply


def said(outputs: object, reasons: object = ()) -> list[Message]:
    """Return the messages of an answer: each output is one."""
    ended = [str(each) for each in items(reasons)]
    each_output = items(outputs) or ([] if outputs is None else [outputs])
    return [
        _message(output, _FINISH_REASONS.get(reason, reason))
        for output, reason in zip(each_output, [*ended, *["stop"] * len(each_output)], strict=False)
    ]


def _message(output: object, reason: str) -> Message:
    if isinstance(output, str):
        return {**text_message("assistant", output), "finish_reason": reason}
    parts: list[Message] = []
    thought, words = text(field(output, "reasoning_content")), text(field(output, "text"))
    if thought:
        parts.append({"type": "reasoning", "content": thought})
    if words:
        parts.append(text_part(words))
    parts += map(_called, items(field(output, "tool_calls")))
    return {"role": "assistant", "parts": parts, "finish_reason": reason}


def _called(call: object) -> Message:
    if field(call, "function") is not None:
        return tool_call(call)
    return tool_call_part(
        text(field(call, "name")) or "",
        call_id=text(field(call, "call_id")) or text(field(call, "id")),
        arguments=field(call, "input") or field(call, "arguments"),
    )


def _asked_messages(inputs: Mapping[str, Any], given: Mapping[str, object]) -> list[Message]:
    messages = inputs.get("messages") or given.get("messages")
    if messages is not None:
        return input_messages({"messages": messages})
    prompt = inputs.get("prompt")
    request = given.get("request") if prompt is None else prompt
    if isinstance(request, str):
        return [text_message("user", request)]
    # A request in DSPy's own types, since 3.4.
    return [
        {"role": text(field(each, "role")) or "user", "parts": [text_part(text(field(each, "text")) or "")]}
        for each in items(field(request, "messages"))
    ]


def _usage(told: object) -> Usage:
    usage = chat_usage(told)
    written = count(field(field(told, "prompt_tokens_details"), "cache_creation_tokens"))
    return usage if written is None else replace(usage, cache_write_tokens=written)
