"""Read spans of other instrumentations: their attributes under today's names of OpenTelemetry, and ours.

A record keeps what was sent. What is looked up, filtered and shown is what `canonical` makes of it. Where several
dialects stand on one span, which is common, the order of precedence is:

1. an attribute under today's name, whoever wrote it, but for the few that a dialect writes with another type;
2. the dialects in the order of `DIALECTS`: those of frameworks before OpenTelemetry's own of yesterday, since they
   know more of the call. Each fills in what those before it left open.

See docs/decisions/0037.
"""

from collections.abc import Mapping
from typing import Final

from tracelm.otlp.dialects.dialect import Dialect
from tracelm.otlp.dialects.langfuse import LANGFUSE
from tracelm.otlp.dialects.logfire import LOGFIRE
from tracelm.otlp.dialects.openinference import OPENINFERENCE
from tracelm.otlp.dialects.openllmetry import OPENLLMETRY
from tracelm.otlp.dialects.opentelemetry import OPENTELEMETRY_1_36, OPENTELEMETRY_1_41
from tracelm.otlp.dialects.vercel import VERCEL
from tracelm.otlp.records import AnyValue, Attributes, SpanRecord

DIALECTS: Final = (
    OPENINFERENCE,
    VERCEL,
    LANGFUSE,
    LOGFIRE,
    OPENLLMETRY,
    OPENTELEMETRY_1_41,
    OPENTELEMETRY_1_36,
)
_MARKS: Final = frozenset[str]().union(*(dialect.marks for dialect in DIALECTS))


def which(span: SpanRecord) -> str | None:
    """Return the dialect of a span: of several, the one that counts most; `None`: none, or today's names alone."""
    return next((dialect.name for dialect in _spoken(span.attributes)), None)


def canonical(span: SpanRecord, *, content: bool = True) -> Mapping[str, AnyValue]:
    """Return the attributes of a span under today's names.

    Args:
        span: Of any sender.
        content: Also translate messages, tools, inputs and outputs, which takes most of the time. Messages come as
            JSON in the shape of `gen_ai.input.messages`.

    Returns:
        All attributes that it has, and beside them what they mean in today's names. Its own, to be read only, when
        it speaks no dialect.
    """
    attributes = span.attributes
    if _MARKS.isdisjoint(attributes):
        return attributes
    found: Attributes = {}
    corrected: Attributes = {}
    for dialect in _spoken(attributes):
        facts = dialect.facts(attributes)
        told = (facts, dialect.renamed(attributes), dialect.content(span) if content else {})
        for each in told:
            for key, value in each.items():
                found.setdefault(key, value)
                if key in dialect.corrects:
                    corrected.setdefault(key, value)
    return {**found, **attributes, **corrected}


def _spoken(attributes: Attributes) -> list[Dialect]:
    return [dialect for dialect in DIALECTS if not dialect.marks.isdisjoint(attributes)]
