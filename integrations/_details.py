"""The events of a call: all that its span says, with content as structure, and the exception that ended it.

They are `gen_ai.client.inference.operation.details` and `gen_ai.client.operation.exception`, asked for with
`init(details_event="on")`, for backends that read events instead of spans.
"""

from collections.abc import Mapping
from typing import Final

import orjson
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.trace.scores import emit

_OF_THE_CALL: Final = ("gen_ai.", "server.", "openai.", "anthropic.", "aws.", "azure.", "error.")
_STRUCTURED: Final = frozenset(
    {
        semconv.SYSTEM_INSTRUCTIONS,
        semconv.INPUT_MESSAGES,
        semconv.OUTPUT_MESSAGES,
        semconv.TOOL_DEFINITIONS,
    }
)
_COST: Final = "gen_ai.usage.cost."
"""Proposed to the conventions for spans only."""


def emit_details(attributes: Mapping[str, AttributeValue], content: Mapping[str, str], *, on: SpanContext) -> None:
    """Write the event.

    Args:
        attributes: Those of the span, without content.
        content: The messages, as bounded JSON text without secrets, and what else holds content.
        on: The span.
    """
    facts = {
        key: value for key, value in attributes.items() if key.startswith(_OF_THE_CALL) and not key.startswith(_COST)
    }
    said = {
        key: orjson.loads(text) if key in _STRUCTURED else text
        for key, text in content.items()
        if key.startswith(_OF_THE_CALL)
    }
    emit(semconv.DETAILS_EVENT, {**facts, **said}, on=on, severity=SeverityNumber.DEBUG)


def emit_exception(event: Mapping[str, str], *, on: SpanContext) -> None:
    """Write the event that says why a call failed.

    Args:
        event: What it says.
        on: The span.
    """
    emit(semconv.EXCEPTION_EVENT, event, on=on, severity=SeverityNumber.WARN)
