"""The Responses API in the words of OpenTelemetry's GenAI conventions: what is asked, and what is answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._chat import request_attributes, served_attributes
from tracelm.integrations._exchange import Failure, Message, Reply
from tracelm.integrations._fields import field, items, plain, text
from tracelm.integrations._openai.hosted_tools import hosted_usage
from tracelm.integrations._openai.items import answer_of, calls_the_program, messages_of
from tracelm.integrations._parts import content_parts, function_definition, text_message
from tracelm.integrations._usage import token_usage

_FINISH_REASONS: Final = {"max_output_tokens": "length"}
_SECRETS: Final = frozenset({"headers", "authorization"})
"""What a tool's definition holds for the provider alone: the keys to somebody's server."""


def response_attributes(body: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return the attributes of a request that hold no content."""
    found: dict[str, AttributeValue] = {semconv.OPENAI_API_TYPE: "responses", **request_attributes(body)}
    prompt = body.get("prompt")
    conversation = body.get("conversation")
    known = {
        semconv.REQUEST_PREVIOUS_RESPONSE_ID: body.get("previous_response_id"),
        semconv.CONVERSATION_ID: conversation if isinstance(conversation, str) else field(conversation, "id"),
        semconv.PROMPT_NAME: field(prompt, "id"),
        semconv.PROMPT_VERSION: field(prompt, "version"),
    }
    for key, value in known.items():
        given = text(value)
        if given:
            found[key] = given
    return found


def input_messages(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.input.messages` of a request."""
    given = body.get("input")
    return [text_message("user", given)] if isinstance(given, str) else messages_of(items(given))


def instructions(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.system_instructions` of a request."""
    given = body.get("instructions")
    if given is None or isinstance(given, str):
        return list(content_parts(given))
    return [part for item in items(given) for part in content_parts(field(item, "content"))]


def tool_definitions(body: Mapping[str, object]) -> list[Message]:
    """Return `gen_ai.tool.definitions` of a request."""
    return [tool for each in items(body.get("tools")) if (tool := _tool(each))]


def prompt_variables(body: Mapping[str, object]) -> dict[str, Callable[[], object]]:
    """Return what makes `gen_ai.prompt.variable.*` of a request, by attribute."""
    variables = plain(field(body.get("prompt"), "variables"))
    return {f"{semconv.PROMPT_VARIABLE}.{name}": _always(value) for name, value in variables.items()}


def read_response(response: object, *, ended_badly: bool = False) -> Reply:
    """Read a response, whole or as far as it came.

    Args:
        response: A client's object, the JSON value of the body, or what was put together from a stream.
        ended_badly: Whether it broke off.
    """
    output = items(field(response, "output"))
    reason = "error" if ended_badly else _finish_reason(response)
    return Reply(
        id=text(field(response, "id")),
        model=text(field(response, "model")),
        finish_reasons=[] if reason is None else [reason],
        usage=token_usage(field(response, "usage"), **hosted_usage(response, output)),
        service_tier=text(field(response, "service_tier")),
        failure=_failure(response),
        attributes=served_attributes(response),
        messages=lambda: _output(output, reason),
    )


def read_compaction(response: object) -> Reply:
    """Read what a conversation was made shorter to."""
    reply = read_response(response)
    compacted: AttributeValue = True
    return replace(reply, attributes={**reply.attributes, semconv.CONVERSATION_COMPACTED: compacted})


def _output(output: Sequence[object], reason: str | None) -> Sequence[Message]:
    answer = answer_of(output)
    return [] if answer is None else [answer | {"finish_reason": reason or "error"}]


def _finish_reason(response: object) -> str | None:
    status = text(field(response, "status"))
    if status in {"queued", "in_progress"}:  # it goes on in the background
        return None
    if status in {"failed", "cancelled"} or field(response, "error") is not None:
        return "error"
    if status == "incomplete":
        reason = text(field(field(response, "incomplete_details"), "reason")) or "error"
        return _FINISH_REASONS.get(reason, reason)
    output = items(field(response, "output"))
    if text(field(response, "object")) == "response.compaction":
        return "compaction"
    if not output and status is None:
        return None
    return "tool_call" if any(calls_the_program(item) for item in output) else "stop"


def _failure(response: object) -> Failure | None:
    error = field(response, "error")
    if error is None:
        return None
    return Failure(kind=text(field(error, "code")) or "error", message=text(field(error, "message")) or "")


def _tool(tool: object) -> Message:
    kind = text(field(tool, "type")) or "function"
    if kind == "function":
        return function_definition(tool)
    shown = {name: each for name, each in plain(tool).items() if name not in _SECRETS}
    name = text(field(tool, "name")) or text(field(tool, "server_label")) or kind
    return {**shown, "type": kind, "name": name}


def _always(value: object) -> Callable[[], object]:
    return lambda: value
