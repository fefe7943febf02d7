"""The page of the dialects: their marks and tables, from the code."""

import sys
from typing import Final

from tracelm.otlp import dialects
from tracelm.otlp.dialects.dialect import Dialect
from tracelm.otlp.dialects.opentelemetry import OPENTELEMETRY_1_41
from tracelm.otlp.dialects.providers import ALIASES
from tracelm.otlp.limits import RequestLimits

_HEAD: Final = """# Dialects

What a server of tracelm receives may come from any instrumentation that speaks OTLP. The record keeps what was sent;
columns, filters and views read it under today's names. [Receive from other
instrumentations](../how-to/receive-from-other-instrumentation.md) shows it at work.

Where several dialects stand on one span, an attribute under today's name wins, whoever wrote it. Then the dialects
count in the order of this page, and each fills in what those before it left open
([why](../decisions/0037-requests-record-by-record-and-dialects-beside-the-record.md)). Chat messages come out in one
shape, that of `gen_ai.input.messages`: a role and parts, which are texts, reasoning, calls of tools and their
responses, pictures. A span that speaks no dialect is read as it is."""

_LIMITS: Final = """## What is taken

A request may be protobuf or OTLP/JSON. Records that cannot be read are refused one by one, with the reason; their
neighbours are kept. So are records beyond a limit; only a request with too many records is refused as a whole."""


def dialects_page() -> str:
    """Return the page."""
    parts = [_HEAD, *map(_section, dialects.DIALECTS), _providers(), f"{_LIMITS}\n\n{_limits()}\n\n{_doubtful()}"]
    return "\n\n".join(parts)


def _section(dialect: Dialect) -> str:
    marks = ", ".join(f"`{mark}`" for mark in sorted(dialect.marks))
    lines = [f"## {dialect.title}", "", f"Its name is `{dialect.name}`. Spoken by a span with one of: {marks}.", ""]
    prose = (sys.modules[dialect.facts.__module__].__doc__ or "").partition("\n\n")[2].strip()
    if prose and dialect is not OPENTELEMETRY_1_41:
        lines += [prose, ""]
    lines += ["| today | there |", "|---|---|"]
    lines += [f"| `{ours}` | {', '.join(f'`{key}`' for key in theirs)} |" for ours, theirs in dialect.keys.items()]
    return "\n".join(lines)


def _providers() -> str:
    rows = [f"| `{theirs}` | `{ours}` |" for theirs, ours in ALIASES.items()]
    return "\n".join(
        ["## Providers", "", "Small letters or capitals do not matter.", "", "| there | today |", "|---|---|", *rows]
    )


def _limits() -> str:
    limits = RequestLimits()
    meant = {
        "max_records": "records in a request; a resource or a scope counts as one",
        "max_attributes": "attributes of a span, an event, a link, a log record, a resource or a scope",
        "max_events": "events of a span; likewise links",
        "max_depth": "lists and maps inside of each other",
        "max_values": "values inside of one attribute",
        "max_key_bytes": "bytes of an attribute's name",
        "max_field_bytes": "bytes of an attribute with all that is in it, or of another text",
    }
    return "\n".join(
        ["| at most | |", "|---:|---|", *(f"| {getattr(limits, name):,} | {text} |" for name, text in meant.items())]
    )


def _doubtful() -> str:
    from tracelm.otlp import request

    text = (request.__doc__ or "").partition("\n\n")[2]
    return text[text.index("|") :].strip()
