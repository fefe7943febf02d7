"""The spans of the GenAI conventions: kinds, names, and which attributes they carry.

The newest state of the conventions. A test compares the table with OpenTelemetry's model of spans.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tracelm import semconv
from tracelm.testing.conformance.attributes import ATTRIBUTES

_COUNTS: Final = frozenset({semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS})
_USAGE: Final = frozenset(key for key in ATTRIBUTES if key.startswith("gen_ai.usage."))
_COST: Final = frozenset({semconv.COST_AMOUNT, semconv.COST_CURRENCY, semconv.COST_SOURCE})
_MEMORY: Final = ("create_memory", "update_memory", "upsert_memory", "delete_memory", "search_memory")

SPARED: Final = frozenset(
    {
        # The checkers of OpenTelemetry leave these out as well: a request need not set them.
        *(semconv.REQUEST_TEMPERATURE, semconv.REQUEST_MAX_TOKENS, semconv.REQUEST_TOP_P),
        *(semconv.REQUEST_STOP_SEQUENCES, semconv.REQUEST_PRESENCE_PENALTY, semconv.REQUEST_FREQUENCY_PENALTY),
        *(semconv.CACHE_READ_TOKENS, semconv.CACHE_WRITE_TOKENS, "gen_ai.tool.description"),
        # Recommended where there is such a thing, which the record does not show.
        *(semconv.REQUEST_REASONING_LEVEL, semconv.REASONING_TOKENS, "gen_ai.request.previous_response.id"),
        *(semconv.REQUEST_TOP_K, "gen_ai.request.encoding_formats", "gen_ai.conversation.compacted"),
        *(semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT, "aws.bedrock.knowledge_base.id", "mcp.session.id"),
        *("network.protocol.name", "network.protocol.version", "jsonrpc.protocol.version"),
        *("client.address", "client.port"),
    }
)
"""Recommended attributes that nobody is told to add."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanType:
    """One type of span.

    Attributes:
        operations: The `gen_ai.operation.name` that it may have.
        kinds: The kinds that it may have.
        named_by: What stands in its name behind the operation.
        required: Attributes that it must have.
        recommended: Attributes that it should have, and can have before there is an answer.
        recommended_after: Attributes that it should have once there is an answer.
        forbidden: Attributes that it must not have.
        dropped: Attributes that it had in an older state of the conventions.
    """

    operations: frozenset[str]
    kinds: tuple[str, ...]
    named_by: str | None = None
    required: frozenset[str] = frozenset()
    recommended: frozenset[str] = frozenset()
    recommended_after: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()


SPAN_TYPES: Final[Mapping[str, SpanType]] = {
    "gen_ai.inference.client": SpanType(
        operations=frozenset({"chat", "generate_content", "text_completion"}),
        kinds=("client", "internal"),
        named_by=semconv.REQUEST_MODEL,
        required=frozenset({semconv.PROVIDER_NAME}),
        recommended=frozenset({semconv.SERVER_ADDRESS}),
        recommended_after=frozenset({semconv.RESPONSE_ID, semconv.RESPONSE_MODEL, semconv.RESPONSE_FINISH_REASONS})
        | _COUNTS,
    ),
    "gen_ai.embeddings.client": SpanType(
        operations=frozenset({"embeddings"}),
        kinds=("client",),
        named_by=semconv.REQUEST_MODEL,
        required=frozenset({semconv.PROVIDER_NAME}),
        recommended=frozenset({semconv.SERVER_ADDRESS}),
        recommended_after=frozenset(
            {semconv.RESPONSE_MODEL, semconv.INPUT_TOKENS, "gen_ai.embeddings.dimension.count"}
        ),
        forbidden=frozenset(key for key in _USAGE if key.endswith("output_tokens")),
    ),
    "gen_ai.retrieval.client": SpanType(
        operations=frozenset({"retrieval"}),
        kinds=("client",),
        named_by="gen_ai.data_source.id",
        recommended=frozenset({semconv.SERVER_ADDRESS, "gen_ai.retrieval.top_k"}),
        forbidden=frozenset({semconv.REQUEST_TOP_K}),
    ),
    "gen_ai.fetch_response.client": SpanType(
        operations=frozenset({"fetch_response"}),
        kinds=("client",),
        required=frozenset({semconv.RESPONSE_ID}),
        recommended=frozenset({semconv.PROVIDER_NAME, semconv.SERVER_ADDRESS}),
        recommended_after=frozenset({"gen_ai.response.status"}),
        # The tokens were counted when they were made; a second count would be added to the first.
        forbidden=_USAGE | {semconv.INPUT_MESSAGES},
    ),
    "gen_ai.memory.client": SpanType(
        operations=frozenset({*_MEMORY, "create_memory_store", "delete_memory_store"}),
        kinds=("client", "internal"),
    ),
    "gen_ai.create_agent.client": SpanType(
        operations=frozenset({"create_agent"}),
        kinds=("client",),
        named_by=semconv.AGENT_NAME,
        required=frozenset({semconv.PROVIDER_NAME}),
        recommended=frozenset({semconv.SERVER_ADDRESS}),
        forbidden=_COST,
    ),
    "gen_ai.invoke_agent.client": SpanType(
        operations=frozenset({"invoke_agent"}),
        kinds=("client",),
        named_by=semconv.AGENT_NAME,
        required=frozenset({semconv.PROVIDER_NAME}),
        recommended=frozenset({semconv.SERVER_ADDRESS}),
        recommended_after=_COUNTS | {semconv.RESPONSE_FINISH_REASONS},
        forbidden=_COST,
    ),
    "gen_ai.invoke_agent.internal": SpanType(
        operations=frozenset({"invoke_agent"}),
        kinds=("internal",),
        named_by=semconv.AGENT_NAME,
        recommended_after=_COUNTS | {semconv.RESPONSE_FINISH_REASONS},
        forbidden=_COST,
        dropped=frozenset(
            {
                *("gen_ai.agent.id", "gen_ai.agent.version", semconv.PROVIDER_NAME),
                *(semconv.CACHE_READ_TOKENS, semconv.CACHE_WRITE_TOKENS),
            }
        ),
    ),
    "gen_ai.execute_tool.internal": SpanType(
        operations=frozenset({"execute_tool"}),
        kinds=("internal",),
        named_by=semconv.TOOL_NAME,
        required=frozenset({semconv.TOOL_NAME}),
        recommended=frozenset({"gen_ai.tool.call.id", "gen_ai.tool.type"}),
        forbidden=_COST,
    ),
    "gen_ai.invoke_workflow.internal": SpanType(
        operations=frozenset({"invoke_workflow"}),
        kinds=("internal",),
        named_by=semconv.WORKFLOW_NAME,
        forbidden=_COST,
    ),
    "gen_ai.plan.internal": SpanType(
        operations=frozenset({"plan"}),
        kinds=("internal",),
        named_by=semconv.AGENT_NAME,
        forbidden=_COST,
    ),
}
"""The types of span that have an operation, by their names in OpenTelemetry's registry."""

INFERENCE: Final = SPAN_TYPES["gen_ai.inference.client"].operations
"""The operations by which a model makes something."""

MCP: Final = SpanType(
    operations=frozenset({"execute_tool"}),
    kinds=("client", "server"),
    named_by="mcp.method.name",
    required=frozenset({"mcp.method.name"}),
    recommended=frozenset({"mcp.protocol.version", "network.transport"}),
)
"""A request or a notification of the Model Context Protocol, seen by a client or by a server."""

MCP_TARGETS: Final[Mapping[str, str]] = {
    "tools/call": semconv.TOOL_NAME,
    "prompts/get": "gen_ai.prompt.name",
    "resources/read": "mcp.resource.uri",
    "resources/subscribe": "mcp.resource.uri",
    "resources/unsubscribe": "mcp.resource.uri",
    "notifications/resources/updated": "mcp.resource.uri",
}
"""What a method of the protocol works on: required, and may stand in the name."""

OPENAI_REQUIRED: Final = frozenset({semconv.REQUEST_MODEL})
"""Required of a model call whose provider is `openai`."""

OPENAI_RECOMMENDED: Final = frozenset({semconv.OPENAI_API_TYPE})
"""Recommended for a chat whose provider is `openai`: it tells the two interfaces for chats apart."""


def types_of(operation: str) -> list[SpanType]:
    """Return the types of span that an operation can be; the kind of the span tells which."""
    return [each for each in SPAN_TYPES.values() if operation in each.operations]
