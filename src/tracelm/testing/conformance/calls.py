"""What a call carries, by its operation; on a span and on the event with its details alike."""

from typing import cast

from tracelm import semconv
from tracelm.otlp.records import AnyValue, Attributes
from tracelm.testing.conformance.content import parse
from tracelm.testing.conformance.finding import Finding
from tracelm.testing.conformance.operations import INFERENCE, OPENAI_RECOMMENDED, OPENAI_REQUIRED, SpanType
from tracelm.testing.conformance.presence import port_findings, recommended_findings, required_findings


def call_findings(attributes: Attributes, operation: str, kind: SpanType, *, has_failed: bool) -> list[Finding]:
    """Check which attributes are there, and whether they fit together.

    Args:
        attributes: Of the record.
        operation: Its `gen_ai.operation.name`.
        kind: The type of span that it is.
        has_failed: Whether the status says so; a failed call need not have an answer.
    """
    required, recommended = kind.required, kind.recommended
    if operation in INFERENCE and attributes.get(semconv.PROVIDER_NAME) == "openai":
        required |= OPENAI_REQUIRED
        if operation == "chat":
            recommended |= OPENAI_RECOMMENDED
    is_answered = not has_failed and _is_answered(attributes)
    if is_answered:
        recommended |= kind.recommended_after
    found = required_findings(attributes, required, of=operation)
    found += recommended_findings(attributes, recommended, of=operation)
    found += _misplaced_findings(attributes, operation, kind)
    found += port_findings(attributes)
    found += _stream_findings(attributes, is_answered=is_answered)
    return found + _finish_reason_findings(attributes, operation) if operation in INFERENCE else found


def _is_answered(attributes: Attributes) -> bool:
    reasons = attributes.get(semconv.RESPONSE_FINISH_REASONS)
    was_left = isinstance(reasons, list) and bool(reasons) and all(each == "error" for each in reasons)
    return semconv.ERROR_TYPE not in attributes and not was_left


def _misplaced_findings(attributes: Attributes, operation: str, kind: SpanType) -> list[Finding]:
    forbidden = [
        Finding("misplaced", key, f"leave it out: {operation} must not have it")
        for key in sorted(kind.forbidden.intersection(attributes))
    ]
    return forbidden + [
        Finding("misplaced", key, f"leave it out: {operation} of this kind no longer has it", "improvement")
        for key in sorted(kind.dropped.intersection(attributes))
    ]


def _stream_findings(attributes: Attributes, *, is_answered: bool) -> list[Finding]:
    found: list[Finding] = []
    is_streamed = attributes.get(semconv.REQUEST_STREAM) is True
    if semconv.RESPONSE_TIME_TO_FIRST_CHUNK in attributes:
        if not is_streamed:
            found.append(Finding("required", semconv.REQUEST_STREAM, "set it to true: there is a time to first chunk"))
    elif is_streamed and is_answered:
        found += recommended_findings(attributes, [semconv.RESPONSE_TIME_TO_FIRST_CHUNK], of="a stream")
    return found


def _finish_reason_findings(attributes: Attributes, operation: str) -> list[Finding]:
    reasons = attributes.get(semconv.RESPONSE_FINISH_REASONS)
    if not isinstance(reasons, list):
        return []
    found: list[Finding] = []
    given, choices = len(reasons), _choices(attributes, operation)
    has_too_many, is_told = choices is not None and given > choices, semconv.REQUEST_CHOICE_COUNT in attributes
    if has_too_many and not is_told:
        found.append(Finding("required", semconv.REQUEST_CHOICE_COUNT, f"set it: there are {given} finish reasons"))
    messages = _length(attributes.get(semconv.OUTPUT_MESSAGES))
    # Of a choice of which nothing came, as of a stream that was left, there is a reason and no message.
    came = sum(each != "error" for each in reasons)
    if messages is not None and not came <= messages <= given:
        message = f"give one for each output message: {given} for {messages}"
        found.append(Finding("finish-reasons", semconv.RESPONSE_FINISH_REASONS, message))
    elif has_too_many and is_told:
        message = f"give one for each choice: {given} for {choices}"
        found.append(Finding("finish-reasons", semconv.RESPONSE_FINISH_REASONS, message))
    return found


def _choices(attributes: Attributes, operation: str) -> int | None:
    """Return how many choices there can be; `None` where the record does not show it."""
    asked = attributes.get(semconv.REQUEST_CHOICE_COUNT, 1)
    # Text can be asked for with several prompts at once, of which each is answered as often as was asked for.
    prompts = _length(attributes.get(semconv.INPUT_MESSAGES)) if operation == "text_completion" else 1
    return asked * prompts if isinstance(asked, int) and prompts else None


def _length(content: AnyValue) -> int | None:
    try:
        messages = parse(content)
    except ValueError:
        return None
    return len(cast("list[object]", messages)) if isinstance(messages, list) else None
