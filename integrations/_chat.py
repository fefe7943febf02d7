"""OpenAI's chat completions, as many providers speak them, in the words of OpenTelemetry's GenAI conventions.

Everything is read from plain JSON values and from a client's objects alike, and nothing is expected to be
there: providers differ, and proxies more so.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import orjson
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._base import Message, Reply
from tracelm.pricing.cost import Usage

_NUMBERS: Final = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
}
_OUTPUT_TYPES: Final = {"json_schema": "json", "json_object": "json", "text": "text"}
_FINISH_REASONS: Final = {"tool_calls": "tool_call", "function_call": "tool_call"}
"""What the message schema calls differently. The span's own list keeps the provider's words."""


def field(value: object, name: str) -> object:
    """Read a key of a mapping or an attribute of an object; `None` where it is missing."""
    if isinstance(value, dict):
        return cast("dict[str, object]", value).get(name)
    # A client's objects are pydantic models, slow to say that they lack something; and each chunk is asked often.
    extra = cast("dict[str, object] | None", getattr(value, "__pydantic_extra__", None))
    if extra is not None:
        found = cast("dict[str, object]", value.__dict__).get(name)
        return extra.get(name) if found is None else found
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get(name)
    return getattr(value, name, None)


def items(value: object) -> Sequence[object]:
    """Return a list as it is, and nothing for anything else: iterators belong to the program."""
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def text(value: object) -> str | None:
    """Return a string that says something, else `None`."""
    return str(value) if isinstance(value, str) and value else None


def request_attributes(body: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return the attributes of a request that hold no content."""
    found: dict[str, AttributeValue] = {}
    for name, key in _NUMBERS.items():
        value = body.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[key] = float(value)
    limit = _count(body.get("max_completion_tokens"))
    limit = _count(body.get("max_tokens")) if limit is None else limit
    if limit is not None:
        found[semconv.REQUEST_MAX_TOKENS] = limit
    seed = _count(body.get("seed"))
    if seed is not None:
        found[semconv.REQUEST_SEED] = seed
    choices = _count(body.get("n"))
    if choices is not None and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else [each for each in items(stop) if isinstance(each, str)]
    if stops:
        found[semconv.REQUEST_STOP_SEQUENCES] = stops
    effort = text(body.get("reasoning_effort")) or text(field(body.get("reasoning"), "effort"))
    if effort:
        found[semconv.REQUEST_REASONING_LEVEL] = effort
    output = _OUTPUT_TYPES.get(str(field(body.get("response_format"), "type")))
    output = "speech" if "audio" in items(body.get("modalities")) else output
    if output:
        found[semconv.OUTPUT_TYPE] = output
    return found


def input_messages(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.input.messages` of a request."""
    return [_input_message(each) for each in items(body.get("messages"))]


def tool_definitions(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.tool.definitions` of a request, also of one with functions of the old kind."""
    tools = [_tool(each) for each in items(body.get("tools"))]
    functions = [_function(each) for each in items(body.get("functions"))]
    return [tool for tool in (*tools, *functions) if tool]


def read_reply(completion: object) -> Reply:
    """Read a whole chat completion.

    Args:
        completion: A client's object or the JSON value of the body.
    """
    choices = items(field(completion, "choices"))
    reported = field(completion, "usage") or field(field(completion, "x_groq"), "usage")
    tier = text(field(completion, "service_tier"))
    fingerprint = text(field(completion, "system_fingerprint"))
    attributes: dict[str, AttributeValue] = {}
    if tier:
        attributes[semconv.OPENAI_RESPONSE_SERVICE_TIER] = tier
    if fingerprint:
        attributes[semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT] = fingerprint
    return Reply(
        id=text(field(completion, "id")),
        model=text(field(completion, "model")),
        finish_reasons=[_finish_reason(choice) for choice in choices],
        usage=_usage(reported),
        service_tier=tier,
        attributes=attributes,
        messages=lambda: [_output_message(choice) for choice in choices],
    )


def _finish_reason(choice: object) -> str:
    return text(field(choice, "finish_reason")) or "error"


def _usage(reported: object) -> Usage:
    sent = field(reported, "prompt_tokens_details")
    received = field(reported, "completion_tokens_details")
    return Usage(
        input_tokens=_count(field(reported, "prompt_tokens")),
        output_tokens=_count(field(reported, "completion_tokens")),
        cache_read_tokens=_count(field(sent, "cached_tokens")),
        cache_write_tokens=_count(field(sent, "cache_write_tokens")),
        reasoning_tokens=_count(field(received, "reasoning_tokens")),
        input_audio_tokens=_count(field(sent, "audio_tokens")),
        output_audio_tokens=_count(field(received, "audio_tokens")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _input_message(message: object) -> Message:
    role = text(field(message, "role")) or "user"
    content = field(message, "content")
    if role == "tool":
        response = content if isinstance(content, str) else list(_content(content))
        answer: Message = {"type": "tool_call_response", "response": response}
        call_id = text(field(message, "tool_call_id"))
        parts = [answer | {"id": call_id} if call_id else answer]
    elif role == "function":
        parts = [{"type": "tool_call_response", "response": content}]
    else:
        parts = list(_parts(message))
    found: Message = {"role": role, "parts": parts}
    name = text(field(message, "name"))
    return found | {"name": name} if name else found


def _output_message(choice: object) -> Message:
    message = field(choice, "message")
    reason = _finish_reason(choice)
    return {
        "role": text(field(message, "role")) or "assistant",
        "parts": list(_parts(message)),
        "finish_reason": _FINISH_REASONS.get(reason, reason),
    }


def _parts(message: object) -> Iterator[Message]:
    # `reasoning_content` is DeepSeek's and vLLM's name, `reasoning` that of Groq, Cerebras and OpenRouter.
    reasoning = text(field(message, "reasoning_content")) or text(field(message, "reasoning"))
    if reasoning:
        yield {"type": "reasoning", "content": reasoning}
    yield from _content(field(message, "content"))
    refusal = text(field(message, "refusal"))
    if refusal:
        yield {"type": "refusal", "content": refusal}
    yield from _audio(field(message, "audio"))
    for call in items(field(message, "tool_calls")):
        yield _tool_call(call)
    function_call = field(message, "function_call")
    if function_call is not None:
        yield _tool_call({"function": function_call})


def _content(content: object) -> Iterator[Message]:
    if isinstance(content, str):
        if content:
            yield {"type": "text", "content": content}
        return
    for part in items(content):
        yield _part(part)


def _part(part: object) -> Message:
    if isinstance(part, str):
        return {"type": "text", "content": part}
    kind = text(field(part, "type")) or "unknown"
    if kind == "text":
        return {"type": "text", "content": text(field(part, "text")) or ""}
    if kind == "refusal":
        return {"type": "refusal", "content": text(field(part, "refusal")) or ""}
    if kind == "thinking":  # Mistral's reasoning: parts inside a part
        thoughts = [text(field(each, "text")) or "" for each in items(field(part, "thinking"))]
        return {"type": "reasoning", "content": "".join(thoughts)}
    if kind in {"image_url", "video_url"}:
        target = field(part, kind)
        url = text(target) or text(field(target, "url")) or ""
        return _from_url(url, modality=kind.removesuffix("_url"))
    if kind == "input_audio":
        audio = field(part, kind)
        mime_type = f"audio/{text(field(audio, 'format')) or 'wav'}"
        return _blob("audio", mime_type, text(field(audio, "data")) or "")
    if kind == "file":
        return _file(field(part, kind))
    return {**_plain(part), "type": kind}


def _from_url(url: str, *, modality: str) -> Message:
    head, comma, data = url.partition(",")
    if head.startswith("data:") and comma:
        mime_type = head.removeprefix("data:").partition(";")[0]
        return _blob(modality, mime_type or None, data)
    return {"type": "uri", "modality": modality, "uri": url}


def _file(file: object) -> Message:
    file_id = text(field(file, "file_id"))
    if file_id:
        return {"type": "file", "modality": "document", "file_id": file_id}
    found = _from_url(text(field(file, "file_data")) or "", modality="document")
    if found["type"] == "uri":  # bare base64, without the head that tells its type
        found = _blob("document", None, str(found["uri"]))
    name = text(field(file, "filename"))
    return found | {"name": name} if name else found


def _audio(audio: object) -> Iterator[Message]:
    data = text(field(audio, "data"))
    audio_id = text(field(audio, "id"))
    if data:
        transcript = text(field(audio, "transcript"))
        blob = _blob("audio", None, data)
        yield blob | {"transcript": transcript} if transcript else blob
    elif audio_id:  # an earlier answer, given back by its id
        yield {"type": "file", "modality": "audio", "file_id": audio_id}


def _blob(modality: str, mime_type: str | None, content: str) -> Message:
    found: Message = {"type": "blob", "modality": modality, "content": content}
    return found | {"mime_type": mime_type} if mime_type else found


def _tool_call(call: object) -> Message:
    target = field(call, "function") or field(call, "custom")
    arguments = field(target, "arguments")
    arguments = field(target, "input") if arguments is None else _parsed(arguments)
    found: Message = {"type": "tool_call", "name": text(field(target, "name")) or ""}
    call_id = text(field(call, "id"))
    if call_id:
        found["id"] = call_id
    return found | {"arguments": arguments} if arguments is not None else found


def _parsed(arguments: object) -> object:
    """Return a tool's arguments as a value; as text where a model wrote no JSON, or was cut short."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return cast("object", orjson.loads(arguments))
    except orjson.JSONDecodeError:
        return arguments


def _tool(tool: object) -> Message:
    kind = text(field(tool, "type")) or "function"
    if kind == "function":
        return _function(field(tool, "function"))
    target = field(tool, kind)
    return {**_plain(target), "type": kind, "name": text(field(target, "name")) or kind}


def _function(function: object) -> Message:
    name = text(field(function, "name"))
    if not name:
        return {}
    found: Message = {"type": "function", "name": name}
    for key in ("description", "parameters"):
        value = field(function, key)
        if value is not None:
            found[key] = value
    return found


def _plain(value: object) -> Message:
    return dict(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else {}
