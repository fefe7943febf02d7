"""`check`: one span against the conventions."""

from collections.abc import Iterable
from typing import Final

from tracelm import semconv
from tracelm.otlp.records import AnyValue, SpanRecord
from tracelm.testing.conformance.calls import call_findings
from tracelm.testing.conformance.events import span_event_findings
from tracelm.testing.conformance.finding import Finding, quoted
from tracelm.testing.conformance.operations import MCP, MCP_TARGETS, SpanType, types_of
from tracelm.testing.conformance.presence import port_findings, recommended_findings, required_findings
from tracelm.testing.conformance.values import attribute_findings

_METHOD: Final = "mcp.method.name"
_CANCELLATIONS: Final = frozenset({"CancelledError", "Cancelled", "KeyboardInterrupt", "SystemExit"})
"""Errors by which a program ends a call itself."""


def check(span: SpanRecord) -> list[Finding]:
    """Check one span against OpenTelemetry's GenAI conventions, in their newest state.

    A span without `gen_ai.operation.name` and `mcp.method.name` claims to be none of GenAI's: only the attributes that
    it has in these namespaces are looked at.

    Args:
        span: As `tracelm.testing.Spans` and `StoredSpan.otlp` give it.

    Returns:
        What differs, violations first; nothing when the span conforms.

    Example:
        >>> from tracelm.otlp.decode import decode_spans
        >>> [span] = decode_spans(
        ...     b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",'
        ...     b'"spanId":"eee19b7ec3c1b174","name":"execute_tool search","kind":1,"attributes":['
        ...     b'{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},'
        ...     b'{"key":"gen_ai.tool.name","value":{"stringValue":"lookup"}}]}]}]}]}'
        ... ).records
        >>> check(span)[0].message
        "name the span 'execute_tool lookup', not 'execute_tool search'"
    """
    found = attribute_findings(span.attributes) + span_event_findings(span.events)
    operation, method = span.attributes.get(semconv.OPERATION_NAME), span.attributes.get(_METHOD)
    # The call of a tool may have got the attributes of the protocol too: it stays the call of a tool.
    if isinstance(method, str) and not (operation == "execute_tool" and span.kind == "internal"):
        found += _protocol_findings(span, method)
    elif isinstance(operation, str):
        types = types_of(operation)
        if types:
            found += _operation_findings(span, operation, types)
    return sorted(found, key=lambda each: each.level != "violation")


def _operation_findings(span: SpanRecord, operation: str, types: list[SpanType]) -> list[Finding]:
    kinds = tuple(kind for each in types for kind in each.kinds)
    kind = next((each for each in types if span.kind in each.kinds), types[0])
    target = None if kind.named_by is None else span.attributes.get(kind.named_by)
    found = [*_kind_findings(span, operation, kinds), *_status_findings(span)]
    found += _name_findings(span, operation, target)
    return found + call_findings(span.attributes, operation, kind, has_failed=span.status == "error")


def _protocol_findings(span: SpanRecord, method: str) -> list[Finding]:
    found = [*_kind_findings(span, method, MCP.kinds), *_status_findings(span)]
    required, recommended = MCP.required, MCP.recommended
    of_method = MCP_TARGETS.get(method)
    if of_method is not None:
        required |= {of_method}
    if not method.startswith("notifications/"):  # which get no answer, so they need no number
        required |= {"jsonrpc.request.id"}
    if method == "tools/call":
        recommended |= {semconv.OPERATION_NAME}
    elif semconv.OPERATION_NAME in span.attributes:
        found.append(Finding("misplaced", semconv.OPERATION_NAME, f"leave it out: {method} calls no tool"))
    target = None if of_method is None else span.attributes.get(of_method)
    # An address has many values: it may stand in the name, and need not.
    found += _name_findings(span, method, target, is_optional=of_method == "mcp.resource.uri")
    found += required_findings(span.attributes, required, of=method)
    found += recommended_findings(span.attributes, recommended, of=method)
    return found + port_findings(span.attributes)


# --- the span itself ----------------------------------------------------------------------------------------
def _name_findings(span: SpanRecord, operation: str, target: AnyValue, *, is_optional: bool = False) -> list[Finding]:
    if not isinstance(target, str) or not target:
        return [] if span.name == operation else [_misnamed(span, operation)]
    whole = f"{operation} {target}"
    # Refinements of a tool's call add what the tool is called with.
    if span.name == whole or (operation == "execute_tool" and span.name.startswith(f"{whole} ")):
        return []
    if span.name != operation:
        return [_misnamed(span, operation if is_optional else whole)]
    return [] if is_optional else [Finding("name", "name", f"name the span {quoted(whole)}", "improvement")]


def _misnamed(span: SpanRecord, name: str) -> Finding:
    return Finding("name", "name", f"name the span {quoted(name)}, not {quoted(span.name)}")


def _kind_findings(span: SpanRecord, operation: str, kinds: Iterable[str]) -> list[Finding]:
    if span.kind in kinds:
        return []
    allowed = " or ".join(dict.fromkeys(each.upper() for each in kinds))
    return [Finding("kind", "kind", f"give {operation} the kind {allowed}, not {span.kind.upper()}")]


def _status_findings(span: SpanRecord) -> list[Finding]:
    error = span.attributes.get(semconv.ERROR_TYPE)
    if span.status == "ok":
        return [Finding("status", "status", "leave the status unset on success: OK is for the program to say")]
    if span.status == "error" and error is None:
        return [Finding("status", semconv.ERROR_TYPE, "say what failed in error.type: the status is ERROR")]
    # A call that the program itself cancelled has not failed; the type says what ended it.
    if span.status == "unset" and error is not None and str(error).rpartition(".")[2] not in _CANCELLATIONS:
        return [Finding("status", "status", f"set the status to ERROR: error.type is {quoted(error)}")]
    return []
