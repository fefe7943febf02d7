"""The event `gen_ai.client.inference.operation.details`: all that a call's span says, with content as structure.

Asked for with `init(details_event="on")`, for backends that read events instead of spans.
"""

from collections.abc import Mapping
from typing import Final

import orjson
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AttributeValue

from tracelm.trace.scores import emit

_EVENT: Final = "gen_ai.client.inference.operation.details"
_OF_THE_CALL: Final = ("gen_ai.", "server.", "openai.", "azure.", "error.")
_COST: Final = "gen_ai.usage.cost."
"""Proposed to the conventions for spans only."""


def emit_details(attributes: Mapping[str, AttributeValue], content: Mapping[str, str], *, on: SpanContext) -> None:
    """Write the event.

    Args:
        attributes: Those of the span, without content.
        content: The messages and what else holds content, each as bounded JSON text without secrets.
        on: The span.
    """
    facts = {
        key: value for key, value in attributes.items() if key.startswith(_OF_THE_CALL) and not key.startswith(_COST)
    }
    structured = {key: orjson.loads(text) for key, text in content.items()}
    emit(_EVENT, {**facts, **structured}, on=on, severity=SeverityNumber.DEBUG)
