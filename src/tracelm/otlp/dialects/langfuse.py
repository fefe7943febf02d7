"""Langfuse: observations, whose usage and costs are objects in JSON.

- The type of an observation becomes an operation: generation `chat`, embedding `embeddings`, agent `invoke_agent`, tool
  `execute_tool`, retriever `retrieval`.
- Usage as a provider gives it (with `prompt_tokens`, or with details inside) counts cached tokens as a part of the
  input. In Langfuse's own each name is a share: the input is the sum of all names with `input` in them, the output
  likewise.
- The cost is `total` of the cost details, else their sum, in US dollars.
- Input and output of a generation become messages where they are such, and `input.value` and `output.value` otherwise.
- A generation names neither the provider nor the model that was asked for.
"""

from collections.abc import Mapping
from typing import Any, Final

from tracelm import semconv
from tracelm.otlp.dialects.dialect import (
    Dialect,
    as_text,
    is_map,
    map_in,
    number_in,
    parsed,
    texts_in,
    under,
    with_values,
)
from tracelm.otlp.dialects.messages import messages_in, tool_definitions
from tracelm.otlp.dialects.openinference import parameters_in
from tracelm.otlp.records import AnyValue, Attributes, SpanRecord

_OPERATIONS: Final = {
    "generation": "chat",
    "embedding": "embeddings",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "retriever": "retrieval",
}
_CACHE_READ: Final = ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens")
_CACHE_WRITE: Final = ("input_cache_creation", "cache_creation_input_tokens")
_REASONING: Final = ("output_reasoning_tokens", "reasoning_tokens", "output_reasoning")


def usage_in(value: object) -> Attributes:
    """Return token counts under our names, from the usage object of a provider or from Langfuse's own.

    A provider's object, known by `prompt_tokens` or by details inside, counts cached tokens as a part of the input.
    In Langfuse's own each name is a share: the input is the sum of all names with `input` in them.
    """
    usage = parsed(value)
    if not is_map(usage):
        return {}
    asked = map_in(usage.get("prompt_tokens_details", usage.get("input_tokens_details")))
    answered = map_in(usage.get("completion_tokens_details", usage.get("output_tokens_details")))
    if "prompt_tokens" in usage or asked:
        found = {
            semconv.INPUT_TOKENS: usage.get("prompt_tokens", usage.get("input_tokens")),
            semconv.OUTPUT_TOKENS: usage.get("completion_tokens", usage.get("output_tokens")),
            semconv.CACHE_READ_TOKENS: asked.get("cached_tokens"),
            semconv.CACHE_WRITE_TOKENS: asked.get("cache_write_tokens"),
            semconv.REASONING_TOKENS: answered.get("reasoning_tokens"),
        }
    else:
        found = {
            semconv.INPUT_TOKENS: _sum(usage, "input"),
            semconv.OUTPUT_TOKENS: _sum(usage, "output"),
            semconv.CACHE_READ_TOKENS: _first(usage, _CACHE_READ),
            semconv.CACHE_WRITE_TOKENS: _first(usage, _CACHE_WRITE),
            semconv.REASONING_TOKENS: _first(usage, _REASONING),
        }
    return with_values({key: number_in(value) for key, value in found.items()})


def _sum(usage: Mapping[str, Any], word: str) -> int | float | None:
    shares = [number for key, value in usage.items() if word in key and (number := number_in(value)) is not None]
    return sum(shares) if shares else None


def _first(usage: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    return next((usage[key] for key in keys if key in usage), None)


def _facts(attributes: Attributes) -> Attributes:
    kind = attributes.get("langfuse.observation.type")
    cost = _cost(attributes.get("langfuse.observation.cost_details"))
    metadata = {
        key: parsed(value)
        for prefix in ("langfuse.trace.metadata.", "langfuse.observation.metadata.")
        for key, value in under(attributes, prefix).items()
    }
    found: dict[str, AnyValue] = {
        semconv.OPERATION_NAME: _OPERATIONS.get(str(kind)),
        semconv.COST_AMOUNT: cost,
        semconv.COST_CURRENCY: "USD" if cost is not None else None,
        semconv.TAGS: texts_in(attributes.get("langfuse.trace.tags")),
        semconv.METADATA: metadata or None,
    }
    return (
        parameters_in(attributes.get("langfuse.observation.model.parameters"))
        | usage_in(attributes.get("langfuse.observation.usage_details"))
        | with_values(found)
    )


def _cost(value: object) -> int | float | None:
    costs = parsed(value)
    if not is_map(costs):
        return None
    total = number_in(costs.get("total"))
    return total if total is not None else _sum(costs, "")


def _content(span: SpanRecord) -> Attributes:
    attributes = span.attributes
    asked = attributes.get("langfuse.observation.input", attributes.get("langfuse.trace.input"))
    answered = attributes.get("langfuse.observation.output", attributes.get("langfuse.trace.output"))
    if attributes.get("langfuse.observation.type") != "generation":
        return with_values({semconv.INPUT_VALUE: asked, semconv.OUTPUT_VALUE: answered})
    sent, received = messages_in(asked), messages_in(answered, role="assistant")
    return with_values(
        {
            semconv.INPUT_MESSAGES: as_text(sent),
            semconv.OUTPUT_MESSAGES: as_text(received),
            semconv.TOOL_DEFINITIONS: as_text(tool_definitions(map_in(parsed(asked)).get("tools"))),
            semconv.INPUT_VALUE: None if sent else asked,
            semconv.OUTPUT_VALUE: None if received else answered,
        }
    )


LANGFUSE: Final = Dialect(
    name="langfuse",
    title="Langfuse",
    marks=frozenset(
        {
            "langfuse.observation.type",
            "langfuse.observation.input",
            "langfuse.observation.output",
            "langfuse.trace.name",
            "langfuse.trace.tags",
            "langfuse.environment",
            "langfuse.release",
        }
    ),
    keys={
        semconv.RESPONSE_MODEL: ("langfuse.observation.model.name",),
        semconv.SESSION_ID: ("langfuse.session.id",),
        semconv.USER_ID: ("langfuse.user.id",),
        semconv.RELEASE: ("langfuse.release", "langfuse.version"),
        semconv.ENVIRONMENTS[0]: ("langfuse.environment",),
        semconv.PROMPT_NAME: ("langfuse.observation.prompt.name",),
        semconv.PROMPT_VERSION: ("langfuse.observation.prompt.version",),
    },
    facts=_facts,
    content=_content,
)
