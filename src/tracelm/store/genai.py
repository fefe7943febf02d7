"""The spans of generative AI in a store, whoever recorded them, read in pages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tracelm.store.stored import StoredSpan

if TYPE_CHECKING:
    from tracelm.store.store import Store

_ANY: Final = "state:ended (has:operation OR has:provider OR has:model OR has:attr.mcp.method.name)"
_PAGE: Final = 500  # spans that are read at once


def genai_spans(store: "Store", *, project: str | None, since_ns: int) -> Iterator[StoredSpan]:
    """Return the ended spans with an operation, a provider, a model, or a method of MCP, in order of their start.

    Args:
        store: Here, or behind a server.
        project: What they belong to; `None` for all.
        since_ns: When they began at the earliest, nanoseconds since 1970, UTC.

    Raises:
        StoreError: The project is not known, or a server cannot be asked.
    """
    after: str | None = None
    while True:
        page = store.spans(_ANY, project=project, since_ns=since_ns, order_by="start", after=after, limit=_PAGE)
        yield from page
        after = page.next
        if after is None:
            return
