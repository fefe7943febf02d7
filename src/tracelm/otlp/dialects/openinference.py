"""OpenInference, the dialect of Arize's Phoenix: lists flattened into numbered attributes.

- The kind of a span becomes an operation: LLM `chat` (`text_completion` where it has prompts instead of messages),
  EMBEDDING `embeddings`, RETRIEVER `retrieval`, TOOL `execute_tool`, AGENT `invoke_agent`. The others have none.
- `llm.input_messages.N…`, `llm.output_messages.N…`, `llm.tools.N…` and `retrieval.documents.N…` are put together again.
- The prompt's tokens include those of the cache, as ours do.
- The model asked for, and other settings of the request, are read from `llm.invocation_parameters`; `llm.cost.total` is
  in US dollars; `tag.tags` are the tags.
- `input.value`, `output.value`, `session.id` and `user.id` are the same names as ours.
"""

from collections.abc import Mapping
from typing import Any, Final

from tracelm import semconv
from tracelm.otlp.dialects.dialect import (
    Dialect,
    as_text,
    inner_items,
    is_map,
    items_under,
    map_in,
    number_in,
    parsed,
    texts_in,
    with_values,
)
from tracelm.otlp.dialects.messages import Message, message_of, tool_call, tool_definitions, tool_result
from tracelm.otlp.dialects.providers import provider_named
from tracelm.otlp.records import AnyValue, Attributes, SpanRecord

_OPERATIONS: Final = {
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "RETRIEVER": "retrieval",
    "TOOL": "execute_tool",
    "AGENT": "invoke_agent",
}
_PARAMETERS: Final = {
    semconv.REQUEST_MODEL: ("model", "model_name"),
    semconv.REQUEST_MAX_TOKENS: ("max_completion_tokens", "max_output_tokens", "max_tokens"),
    semconv.REQUEST_TEMPERATURE: ("temperature",),
    semconv.REQUEST_TOP_P: ("top_p",),
    semconv.REQUEST_FREQUENCY_PENALTY: ("frequency_penalty",),
    semconv.REQUEST_PRESENCE_PENALTY: ("presence_penalty",),
    semconv.REQUEST_SEED: ("seed",),
    semconv.REQUEST_REASONING_LEVEL: ("reasoning_effort",),
}


def parameters_in(value: object) -> Attributes:
    """Return the settings of a call under our names, from an object of them or its JSON."""
    held = parsed(value)
    if not is_map(held):
        return {}
    found: Attributes = {}
    for ours, theirs in _PARAMETERS.items():
        for key in theirs:
            setting = held.get(key)
            if isinstance(setting, str if ours in _TEXTS else int | float) and not isinstance(setting, bool):
                found[ours] = setting
                break
    if held.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    return found


_TEXTS: Final = frozenset({semconv.REQUEST_MODEL, semconv.REQUEST_REASONING_LEVEL})


def _facts(attributes: Attributes) -> Attributes:
    kind = attributes.get("openinference.span.kind")
    metadata = parsed(attributes.get("metadata"))
    cost = number_in(attributes.get("llm.cost.total"))
    reason = attributes.get("llm.finish_reason")
    asked = parameters_in(attributes.get("llm.invocation_parameters"))
    name = attributes.get("llm.request.model_name") or attributes.get("llm.model_name")
    found: dict[str, AnyValue] = {
        semconv.OPERATION_NAME: _operation(kind, attributes),
        semconv.PROVIDER_NAME: provider_named(attributes.get("llm.provider") or attributes.get("llm.system")),
        semconv.REQUEST_MODEL: asked.get(semconv.REQUEST_MODEL) or name,
        semconv.RESPONSE_FINISH_REASONS: [reason] if isinstance(reason, str) and reason else None,
        semconv.COST_AMOUNT: cost,
        semconv.COST_CURRENCY: "USD" if cost is not None else None,
        semconv.TAGS: texts_in(attributes.get("tag.tags")),
        semconv.METADATA: dict(metadata) if is_map(metadata) else None,
    }
    return asked | with_values(found)


def _operation(kind: AnyValue, attributes: Attributes) -> str | None:
    if not isinstance(kind, str):
        return "chat" if "llm.model_name" in attributes else None
    if kind.upper() == "LLM" and ("llm.prompts.0.prompt.text" in attributes or "llm.prompts" in attributes):
        return "text_completion"
    return _OPERATIONS.get(kind.upper())


def _content(span: SpanRecord) -> Attributes:
    attributes = span.attributes
    asked = [_message(each, "user") for each in items_under(attributes, "llm.input_messages")]
    answered = [_message(each, "assistant") for each in items_under(attributes, "llm.output_messages")]
    reason = attributes.get("llm.finish_reason")
    if len(answered) == 1 and isinstance(reason, str) and reason:
        answered[0]["finish_reason"] = reason
    tools = [map_in(each.get("tool")).get("json_schema") for each in items_under(attributes, "llm.tools")]
    documents = [_document(each) for each in items_under(attributes, "retrieval.documents")]
    found: dict[str, AnyValue] = {
        semconv.INPUT_MESSAGES: as_text(asked),
        semconv.OUTPUT_MESSAGES: as_text(answered),
        semconv.TOOL_DEFINITIONS: as_text(tool_definitions(tools)),
        semconv.RETRIEVAL_DOCUMENTS: as_text(documents),
    }
    if attributes.get("openinference.span.kind") == "TOOL":
        found[semconv.TOOL_ARGUMENTS] = attributes.get("input.value")
        found[semconv.TOOL_RESULT] = attributes.get("output.value")
    return with_values(found)


def _message(item: Mapping[str, Any], role: str) -> Message:
    held = map_in(item.get("message"))
    whose: str = held["role"] if isinstance(held.get("role"), str) else role
    found: Message = {"role": whose, "parts": []}
    if whose in {"tool", "function"}:
        found["parts"].append(tool_result(held.get("content"), held.get("tool_call_id")))
    else:
        contents = [_content_part(each) for each in inner_items(held.get("contents"), "message_content")]
        content = held.get("content")
        said = message_of({"role": whose, "content": contents or (content if isinstance(content, str) else None)})
        found["parts"] = said["parts"]
        for call in inner_items(held.get("tool_calls"), "tool_call"):
            function = map_in(call.get("function"))
            found["parts"].append(tool_call(function.get("name"), function.get("arguments"), call.get("id")))
    if isinstance(held.get("name"), str) and held["name"]:
        found["name"] = held["name"]
    return found


def _content_part(raw: Mapping[str, Any]) -> dict[str, Any]:
    image = raw.get("image")
    if is_map(image):
        inner = image.get("image", image)
        return {"type": "image", "image": inner}
    return dict(raw)


def _document(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in map_in(item.get("document")).items() if value is not None}


OPENINFERENCE: Final = Dialect(
    name="openinference",
    title="OpenInference",
    marks=frozenset(
        {
            "openinference.span.kind",
            "llm.model_name",
            "llm.token_count.prompt",
            "llm.token_count.completion",
            "llm.input_messages.0.message.role",
        }
    ),
    keys={
        semconv.RESPONSE_MODEL: (
            "llm.response.model_name",
            "llm.model_name",
            "embedding.model_name",
            "reranker.model_name",
        ),
        semconv.INPUT_TOKENS: ("llm.token_count.prompt",),
        semconv.OUTPUT_TOKENS: ("llm.token_count.completion",),
        semconv.CACHE_READ_TOKENS: (
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
        ),
        semconv.CACHE_WRITE_TOKENS: ("llm.token_count.prompt_details.cache_write",),
        semconv.REASONING_TOKENS: ("llm.token_count.completion_details.reasoning",),
        semconv.INPUT_AUDIO_TOKENS: ("llm.token_count.prompt_details.audio",),
        semconv.OUTPUT_AUDIO_TOKENS: ("llm.token_count.completion_details.audio",),
        semconv.TOOL_NAME: ("tool.name",),
        semconv.AGENT_NAME: ("agent.name",),
        semconv.PROMPT_VERSION: ("llm.prompt_template.version",),
        semconv.PROMPT_NAME: ("prompt.id",),
    },
    facts=_facts,
    content=_content,
)
