"""What the checker says: findings, and the rules that they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["violation", "improvement"]
Rule: TypeAlias = Literal[
    "operation",
    "name",
    "kind",
    "status",
    "required",
    "recommended",
    "misplaced",
    "deprecated",
    "unknown",
    "type",
    "enum",
    "value",
    "content",
    "finish-reasons",
    "usage",
    "event",
    "instrument",
    "unit",
    "buckets",
]

RULES: Final[Mapping[Rule, str]] = {
    "operation": "`gen_ai.operation.name` is one of those that the conventions define",
    "name": "a span is named by its operation, or by operation and what it works on: `chat gpt-4o`",
    "kind": "the kind of the span is one that its operation may have",
    "status": "the status is left unset on success; a failure has status ERROR and `error.type`, both or neither",
    "required": "what is required is there, also what is required only under a condition that the record shows",
    "recommended": "what is recommended of spans and events is there; of metrics it is not asked",
    "misplaced": "nothing is there that the operation, event or metric must not carry",
    "deprecated": "no name of an older state of the conventions is used",
    "unknown": "no name is made up in the namespaces `gen_ai`, `openai` and `mcp`",
    "type": "each value has the type of its attribute; an int is no double",
    "enum": "where the conventions list all values, it is one of them",
    "value": "no value is written that says only what its absence says; no name and no finish reason is empty",
    "content": "messages, instructions, tool definitions and documents have the shape that the conventions give them",
    "finish-reasons": "there is one finish reason for each choice",
    "usage": "counts of tokens do not contradict each other: a part is at most the whole",
    "event": "an event has the severity and the span that the conventions ask for",
    "instrument": "a metric comes from the right kind of instrument, with whole numbers where things are counted",
    "unit": "a metric has the right unit",
    "buckets": "a histogram has the bucket boundaries that the conventions give",
}
"""Every rule, and what it asks for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs from the conventions.

    Attributes:
        rule: One of `RULES`.
        subject: What it is about: the key of an attribute, `name`, `kind` or `status` of a span, the name of an event
            or of a metric.
        message: What is wrong here, and what to do about it.
        level: `violation`, or `improvement` where the conventions recommend what is missing or different.
    """

    rule: Rule
    subject: str
    message: str
    level: Level = "violation"


def quoted(value: object) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
