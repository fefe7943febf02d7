"""LangChain's messages and settings in the words of OpenTelemetry's GenAI conventions.

LangChain has one form for what its models are asked and answer, whoever serves them; what a provider adds is read where
it stands in a known place, and kept as it is where it is content.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.integrations._chat import request_attributes, served_attributes
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import count, field, fields, items, number, plain, text
from tracelm.integrations._parts import (
    blob_part,
    content_part,
    content_parts,
    file_part,
    from_url,
    function_definition,
    text_message,
    text_part,
    tool_call_part,
    tool_response_part,
)
from tracelm.integrations._providers import provider_called
from tracelm.integrations._usage import whole
from tracelm.pricing.cost import Usage

_ROLES: Final = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}
_MODALITIES: Final = frozenset({"image", "audio", "video", "file"})
_ELSEWHERE: Final = frozenset({"tool_use", "tool_call", "tool_call_chunk", "function_call", "input_json_delta"})
"""Blocks of a message that stand among its `tool_calls` as well."""
_LEFT_BY_OTHERS: Final = (
    ("ls_temperature", "temperature"),
    ("ls_max_tokens", "max_tokens"),
    ("ls_stop", "stop"),
)
"""What LangChain says of every model, for integrations that name their own parameters otherwise."""


@frozen
class _Asked:
    """What is asked of whom, whatever kind of model it is."""

    provider: str
    model: str | None
    attributes: Mapping[str, AttributeValue]


def chat_request(messages: object, params: Mapping[str, object], metadata: Mapping[str, object]) -> Request:
    """Describe the call of a chat model.

    Args:
        messages: LangChain's messages.
        params: Its `invocation_params`, which each integration names as its provider does.
        metadata: Its metadata, which say the same of every model.
    """
    asked = _asked(params, metadata)
    return Request(
        operation="chat",
        provider=asked.provider,
        model=asked.model,
        attributes=asked.attributes,
        by_framework=True,
        messages=lambda: [message(each) for each in items(messages)],
        tools=lambda: [tool for tool in map(_tool, items(params.get("tools"))) if tool],
    )


def completion_request(prompt: str, params: Mapping[str, object], metadata: Mapping[str, object]) -> Request:
    """Describe the call of a model that completes a text; the arguments are those of `chat_request`."""
    asked = _asked(params, metadata)
    return Request(
        operation="text_completion",
        provider=asked.provider,
        model=asked.model,
        attributes=asked.attributes,
        by_framework=True,
        messages=lambda: [text_message("user", prompt)],
    )


def reply(result: object, *, is_whole: bool = True) -> Reply:
    """Read what a model answered.

    Args:
        result: LangChain's `LLMResult` of one call.
        is_whole: Whether the answer came to its end.
    """
    generations = [each for each in items(_first(field(result, "generations"))) if each is not None]
    answers = [field(each, "message") for each in generations]
    said = answers[0] if answers else None
    served = {**fields(field(result, "llm_output")), **fields(field(said, "response_metadata"))}
    return Reply(
        id=text(served.get("id")) or text(served.get("response_id")) or _own_id(said),
        model=text(served.get("model_name")) or text(served.get("model")) or text(served.get("model_id")),
        finish_reasons=[_finish_reason(each, is_whole=is_whole) for each in generations]
        or ([] if is_whole else ["error"]),
        usage=usage(said, served),
        service_tier=text(served.get("service_tier")),
        attributes=served_attributes(served),
        messages=lambda: [_answer(each, is_whole=is_whole) for each in generations],
    )


def usage(said: object, served: Mapping[str, object]) -> Usage:
    """Read the tokens of an answer: LangChain's own form, else what a model that completes texts reports."""
    found = fields(field(said, "usage_metadata"))
    if not found:
        told = fields(served.get("token_usage"))
        return Usage(input_tokens=count(told.get("prompt_tokens")), output_tokens=count(told.get("completion_tokens")))
    sent, received = _details(found.get("input_token_details")), _details(found.get("output_token_details"))
    counted = Usage.counted(
        {
            "input_tokens": found.get("input_tokens"),
            "output_tokens": found.get("output_tokens"),
            "cache_read_tokens": sent.get("cache_read"),
            "cache_write_tokens": sent.get("cache_creation"),
            "reasoning_tokens": received.get("reasoning"),
            "input_audio_tokens": sent.get("audio"),
            "output_audio_tokens": received.get("audio"),
        }
    )
    return whole(counted, found.get("total_tokens"))


def _details(told: object) -> dict[str, object]:
    """Return the kinds of tokens by their names: of an answer in a tier they are `flex_cache_read` and so on."""
    return {name.removeprefix("flex_").removeprefix("priority_"): each for name, each in fields(told).items()}


def message(said: object) -> Message:
    """Return one of LangChain's messages as the conventions have it."""
    kind = text(field(said, "type")) or "user"
    role = text(field(said, "role")) if kind == "chat" else None
    role = role or _ROLES.get(kind, kind)
    content = field(said, "content")
    if kind == "tool":
        response = content if isinstance(content, str) else list(_parts(content))
        parts = [tool_response_part(response, call_id=text(field(said, "tool_call_id")))]
    else:
        parts = [*_parts(content), *_calls(said)]
    found: Message = {"role": role, "parts": parts}
    name = text(field(said, "name"))
    return found | {"name": name} if name else found


def _asked(params: Mapping[str, object], metadata: Mapping[str, object]) -> "_Asked":
    model = next((each for key in ("model", "model_name", "model_id") if (each := text(params.get(key)))), None)
    known = {**params}
    for theirs, ours in _LEFT_BY_OTHERS:
        if known.get(ours) is None and metadata.get(theirs) is not None:
            known[ours] = metadata[theirs]
    provider = (text(metadata.get("ls_provider")) or "").lower()
    return _Asked(
        provider=provider_called(provider),
        model=model or text(metadata.get("ls_model_name")),
        attributes=_attributes(known),
    )


def _attributes(known: Mapping[str, object]) -> dict[str, AttributeValue]:
    found = request_attributes(known)
    top_k = number(known.get("top_k"))
    return found if top_k is None else {**found, semconv.REQUEST_TOP_K: int(top_k)}


def _first(values: object) -> object:
    found = items(values)
    return found[0] if found else None


def _own_id(said: object) -> str | None:
    # LangChain makes up an id of its own where the provider gave none.
    found = text(field(said, "id"))
    return None if found is None or found.startswith(("run-", "lc_run-")) else found


def _finish_reason(generation: object, *, is_whole: bool) -> str:
    said, told = field(generation, "message"), field(generation, "generation_info")
    for place in (field(said, "response_metadata"), told):
        reason = text(field(place, "finish_reason")) or text(field(place, "stop_reason"))
        if reason:
            return reason
    return "stop" if is_whole else "error"


def _answer(generation: object, *, is_whole: bool) -> Message:
    said = field(generation, "message")
    found = message(said) if said is not None else text_message("assistant", text(field(generation, "text")) or "")
    reason = _finish_reason(generation, is_whole=is_whole)
    return {**found, "finish_reason": "tool_call" if reason in {"tool_calls", "tool_use"} else reason}


def _calls(said: object) -> Iterator[Message]:
    for each in items(field(said, "tool_calls")):
        yield tool_call_part(
            text(field(each, "name")) or "", call_id=text(field(each, "id")), arguments=field(each, "args")
        )
    for each in items(field(said, "invalid_tool_calls")):  # what the model wrote is no JSON
        yield tool_call_part(
            text(field(each, "name")) or "", call_id=text(field(each, "id")), arguments=field(each, "args")
        )


def _parts(content: object) -> Iterator[Message]:
    if isinstance(content, str):
        yield from content_parts(content)
        return
    for each in items(content):
        kind = text(field(each, "type"))
        if kind in _ELSEWHERE:
            continue
        if kind in {"thinking", "reasoning"}:
            thought = text(field(each, "thinking")) or text(field(each, "reasoning")) or _summary(each)
            if thought:
                yield {"type": "reasoning", "content": thought}
        elif kind in _MODALITIES:
            yield _medium(each, str(kind))
        elif kind is None and text(field(each, "text")):
            yield text_part(str(field(each, "text")))
        else:
            yield content_part(each)


def _summary(block: object) -> str:
    return "\n".join(text(field(each, "text")) or "" for each in items(field(block, "summary")))


def _medium(block: object, kind: str) -> Message:
    modality = "document" if kind == "file" else kind
    mime_type = text(field(block, "mime_type"))
    data = text(field(block, "base64")) or (
        text(field(block, "data")) if field(block, "source_type") == "base64" else None
    )
    source = field(block, "source")  # Anthropic's form
    if data or text(field(source, "data")):
        return blob_part(
            modality, mime_type or text(field(source, "media_type")), data or text(field(source, "data")) or ""
        )
    url = text(field(block, "url")) or text(field(source, "url"))
    if url:
        return from_url(url, modality=modality)
    file_id = text(field(block, "file_id")) or text(field(block, "id"))
    return file_part(file_id, modality=modality) if file_id else {**plain(block), "type": kind}


def _tool(tool: object) -> Message:
    kind = text(field(tool, "type")) or "function"
    if kind == "function" and field(tool, "function") is not None:
        return function_definition(field(tool, "function"))
    schema = field(tool, "input_schema")
    if schema is not None:  # Anthropic's form
        return function_definition({**plain(tool), "parameters": schema})
    if kind in {"function", "custom"}:
        return function_definition(tool)
    return {**plain(tool), "type": kind, "name": text(field(tool, "name")) or kind}
