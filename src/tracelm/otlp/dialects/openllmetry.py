"""OpenLLMetry, the dialect of Traceloop: OpenTelemetry's names of several years, beside entities of its own.

- The kind of an entity, or else the type of a request, becomes an operation; the entity's name is that of the workflow,
  agent, tool or, for a task, of the op. Its input and output are `input.value` and `output.value`.
- Messages that were flattened, `gen_ai.prompt.N…` and `gen_ai.completion.N…`, are put together again, and so are
  `llm.request.functions.N…`.
- Association properties are the metadata, but for session, user and tags.
- Input tokens include those of the cache, as ours do.
"""

from collections.abc import Mapping
from typing import Any, Final

from tracelm import semconv
from tracelm.otlp.dialects.dialect import (
    Dialect,
    as_text,
    inner_items,
    items_under,
    texts_in,
    under,
    with_values,
)
from tracelm.otlp.dialects.messages import Message, message_of, tool_definitions, with_opened_content
from tracelm.otlp.dialects.providers import provider_named
from tracelm.otlp.records import AnyValue, Attributes, SpanRecord

_KINDS: Final = {"workflow": "invoke_workflow", "agent": "invoke_agent", "tool": "execute_tool"}
_REQUESTS: Final = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings"}
_NAMES: Final = {
    "workflow": semconv.WORKFLOW_NAME,
    "agent": semconv.AGENT_NAME,
    "tool": semconv.TOOL_NAME,
    "task": semconv.OP_NAME,
}
_ABOUT: Final = "traceloop.association.properties."
_KNOWN: Final = frozenset({"session_id", "user_id", "tags"})


def _facts(attributes: Attributes) -> Attributes:
    kind, request = attributes.get("traceloop.span.kind"), attributes.get("llm.request.type")
    found: dict[str, AnyValue] = {
        semconv.OPERATION_NAME: _KINDS.get(str(kind)) or _REQUESTS.get(str(request)),
        semconv.PROVIDER_NAME: provider_named(attributes.get("gen_ai.system") or attributes.get("llm.vendor")),
        semconv.TAGS: texts_in(attributes.get(f"{_ABOUT}tags")),
        semconv.METADATA: under(attributes, _ABOUT, but=_KNOWN) or None,
    }
    if isinstance(kind, str) and kind in _NAMES:
        found[_NAMES[str(kind)]] = attributes.get("traceloop.entity.name")
    if attributes.get("gen_ai.is_streaming") is True or attributes.get("llm.is_streaming") is True:
        found[semconv.REQUEST_STREAM] = True
    return with_values(found)


def _content(span: SpanRecord) -> Attributes:
    attributes = span.attributes
    asked = items_under(attributes, "gen_ai.prompt") or items_under(attributes, "llm.prompts")
    answered = items_under(attributes, "gen_ai.completion") or items_under(attributes, "llm.completions")
    return with_values(
        {
            semconv.INPUT_MESSAGES: as_text([_message(each, "user") for each in asked]),
            semconv.OUTPUT_MESSAGES: as_text([_message(each, "assistant") for each in answered]),
            semconv.TOOL_DEFINITIONS: as_text(tool_definitions(items_under(attributes, "llm.request.functions"))),
            semconv.INPUT_VALUE: attributes.get("traceloop.entity.input"),
            semconv.OUTPUT_VALUE: attributes.get("traceloop.entity.output"),
        }
    )


def _message(item: Mapping[str, Any], role: str) -> Message:
    calls = inner_items(item.get("tool_calls"), "")
    return message_of({**with_opened_content(item), "tool_calls": calls}, role=role)


OPENLLMETRY: Final = Dialect(
    name="openllmetry",
    title="OpenLLMetry (Traceloop)",
    marks=frozenset(
        {
            "traceloop.span.kind",
            "traceloop.entity.name",
            "traceloop.workflow.name",
            "traceloop.association.properties.session_id",
            "traceloop.association.properties.user_id",
            "llm.request.type",
            "llm.usage.total_tokens",
            "gen_ai.usage.total_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.is_streaming",
            "gen_ai.prompt.0.role",
            "gen_ai.prompt.0.content",
            "gen_ai.completion.0.role",
            "gen_ai.completion.0.content",
        }
    ),
    keys={
        semconv.CACHE_READ_TOKENS: ("gen_ai.usage.cache_read_input_tokens",),
        semconv.CACHE_WRITE_TOKENS: ("gen_ai.usage.cache_creation_input_tokens",),
        semconv.REASONING_TOKENS: ("gen_ai.usage.reasoning_tokens",),
        semconv.INPUT_TOKENS: ("gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
        semconv.OUTPUT_TOKENS: ("gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
        semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT: ("gen_ai.openai.response.system_fingerprint",),
        semconv.SESSION_ID: ("traceloop.association.properties.session_id",),
        semconv.USER_ID: ("traceloop.association.properties.user_id", "gen_ai.user", "llm.user"),
        semconv.PROMPT_NAME: ("traceloop.prompt.key",),
        semconv.PROMPT_VERSION: ("traceloop.prompt.version",),
        semconv.RESPONSE_TIME_TO_FIRST_CHUNK: ("llm.chat_completions.streaming_time_to_first_token",),
    },
    facts=_facts,
    content=_content,
)
