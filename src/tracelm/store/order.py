"""Spans in tree order: a span, then what it contains, earlier ones first. None is lost, whoever its parent is."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

Skeleton: TypeAlias = tuple[str, str, str | None, int]
"""Of a span: project, span id, id of the parent, start."""


class Place(NamedTuple):
    """Where a span stands in its trace.

    Attributes:
        span: Which one it is of those given.
        parent: Which one of those given is its parent; `None` for a root.
        depth: How many spans it stands in.
        children: How many stand right in it.
    """

    span: int
    parent: int | None
    depth: int
    children: int


def in_tree_order(spans: Sequence[Skeleton]) -> Iterator[Place]:
    """Yield the spans of one trace in order.

    A span whose parent is not here is a root. A ring of spans that name each other as parents is cut open at its
    earliest span. A parent may belong to another project (a service that calls another one); its own goes first.
    """
    ordered = sorted(range(len(spans)), key=lambda index: (spans[index][3], spans[index][1]))
    anywhere = {spans[index][1]: index for index in reversed(ordered)}
    # In most traces an id stands once, and there is nothing to choose.
    own = {} if len(anywhere) == len(spans) else {(spans[index][0], spans[index][1]): index for index in ordered}
    parents: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for index in ordered:
        project, _, above, _ = spans[index]
        if not above:
            continue
        parent = own.get((project, above)) if own else None
        parent = anywhere.get(above) if parent is None else parent
        if parent is not None and parent != index:
            parents[index] = parent
            children.setdefault(parent, []).append(index)
    seen: set[int] = set()
    for root in (index for index in ordered if index not in parents):
        yield from _walk(root, parents, children, seen)
    for index in ordered:
        if index not in seen:  # in a ring, or below one
            first = min(_ring_above(index, parents), key=lambda each: (spans[each][3], spans[each][1]))
            children[parents.pop(first)].remove(first)
            yield from _walk(first, parents, children, seen)


def _ring_above(index: int, parents: dict[int, int]) -> list[int]:
    """Return the spans of the ring to which all ways up from `index` lead."""
    way: dict[int, None] = {}
    while index not in way:
        way[index] = None
        index = parents[index]
    climbed = list(way)
    return climbed[climbed.index(index) :]


def _walk(root: int, parents: dict[int, int], children: dict[int, list[int]], seen: set[int]) -> Iterator[Place]:
    stack = [(root, 0)]  # not by recursion: a trace may be deeper than Python's stack
    while stack:
        index, depth = stack.pop()
        seen.add(index)
        below = children.get(index, ())
        yield Place(index, parents.get(index), depth, len(below))
        stack.extend((each, depth + 1) for each in reversed(below))
