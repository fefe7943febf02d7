"""The Vercel AI SDK: a span for what the program called, and below it one for each request to the model.

- `….doGenerate` and `….doStream` are `chat`, `….doEmbed` is `embeddings`, `ai.toolCall` is `execute_tool`. What goes
  around them, `ai.generateText` and `ai.streamText`, is `invoke_agent`: it repeats their tokens, which then count once.
- The provider is the beginning of a name such as `openai.chat`.
- Texts, objects, reasoning and calls of tools in the response are one message.
- `ai.telemetry.metadata.*` is the metadata, but for `sessionId`, `userId` and `tags`; times are milliseconds.
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
    under,
    with_values,
)
from tracelm.otlp.dialects.messages import Message, messages_in, tool_call, tool_definitions
from tracelm.otlp.dialects.providers import provider_named
from tracelm.otlp.records import AnyValue, Attributes, SpanRecord

_ABOUT: Final = "ai.telemetry.metadata."
_KNOWN: Final = frozenset({"sessionId", "userId", "tags"})


def _operation(called: str) -> str | None:
    if called.endswith((".doGenerate", ".doStream")):
        return "chat"
    if called.endswith(".doEmbed"):
        return "embeddings"
    # The loop around its requests, whose tokens it repeats.
    return {"ai.toolCall": "execute_tool", "ai.generateText": "invoke_agent", "ai.streamText": "invoke_agent"}.get(
        called
    )


def _facts(attributes: Attributes) -> Attributes:
    milliseconds = number_in(attributes.get("ai.response.msToFirstChunk"))
    reason = attributes.get("ai.response.finishReason")
    called = str(attributes.get("ai.operationId", ""))
    operation = _operation(called)
    return with_values(
        {
            semconv.OPERATION_NAME: operation,
            semconv.AGENT_NAME: attributes.get("ai.telemetry.functionId") if operation == "invoke_agent" else None,
            semconv.PROVIDER_NAME: provider_named(attributes.get("ai.model.provider")),
            semconv.REQUEST_STREAM: True if "stream" in called.lower() else None,
            semconv.RESPONSE_FINISH_REASONS: [reason] if isinstance(reason, str) and reason else None,
            semconv.RESPONSE_TIME_TO_FIRST_CHUNK: None if milliseconds is None else milliseconds / 1_000,
            semconv.TAGS: texts_in(attributes.get(f"{_ABOUT}tags")),
            semconv.METADATA: under(attributes, _ABOUT, but=_KNOWN) or None,
        }
    )


def _content(span: SpanRecord) -> Attributes:
    attributes = span.attributes
    called = str(attributes.get("ai.operationId", ""))
    answer = attributes.get("ai.response.text") or attributes.get("ai.response.object")
    found: dict[str, AnyValue] = {
        semconv.TOOL_DEFINITIONS: as_text(tool_definitions(attributes.get("ai.prompt.tools"))),
        semconv.TOOL_ARGUMENTS: attributes.get("ai.toolCall.args"),
        semconv.TOOL_RESULT: attributes.get("ai.toolCall.result"),
        semconv.INPUT_MESSAGES: as_text(messages_in(attributes.get("ai.prompt.messages", attributes.get("ai.prompt")))),
        semconv.OUTPUT_MESSAGES: as_text(_answered(attributes, answer)),
    }
    if _operation(called) != "chat":
        found[semconv.INPUT_VALUE] = attributes.get("ai.prompt", attributes.get("ai.toolCall.args"))
        found[semconv.OUTPUT_VALUE] = answer or attributes.get("ai.toolCall.result")
    return with_values(found)


def _answered(attributes: Attributes, answer: AnyValue) -> list[Message]:
    parts: list[dict[str, Any]] = []
    thought = attributes.get("ai.response.reasoning")
    if isinstance(thought, str) and thought:
        parts.append({"type": "reasoning", "content": thought})
    if isinstance(answer, str) and answer:
        parts.append({"type": "text", "content": answer})
    calls = parsed(attributes.get("ai.response.toolCalls"))
    parts.extend(
        tool_call(call.get("toolName"), call.get("input", call.get("args")), call.get("toolCallId"))
        for call in (calls if is_list(calls) else ())
        if is_map(call)
    )
    if not parts:
        return []
    reason = attributes.get("ai.response.finishReason")
    found: Message = {"role": "assistant", "parts": parts}
    return [found | {"finish_reason": reason} if isinstance(reason, str) else found]


VERCEL: Final = Dialect(
    name="vercel",
    title="Vercel AI SDK",
    marks=frozenset({"ai.operationId"}),
    keys={
        semconv.REQUEST_MODEL: ("ai.model.id",),
        semconv.RESPONSE_MODEL: ("ai.response.model",),
        semconv.RESPONSE_ID: ("ai.response.id",),
        semconv.REQUEST_TEMPERATURE: ("ai.settings.temperature",),
        semconv.REQUEST_MAX_TOKENS: ("ai.settings.maxOutputTokens", "ai.settings.maxTokens"),
        semconv.INPUT_TOKENS: ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        semconv.OUTPUT_TOKENS: ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        semconv.CACHE_READ_TOKENS: ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
        semconv.CACHE_WRITE_TOKENS: ("ai.usage.inputTokenDetails.cacheWriteTokens",),
        semconv.REASONING_TOKENS: ("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
        semconv.SESSION_ID: ("ai.telemetry.metadata.sessionId",),
        semconv.USER_ID: ("ai.telemetry.metadata.userId",),
        semconv.TOOL_NAME: ("ai.toolCall.name",),
        semconv.TOOL_CALL_ID: ("ai.toolCall.id",),
    },
    facts=_facts,
    content=_content,
)
