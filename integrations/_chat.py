"""OpenAI's chat completions, as many providers speak them, in the words of OpenTelemetry's GenAI conventions.

Everything is read from plain JSON values and from a client's objects alike, and nothing is expected to be
there: providers differ, and proxies more so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._exchange import Message, Reply
from tracelm.integrations._fields import count, field, fields, items, number, plain, text
from tracelm.integrations._parts import (
    blob_part,
    content_parts,
    file_part,
    function_definition,
    tool_call,
    tool_response_part,
)
from tracelm.integrations._usage import chat_usage

_NUMBERS: Final = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
}
_LIMITS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_TELLING: Final = frozenset(
    {
        *_NUMBERS,
        *_LIMITS,
        *("seed", "n", "top_k", "stream", "stop", "reasoning_effort", "reasoning"),
        *("response_format", "text", "modalities", "service_tier"),
    }
)
"""The fields of a request that become attributes without content."""
_OUTPUT_TYPES: Final = {"json_schema": "json", "json_object": "json", "text": "text"}
_ROLE_AND_CONTENT: Final = 2
_BESIDE_CONTENT: Final = (
    *("reasoning_content", "reasoning", "refusal"),
    *("audio", "tool_calls", "function_call"),
)
"""What a message may hold beside its content."""
_SPEAKERS: Final = frozenset({"system", "developer", "user", "assistant"})
_FINISH_REASONS: Final = {"tool_calls": "tool_call", "function_call": "tool_call"}
"""What the message schema calls differently. The span's own list keeps the provider's words."""


def request_attributes(body: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return the attributes of a request that hold no content, by the names that the endpoints share."""
    found: dict[str, AttributeValue] = {}
    given = [*filter(_TELLING.__contains__, body)]  # of the many there are, a request names few
    if not given:
        return found
    for name in given:
        key = _NUMBERS.get(name)
        value = None if key is None else number(body[name])
        if key is not None and value is not None:
            found[key] = value
    if len(found) < len(given):
        _add_others(found, body.get)
    return found


def _add_others(found: dict[str, AttributeValue], asked: Callable[[str], object]) -> None:
    for name in _LIMITS:
        limit = count(asked(name))
        if limit is not None:
            found[semconv.REQUEST_MAX_TOKENS] = limit
            break
    seed = count(asked("seed"))
    if seed is not None:
        found[semconv.REQUEST_SEED] = seed
    top_k = count(asked("top_k"))  # of vLLM, llama.cpp and others that speak as OpenAI does
    if top_k is not None:
        found[semconv.REQUEST_TOP_K] = top_k
    choices = count(asked("n"))
    if choices is not None and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    if asked("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    stop = asked("stop")
    stops = (stop,) if isinstance(stop, str) else tuple(each for each in items(stop) if isinstance(each, str))
    if stop and stops:
        found[semconv.REQUEST_STOP_SEQUENCES] = stops
    effort = text(asked("reasoning_effort")) or text(field(asked("reasoning"), "effort"))
    if effort:
        found[semconv.REQUEST_REASONING_LEVEL] = effort
    wanted = asked("response_format") or field(asked("text"), "format")
    output = None if wanted is None else _OUTPUT_TYPES.get(str(field(wanted, "type")))
    output = "speech" if "audio" in items(asked("modalities")) else output
    if output:
        found[semconv.OUTPUT_TYPE] = output
    tier = text(asked("service_tier"))
    if tier and tier != "auto":
        found[semconv.OPENAI_REQUEST_SERVICE_TIER] = tier


def input_messages(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.input.messages` of a request."""
    return [*map(_input_message, items(body.get("messages")))]


def tool_definitions(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.tool.definitions` of a request, also of one with functions of the old kind."""
    tools = [_tool(each) for each in items(body.get("tools"))]
    functions = [function_definition(each) for each in items(body.get("functions"))]
    return [tool for tool in (*tools, *functions) if tool]


def read_reply(completion: object, *, provider: str = "openai") -> Reply:
    """Read a whole chat completion.

    Args:
        completion: A client's object or the JSON value of the body.
        provider: Who answered.
    """
    body = fields(completion)
    choices = [*map(fields, items(body.get("choices")))]
    reported = body.get("usage") or field(body.get("x_groq"), "usage")
    return Reply(
        id=text(body.get("id")),
        model=text(body.get("model")),
        finish_reasons=[*map(_finish_reason, choices)],
        usage=chat_usage(reported, provider=provider),
        service_tier=text(body.get("service_tier")),
        attributes=served_attributes(body),
        messages=lambda: [*map(_output_message, choices)],
    )


def served_attributes(answer: object) -> dict[str, AttributeValue]:
    """Return how an answer was served: in which tier, and by which configuration."""
    found: dict[str, AttributeValue] = {}
    said = fields(answer)
    tier, fingerprint = text(said.get("service_tier")), text(said.get("system_fingerprint"))
    if tier:
        found[semconv.OPENAI_RESPONSE_SERVICE_TIER] = tier
    if fingerprint:
        found[semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT] = fingerprint
    return found


def _finish_reason(choice: Mapping[str, object]) -> str:
    return text(choice.get("finish_reason")) or "error"


def _input_message(message: object) -> Message:
    said = fields(message)
    role = text(said.get("role")) or "user"
    content = said.get("content")
    if len(said) == _ROLE_AND_CONTENT and type(content) is str and content and role in _SPEAKERS:  # nearly always
        return {"role": role, "parts": [{"type": "text", "content": content}]}
    if role == "tool":
        response = content if isinstance(content, str) else list(content_parts(content))
        parts = [tool_response_part(response, call_id=text(said.get("tool_call_id")))]
    elif role == "function":
        parts = [tool_response_part(content, call_id=None)]
    else:
        parts = list(_parts(said))
    found: Message = {"role": role, "parts": parts}
    name = text(said.get("name"))
    return found | {"name": name} if name else found


def _output_message(choice: Mapping[str, object]) -> Message:
    said = fields(choice.get("message"))
    reason = _finish_reason(choice)
    return {
        "role": text(said.get("role")) or "assistant",
        "parts": _parts(said),
        "finish_reason": _FINISH_REASONS.get(reason, reason),
    }


def _parts(said: Mapping[str, object]) -> Sequence[Message]:
    content = said.get("content")
    if type(content) is str and content and not any(map(said.get, _BESIDE_CONTENT)):  # nearly always
        return [{"type": "text", "content": content}]
    return list(_each_part(said))


def _each_part(said: Mapping[str, object]) -> Iterator[Message]:
    # `reasoning_content` is DeepSeek's and vLLM's name, `reasoning` that of Groq, Cerebras and OpenRouter.
    reasoning = text(said.get("reasoning_content")) or text(said.get("reasoning"))
    if reasoning:
        yield {"type": "reasoning", "content": reasoning}
    content = said.get("content")
    yield from content_parts(content)
    refusal = text(said.get("refusal"))
    if refusal:
        yield {"type": "refusal", "content": refusal}
    audio = said.get("audio")
    if audio is not None:
        yield from _audio(audio)
    for call in items(said.get("tool_calls")):
        yield tool_call(call)
    function_call = said.get("function_call")
    if function_call is not None:
        yield tool_call({"function": function_call})


def _tool(tool: object) -> Message:
    kind = text(field(tool, "type")) or "function"
    if kind == "function":
        return function_definition(field(tool, "function"))
    target = field(tool, kind)
    return {**plain(target), "type": kind, "name": text(field(target, "name")) or kind}


def _audio(audio: object) -> Iterator[Message]:
    data = text(field(audio, "data"))
    audio_id = text(field(audio, "id"))
    if data:
        transcript = text(field(audio, "transcript"))
        blob = blob_part("audio", None, data)
        yield blob | {"transcript": transcript} if transcript else blob
    elif audio_id:  # an earlier answer, given back by its id
        yield file_part(audio_id, modality="audio")
