"""OpenTelemetry's own names of yesterday: 1.41, and 1.36 with all before it.

- `gen_ai.system` becomes the provider, under its name of today.
- Messages are read from the span's events (`gen_ai.user.message`, `gen_ai.choice` and their like, and before them
  `gen_ai.content.prompt` and `gen_ai.content.completion`), else from `gen_ai.prompt` and `gen_ai.completion`. What was
  sent as log records is put together with the span by `apart`.
"""

from typing import Final

from tracelm import semconv
from tracelm.otlp.dialects.dialect import Dialect, as_text, is_map, parsed, with_values
from tracelm.otlp.dialects.messages import Message, message_of, messages_in, with_opened_content
from tracelm.otlp.dialects.providers import provider_named
from tracelm.otlp.records import Attributes, SpanRecord

_SAID: Final = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE: Final = "gen_ai.choice"
MESSAGE_EVENTS: Final = frozenset({*_SAID, _CHOICE})
"""One message each."""


def _facts_1_41(_: Attributes) -> Attributes:
    return {}


def _content_1_41(_: SpanRecord) -> Attributes:
    return {}


OPENTELEMETRY_1_41: Final = Dialect(
    name="opentelemetry-1.41",
    title="OpenTelemetry 1.37 to 1.41",
    marks=frozenset({"gen_ai.usage.cache_creation.input_tokens"}),
    keys={semconv.CACHE_WRITE_TOKENS: ("gen_ai.usage.cache_creation.input_tokens",)},
    facts=_facts_1_41,
    content=_content_1_41,
)


def _facts(attributes: Attributes) -> Attributes:
    cost = attributes.get("gen_ai.usage.cost")
    return with_values(
        {
            semconv.PROVIDER_NAME: provider_named(attributes.get("gen_ai.system")),
            semconv.COST_AMOUNT: cost if isinstance(cost, int | float) else None,
        }
    )


def _content(span: SpanRecord) -> Attributes:
    attributes = span.attributes
    asked = messages_in(attributes.get("gen_ai.prompt"))
    answered = messages_in(attributes.get("gen_ai.completion"), role="assistant")
    for event in span.events:
        held = event.attributes
        if event.name in _SAID:
            asked.append(message_of(with_opened_content({"role": _SAID[event.name], **held})))
        elif event.name == _CHOICE:
            answered.append(_chosen(held))
        elif event.name == "gen_ai.content.prompt":
            asked.extend(messages_in(held.get("gen_ai.prompt")))
        elif event.name == "gen_ai.content.completion":
            answered.extend(messages_in(held.get("gen_ai.completion"), role="assistant"))
    return with_values({semconv.INPUT_MESSAGES: as_text(asked), semconv.OUTPUT_MESSAGES: as_text(answered)})


def _chosen(held: Attributes) -> Message:
    message = parsed(held.get("message"))
    opened = with_opened_content(message if is_map(message) else held)
    return message_of({"finish_reason": held.get("finish_reason"), **opened}, role="assistant")


OPENTELEMETRY_1_36: Final = Dialect(
    name="opentelemetry-1.36",
    title="OpenTelemetry until 1.36",
    marks=frozenset(
        {
            "gen_ai.system",
            "gen_ai.usage.prompt_tokens",
            "gen_ai.usage.completion_tokens",
            "gen_ai.prompt",
            "gen_ai.completion",
            "gen_ai.usage.cost",
            "enduser.id",
        }
    ),
    keys={
        semconv.INPUT_TOKENS: ("gen_ai.usage.prompt_tokens",),
        semconv.OUTPUT_TOKENS: ("gen_ai.usage.completion_tokens",),
        semconv.REQUEST_SEED: ("gen_ai.openai.request.seed",),
        semconv.OUTPUT_TYPE: ("gen_ai.openai.request.response_format",),
        semconv.OPENAI_REQUEST_SERVICE_TIER: ("gen_ai.openai.request.service_tier",),
        semconv.OPENAI_RESPONSE_SERVICE_TIER: ("gen_ai.openai.response.service_tier",),
        semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT: ("gen_ai.openai.response.system_fingerprint",),
        semconv.USER_ID: ("enduser.id",),
    },
    facts=_facts,
    content=_content,
)
