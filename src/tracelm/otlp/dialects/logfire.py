"""Logfire and Pydantic AI: OpenTelemetry's names, lists of which are texts in JSON, beside names of its own.

- Finish reasons and tool definitions come with another type than they have, and are set right.
- What `gen_ai.usage.raw` says of cached and reasoning tokens is read where no attribute says it.
- Messages of older versions are read from `request_data` and `response_data`, from `events` or `all_messages_events`,
  and from `pydantic_ai.all_messages`.
- A span with an `agent_name` is `invoke_agent`, one with `tool_arguments` or `tool_response` is `execute_tool`.
- `operation.cost` is in US dollars, computed by the program; `logfire.tags` are the tags.
- A stream has two spans: the call, and a log with answer and tokens when the stream has ended.
"""

from typing import Any, Final

from tracelm import semconv
from tracelm.otlp.dialects.dialect import (
    Dialect,
    as_text,
    is_list,
    is_map,
    number_in,
    parsed,
    texts_in,
    with_values,
)
from tracelm.otlp.dialects.langfuse import usage_in
from tracelm.otlp.dialects.messages import Message, message_of, messages_in, tool_definitions
from tracelm.otlp.dialects.openinference import parameters_in
from tracelm.otlp.dialects.providers import provider_named
from tracelm.otlp.records import AnyValue, Attributes, SpanRecord


def _facts(attributes: Attributes) -> Attributes:
    cost = number_in(attributes.get("operation.cost"))
    found: dict[str, AnyValue] = {
        semconv.OPERATION_NAME: _operation(attributes),
        semconv.PROVIDER_NAME: provider_named(attributes.get("gen_ai.system")),
        semconv.RESPONSE_FINISH_REASONS: texts_in(attributes.get(semconv.RESPONSE_FINISH_REASONS)),
        semconv.COST_AMOUNT: cost,
        semconv.COST_CURRENCY: "USD" if cost is not None else None,
        semconv.COST_SOURCE: "local" if cost is not None else None,
        semconv.TAGS: texts_in(attributes.get("logfire.tags")),
    }
    return (
        parameters_in(attributes.get("request_data"))
        | usage_in(attributes.get("gen_ai.usage.raw"))
        | with_values(found)
    )


def _operation(attributes: Attributes) -> str | None:
    if "agent_name" in attributes:
        return "invoke_agent"
    if "tool_arguments" in attributes or "tool_response" in attributes:
        return "execute_tool"
    request = parsed(attributes.get("request_data"))
    return "chat" if is_map(request) and "messages" in request else None


def _content(span: SpanRecord) -> Attributes:
    attributes = span.attributes
    asked, answered = _from_events(attributes)
    if not asked and not answered:
        asked = messages_in(attributes.get("request_data"))
        response = parsed(attributes.get("response_data"))
        answered = messages_in(response.get("message"), role="assistant") if is_map(response) else []
    tools = tool_definitions(attributes.get(semconv.TOOL_DEFINITIONS))
    return with_values(
        {
            semconv.INPUT_MESSAGES: as_text(asked),
            semconv.OUTPUT_MESSAGES: as_text(answered),
            semconv.TOOL_DEFINITIONS: as_text(tools),
            semconv.TOOL_ARGUMENTS: attributes.get("tool_arguments"),
            semconv.TOOL_RESULT: attributes.get("tool_response"),
            semconv.OUTPUT_VALUE: attributes.get("final_result"),
        }
    )


def _from_events(attributes: Attributes) -> tuple[list[Message], list[Message]]:
    """What was said, from a list of events in one attribute, or from all messages of an agent."""
    messages = messages_in(attributes.get("pydantic_ai.all_messages"))
    if messages:
        return messages, []
    events: Any = parsed(attributes.get("events", attributes.get("all_messages_events")))
    asked: list[Message] = []
    answered: list[Message] = []
    for event in events if is_list(events) else ():
        if not is_map(event):
            continue
        if event.get("event.name") == "gen_ai.choice":
            message = event.get("message")
            answered.append(message_of(message if is_map(message) else event, role="assistant"))
        else:
            asked.append(message_of(event))
    return asked, answered


LOGFIRE: Final = Dialect(
    name="logfire",
    title="Logfire and Pydantic AI",
    marks=frozenset({"logfire.span_type", "logfire.msg", "logfire.msg_template", "pydantic_ai.all_messages"}),
    keys={
        semconv.AGENT_NAME: ("agent_name",),
        semconv.CACHE_READ_TOKENS: ("gen_ai.usage.details.cache_read_tokens",),
        semconv.CACHE_WRITE_TOKENS: ("gen_ai.usage.details.cache_write_tokens",),
        semconv.REASONING_TOKENS: ("gen_ai.usage.details.reasoning_tokens",),
    },
    facts=_facts,
    content=_content,
    corrects=frozenset({semconv.RESPONSE_FINISH_REASONS, semconv.TOOL_DEFINITIONS}),
)
