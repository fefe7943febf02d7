"""What Pydantic AI says of a call of a model, in the newest words of OpenTelemetry's GenAI conventions.

Its spans follow an earlier state of them: lists are texts in JSON, some parts of messages have other names, tokens of a
cache too.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import count, field, fields, items, number, text
from tracelm.integrations._parts import (
    blob_part,
    file_part,
    from_url,
    parsed,
    text_message,
    tool_call_part,
    tool_response_part,
)
from tracelm.integrations._providers import provider_called
from tracelm.pricing.cost import Usage

_ASKED: Final = (
    semconv.REQUEST_TEMPERATURE,
    semconv.REQUEST_TOP_P,
    semconv.REQUEST_FREQUENCY_PENALTY,
    semconv.REQUEST_PRESENCE_PENALTY,
)
_COUNTED: Final = (semconv.REQUEST_MAX_TOKENS, semconv.REQUEST_SEED)
_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
_DETAIL: Final = "gen_ai.usage.details."
_HTTPS_PORT: Final = 443


def requested(operation: str, name: str, told: Mapping[str, object]) -> Request:
    """Describe a request.

    Args:
        operation: `gen_ai.operation.name`.
        name: Of the span, which names the model before the attributes do.
        told: The attributes that Pydantic AI has set so far.
    """
    attributes: dict[str, AttributeValue] = {}
    for key in _ASKED:
        value = number(told.get(key))
        if value is not None:
            attributes[key] = value
    for key in _COUNTED:
        whole = count(told.get(key))
        if whole is not None:
            attributes[key] = whole
    server = text(told.get(semconv.SERVER_ADDRESS))
    if server:
        # Its port is told only where the address of the model names one.
        attributes[semconv.SERVER_ADDRESS] = server
        attributes[semconv.SERVER_PORT] = count(told.get(semconv.SERVER_PORT)) or _HTTPS_PORT
    if _FIRST_CHUNK in told:
        attributes[semconv.REQUEST_STREAM] = True
    return Request(
        operation=operation,
        provider=provider_called(text(told.get(semconv.PROVIDER_NAME)) or text(told.get("gen_ai.system")) or ""),
        model=text(told.get(semconv.REQUEST_MODEL)) or name.partition(" ")[2] or None,
        attributes=attributes,
        by_framework=True,
    )


def answered(told: Mapping[str, object], *, is_known: bool) -> Reply:
    """Read what a model answered, and what it was asked: that stands on the span only at the end.

    Args:
        told: The attributes that Pydantic AI has set.
        is_known: Whether the client below has told how the answer came: it knows better.
    """
    asked = told.get(semconv.INPUT_MESSAGES)
    content = {
        semconv.SYSTEM_INSTRUCTIONS: lambda: _instructions(told.get(semconv.SYSTEM_INSTRUCTIONS)),
        semconv.INPUT_MESSAGES: lambda: (
            [text_message("user", each) for each in _inputs(told)] if asked is None else messages(asked)
        ),
        semconv.TOOL_DEFINITIONS: lambda: parsed(told.get(semconv.TOOL_DEFINITIONS)),
    }
    cost = number(told.get("operation.cost"))
    said = Reply(
        framework_usd=Decimal(str(cost)) if cost else None,
        messages=lambda: messages(told.get(semconv.OUTPUT_MESSAGES)),
        content=content,
    )
    if is_known:
        return said
    attributes: dict[str, AttributeValue] = {}
    first_chunk, size = number(told.get(_FIRST_CHUNK)), count(told.get(semconv.EMBEDDINGS_DIMENSION_COUNT))
    if first_chunk is not None:
        attributes[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = first_chunk
    if size is not None:
        attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = size
    return Reply(
        id=text(told.get(semconv.RESPONSE_ID)),
        model=text(told.get(semconv.RESPONSE_MODEL)),
        finish_reasons=[str(each) for each in items(told.get(semconv.RESPONSE_FINISH_REASONS))],
        usage=usage(told),
        framework_usd=said.framework_usd,
        attributes=attributes,
        messages=said.messages,
        content=content,
    )


def usage(told: Mapping[str, object]) -> Usage:
    """Read the tokens of a call."""
    return Usage(
        input_tokens=count(told.get(semconv.INPUT_TOKENS)),
        output_tokens=count(told.get(semconv.OUTPUT_TOKENS)),
        cache_read_tokens=count(told.get(semconv.CACHE_READ_TOKENS)),
        cache_write_tokens=count(told.get("gen_ai.usage.cache_creation.input_tokens")),
        reasoning_tokens=count(told.get(f"{_DETAIL}reasoning_tokens")),
        input_audio_tokens=count(told.get(f"{_DETAIL}input_audio_tokens")),
        output_audio_tokens=count(told.get(f"{_DETAIL}output_audio_tokens")),
        cache_read_audio_tokens=count(told.get(f"{_DETAIL}cache_audio_read_tokens")),
    )


def messages(encoded: object) -> list[Message]:
    """Return messages as the conventions have them."""
    return [_message(each) for each in items(parsed(encoded))]


def _message(said: object) -> Message:
    parts = [_part(each) for each in items(field(said, "parts"))]
    role = text(field(said, "role")) or "user"
    # Before its version 6 what a tool answered stands in a message of the user.
    if parts and all(part["type"] == "tool_call_response" for part in parts):
        role = "tool"
    found: Message = {"role": role, "parts": parts}
    reason = text(field(said, "finish_reason"))
    return found | {"finish_reason": reason} if reason else found


def _part(part: object) -> Message:
    kind = text(field(part, "type")) or "unknown"
    said = text(field(part, "content")) or ""
    call_id, mime_type = text(field(part, "id")), text(field(part, "mime_type")) or text(field(part, "media_type"))
    modality = text(field(part, "modality")) or (mime_type or "").partition("/")[0]
    modality = modality if modality in {"image", "audio", "video"} else "document"
    match kind:
        case "text":
            return {"type": "text", "content": said}
        case "thinking":
            return {"type": "reasoning", "content": said}
        case "tool_call" | "tool_call_response" if field(part, "builtin"):
            return _at_provider(part, kind, call_id)
        case "tool_call":
            name = text(field(part, "name")) or ""
            return tool_call_part(name, call_id=call_id, arguments=parsed(field(part, "arguments")))
        case "tool_call_response":
            answer = field(part, "result")
            return tool_response_part(field(part, "response") if answer is None else answer, call_id=call_id)
        case "blob" | "binary":
            return blob_part(modality, mime_type, said)
        case "uri":
            return from_url(text(field(part, "uri")) or "", modality=modality)
        case "image-url" | "audio-url" | "video-url" | "document-url":
            return from_url(text(field(part, "url")) or "", modality=kind.partition("-")[0])
        case "file":
            return file_part(text(field(part, "file_id")) or "", modality=modality)
        case _:
            return {**fields(part), "type": kind}


def _at_provider(part: object, kind: str, call_id: str | None) -> Message:
    """Return what a tool did that the provider runs by itself."""
    name = text(field(part, "name")) or "tool"
    if kind == "tool_call":
        does: Message = {"type": name, "arguments": parsed(field(part, "arguments"))}
        found: Message = {"type": "server_tool_call", "name": name, "server_tool_call": does}
    else:
        gave: Message = {"type": name, "result": field(part, "result")}
        found = {"type": "server_tool_call_response", "server_tool_call_response": gave}
    return found | {"id": call_id} if call_id else found


def _instructions(encoded: object) -> list[Message]:
    return [_part(each) for each in items(parsed(encoded))]


def _inputs(told: Mapping[str, object]) -> list[str]:
    """Return the texts that were embedded."""
    return [str(each) for each in items(parsed(told.get("inputs")))]
