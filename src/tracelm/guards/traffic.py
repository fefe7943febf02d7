"""What a store holds of guarded calls: their inputs and outputs, what was decided, and what people said of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import orjson

from tracelm import semconv
from tracelm.store.results import Record, Rows
from tracelm.store.stored import StoredSpan
from tracelm.store.verdicts import StoredDecision

if TYPE_CHECKING:
    from tracelm.store.store import Store

_R = TypeVar("_R", bound=Record)
_PAGE: Final = 500
_NO_CALL: Final = frozenset({"block", "fallback"})
_NOT_RELEASED: Final = frozenset({"block", "fallback", "replace"})


@dataclass(slots=True, kw_only=True)
class Call:
    """One recorded call of an op.

    Attributes:
        span: Its span.
        inputs: Its arguments by name; `None` where they were not recorded, or cannot be read.
        output: What it returned.
        has_output: Whether that was recorded and can be read.
        decisions: What guardrails decided on it.
        label: Whether a person found it acceptable; `None` where nobody said.
    """

    span: StoredSpan
    inputs: dict[str, Any] | None = None
    output: Any = None
    has_output: bool = False
    decisions: Sequence[StoredDecision] = field(default_factory=list[StoredDecision])
    label: bool | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether a guardrail stopped or rewrote its output: what that was, was never recorded."""
        return any(
            each.taken in (_NO_CALL if each.attributes.get(semconv.GUARDRAIL_SIDE) == "input" else _NOT_RELEASED)
            for each in self.decisions
        )


def decided(store: "Store", *, project: str | None = None, since_ns: int = 0) -> Iterator[StoredDecision]:
    """Return what guardrails decided, the newest first; read in pages.

    Args:
        store: The store.
        project: Only this project.
        since_ns: Since when, nanoseconds since 1970, UTC.

    Raises:
        StoreError: The project is not known.
    """
    return _in_pages(partial(store.decisions, project=project, since_ns=since_ns))


def calls(
    store: "Store",
    *,
    project: str | None = None,
    since_ns: int = 0,
    ops: Sequence[str] = (),
    label: str | None = None,
) -> Iterator[Call]:
    """Return the recorded calls of ops, in the order in which they began, one named op after the other; read in pages.

    Args:
        store: The store.
        project: Only this project.
        since_ns: Since when, nanoseconds since 1970, UTC.
        ops: Only these; else those on which a guardrail decided, and all where there is none.
        label: The name of the score by which people label; else any.

    Raises:
        StoreError: The project is not known.
    """
    decisions: dict[tuple[str | None, str | None], list[StoredDecision]] = {}
    for each in decided(store, project=project, since_ns=since_ns):
        decisions.setdefault((each.trace_id, each.span_id), []).append(each)
    labels = _labels(store, project, label)
    for op in dict.fromkeys(ops) or (None,):
        wanted = partial(store.spans, "state:ended op:*", project=project, op=op, since_ns=since_ns, order_by="start")
        for span in _in_pages(wanted):
            found = decisions.get((span.trace_id, span.span_id), [])
            if not ops and decisions and not found:
                continue
            label_of = labels.get((span.trace_id, span.span_id), labels.get((span.trace_id, None)))
            yield call_of(span, found, label=label_of)


def _in_pages(read: Callable[..., Rows[_R]]) -> Iterator[_R]:
    after: str | None = None
    while True:
        page = read(after=after, limit=_PAGE)
        yield from page
        after = page.next
        if after is None:
            return


def call_of(span: StoredSpan, decisions: Sequence[StoredDecision] = (), *, label: bool | None = None) -> Call:
    """Return what a span says of the call of an op.

    Args:
        span: The span.
        decisions: What guardrails decided on it.
        label: Whether a person found it acceptable.
    """
    call = Call(span=span, decisions=decisions, label=label)
    attributes = span.attributes
    given, _ = _plain(attributes, semconv.INPUT_VALUE)
    call.inputs = cast("dict[str, Any]", given) if isinstance(given, dict) else None
    output, call.has_output = _plain(attributes, semconv.OUTPUT_VALUE)
    call.output = output
    streamed = any(semconv.GUARDRAIL_CHECKS in each.attributes for each in decisions)
    if streamed and isinstance(output, list):
        pieces = cast("list[object]", output)
        if all(isinstance(each, str) for each in pieces):
            call.output = "".join(cast("list[str]", pieces))
    return call


def _plain(attributes: Mapping[str, Any], key: str) -> tuple[Any, bool]:
    text = attributes.get(key)
    if not isinstance(text, str):
        return None, False
    try:
        return orjson.loads(text), True
    except orjson.JSONDecodeError:  # cut, because it was too long
        return None, False


def _labels(store: "Store", project: str | None, name: str | None) -> dict[tuple[str | None, str | None], bool]:
    found: dict[tuple[str | None, str | None], bool] = {}
    for each in store.scores(project=project, source="human", name=name, limit=None):
        passed = each.passed if each.passed is not None else None if each.value is None else each.value >= 0.5
        if passed is not None:
            found.setdefault((each.trace_id, each.span_id or None), passed)  # the newest counts
    return found
