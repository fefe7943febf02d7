"""The tables of the store.

A span, a score and a log record keep two things: typed columns for what is filtered and sorted, and the whole
OTLP record, so that nothing is lost: `record` (see `tracelm.store.record`), with its long texts in `contents` and what
made it in `resources` and `scopes`. `traces`, `runs` and `trials` are computed from `spans` as those come.
The keys begin with the id, so that one index serves both the key and the look-up of a trace. SQLite takes the
index with the most columns that a query names: those for a rare value carry the project too, or it would walk
through all of a project instead.
"""

from typing import Final

from sqlalchemy import BigInteger, Index, Integer, MetaData, Table, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

# pyright: reportAssignmentType=false
# (SQLModel declares __tablename__ as a declared_attr; its documentation assigns text, as here.)

_registry = registry()  # ours alone: a program that uses SQLModel itself shares no table with us


_Number = BigInteger().with_variant(Integer(), "sqlite")  # of a row; SQLite numbers by INTEGER only


class _Table(SQLModel, registry=_registry):
    """Base of the tables."""


def _where(column: str, condition: str, *others: str, name: str) -> Index:
    """Return an index over few rows."""
    only = text(f"{column} {condition}")
    return Index(name, *others, sqlite_where=only, postgresql_where=only)


_NEVER_AGAIN: Final = {"sqlite_autoincrement": True}
"""The number of a row that was deleted goes to no other row: an index of its own remembers it."""


class ProjectRow(_Table, table=True):
    """A project, from its first record on."""

    __tablename__ = "projects"

    name: str = Field(primary_key=True)
    created_ns: int = Field(sa_type=BigInteger)


class ResourceRow(_Table, table=True):
    """What produced records, and in which program; OTLP/JSON."""

    __tablename__ = "resources"

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    digest: bytes = Field(unique=True)
    content: bytes


class ScopeRow(_Table, table=True):
    """Which library produced records; OTLP/JSON."""

    __tablename__ = "scopes"

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    digest: bytes = Field(unique=True)
    content: bytes


class ContentRow(_Table, table=True):
    """A piece that was cut out of records, kept once, compressed."""

    __tablename__ = "contents"
    __table_args__ = _NEVER_AGAIN

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    digest: bytes = Field(unique=True)
    content: bytes


class KeptDigestRow(_Table, table=True):
    """What is written while a sweep looks for contents that no record has: it must not take these."""

    __tablename__ = "kept_digests"

    digest: bytes = Field(primary_key=True)


_FILTERED: Final = (
    *("project", "start_ns", "duration_ns", "status", "op", "operation", "model", "cost_usd", "input_tokens"),
    *("output_tokens", "error_type", "session_id", "user_id", "parent_span_id"),
    *("attribute_bits_low", "attribute_bits_high"),
)
"""What spans are filtered by stands in the index by time, so that SQLite reads no rows for it. Not `trace_id`: it would
walk through a project to find a trace. PostgreSQL refuses a row whose values are too long for an index."""


class SpanRow(_Table, table=True):
    """One span."""

    __tablename__ = "spans"
    __table_args__ = (
        UniqueConstraint("trace_id", "project", "span_id", name="spans_key"),
        Index("spans_by_start", "start_ns"),
        Index("spans_by_project", *_FILTERED).ddl_if(dialect="sqlite"),
        Index("spans_by_project_start", "project", "start_ns").ddl_if(dialect="postgresql"),
        _where("run_id", "IS NOT NULL", "run_id", "project", name="spans_by_run"),
        _where("state", "= 'in flight'", "pending_in", name="spans_in_flight"),
        _NEVER_AGAIN,
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: int = Field(sa_type=BigInteger)
    end_ns: int = Field(sa_type=BigInteger)
    duration_ns: int = Field(sa_type=BigInteger)
    status: str
    status_message: str | None
    error_type: str | None
    op: str | None
    operation: str | None
    provider: str | None
    model: str | None
    input_tokens: int | None = Field(sa_type=BigInteger)
    output_tokens: int | None = Field(sa_type=BigInteger)
    cache_read_tokens: int | None = Field(sa_type=BigInteger)
    cache_write_tokens: int | None = Field(sa_type=BigInteger)
    reasoning_tokens: int | None = Field(sa_type=BigInteger)
    cost_usd: float | None
    session_id: str | None
    user_id: str | None
    release: str | None
    environment: str | None
    tags: str | None  # JSON, a list of texts
    run_id: str | None
    row_digest: str | None
    resource_id: int = Field(sa_type=BigInteger)
    scope_id: int = Field(sa_type=BigInteger)
    record: bytes
    state: str
    pending_in: str | None  # the segment that says whether its process lives, as long as the span has not ended
    recorded_cost_usd: float | None  # where `cost_usd` was computed anew: what the record says
    repricings: str | None  # JSON, see `cost_history`; the last one is in force
    attribute_bits_low: int | None = Field(sa_type=BigInteger)  # see `filters.attribute_bits`
    attribute_bits_high: int | None = Field(sa_type=BigInteger)


class LinkRow(_Table, table=True):
    """A span's pointer to another span, for finding it from the other end."""

    __tablename__ = "links"
    __table_args__ = (Index("links_by_target", "linked_trace_id", "linked_span_id"),)

    trace_id: str = Field(primary_key=True)
    project: str = Field(primary_key=True)
    span_id: str = Field(primary_key=True)
    linked_trace_id: str = Field(primary_key=True)
    linked_span_id: str = Field(primary_key=True)


class TraceRow(_Table, table=True):
    """The roll-up of a trace: what its root says, and sums over its spans."""

    __tablename__ = "traces"
    __table_args__ = (
        UniqueConstraint("trace_id", "project", name="traces_key"),
        Index("traces_by_start", "start_ns"),
        Index("traces_by_project", "project", "start_ns"),
        _where("run_id", "IS NOT NULL", "run_id", "project", name="traces_by_run"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    project: str
    trace_id: str
    root_span_id: str
    name: str
    start_ns: int = Field(sa_type=BigInteger)
    end_ns: int = Field(sa_type=BigInteger)
    duration_ns: int = Field(sa_type=BigInteger)
    status: str
    status_message: str | None
    span_count: int
    error_count: int
    input_tokens: int | None = Field(sa_type=BigInteger)
    output_tokens: int | None = Field(sa_type=BigInteger)
    cost_usd: float | None
    session_id: str | None
    user_id: str | None
    release: str | None
    environment: str | None
    tags: str | None
    run_id: str | None
    state: str
    input_preview: str | None  # the beginning of what went into the root
    output_preview: str | None


class LogRow(_Table, table=True):
    """One log record; scores and guardrail decisions are such."""

    __tablename__ = "log_records"
    __table_args__ = (
        UniqueConstraint("uid", "project", name="log_records_key"),
        Index("log_records_by_trace", "trace_id", "event_name", "project"),
        Index("log_records_by_event", "event_name", "time_ns"),
        Index("log_records_by_project", "project", "event_name", "time_ns"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    project: str
    uid: str
    trace_id: str | None
    span_id: str | None
    time_ns: int = Field(sa_type=BigInteger)
    event_name: str
    resource_id: int = Field(sa_type=BigInteger)
    scope_id: int = Field(sa_type=BigInteger)
    record: bytes


class ScoreRow(_Table, table=True):
    """One score. Its whole record stands in `log_records` under the same uid."""

    __tablename__ = "scores"
    __table_args__ = (
        UniqueConstraint("uid", "project", name="scores_key"),
        Index("scores_by_span", "trace_id", "project", "span_id"),
        Index("scores_by_name", "name", "time_ns", "project", "passed", "value"),
        Index("scores_by_time", "time_ns"),
        _where("run_id", "IS NOT NULL", "run_id", "project", name="scores_by_run"),
        _where("monitor", "IS NOT NULL", "monitor", "time_ns", name="scores_by_monitor"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    project: str
    uid: str
    trace_id: str | None
    span_id: str | None
    time_ns: int = Field(sa_type=BigInteger)
    name: str
    value: float | None
    label: str | None
    passed: bool | None
    explanation: str | None
    error_type: str | None
    source: str | None
    author: str | None
    scorer_version: str | None
    details: str | None
    run_id: str | None
    row_digest: str | None
    row_index: int | None = Field(sa_type=BigInteger)
    trial: int | None = Field(sa_type=BigInteger)
    monitor: str | None
    weight: float | None


class RunRow(_Table, table=True):
    """One run of an evaluation. Without an end it is not finished, or its process died."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("run_id", "project", name="runs_key"),
        Index("runs_by_start", "start_ns"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    project: str
    run_id: str
    name: str | None
    dataset: str | None
    dataset_digest: str | None
    rows: int | None = Field(sa_type=BigInteger)
    trials: int | None = Field(sa_type=BigInteger)
    start_ns: int = Field(sa_type=BigInteger)
    end_ns: int | None = Field(sa_type=BigInteger)
    status: str
    status_message: str | None
    trace_id: str | None
    task: str | None
    task_version: str | None
    dataset_version: str | None
    provenance: str | None
    stopped: str | None


class TrialRow(_Table, table=True):
    """What became of one row and trial of a run: one line, however often it was begun."""

    __tablename__ = "trials"
    __table_args__ = (
        UniqueConstraint("run_id", "project", "row_index", "trial", name="trials_key"),
        Index("trials_by_row", "row_digest", "trial"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    project: str
    run_id: str
    row_index: int = Field(sa_type=BigInteger)
    trial: int = Field(sa_type=BigInteger)
    row_digest: str | None
    trace_id: str
    span_id: str
    outcome: str
    error: str | None
    latency_s: float | None
    cost_usd: float | None
    is_exact: bool
    end_ns: int = Field(sa_type=BigInteger)


class ObjectRow(_Table, table=True):
    """Something that has versions: a dataset."""

    __tablename__ = "objects"
    __table_args__ = (UniqueConstraint("kind", "name", name="objects_key"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    kind: str
    name: str


class ObjectVersionRow(_Table, table=True):
    """One version of an object; of a dataset the content is the list of its rows' digests."""

    __tablename__ = "object_versions"

    object_id: int = Field(primary_key=True, foreign_key="objects.id")
    version: int = Field(primary_key=True)
    digest: str
    created_ns: int = Field(sa_type=BigInteger)
    note: str | None
    content: bytes


class ObjectAliasRow(_Table, table=True):
    """A name for a version, which may be moved to another one."""

    __tablename__ = "object_aliases"

    object_id: int = Field(primary_key=True, foreign_key="objects.id")
    alias: str = Field(primary_key=True)
    version: int


class DatasetRow(_Table, table=True):
    """One row of datasets, kept once however many versions hold it."""

    __tablename__ = "dataset_rows"

    digest: str = Field(primary_key=True)
    content: bytes


class CursorRow(_Table, table=True):
    """How far a file of a segment is indexed, in bytes."""

    __tablename__ = "cursors"

    segment: str = Field(primary_key=True)
    signal: str = Field(primary_key=True)
    offset: int = Field(sa_type=BigInteger)


class MonitorRow(_Table, table=True):
    """How far a monitor has come: all spans up to this number were looked at, but for those that wait."""

    __tablename__ = "monitors"

    name: str = Field(primary_key=True)
    since_ns: int = Field(sa_type=BigInteger)  # earlier spans are not looked at
    after: int = Field(sa_type=BigInteger)  # number of a span


class MonitorWaitRow(_Table, table=True):
    """A span that had not ended when a monitor came by."""

    __tablename__ = "monitor_waits"

    monitor: str = Field(primary_key=True)
    span: int = Field(primary_key=True, sa_type=BigInteger)


class AlertRow(_Table, table=True):
    """Where an alert of a monitor stood when it was last looked at."""

    __tablename__ = "alerts"

    monitor: str = Field(primary_key=True)
    alert: str = Field(primary_key=True)
    score: str = Field(primary_key=True)
    condition: str
    severity: str
    status: str
    since_ns: int = Field(sa_type=BigInteger)
    looked_ns: int = Field(sa_type=BigInteger)
    value: float | None
    low: float | None
    high: float | None
    n: int
    memory: str  # JSON, what the alert needs to go on


class AlertNoticeRow(_Table, table=True):
    """What an alert has said."""

    __tablename__ = "alert_notices"
    __table_args__ = (Index("alert_notices_by_time", "time_ns"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_Number)
    uid: str = Field(unique=True)
    monitor: str
    alert: str
    condition: str
    score: str
    kind: str
    severity: str
    time_ns: int = Field(sa_type=BigInteger)
    since_ns: int = Field(sa_type=BigInteger)
    window_s: int = Field(sa_type=BigInteger)
    value: float | None
    low: float | None
    high: float | None
    n: int
    deliveries: str  # JSON, by sink: what kept it from there, null where it arrived


class CalibrationRow(_Table, table=True):
    """How often a version of a monitor's scorer errs, measured on labels of people."""

    __tablename__ = "calibrations"

    monitor: str = Field(primary_key=True)
    score: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    sensitivity: float
    specificity: float
    true_labels: int
    false_labels: int


class OutboxRow(_Table, table=True):
    """One record that was moved out of the journal and waits for a collector; no key: it could not be read."""

    __tablename__ = "outbox"

    segment: str = Field(primary_key=True)
    signal: str = Field(primary_key=True)
    end: int = Field(primary_key=True, sa_type=BigInteger)  # the offset behind it
    project: str | None
    trace_id: str | None
    span_id: str | None
    uid: str | None


class ApiKeyRow(_Table, table=True):
    """A key of the server's API, as a hash."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True)
    name: str
    digest: str
    rights: str  # separated by commas
    projects: str | None  # JSON, a list; all where there is none
    created_ns: int = Field(sa_type=BigInteger)
    revoked_ns: int | None = Field(sa_type=BigInteger)


METADATA: MetaData = _registry.metadata
PROJECTS: Table = METADATA.tables["projects"]
RESOURCES: Table = METADATA.tables["resources"]
SCOPES: Table = METADATA.tables["scopes"]
CONTENTS: Table = METADATA.tables["contents"]
KEPT_DIGESTS: Table = METADATA.tables["kept_digests"]
SPANS: Table = METADATA.tables["spans"]
TRACES: Table = METADATA.tables["traces"]
LINKS: Table = METADATA.tables["links"]
LOGS: Table = METADATA.tables["log_records"]
SCORES: Table = METADATA.tables["scores"]
RUNS: Table = METADATA.tables["runs"]
CURSORS: Table = METADATA.tables["cursors"]
MONITORS: Table = METADATA.tables["monitors"]
MONITOR_WAITS: Table = METADATA.tables["monitor_waits"]
ALERTS: Table = METADATA.tables["alerts"]
ALERT_NOTICES: Table = METADATA.tables["alert_notices"]
CALIBRATIONS: Table = METADATA.tables["calibrations"]
OUTBOX: Table = METADATA.tables["outbox"]
TRIALS: Table = METADATA.tables["trials"]
OBJECTS: Table = METADATA.tables["objects"]
OBJECT_VERSIONS: Table = METADATA.tables["object_versions"]
OBJECT_ALIASES: Table = METADATA.tables["object_aliases"]
DATASET_ROWS: Table = METADATA.tables["dataset_rows"]
API_KEYS: Table = METADATA.tables["api_keys"]
