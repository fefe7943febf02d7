"""Looking after a store: how much it holds, whether it is whole, what it keeps, copies of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracelm.store.database import Database
from tracelm.store.integrity import Fault, StoreStats, check, stats
from tracelm.store.record_files import Format
from tracelm.store.retention import Removed, Retention, retain
from tracelm.store.sweep import sweep
from tracelm.store.transfer import Transferred, export_records, import_records, span_lines

if TYPE_CHECKING:
    from tracelm.store.store import Store


class Maintenance:
    """What looks after a store; `Store.maintenance` gives it."""

    def __init__(self, store: "Store", database: Database) -> None:
        """Look after `store`, which lies in `database`."""
        self._store = store
        self._database = database

    def stats(self) -> StoreStats:
        """Count what the store holds, and how much space it takes.

        Raises:
            StoreError: The store cannot be read.
        """
        self._store.index()
        return stats(self._database)

    def check(self) -> list[Fault]:
        """Read all of the store, and return what is wrong with it; nothing is changed.

        Raises:
            StoreError: The store cannot be read.
        """
        self._store.index()
        return check(self._database)

    def vacuum(self) -> int:
        """Delete contents that no record has any more, and give free space back to the disk.

        Returns:
            How many pieces of contents were deleted.

        Raises:
            StoreError: The store cannot be written.
        """
        self._store.index()
        count = sweep(self._database)
        self._database.compact()
        return count

    def retain(self, keep: Retention | str, *, project: str | None = None, now_ns: int | None = None) -> Removed:
        """Delete traces that are older than they may be, with their scores, decisions and contents.

        What waits for a collector stays, and so do spans in flight.

        Args:
            keep: What is kept, such as `errors 90d, rest 14d, runs 1y, size 10GB`; what is not said is kept.
            project: Only of this project.
            now_ns: The present time, nanoseconds since 1970, UTC; by default the clock's.

        Raises:
            ConfigError: `keep` cannot be read.
            StoreError: The project is not known, or the store cannot be written.
        """
        retention = Retention.parse(keep) if isinstance(keep, str) else keep
        self._store.check_project(project)
        return retain(self._database, retention, project=project, now_ns=now_ns)

    def export(self, folder: Path, *, format: Format = "json", project: str | None = None) -> Transferred:  # noqa: A002
        """Write the spans that have ended, and the log records, into a folder.

        Args:
            folder: A new or an empty one.
            format: `json` (OTLP/JSON lines), `protobuf` or `parquet`.
            project: Only of this project.

        Raises:
            ConfigError: The folder holds something.
            MissingExtraError: pyarrow is not installed; only for Parquet.
            StoreError: The project is not known, or the store cannot be read.
            OSError: The folder cannot be written.
        """
        self._store.check_project(project)
        return export_records(self._database, folder, format=format, project=project)

    def span_lines(self, trace_ids: Sequence[str], *, project: str | None = None) -> Iterator[bytes]:
        """Yield the spans of some traces that have ended, as the lines of the file of spans that `export` writes.

        Args:
            trace_ids: Which traces, 32 hex digits each; at most a few hundred.
            project: Only of this project.

        Raises:
            StoreError: The store cannot be read.
        """
        return span_lines(self._database, trace_ids, project=project)

    def import_(self, source: Path, *, project: str = "imported") -> Transferred:
        """Read what `export` wrote, or the file exporter of OpenTelemetry's collector.

        Args:
            source: A folder with files such as `spans.jsonl`, or one such file.
            project: What records belong to whose resource names neither `tracelm.project` nor `service.name`.

        Raises:
            ConfigError: There is nothing to read.
            MissingExtraError: pyarrow is not installed; only for Parquet.
            StoreError: The store cannot be written.
            OSError: The files cannot be read.
        """
        return import_records(self._database, source, project=project)
