"""The page of the conformance checker: its functions, rules and tables, from the code."""

import inspect
from collections.abc import Iterable
from typing import Any, Final

from docs.sources import BAR, markdown, signature, source_of
from tracelm.testing import conformance
from tracelm.testing.conformance.attributes import DROPPED, EXTENSIONS, RENAMED
from tracelm.testing.conformance.events import DEPRECATED_EVENTS
from tracelm.testing.conformance.metrics import EXTENSION_METRICS, NEWEST, OF_1_41
from tracelm.testing.conformance.operations import OPENAI_RECOMMENDED, OPENAI_REQUIRED, SPAN_TYPES, SPARED

_FUNCTIONS: Final = ("check", "check_log", "check_metrics", "Finding")

_HEAD: Final = """# Conformance

`tracelm.testing.conformance` checks spans, events and metrics against OpenTelemetry's conventions for generative AI,
whoever recorded them. [Check your spans](../how-to/check-conformance.md) shows it at work; `tracelm doctor
--conformance` runs it over the spans in the store, and tells those whose operation only another vocabulary names.
Events and metrics are checked where they are made, in a test. The tables are those of the conventions' newest state
(late 2026, still in development there). What tracelm's integrations record, and its ops of any kind, pass without a
violation. Only a call that names no model, as an image or a stored prompt can be asked for, has none to record, and the
provider's own refinement requires one."""

_LEVELS: Final = """## Levels

A finding is a `violation`, or an `improvement`: something is missing that the conventions only recommend, or differs
from what they say a good record *should* have. Improvements fail no command. What is required only under a condition is
a finding where the record itself shows that the condition is met, such as `server.port` beside `server.address`; where
it does not, nothing is said."""

_STATUS: Final = """\
A call that the program cancelled has `error.type` and an unset status. That is no finding, though the conventions say
"both or neither": a cancellation is not the provider's failure ([why](../decisions/0021-a-checker-of-our-own.md))."""

_CONTENT: Final = """## Content

Messages, system instructions, tool definitions and retrieved documents may be structured values, or JSON texts on
spans; on events they must be structured. A part whose type the conventions know must have the fields of that type,
which is stricter than OpenTelemetry's JSON schemas: those let any object with a `type` pass. A message of a model may
have a `finish_reason`, which 1.41 asked for and the newest state deprecates. The parameters of a tool are a JSON
schema: `type`, `properties`, `required`, `items` and `enum` must have the shape that draft 07 gives them, however deep
people write them; which types there are is for the provider to say."""

_SPANS: Final = """\
The name is the operation, with what it is named by behind it where that is known. Attributes after the semicolon are
asked for once there is an answer. A request of the Model Context Protocol (`mcp.method.name`) has kind CLIENT or SERVER
and is named by its method and its tool or prompt."""

_EXTENSIONS: Final = """\
Names that are proposed (pull request 443 of the conventions) and not yet part of them are let through; the types of
attributes are checked. Names outside of `gen_ai`, `openai` and `mcp`, such as `tracelm.*`, are everybody's own."""

_OLD: Final = "Each is a violation of the rule `deprecated`, which says what to write instead."

_METRICS: Final = """\
`check_metrics(data, dialect=...)` knows the newest names (`latest`), those of `1.41`, and `both` side by side. Data
points must not be split by attributes that have many values, such as `gen_ai.response.id`."""


def conformance_page() -> str:
    """Return the page."""
    parts = [_HEAD, *(_shown(name) for name in _FUNCTIONS)]
    parts += [_LEVELS, "## Rules", _table(("rule", "asks that"), _rules()), _STATUS]
    parts += ["## Spans", _SPANS, _table(("operation", "kind", "named", "must have", "should have"), _spans())]
    parts += [
        f"With the provider `openai`, a model call must also have {_keys(OPENAI_REQUIRED)}, and a `chat` should have "
        f"{_keys(OPENAI_RECOMMENDED)}."
    ]
    parts += [
        f"Recommended by the conventions, but never missed here, because a request need not set it or the record "
        f"does not show whether there is such a thing: {_keys(SPARED)}."
    ]
    parts += [_CONTENT, "## Known extensions", _EXTENSIONS, _table(("name", "what"), _extensions())]
    parts += ["## Old names", _OLD, _table(("found", "instead"), _old())]
    parts += ["## Metrics", _METRICS, _table(("metric", "dialect", "instrument", "unit", "boundaries"), _metrics())]
    return "\n\n".join(parts)


def _shown(name: str) -> str:
    thing: Any = getattr(conformance, name)
    form = name if inspect.isclass(thing) else f"{name}{signature(source_of(thing))}"
    return f"## {name}\n\n`{form}`\n\n{markdown(inspect.getdoc(thing) or '')}"


def _rules() -> Iterable[tuple[str, ...]]:
    return ((f"`{rule}`", meaning) for rule, meaning in conformance.RULES.items())


def _spans() -> Iterable[tuple[str, ...]]:
    for each in SPAN_TYPES.values():
        should = "; ".join(filter(None, (_keys(each.recommended), _keys(each.recommended_after))))
        yield (
            _keys(each.operations),
            " or ".join(kind.upper() for kind in each.kinds),
            f"by `{each.named_by}`" if each.named_by else "",
            _keys(each.required),
            should,
        )


def _extensions() -> Iterable[tuple[str, ...]]:
    yield from ((f"`{name}`", f"attribute, {each.type}") for name, each in EXTENSIONS.items())
    yield from ((f"`{name}`", "metric") for name in sorted(EXTENSION_METRICS))


def _old() -> Iterable[tuple[str, ...]]:
    yield from ((f"`{old}`", f"`{new}`") for old, new in RENAMED.items())
    yield from ((f"`{old}`", instead) for old, instead in DROPPED.items())
    yield ("`gen_ai.prompt.0.content` and the like", "`gen_ai.input.messages`, `gen_ai.output.messages`")
    yield from ((f"event `{old}`", instead) for old, instead in DEPRECATED_EVENTS.items())


def _metrics() -> Iterable[tuple[str, ...]]:
    for name in sorted({**NEWEST, **OF_1_41}):
        metric = NEWEST.get(name) or OF_1_41[name]
        dialects = [dialect for dialect, known in (("latest", NEWEST), ("1.41", OF_1_41)) if name in known]
        bounds = f"{metric.buckets[0]:g} … {metric.buckets[-1]:.10g}" if metric.buckets else ""
        yield (f"`{name}`", ", ".join(dialects), metric.instrument, f"`{metric.unit}`", bounds)


def _keys(keys: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(keys))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(cell.replace('|', BAR) for cell in row)} |" for row in rows]
    return "\n".join(lines)
