"""The metrics of the GenAI conventions: instruments, units, buckets and attributes, in two dialects.

The newest state, and that of 1.41, which OpenTelemetry's own instrumentations still write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tracelm import semconv
from tracelm.testing.conformance.attributes import OPERATIONS
from tracelm.testing.conformance.operations import INFERENCE

Dialect: TypeAlias = Literal["latest", "1.41", "both"]
"""Which names are right: the newest, those of 1.41, or both side by side."""

DURATION_BUCKETS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
AGENT_BUCKETS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)
WORKFLOW_BUCKETS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
TOKEN_BUCKETS: Final = tuple(float(4**power) for power in range(14))

_COMMON: Final = frozenset(
    {
        *(semconv.OPERATION_NAME, semconv.PROVIDER_NAME, semconv.REQUEST_MODEL, semconv.RESPONSE_MODEL),
        *(semconv.SERVER_ADDRESS, semconv.SERVER_PORT),
        *(semconv.OPENAI_RESPONSE_SERVICE_TIER, semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT),
    }
)
_CALL: Final = frozenset({semconv.OPERATION_NAME, semconv.PROVIDER_NAME})
_ERROR: Final = frozenset({semconv.ERROR_TYPE})
_MODALITY: Final = frozenset({"gen_ai.token.modality"})
_TOKEN_TYPE: Final = frozenset({"gen_ai.token.type"})
_AGENTIC: Final = frozenset({semconv.AGENT_NAME, semconv.TOOL_NAME, "gen_ai.tool.type", semconv.WORKFLOW_NAME})
_PROTOCOL: Final = frozenset(
    {
        *("mcp.method.name", "mcp.protocol.version", "mcp.resource.uri", "gen_ai.prompt.name", semconv.TOOL_NAME),
        *(semconv.OPERATION_NAME, semconv.SERVER_ADDRESS, semconv.SERVER_PORT, semconv.ERROR_TYPE),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        instrument: What it comes from.
        unit: Its unit, in the notation of UCUM.
        buckets: The boundaries of its buckets; empty where the conventions leave them open.
        counts: Whether its values are whole numbers.
        required: Attributes that each data point must have.
        allowed: Attributes in the namespaces of GenAI that a data point may have; others are too many to aggregate.
        operations: The operations that it is for; empty for all.
    """

    instrument: Literal["counter", "histogram"] = "histogram"
    unit: str = "s"
    buckets: tuple[float, ...] = ()
    counts: bool = False
    required: frozenset[str] = _CALL
    allowed: frozenset[str] = _COMMON
    operations: frozenset[str] = frozenset()


def _tokens(instrument: Literal["counter", "histogram"], attributes: frozenset[str]) -> Metric:
    is_histogram = instrument == "histogram"
    return Metric(
        instrument=instrument,
        unit="{token}",
        buckets=TOKEN_BUCKETS if is_histogram else (),
        counts=True,
        required=_CALL | (attributes - _ERROR),
        allowed=_COMMON | attributes,
        operations=INFERENCE | {"embeddings"},
    )


def _seconds(*, errors: bool, operations: frozenset[str] = frozenset()) -> Metric:
    return Metric(buckets=DURATION_BUCKETS, allowed=_COMMON | _ERROR if errors else _COMMON, operations=operations)


def _agentic(operation: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(
        buckets=buckets,
        required=frozenset(),
        allowed=_COMMON | _ERROR | _AGENTIC,
        operations=frozenset({operation}),
    )


def _calls(unit: str) -> Metric:
    return Metric(
        unit=unit,
        counts=True,
        required=frozenset(),
        allowed=_COMMON | _ERROR | _AGENTIC,
        operations=frozenset({"invoke_agent"}),
    )


_IN_BOTH: Final[Mapping[str, Metric]] = {
    "gen_ai.invoke_agent.duration": _agentic("invoke_agent", AGENT_BUCKETS),
    "gen_ai.invoke_workflow.duration": _agentic("invoke_workflow", WORKFLOW_BUCKETS),
    "gen_ai.execute_tool.duration": _agentic("execute_tool", DURATION_BUCKETS),
    "gen_ai.server.request.duration": Metric(allowed=_COMMON | _ERROR),
    "gen_ai.server.time_per_output_token": Metric(),
    "gen_ai.server.time_to_first_token": Metric(),
    **{
        f"mcp.{side}.{what}.duration": Metric(
            required=frozenset({"mcp.method.name"}) if what == "operation" else frozenset(), allowed=_PROTOCOL
        )
        for side in ("client", "server")
        for what in ("operation", "session")
    },
}

NEWEST: Final[Mapping[str, Metric]] = {
    **_IN_BOTH,
    "gen_ai.client.inference.duration": _seconds(errors=True, operations=INFERENCE),
    "gen_ai.client.inference.time_to_first_chunk": _seconds(errors=False, operations=INFERENCE),
    "gen_ai.client.inference.time_per_output_chunk": _seconds(errors=False, operations=INFERENCE),
    "gen_ai.client.operation.duration": _seconds(
        errors=True, operations=OPERATIONS - INFERENCE - {"execute_tool", "invoke_workflow", "plan"}
    ),
    **{
        f"gen_ai.client.inference.usage.{count}": _tokens("counter", _MODALITY)
        for count in (
            *("input_tokens", "output_tokens", "cache_read.input_tokens"),
            *("cache_write.input_tokens", "reasoning.output_tokens"),
        )
    },
    "gen_ai.client.inference.operation.input_tokens": _tokens("histogram", _ERROR),
    "gen_ai.client.inference.operation.output_tokens": _tokens("histogram", _ERROR),
    "gen_ai.invoke_agent.inference_calls": _calls("{inference_call}"),
    "gen_ai.invoke_agent.tool_calls": _calls("{tool_call}"),
}
"""The metrics of the newest state."""

OF_1_41: Final[Mapping[str, Metric]] = {
    **_IN_BOTH,
    "gen_ai.client.operation.duration": _seconds(errors=True),
    "gen_ai.client.operation.time_to_first_chunk": _seconds(errors=False),
    "gen_ai.client.operation.time_per_output_chunk": _seconds(errors=False),
    "gen_ai.client.token.usage": _tokens("histogram", _TOKEN_TYPE),
}
"""The metrics of 1.41."""

DIALECTS: Final[Mapping[Dialect, Mapping[str, Metric]]] = {
    "latest": NEWEST,
    "1.41": OF_1_41,
    "both": {**NEWEST, **OF_1_41},
}

EXTENSION_METRICS: Final = frozenset({"gen_ai.client.operation.cost"})
"""Names that are proposed (pull request 443) and not yet part of the conventions: they are let through."""

RENAMED_METRICS: Final[Mapping[str, str]] = {
    "gen_ai.client.operation.time_to_first_chunk": "gen_ai.client.inference.time_to_first_chunk",
    "gen_ai.client.operation.time_per_output_chunk": "gen_ai.client.inference.time_per_output_chunk",
    "gen_ai.client.token.usage": "gen_ai.client.inference.operation.input_tokens, .output_tokens and the counters",
}
"""What a metric of 1.41 is called in the newest state."""
