"""A whole trace: its spans as a tree, with the scores and guardrail decisions that belong to them."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tracelm.store.stored import StoredDecision, StoredScore, StoredSpan, StoredTrace


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
        ordered = sorted(spans, key=lambda span: (span.start_ns, span.span_id))
        known = {(span.project, span.span_id): span for span in ordered}
        # A parent may belong to another project: a service that calls another one. Its own project goes first.
        anywhere = {span.span_id: (span.project, span.span_id) for span in reversed(ordered)}
        children: dict[tuple[str, str], list[StoredSpan]] = {}
        roots: list[StoredSpan] = []
        for span in ordered:
            parent = (span.project, span.parent_span_id or "")
            parent = parent if parent in known else anywhere.get(parent[1], parent)
            if parent in known and known[parent] is not span:
                children.setdefault(parent, []).append(span)
            else:
                roots.append(span)
        seen: dict[tuple[str, str], StoredSpan] = {}
        for root in roots:
            _walk(root, children, seen)
        for span in ordered:
            if _key(span) not in seen:  # a ring: cut it open at its earliest span
                for found in children.values():
                    if span in found:
                        found.remove(span)
                roots.append(span)
                _walk(span, children, seen)
        return cls(
            summary=summary,
            roots=tuple(roots),
            spans=tuple(seen.values()),
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


def _walk(
    root: StoredSpan,
    children: Mapping[tuple[str, str], Sequence[StoredSpan]],
    seen: dict[tuple[str, str], StoredSpan],
) -> None:
    stack = [root]  # not by recursion: a trace may be deeper than Python's stack
    while stack:
        span = stack.pop()
        seen[_key(span)] = span
        stack.extend(reversed(children.get(_key(span), ())))


def _key(span: StoredSpan) -> tuple[str, str]:
    return span.project, span.span_id
