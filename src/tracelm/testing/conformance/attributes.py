"""The attributes of the GenAI conventions: types, values, what they were called before, and which ones are proposed.

The newest state of the conventions. A test compares the tables with OpenTelemetry's registry.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tracelm import semconv

Type: TypeAlias = Literal["string", "int", "double", "boolean", "string[]", "any"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """What the conventions say about one attribute.

    Attributes:
        type: The type of its value.
        values: All values it can have; empty when it can have others.
    """

    type: Type
    values: frozenset[str] = frozenset()


NAMESPACES: Final = ("gen_ai.", "openai.", "mcp.")
"""Where a name that the conventions do not know is a finding. Elsewhere everybody may add names."""

OPERATIONS: Final = frozenset(
    {
        *("chat", "generate_content", "text_completion", "embeddings", "retrieval", "fetch_response"),
        *("create_agent", "invoke_agent", "execute_tool", "invoke_workflow", "plan"),
        *("create_memory", "update_memory", "upsert_memory", "delete_memory", "search_memory"),
        *("create_memory_store", "delete_memory_store"),
    }
)
"""What `gen_ai.operation.name` can say."""

CONTENT: Final = frozenset(
    {
        semconv.SYSTEM_INSTRUCTIONS,
        semconv.INPUT_MESSAGES,
        semconv.OUTPUT_MESSAGES,
        semconv.TOOL_DEFINITIONS,
        "gen_ai.retrieval.documents",
    }
)
"""Attributes whose value has a shape of its own."""

_MODALITIES: Final = ("text", "image", "audio")

_STRING: Final = Attribute("string")
_STRINGS: Final = Attribute("string[]")
_INT: Final = Attribute("int")
_DOUBLE: Final = Attribute("double")
_BOOLEAN: Final = Attribute("boolean")
_ANY: Final = Attribute("any")


def _one_of(*values: str) -> Attribute:
    return Attribute("string", frozenset(values))


EXTENSIONS: Final[Mapping[str, Attribute]] = {
    semconv.COST_AMOUNT: _DOUBLE,
    semconv.COST_CURRENCY: _STRING,
    semconv.COST_SOURCE: _one_of("provider", "local"),
}
"""Names that are proposed (pull request 443 of the conventions) and not yet part of them: they are let through."""

ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    # who does what
    semconv.OPERATION_NAME: Attribute("string", OPERATIONS),
    semconv.PROVIDER_NAME: _STRING,
    semconv.CONVERSATION_ID: _STRING,
    "gen_ai.conversation.compacted": _BOOLEAN,
    semconv.OUTPUT_TYPE: _one_of("text", "json", "image", "speech"),
    # what is asked for
    semconv.REQUEST_MODEL: _STRING,
    semconv.REQUEST_MAX_TOKENS: _INT,
    semconv.REQUEST_TEMPERATURE: _DOUBLE,
    semconv.REQUEST_TOP_P: _DOUBLE,
    semconv.REQUEST_TOP_K: _INT,
    semconv.REQUEST_FREQUENCY_PENALTY: _DOUBLE,
    semconv.REQUEST_PRESENCE_PENALTY: _DOUBLE,
    semconv.REQUEST_STOP_SEQUENCES: _STRINGS,
    semconv.REQUEST_SEED: _INT,
    semconv.REQUEST_CHOICE_COUNT: _INT,
    semconv.REQUEST_STREAM: _BOOLEAN,
    "gen_ai.request.stream_cursor": _ANY,
    semconv.REQUEST_REASONING_LEVEL: _STRING,
    "gen_ai.request.previous_response.id": _STRING,
    "gen_ai.request.encoding_formats": _STRINGS,
    # what came back
    semconv.RESPONSE_ID: _STRING,
    semconv.RESPONSE_MODEL: _STRING,
    semconv.RESPONSE_FINISH_REASONS: _STRINGS,
    semconv.RESPONSE_TIME_TO_FIRST_CHUNK: _DOUBLE,
    "gen_ai.response.status": _one_of("queued", "in_progress", "completed", "incomplete", "failed", "cancelled"),
    "gen_ai.embeddings.dimension.count": _INT,
    # tokens
    semconv.INPUT_TOKENS: _INT,
    semconv.OUTPUT_TOKENS: _INT,
    semconv.CACHE_READ_TOKENS: _INT,
    semconv.CACHE_WRITE_TOKENS: _INT,
    semconv.REASONING_TOKENS: _INT,
    **{
        f"gen_ai.usage.{modality}.{count}": _INT
        for modality in _MODALITIES
        for count in ("input_tokens", "output_tokens", "cache_read.input_tokens")
    },
    "gen_ai.token.type": _one_of("input", "output"),
    "gen_ai.token.modality": _one_of(*_MODALITIES, "unknown"),
    # content
    semconv.SYSTEM_INSTRUCTIONS: _ANY,
    semconv.INPUT_MESSAGES: _ANY,
    semconv.OUTPUT_MESSAGES: _ANY,
    semconv.TOOL_DEFINITIONS: _ANY,
    "gen_ai.prompt.name": _STRING,
    "gen_ai.prompt.version": _STRING,
    # agents, tools, workflows
    "gen_ai.agent.id": _STRING,
    semconv.AGENT_NAME: _STRING,
    "gen_ai.agent.description": _STRING,
    "gen_ai.agent.version": _STRING,
    "gen_ai.main_agent.id": _STRING,
    "gen_ai.main_agent.name": _STRING,
    "gen_ai.main_agent.description": _STRING,
    semconv.TOOL_NAME: _STRING,
    "gen_ai.tool.type": _STRING,
    "gen_ai.tool.description": _STRING,
    "gen_ai.tool.call.id": _STRING,
    "gen_ai.tool.call.arguments": _ANY,
    "gen_ai.tool.call.result": _ANY,
    semconv.WORKFLOW_NAME: _STRING,
    # retrieval and memory
    "gen_ai.data_source.id": _STRING,
    "gen_ai.retrieval.top_k": _INT,
    "gen_ai.retrieval.query.text": _STRING,
    "gen_ai.retrieval.documents": _ANY,
    "gen_ai.memory.store.id": _STRING,
    "gen_ai.memory.record.id": _STRING,
    "gen_ai.memory.record.count": _INT,
    "gen_ai.memory.query.text": _STRING,
    "gen_ai.memory.records": _ANY,
    # evaluation
    semconv.EVALUATION_NAME: _STRING,
    semconv.SCORE_VALUE: _DOUBLE,
    semconv.SCORE_LABEL: _STRING,
    semconv.SCORE_EXPLANATION: _STRING,
    # one provider's own
    semconv.OPENAI_API_TYPE: _one_of("chat_completions", "responses"),
    semconv.OPENAI_REQUEST_SERVICE_TIER: _STRING,
    semconv.OPENAI_RESPONSE_SERVICE_TIER: _STRING,
    semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT: _STRING,
    "azure.resource_provider.namespace": _STRING,
    "aws.bedrock.guardrail.id": _STRING,
    "aws.bedrock.knowledge_base.id": _STRING,
    # the Model Context Protocol; its methods grow with each version of the protocol
    "mcp.method.name": _STRING,
    "mcp.session.id": _STRING,
    "mcp.resource.uri": _STRING,
    "mcp.protocol.version": _STRING,
    "jsonrpc.request.id": _STRING,
    "jsonrpc.protocol.version": _STRING,
    "rpc.response.status_code": _STRING,
    # of OpenTelemetry at large, as far as GenAI spans carry them
    semconv.ERROR_TYPE: _STRING,
    semconv.SERVER_ADDRESS: _STRING,
    semconv.SERVER_PORT: _INT,
    "client.address": _STRING,
    "client.port": _INT,
    "network.transport": _one_of("tcp", "udp", "pipe", "unix", "quic"),
    "network.protocol.name": _STRING,
    "network.protocol.version": _STRING,
    "exception.type": _STRING,
    "exception.message": _STRING,
    "exception.stacktrace": _STRING,
    **EXTENSIONS,
}
"""Every attribute that is checked."""

TEMPLATES: Final[Mapping[str, Attribute]] = {"gen_ai.prompt.variable.": _STRING}
"""Attributes whose name ends as the program likes."""

RENAMED: Final[Mapping[str, str]] = {
    "gen_ai.system": semconv.PROVIDER_NAME,
    "gen_ai.usage.prompt_tokens": semconv.INPUT_TOKENS,
    "gen_ai.usage.completion_tokens": semconv.OUTPUT_TOKENS,
    "gen_ai.usage.cache_creation.input_tokens": semconv.CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_creation_input_tokens": semconv.CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_read_input_tokens": semconv.CACHE_READ_TOKENS,
    "gen_ai.usage.reasoning_tokens": semconv.REASONING_TOKENS,
    "gen_ai.usage.cost": semconv.COST_AMOUNT,
    "gen_ai.prompt": semconv.INPUT_MESSAGES,
    "gen_ai.completion": semconv.OUTPUT_MESSAGES,
    "gen_ai.user": semconv.USER_ID,
    "gen_ai.openai.request.seed": semconv.REQUEST_SEED,
    "gen_ai.openai.request.response_format": semconv.OUTPUT_TYPE,
    "gen_ai.openai.request.service_tier": semconv.OPENAI_REQUEST_SERVICE_TIER,
    "gen_ai.openai.response.service_tier": semconv.OPENAI_RESPONSE_SERVICE_TIER,
    "gen_ai.openai.response.system_fingerprint": semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT,
}
"""Old names, and names that are seen in the wild, with what they are called now."""

DROPPED: Final[Mapping[str, str]] = {
    "gen_ai.usage.total_tokens": f"leave it out, readers add {semconv.INPUT_TOKENS} and {semconv.OUTPUT_TOKENS}",
}
"""Names that were given up, with what to do instead."""

FLATTENED: Final = re.compile(r"gen_ai\.(prompt|completion)\.\d+\..+")
"""Messages as one attribute for each field, a custom from before there was an attribute for messages."""
