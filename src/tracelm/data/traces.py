"""Rows out of what was recorded: the calls of an op become rows to evaluate it on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import orjson

from tracelm.errors import DatasetError
from tracelm.store.open import open_store
from tracelm.store.stored import StoredSpan


def rows_of_spans(
    *,
    op: str | None,
    name: str | None,
    project: str | None,
    where: Callable[[StoredSpan], bool] | None,
    with_output: bool,
    limit: int | None,
    url: str | None,
) -> list[dict[str, Any]]:
    """Return one row for each recorded call: its arguments as columns, `expected`, `id` and `metadata`.

    Raises:
        DatasetError: No call was found.
        StoreError: The project is not known.
    """
    with open_store(url) as store:
        found = store.spans(project=project, op=op, name=name, limit=limit)
    wanted = (span for span in reversed(found) if where is None or where(span))
    rows = [row for span in wanted if (row := row_of_span(span, with_output=with_output)) is not None]
    if not rows:
        raise DatasetError(
            "no recorded call with inputs was found: check op= (its name), project= and where=, "
            "and whether content is captured"
        )
    return with_same_columns(rows)


def row_of_span(span: StoredSpan, *, with_output: bool) -> dict[str, Any] | None:
    """Return the row that a recorded call makes; `None` where it has not ended, or its arguments were not recorded.

    Args:
        span: The call.
        with_output: Whether what it returned is what is expected.
    """
    inputs = _json(span.input)
    if span.state != "ended" or not isinstance(inputs, dict):
        return None
    row: dict[str, Any] = {"id": f"{span.trace_id}:{span.span_id}", **cast("dict[str, Any]", inputs)}
    if with_output:
        row["expected"] = _json(span.output)
    row["metadata"] = {"trace_id": span.trace_id, "start_ns": span.start_ns, "status": span.status}
    row.pop("output", None)
    return row


def with_same_columns(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that all have the columns that any of them has; what one lacks is `None`."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return [{column: row.get(column) for column in columns} for row in rows]


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
