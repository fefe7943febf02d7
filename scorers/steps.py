"""What was done in a recorded call: its spans as steps, whether they are still in memory or in the store."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.trace import StatusCode

from tracelm import semconv
from tracelm.errors import StoreError
from tracelm.scorers.tool_calls import ToolCall, tool_calls_in
from tracelm.scoring.call import ScoreContext
from tracelm.trace import recent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from tracelm.store.stored import StoredSpan

_TOOL: Final = "execute_tool"
_ARGUMENTS: Final = "gen_ai.tool.call.arguments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One finished span.

    Attributes:
        span_id: 16 hex digits.
        parent_id: Of the span around it; `None` for a root.
        name: The span's name.
        start_ns: When it began, in nanoseconds since 1970.
        end_ns: When it ended.
        error: What it failed with; `None` when it did not.
        attributes: All attributes.
    """

    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    error: str | None
    attributes: Mapping[str, Any]

    @property
    def is_model_call(self) -> bool:
        """Whether a model was called."""
        return self.attributes.get(semconv.OPERATION_NAME) in semconv.MODEL_OPERATIONS

    @property
    def is_tool(self) -> bool:
        """Whether a tool was run."""
        return self.attributes.get(semconv.OPERATION_NAME) == _TOOL

    @property
    def tool_call(self) -> ToolCall:
        """Which tool was run, with what. Arguments that were not recorded are `None`."""
        given = self.attributes.get(_ARGUMENTS, self.attributes.get(semconv.INPUT_VALUE))
        name = self.attributes.get(semconv.TOOL_NAME) or self.name.removeprefix(f"{_TOOL} ")
        return ToolCall(str(name), _value(given))

    @property
    def requested(self) -> list[ToolCall]:
        """The calls of tools that the model asked for in this step."""
        return tool_calls_in(_value(self.attributes.get(semconv.OUTPUT_MESSAGES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a call did.

    Attributes:
        call: The call itself; `None` while it lasts.
        steps: What happened inside, in the order of its beginning. What a judge asked of its model is not among it.
    """

    call: Step | None
    steps: tuple[Step, ...]

    @property
    def all(self) -> tuple[Step, ...]:
        """The steps, and the call itself."""
        return self.steps if self.call is None else (self.call, *self.steps)


def course_of(context: ScoreContext) -> Course | str:
    """Return what the judged call did, or why that cannot be told.

    Args:
        context: What the scorer asked for as `context`.
    """
    if context.trace_id is None or context.span_id is None:
        return "nothing was recorded: call tracelm.init() before"
    kept = recent.finished(context.trace_id)
    found = list(_from_memory(kept)) if kept is not None else list(_from_store(context.trace_id))
    steps = _below(found, context.span_id)
    call = next((each for each in found if each.span_id == context.span_id), None)
    if call is None and not steps:
        return "no span of the call is there: it was not sampled, or it is recorded elsewhere"
    return Course(call=call, steps=tuple(sorted(steps, key=lambda each: (each.start_ns, each.end_ns))))


def _below(found: Iterable[Step], root: str) -> list[Step]:
    children: dict[str | None, list[Step]] = {}
    for each in found:
        children.setdefault(each.parent_id, []).append(each)
    reached, left = list[Step](), [root]
    while left:
        # A judge's calls are its own, wherever in the trace it was asked. A ring of parents is cut by popping.
        below = [each for each in children.pop(left.pop(), ()) if semconv.JUDGE_NAME not in each.attributes]
        reached += below
        left += [each.span_id for each in below]
    return reached


def _from_memory(spans: Iterable["ReadableSpan"]) -> Iterator[Step]:
    for span in spans:
        attributes = dict(span.attributes or {})
        error = None
        if span.status.status_code is StatusCode.ERROR:
            error = str(attributes.get(semconv.ERROR_TYPE) or span.status.description or "error")
        yield Step(
            span_id=f"{span.context.span_id:016x}" if span.context else "",
            parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
            name=span.name,
            start_ns=span.start_time or 0,
            end_ns=span.end_time or 0,
            error=error,
            attributes=attributes,
        )


def _from_store(trace_id: str) -> Iterator[Step]:
    from tracelm.store.open import open_local

    try:
        with open_local() as store:
            spans: tuple[StoredSpan, ...] = store.trace(trace_id).spans
    except StoreError:  # the trace is not there
        return
    for span in spans:
        if span.state != "ended":
            continue
        yield Step(
            span_id=span.span_id,
            parent_id=span.parent_span_id,
            name=span.name,
            start_ns=span.start_ns,
            end_ns=span.end_ns,
            error=(span.error_type or span.status_message or "error") if span.status == "error" else None,
            attributes=span.attributes,
        )


def _value(recorded: object) -> Any:
    if not isinstance(recorded, str):
        return cast("Any", recorded)
    try:
        return json.loads(recorded)
    except ValueError:
        return recorded
