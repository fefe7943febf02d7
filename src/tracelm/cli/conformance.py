"""`tracelm doctor --conformance`: recorded spans against OpenTelemetry's GenAI conventions."""

import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

import typer

from tracelm import semconv
from tracelm.cli.output import moment_ns, open_home, print_json

if TYPE_CHECKING:
    from tracelm.store.stored import StoredSpan
    from tracelm.testing.conformance import Finding

_COLUMNS: Final = 80
_SAYS_WHAT: Final = frozenset({semconv.OPERATION_NAME, "mcp.method.name"})
"""By one of these a span says itself what it does."""


@dataclass(kw_only=True, slots=True)
class _Group:
    """What is the same about several spans.

    Attributes:
        rule: The rule of the findings.
        subject: What they are about.
        level: `violation` or `improvement`.
        spans: How many spans have such a finding.
        message: What the finding of one of these spans says.
        trace_id: The trace of that span.
        span_id: That span.
    """

    rule: str
    subject: str
    level: str
    spans: int
    message: str
    trace_id: str
    span_id: str


@dataclass(kw_only=True, slots=True)
class _Checked:
    """What was checked, and what was found."""

    spans: int
    findings: list[_Group]

    def count(self, level: str) -> int:
        return sum(each.level == level for each in self.findings)


def report(*, project: str | None, since: str | None, as_json: bool, home: Path | None) -> None:
    """Print what differs from the conventions, grouped.

    Raises:
        typer.Exit: With code 1, when a span violates them.
    """
    since_ns = moment_ns(since, now_ns=time_ns())
    with open_home(home) as store:
        checked = _check(store.genai_spans(project=project, since_ns=since_ns))
    if as_json:
        print_json(asdict(checked))
    else:
        _print(checked)
    if checked.count("violation"):
        raise typer.Exit(1)


def _check(spans: "Iterable[StoredSpan]") -> _Checked:
    groups: dict[tuple[str, str, str], _Group] = {}
    count = 0
    for span in spans:
        count += 1
        # A span counts once for a rule and a subject, however often it breaks it.
        first = {(each.level, each.rule, each.subject): each for each in reversed(_findings(span))}
        for key, finding in first.items():
            groups.setdefault(key, _group_of(finding, span)).spans += 1
    return _Checked(spans=count, findings=sorted(groups.values(), key=_worst_first))


def _findings(span: "StoredSpan") -> "list[Finding]":
    from tracelm.testing.conformance import Finding, check

    found = check(span.otlp)
    if span.operation is None or not _SAYS_WHAT.isdisjoint(span.otlp.attributes):
        return found
    # Without the name the checker takes the span for none of GenAI's; the store knows better.
    message = (
        f"set it: tracelm reads the span as {span.operation} from another vocabulary, and the conventions require the "
        "name"
    )
    return [Finding("required", semconv.OPERATION_NAME, message), *found]


def _worst_first(group: _Group) -> tuple[bool, int, str, str]:
    return group.level != "violation", -group.spans, group.rule, group.subject


def _group_of(finding: "Finding", span: "StoredSpan") -> _Group:
    return _Group(
        rule=finding.rule,
        subject=finding.subject,
        level=finding.level,
        spans=0,
        message=finding.message,
        trace_id=span.trace_id,
        span_id=span.span_id,
    )


def _print(checked: _Checked) -> None:
    from rich.text import Text

    from tracelm.cli import tables

    out = tables.console()
    if not checked.spans:
        out.print("no GenAI span was recorded there: nothing to check")
        return
    different = [_counted(checked.count(level), f"different {level}") for level in ("violation", "improvement")]
    out.print(f"{_counted(checked.spans, 'GenAI span')}: {', '.join(different)}")
    for each in checked.findings:
        color = "red" if each.level == "violation" else "yellow"
        about = each.rule if each.subject == each.rule else f"{each.rule}, {tables.one_line(each.subject, 40)}"
        out.print()
        out.print(Text.assemble((each.level, color), f": {about}: {_counted(each.spans, 'span')}"))
        out.print(Text(_wrapped(tables.clean(each.message))))
        out.print(f"  for example tracelm show {each.trace_id[: tables.SHORT_ID]}, span {each.span_id}", style="dim")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _COLUMNS, initial_indent="  ", subsequent_indent="  ")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
