"""A whole trace: its spans as a tree, with the scores and guardrail decisions that belong to them."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tracelm.store.order import in_tree_order
from tracelm.store.stored import StoredSpan, StoredTrace
from tracelm.store.verdicts import StoredDecision, StoredScore


@dataclass(frozen=True, kw_only=True)
class PlacedSpan:
    """A span with its place in the tree.

    Attributes:
        span: The span.
        depth: How many spans of its trace it stands in.
        child_count: How many spans stand right in it.
    """

    span: StoredSpan
    depth: int
    child_count: int


@dataclass(frozen=True, kw_only=True)
class TracePage:
    """A part of a trace, in tree order.

    Attributes:
        summary: The trace's line in the list of traces.
        spans: The spans of this page.
        next: The cursor of the next page; `None` when this is the last one.
    """

    summary: StoredTrace
    spans: tuple[PlacedSpan, ...]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class TraceTree:
    """One trace with all that is known of it.

    Attributes:
        summary: Its line in the list of traces.
        roots: The spans without a parent here: one, unless parts of the trace lie in another service.
        spans: All spans in tree order: a span, then what it contains, earlier ones first.
        scores: The scores of its spans, the earliest first.
        decisions: What guardrails decided in it, the earliest first.
    """

    summary: StoredTrace
    roots: tuple[StoredSpan, ...]
    spans: tuple[StoredSpan, ...]
    scores: tuple[StoredScore, ...]
    decisions: tuple[StoredDecision, ...]
    _children: Mapping[tuple[str, str], tuple[StoredSpan, ...]]

    @classmethod
    def build(
        cls,
        summary: StoredTrace,
        spans: Sequence[StoredSpan],
        scores: Sequence[StoredScore],
        decisions: Sequence[StoredDecision],
    ) -> "TraceTree":
        """Put the spans of one trace in order. A ring of spans that name each other as parents is kept too."""
        skeletons = [(each.project, each.span_id, each.parent_span_id, each.start_ns) for each in spans]
        places = list(in_tree_order(skeletons))
        children: dict[tuple[str, str], list[StoredSpan]] = {}
        for place in places:
            if place.parent is not None:
                children.setdefault(_key(spans[place.parent]), []).append(spans[place.span])
        return cls(
            summary=summary,
            roots=tuple(spans[place.span] for place in places if place.parent is None),
            spans=tuple(spans[place.span] for place in places),
            scores=tuple(scores),
            decisions=tuple(decisions),
            _children={key: tuple(found) for key, found in children.items()},
        )

    def children(self, span: StoredSpan) -> tuple[StoredSpan, ...]:
        """Return the spans right below `span`, the earliest first."""
        return self._children.get(_key(span), ())

    def scores_of(self, span: StoredSpan) -> tuple[StoredScore, ...]:
        """Return the scores of `span`."""
        return self._scores.get(span.span_id, ())

    def decisions_of(self, span: StoredSpan) -> tuple[StoredDecision, ...]:
        """Return what guardrails decided at `span`."""
        return self._decisions.get(span.span_id, ())

    @functools.cached_property
    def _scores(self) -> Mapping[str | None, tuple[StoredScore, ...]]:
        return _by_span(self.scores)

    @functools.cached_property
    def _decisions(self) -> Mapping[str | None, tuple[StoredDecision, ...]]:
        return _by_span(self.decisions)


_OfSpan = TypeVar("_OfSpan", StoredScore, StoredDecision)


def _by_span(found: Sequence[_OfSpan]) -> dict[str | None, tuple[_OfSpan, ...]]:
    grouped: dict[str | None, list[_OfSpan]] = {}
    for each in found:
        grouped.setdefault(each.span_id, []).append(each)
    return {span_id: tuple(of_span) for span_id, of_span in grouped.items()}


def _key(span: StoredSpan) -> tuple[str, str]:
    return span.project, span.span_id
