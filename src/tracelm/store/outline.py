"""The order of a large trace's tree, remembered from one page to the next."""

import threading
from array import array
from collections import OrderedDict
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from tracelm.store.listing import matches
from tracelm.store.order import in_tree_order
from tracelm.store.tables import SPANS

_WORTH_IT: Final = 1_000  # spans: a smaller trace is put in order sooner than one looks up whether it has changed
_PRIME: Final = 1_000_003  # sums of such remainders fit into 64 bits
_MOST: Final = 1_000_000  # spans of all that is remembered, at 28 bytes each


class Outline(NamedTuple):
    """The spans of a trace in tree order.

    Attributes:
        numbers: Their numbers in the store.
        depths: How deep they stand.
        children: How many spans stand right in each.
        span_ids: Their ids, as numbers.
        projects: The projects through which the trace runs.
        owners: Of each span, the place of its project in `projects`.
    """

    numbers: "array[int]"
    depths: "array[int]"
    children: "array[int]"
    span_ids: "array[int]"
    projects: list[str]
    owners: "array[int]"


class Outlines:
    """The outlines of the large traces that were looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str | None], tuple[object, Outline]] = OrderedDict()

    def of(self, connection: Connection, trace_id: str, *, project: str | None, span_count: int) -> Outline:
        """Return the outline of a trace as it is now.

        A span that comes again as the child of another one, and else as it was, keeps its place in what is remembered.

        Args:
            connection: To the store.
            trace_id: The whole id.
            project: Only its part in this project.
            span_count: About how many spans it has.
        """
        where = matches(SPANS, {"project": project, "trace_id": trace_id})
        if span_count < _WORTH_IT:
            return _outline(connection, where)
        sums = select(func.count(), func.max(SPANS.c.id), func.sum(SPANS.c.start_ns % _PRIME)).where(*where)
        state = tuple(connection.execute(sums).one())
        key = (trace_id, project)
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] == state:
                self._known.move_to_end(key)
                return known[1]
        made = _outline(connection, where)
        with self._lock:
            self._known[key] = state, made
            self._known.move_to_end(key)
            while len(self._known) > 1 and sum(len(each.numbers) for _, each in self._known.values()) > _MOST:
                self._known.popitem(last=False)
        return made


def _outline(connection: Connection, where: list[ColumnElement[bool]]) -> Outline:
    skeleton = select(SPANS.c.project, SPANS.c.span_id, SPANS.c.parent_span_id, SPANS.c.start_ns, SPANS.c.id)
    found = connection.execute(skeleton.where(*where)).all()
    names = sorted({row[0] for row in found})
    owners = {name: number for number, name in enumerate(names)}
    places = list(in_tree_order([(project, span_id, parent, start) for project, span_id, parent, start, _ in found]))
    rows = [found[place.span] for place in places]
    return Outline(
        numbers=array("q", [row[4] for row in rows]),
        depths=array("i", [place.depth for place in places]),
        children=array("i", [place.children for place in places]),
        span_ids=array("Q", [int(row[1], 16) for row in rows]),
        projects=names,
        owners=array("i", [owners[row[0]] for row in rows]),
    )
