"""Spans and log records out of a store and into one, as files that other tools read too.

An export is a folder with a file of spans and one of log records; scores and decisions are such. What is no record
(datasets, costs that were computed anew) is not in it: `migrate` moves whole stores.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Table, select

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.otlp.decode import Decoded
from tracelm.otlp.records import LogRecord, Resource, SpanRecord, request_line
from tracelm.store.contents import KEPT, Kept, read
from tracelm.store.database import Database
from tracelm.store.ingest import write_logs, write_spans
from tracelm.store.record_files import SUFFIXES, Format, Row, Signal, read_logs, read_spans, write
from tracelm.store.stored import StoredSpan
from tracelm.store.tables import LOGS, SPANS

_R = TypeVar("_R", SpanRecord, LogRecord)
_BATCH: Final = 500
_SPAN_COLUMNS: Final = {name: kind for name, kind in StoredSpan.COLUMNS.items() if name in SPANS.c and name != "tags"}
_LOG_COLUMNS: Final = dict.fromkeys(("trace_id", "span_id", "event_name", "project", "uid"), "string") | {
    "time_ns": "int64"
}


@dataclass(frozen=True, slots=True)
class Transferred:
    """What went out of a store, or into one.

    Attributes:
        spans: Spans.
        logs: Log records.
        skipped: What did not, each with the reason: of an export, spans that have not ended; of an import, what could
            not be read.
    """

    spans: int
    logs: int
    skipped: tuple[str, ...]


def export_records(
    database: Database,
    folder: Path,
    *,
    format: Format = "json",  # noqa: A002 - what it is called everywhere
    project: str | None = None,
) -> Transferred:
    """Write the spans that have ended, and the log records, into a folder.

    Args:
        database: The store.
        folder: A new or an empty one.
        format: `json`, `protobuf` or `parquet`.
        project: Only of this project.

    Raises:
        ConfigError: The folder holds something.
        MissingExtraError: pyarrow is not installed; only for Parquet.
        StoreError: The store cannot be read.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: name a new folder for the export")
    suffix = SUFFIXES[format]
    spans = _records(database, "spans", SPANS, project)
    logs = _records(database, "logs", LOGS, project)
    return Transferred(
        write(folder / f"spans{suffix}", "spans", spans, columns=_SPAN_COLUMNS),
        write(folder / f"logs{suffix}", "logs", logs, columns=_LOG_COLUMNS),
        tuple(_not_ended(database, project)),
    )


def import_records(database: Database, source: Path, *, project: str = "imported") -> Transferred:
    """Read what `export_records` wrote, or the file exporter of OpenTelemetry's collector.

    What is there already is written again, and stays as it is.

    Args:
        database: The store.
        source: A folder with files such as `spans.jsonl`, or one such file.
        project: What records belong to whose resource names neither `tracelm.project` nor `service.name`.

    Raises:
        ConfigError: There is nothing to read.
        MissingExtraError: pyarrow is not installed; only for Parquet.
        StoreError: The store cannot be written.
        OSError: The files cannot be read.
    """
    names = [f"{signal}{suffix}" for signal in ("spans", "logs") for suffix in SUFFIXES.values()]
    files = [source] if source.is_file() else [source / name for name in names if (source / name).is_file()]
    if not files or any(path.name not in names for path in files):
        raise ConfigError(f"{source} has nothing to import: name a folder or a file of these: {', '.join(names)}")
    counts = {"spans": 0, "logs": 0}
    skipped: list[str] = []
    with database.kept_open():
        for path in files:
            if path.stem == "spans":
                for spans in _batches(read_spans(path), path, skipped):
                    with database.write() as connection:
                        write_spans(connection, [(span, project_named_by(span.resource) or project) for span in spans])
                    counts["spans"] += len(spans)
            else:
                for logs in _batches(read_logs(path), path, skipped):
                    with database.write() as connection:
                        write_logs(connection, [(log, project_named_by(log.resource) or project) for log in logs])
                    counts["logs"] += len(logs)
    return Transferred(counts["spans"], counts["logs"], tuple(skipped))


def project_named_by(resource: Resource) -> str | None:
    """Return the project that a resource names: as `tracelm.project`, else as `service.name`."""
    for key in (semconv.PROJECT, semconv.SERVICE_NAME):
        name = resource.attributes.get(key)
        if isinstance(name, str) and name:
            return name
    return None


def span_lines(database: Database, trace_ids: Sequence[str], *, project: str | None = None) -> Iterator[bytes]:
    """Yield the spans of traces that have ended as OTLP/JSON, a request a line, as `export_records` writes them.

    Args:
        database: The store.
        trace_ids: Which traces; at most a few hundred.
        project: Only of this project.
    """
    for _, line in _records(database, "spans", SPANS, project, trace_ids):
        yield line


def _records(
    database: Database, signal: Signal, table: Table, project: str | None, trace_ids: Sequence[str] | None = None
) -> Iterator[Row]:
    """Yield records, a transaction a page: a long one would keep SQLite's log from shrinking."""
    after = 0
    while True:
        page = select(table).where(table.c.id > after).order_by(table.c.id).limit(_BATCH)
        if trace_ids is not None:
            page = page.where(table.c.trace_id.in_(trace_ids))
        if project is not None:
            page = page.where(table.c.project == project)
        if table is SPANS:
            page = page.where(SPANS.c.state == "ended")
        with database.read() as connection:
            rows = connection.execute(page).mappings().all()
            parts = read(connection, [Kept(*(row[name] for name in KEPT)) for row in rows])
        for row, part in zip(rows, parts, strict=True):
            yield dict(row), request_line(signal, *part)
        if len(rows) < _BATCH:
            return
        after = rows[-1]["id"]


def _not_ended(database: Database, project: str | None) -> Iterator[str]:
    found = select(SPANS.c.trace_id, SPANS.c.span_id).where(SPANS.c.state != "ended")
    if project is not None:
        found = found.where(SPANS.c.project == project)
    with database.read() as connection:
        for trace_id, span_id in connection.execute(found):
            yield f"span {span_id} of trace {trace_id} has not ended"


def _batches(decoded: Iterator[Decoded[_R]], path: Path, skipped: list[str]) -> Iterator[list[_R]]:
    batch: list[_R] = []
    for number, each in enumerate(decoded, start=1):
        skipped.extend(f"{path.name}, record {number}: {error}" for error in each.errors)
        batch.extend(each.records)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
