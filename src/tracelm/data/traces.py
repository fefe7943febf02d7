"""Rows out of what was recorded: the calls of an op become rows to evaluate it on."""

from collections.abc import Callable
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
    rows: list[dict[str, Any]] = []
    for span in reversed(found):
        if span.state != "ended" or (where is not None and not where(span)):
            continue
        inputs = _json(span.input)
        if not isinstance(inputs, dict):
            continue
        row: dict[str, Any] = {"id": f"{span.trace_id}:{span.span_id}", **cast("dict[str, Any]", inputs)}
        if with_output:
            row["expected"] = _json(span.output)
        row["metadata"] = {"trace_id": span.trace_id, "start_ns": span.start_ns, "status": span.status}
        row.pop("output", None)
        rows.append(row)
    if not rows:
        raise DatasetError(
            "no recorded call with inputs was found: check op= (its name), project= and where=, "
            "and whether content is captured"
        )
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return [{column: row.get(column) for column in columns} for row in rows]


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
