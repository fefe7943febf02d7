"""How traces and evaluation runs look in a terminal.

Names and texts in a trace come from models and their users: they are shown as they are, never read as markup or as
control sequences of the terminal.
"""

import math
import os
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from tracelm import semconv

if TYPE_CHECKING:
    from tracelm.server.access.keys import ApiKey
    from tracelm.store.integrity import StoreStats
    from tracelm.store.reprice import RepricedModel
    from tracelm.store.stored import StoredRun, StoredSpan, StoredTrace
    from tracelm.store.tree import TraceTree
    from tracelm.store.verdicts import StoredDecision, StoredScore

SHORT_ID: Final = 12
"""So many characters of an id are shown in a list; `tracelm show` takes them."""

_PREVIEW: Final = 60
_STYLES: Final = {"error": "red", "ok": "green"}
# What moves the cursor, starts an escape sequence, or turns the direction of writing.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CONTENTS: Final = (
    ("system", semconv.SYSTEM_INSTRUCTIONS),
    ("input", semconv.INPUT_VALUE),
    ("messages", semconv.INPUT_MESSAGES),
    ("output", semconv.OUTPUT_VALUE),
    ("reply", semconv.OUTPUT_MESSAGES),
)


def console() -> Console:
    """Return a console that prints text as it is; wide when nobody looks, so that a pipe gets whole lines."""
    found = Console(highlight=False, markup=False, emoji=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, emoji=False, width=200)


def command() -> str:
    """Return how to call `tracelm` from here: by its name, or with its folder where the shell would not find it."""
    import shutil
    import sys
    from pathlib import Path

    installed = Path(sys.executable).parent / "tracelm"
    found = shutil.which("tracelm")
    if not installed.exists() or (found is not None and Path(found).samefile(installed)):
        return "tracelm"
    return os.path.relpath(installed) if installed.is_relative_to(Path.cwd()) else str(installed)


def clean(text: str) -> str:
    """Return `text` with control characters written out as Python does, except tab and newline."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def one_line(text: str, limit: int = _PREVIEW) -> str:
    """Return the beginning of `text` on one line, without control characters."""
    flat = clean(" ".join(text[: limit * 4].split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def duration(ns: int) -> str:
    """Return a duration for people: `0.12 ms`, `3.4 s`, `2 min 5 s`."""
    seconds = ns / 1e9
    if seconds < 0.01:
        return f"{seconds * 1e3:.2f} ms"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def cost(usd: float | None) -> str:
    """Return an amount with three digits that say something: `$0.0000123`; `-` when it is not known."""
    if usd is None:
        return "-"
    if usd == 0:
        return "$0"
    digits = max(2, 2 - math.floor(math.log10(abs(usd))))
    return f"${usd:,.{digits}f}" if digits <= 12 else f"${usd:.2e}"


def failure(error_type: str | None, message: str | None) -> str:
    """Return what went wrong on one line, its class named once."""
    if error_type and message and message.startswith(error_type.rpartition(".")[2]):
        return one_line(message, 400)
    return ": ".join(one_line(part, 400) for part in (error_type, message) if part)


def tokens(given: int | None, made: int | None) -> str:
    """Return a count of tokens: `812 in, 64 out`; `-` when nobody counted."""
    parts = [f"{count:,} {way}" for count, way in ((given, "in"), (made, "out")) if count is not None]
    return ", ".join(parts) or "-"


def moment(ns: int) -> str:
    """Return a time in the local time zone, to the second."""
    try:
        return datetime.fromtimestamp(ns / 1e9, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return f"{ns} ns"


def trace_table(traces: Iterable["StoredTrace"]) -> Table:
    """Return the list of traces."""
    shown = table(("trace", "started", "project", "name"), ("duration", "spans", "tokens", "cost"), ("status", "input"))
    for each in traces:
        shown.add_row(
            Text(each.trace_id[:SHORT_ID]),
            Text(moment(each.start_ns)),
            Text(one_line(each.project)),
            Text(one_line(each.name)),
            Text(duration(each.duration_ns)),
            Text(str(each.span_count)),
            Text(tokens(each.input_tokens, each.output_tokens)),
            Text(cost(each.cost_usd)),
            _state(each.state, each.end_ns) or _status(each.status, each.error_count),
            Text(one_line(each.input or "")),
        )
    return shown


def span_table(spans: Iterable["StoredSpan"]) -> Table:
    """Return the list of spans."""
    shown = table(("trace", "span", "started", "project", "name"), ("duration", "tokens", "cost"), ("status", "error"))
    for each in spans:
        shown.add_row(
            Text(each.trace_id[:SHORT_ID]),
            Text(each.span_id),
            Text(moment(each.start_ns)),
            Text(one_line(each.project)),
            Text(one_line(each.name)),
            Text(duration(each.duration_ns)),
            Text(tokens(each.input_tokens, each.output_tokens)),
            Text(cost(each.cost_usd)),
            _state(each.state, each.end_ns) or _status(each.status, 0),
            Text(failure(each.error_type, each.status_message)),
        )
    return shown


def run_table(runs: Iterable["StoredRun"]) -> Table:
    """Return the list of evaluation runs."""
    shown = table(("run", "started", "project", "name", "dataset"), ("rows", "errors", "cost"), ("means",))
    for each in runs:
        rows = str(each.rows) if each.trials in {None, 1} else f"{each.rows} x {each.trials}"
        means = ", ".join(f"{one_line(name)} {mean:.3g}" for name, mean in each.means.items())
        shown.add_row(
            Text(clean(each.run_id)),
            Text(moment(each.start_ns)),
            Text(one_line(each.project)),
            Text(one_line(each.name or "(not finished)")),
            Text(one_line(each.dataset or "-")),
            Text(rows if each.end_ns is not None else f"{each.done} so far"),
            Text(str(each.row_errors), style="red" if each.row_errors else ""),
            Text(cost(each.cost_usd)),
            Text(means or "-"),
        )
    return shown


def key_table(keys: Iterable["ApiKey"]) -> Table:
    """Return the list of API keys."""
    shown = table(("id", "made", "name", "may", "where", "state"), (), ())
    for each in keys:
        shown.add_row(
            Text(clean(each.id)),
            Text(moment(each.created_ns)),
            Text(one_line(each.name)),
            Text(", ".join(each.rights)),
            Text("all projects" if each.projects is None else one_line(", ".join(each.projects))),
            Text("good" if each.revoked_ns is None else "revoked", style="" if each.revoked_ns is None else "red"),
        )
    return shown


def reprice_table(models: Iterable["RepricedModel"]) -> Table:
    """Return what a repricing changed: the models with changes, and their sums."""
    shown = table(("provider", "model"), ("calls", "changed", "old cost", "new cost"), ())
    for each in models:
        if each.changed:
            shown.add_row(
                Text(one_line(each.provider or "-")),
                Text(one_line(each.model or "-")),
                Text(f"{each.calls:,}"),
                Text(f"{each.changed:,}"),
                Text(cost(each.old_usd)),
                Text(cost(each.new_usd)),
            )
    return shown


def trace_tree(trace: "TraceTree", *, full: bool = False) -> Tree:
    """Return a trace as a tree: each span with duration, tokens and cost, its scores and guardrail decisions below.

    Args:
        trace: From `Store.trace`.
        full: Show inputs, outputs and messages whole.
    """
    tree = Tree(_heading(trace.summary))
    stack = [(span, tree) for span in reversed(trace.roots)]
    shown: set[str | None] = set()
    while stack:
        span, parent = stack.pop()
        shown.add(span.span_id)
        node = parent.add(_span_line(span))
        for line in _below(trace, span, full=full):
            node.add(line)
        stack.extend((child, node) for child in reversed(trace.children(span)))
    # Feedback may name only the trace, or a span that is not here.
    for score in trace.scores:
        if score.span_id not in shown:
            tree.add(_score_line(score))
    for decision in trace.decisions:
        if decision.span_id not in shown:
            tree.add(_decision_line(decision))
    return tree


def _heading(summary: "StoredTrace") -> Text:
    spans = "1 span" if summary.span_count == 1 else f"{summary.span_count} spans"
    facts = [f"project {one_line(summary.project)}", moment(summary.start_ns), spans, duration(summary.duration_ns)]
    facts += _usage(summary.input_tokens, summary.output_tokens, summary.cost_usd)
    line = Text.assemble((f"trace {summary.trace_id}", "bold"), "  ", ", ".join(facts))
    state = _state(summary.state, summary.end_ns)
    if state is not None:
        line.append("  ").append_text(state)
    if summary.error_count:
        line.append("  ").append_text(_status(summary.status, summary.error_count))
    return line


def _span_line(span: "StoredSpan") -> Text:
    facts = [duration(span.duration_ns), *_usage(span.input_tokens, span.output_tokens, span.cost_usd)]
    line = Text.assemble((one_line(span.name, 200), "bold"), "  ", (", ".join(facts), "cyan"))
    state = _state(span.state, span.end_ns)
    if state is not None:
        line.append("  ").append_text(state)
    if span.status == "error":
        what = failure(span.error_type, span.status_message)
        line.append("  ").append(f"error: {what}" if what else "error", style="red")
    return line


def _usage(given: int | None, made: int | None, usd: float | None) -> list[str]:
    counted = tokens(given, made)
    return [
        *([] if counted == "-" else [f"{counted} tokens"]),
        *([] if usd is None else [cost(usd)]),
    ]


def _below(trace: "TraceTree", span: "StoredSpan", *, full: bool) -> list[Text]:
    found = span.attributes if full else {}
    contents = [
        Text.assemble((f"{label}: ", "dim"), clean(str(found[key]))) for label, key in _CONTENTS if key in found
    ]
    errors = [
        Text(clean(str(event.attributes.get("exception.stacktrace", ""))).rstrip(), style="red")
        for event in (span.otlp.events if full else ())
        if event.attributes.get("exception.stacktrace")
    ]
    scores = [_score_line(score) for score in trace.scores_of(span)]
    decisions = [_decision_line(decision) for decision in trace.decisions_of(span)]
    return [*contents, *errors, *scores, *decisions]


def _score_line(score: "StoredScore") -> Text:
    line = Text.assemble(("score ", "dim"), one_line(score.name, 200), " ")
    if score.error_type is not None:
        line.append(f"failed: {failure(score.error_type, score.explanation)}", style="red")
    elif score.label is not None:
        line.append(one_line(score.label), style=_verdict_style(score.passed))
    elif score.value is not None:
        line.append(f"{score.value:.4g}", style=_verdict_style(score.passed))
    else:
        line.append("not scored", style="yellow")
    if score.passed is not None and score.label not in {"true", "false"}:
        line.append(" passed" if score.passed else " failed", style=_verdict_style(score.passed))
    by = ", ".join(one_line(each) for each in (score.source, score.author) if each)
    line.append(f" ({by})" if by else "", style="dim")
    if score.explanation and score.error_type is None:
        line.append(f"  {one_line(score.explanation, 400)}")
    return line


def _decision_line(decision: "StoredDecision") -> Text:
    taken = decision.taken or "?"
    line = Text.assemble(("guardrail ", "dim"), one_line(decision.guardrail or "?", 200), " ")
    line.append(one_line(taken), style="green" if taken == "allow" else "yellow")
    facts = [one_line(decision.outcome or "?")]
    if decision.intended not in {None, decision.taken}:
        facts.insert(0, f"wanted {one_line(decision.intended or '')}")
    if decision.latency_s is not None and math.isfinite(decision.latency_s):
        facts.append(duration(round(decision.latency_s * 1e9)))
    return line.append(f" ({', '.join(facts)})", style="dim")


def _verdict_style(passed: bool | None) -> str:
    return "" if passed is None else ("green" if passed else "red")


def _state(state: str, end_ns: int) -> Text | None:
    """Say what became of a span that has not ended; `None` for one that has."""
    if state == "in flight":
        return Text("in flight", style="yellow")
    return Text(f"lost at {moment(end_ns)}", style="red") if state == "lost" else None


def _status(status: str, errors: int) -> Text:
    if status != "error" and errors:
        return Text(f"{errors} inner error{'s' if errors > 1 else ''}", style="yellow")
    return Text("ok" if status == "unset" else status, style=_STYLES.get(status, "green"))


def table(left: Sequence[str], right: Sequence[str], rest: Sequence[str]) -> Table:
    """Return an empty table with columns of text, of figures, and of text again."""
    made = Table(box=box.SIMPLE_HEAD)
    for name in left:
        made.add_column(name, no_wrap=name in {"trace", "run", "started"})
    for name in right:
        made.add_column(name, justify="right", no_wrap=True)
    for name in rest:
        made.add_column(name)
    return made


def stats_table(found: "StoreStats") -> Table:
    """Lay out what a store holds."""
    shown = Table(title=clean(found.place), title_justify="left", box=None, show_header=False)
    shown.add_row("on disk", f"{found.size_bytes / 1e6:,.1f} MB")
    shown.add_row("records, compressed", f"{found.records_bytes / 1e6:,.1f} MB")
    shown.add_row("contents, compressed", f"{found.contents_bytes / 1e6:,.1f} MB")
    for name, count in found.rows.items():
        if count:
            shown.add_row(name, f"{count:,}")
    for project, count in found.spans_by_project.items():
        shown.add_row(f"spans of {clean(project)}", f"{count:,}")
    return shown
