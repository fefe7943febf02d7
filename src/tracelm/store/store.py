"""`Store`: the questions that one can ask of what was recorded."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracelm.errors import StoreError
from tracelm.pricing.prices import PriceTable
from tracelm.store import alerts, queries, run_queries
from tracelm.store.alert_notice import AlertNotice
from tracelm.store.genai import genai_spans
from tracelm.store.listing import Listing
from tracelm.store.opened import OpenedStore
from tracelm.store.projects import check_project
from tracelm.store.projects import projects as every_project
from tracelm.store.reprice import RepricedModel, reprice
from tracelm.store.results import Rows
from tracelm.store.stored import StoredProject, StoredRun, StoredSpan, StoredTrace
from tracelm.store.stored_trial import StoredTrial
from tracelm.store.tree import TracePage, TraceTree
from tracelm.store.unpriced import UnpricedModel, unpriced_models
from tracelm.store.verdicts import StoredDecision, StoredScore

if TYPE_CHECKING:
    from tracelm.store.maintenance import Maintenance


class Store(OpenedStore):
    """What was recorded, for reading. Also a context manager.

    Every query returns frozen records, the newest first, in a sequence that has `.to_pandas()`. `limit=None`
    returns all; of a list that has more, `Rows.next` is the cursor of the next page. A project that the store does
    not know raises `StoreError` with those that it knows.
    """

    def check_project(self, project: str | None) -> None:
        """Raise an error when the store does not know a project.

        Raises:
            StoreError: It says which projects there are.
        """
        with self._read() as connection:
            check_project(connection, project)

    def projects(self) -> Rows[StoredProject]:
        """Return the projects, the one with the newest trace first."""
        with self._read() as connection:
            return every_project(connection)

    def traces(
        self,
        where: str = "",
        *,
        project: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        order_by: str = "-start",
        after: str | None = None,
        limit: int | None = 50,
    ) -> Rows[StoredTrace]:
        """Return one line a trace.

        Args:
            where: A filter, such as `op:explain status:error latency>2s`. What a trace has no column for, one of its
                spans has to meet.
            project: Only this project.
            since_ns: When they began at the earliest, nanoseconds since 1970, UTC.
            until_ns: Before when they began.
            order_by: `start`, `latency`, `cost` or `tokens`; with a `-` the greatest first. What has none comes last.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            FilterError: The filter cannot be read; the error has the position and the remedy.
            StoreError: The project or the order is not known, or the cursor belongs to another query.
        """
        listing = Listing(
            **self._asked(where), since_ns=since_ns, until_ns=until_ns, order_by=order_by, after=after, limit=limit
        )
        with self._read() as connection:
            return queries.traces(connection, {"project": project}, listing)

    def trace(self, trace_id: str, *, project: str | None = None) -> TraceTree:
        """Return one trace with its spans as a tree, its scores and its guardrail decisions.

        Args:
            trace_id: 32 hex digits, or at least the first 4 if no other trace begins so.
            project: Only its part of a trace that runs through several projects.

        Raises:
            StoreError: No trace has this id, or several begin so.
        """
        with self._read() as connection:
            return queries.trace(connection, trace_id, project=project)

    def trace_page(
        self, trace_id: str, *, project: str | None = None, after: str | None = None, limit: int = 200
    ) -> TracePage:
        """Return a part of one trace in the order of its tree: a span, then what it contains, earlier ones first.

        For a trace of thousands of spans, of which only some are shown at once.

        Args:
            trace_id: 32 hex digits, or at least the first 4 if no other trace begins so.
            project: Only its part of a trace that runs through several projects.
            after: `TracePage.next` of the page before, for the page behind it.
            limit: How many spans.

        Raises:
            StoreError: No trace has this id, or several begin so; the cursor belongs to another trace, or the span
                that ended the page before was deleted meanwhile.
        """
        with self._read() as connection:
            return queries.trace_page(connection, self._outlines, trace_id, project=project, after=after, limit=limit)

    def spans(
        self,
        where: str = "",
        *,
        project: str | None = None,
        trace_id: str | None = None,
        op: str | None = None,
        name: str | None = None,
        run_id: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        order_by: str = "-start",
        after: str | None = None,
        limit: int | None = 1000,
    ) -> Rows[StoredSpan]:
        """Return spans; each argument that is given must match exactly.

        Args:
            where: A filter, such as `model:gpt-4o* latency>2s -status:error`.
            project: Only this project.
            trace_id: Only this trace; 32 hex digits.
            op: Only of this op.
            name: Only with this name.
            run_id: Only of this evaluation run.
            since_ns: When they began at the earliest, nanoseconds since 1970, UTC.
            until_ns: Before when they began.
            order_by: `start`, `latency`, `cost` or `tokens`; with a `-` the greatest first. What has none comes last.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            FilterError: The filter cannot be read; the error has the position and the remedy.
            StoreError: The project or the order is not known, or the cursor belongs to another query.
        """
        wanted = {"project": project, "trace_id": trace_id, "op": op, "name": name, "run_id": run_id}
        listing = Listing(
            **self._asked(where), since_ns=since_ns, until_ns=until_ns, order_by=order_by, after=after, limit=limit
        )
        with self._read() as connection:
            return queries.spans(connection, wanted, listing)

    def span(self, trace_id: str, span_id: str, *, project: str | None = None) -> StoredSpan:
        """Return one span.

        Args:
            trace_id: 32 hex digits.
            span_id: 16 hex digits.
            project: What it belongs to, where several projects have a span of these ids.

        Raises:
            StoreError: There is no such span.
        """
        wanted = {"project": project, "trace_id": trace_id, "span_id": span_id}
        with self._read() as connection:
            found = queries.spans(connection, wanted, Listing(limit=1))
        if not found:
            raise StoreError(f"no span {span_id!r} in trace {trace_id!r} of this store")
        return found[0]

    def linked(
        self, trace_id: str, *, project: str | None = None, after: str | None = None, limit: int | None = 1000
    ) -> Rows[StoredSpan]:
        """Return the spans that have a link to a span of a trace, the newest first.

        Args:
            trace_id: The trace that they point to: 32 hex digits.
            project: Only spans of this project.
            after: `Rows.next` of the page before, for the page behind it.
            limit: At most so many.

        Raises:
            StoreError: The project is not known, or the cursor belongs to another query.
        """
        with self._read() as connection:
            listing = Listing(after=after, limit=limit)
            return queries.linked(connection, trace_id.lower(), {"project": project}, listing)

    def genai_spans(self, *, project: str | None = None, since_ns: int = 0) -> Iterator[StoredSpan]:
        """Return the ended spans with an operation, a provider, a model or a method of MCP, in order of their start.

        They come one by one and are read in pages: any number of them needs little memory.

        Args:
            project: What they belong to; `None` for all.
            since_ns: When they began at the earliest, nanoseconds since 1970, UTC.

        Raises:
            StoreError: The project is not known.
        """
        return genai_spans(self, project=project, since_ns=since_ns)

    def scores(
        self,
        *,
        project: str | None = None,
        trace_id: str | None = None,
        run_id: str | None = None,
        name: str | None = None,
        source: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: str | None = None,
        limit: int | None = 1000,
    ) -> Rows[StoredScore]:
        """Return scores, the newest first; each argument that is given must match exactly.

        Args:
            project: Only this project.
            trace_id: Only of this trace; 32 hex digits.
            run_id: Only of this evaluation run.
            name: Only of this name.
            source: Only from there: eval, guardrail, monitor, human or sdk.
            since_ns: When they were given at the earliest, nanoseconds since 1970, UTC.
            until_ns: Before when they were given.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            StoreError: The project is not known, or the cursor belongs to another query.
        """
        wanted = {
            "project": project,
            "trace_id": trace_id,
            "run_id": run_id,
            "name": name,
            "source": source,
        }
        listing = Listing(since_ns=since_ns, until_ns=until_ns, after=after, limit=limit)
        with self._read() as connection:
            return queries.scores(connection, wanted, listing)

    def decisions(
        self,
        *,
        project: str | None = None,
        trace_id: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: str | None = None,
        limit: int | None = 1000,
    ) -> Rows[StoredDecision]:
        """Return what guardrails decided, the newest first.

        Args:
            project: Only this project.
            trace_id: Only in this trace; 32 hex digits.
            since_ns: When it was decided at the earliest, nanoseconds since 1970, UTC.
            until_ns: Before when it was decided.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            StoreError: The project is not known, or the cursor belongs to another query.
        """
        listing = Listing(since_ns=since_ns, until_ns=until_ns, after=after, limit=limit)
        with self._read() as connection:
            return queries.decisions(connection, {"project": project, "trace_id": trace_id}, listing)

    def alerts(
        self,
        *,
        monitor: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: str | None = None,
        limit: int | None = 1000,
    ) -> Rows[AlertNotice]:
        """Return what the alerts of monitors have said, the newest first.

        Args:
            monitor: Only those of this monitor.
            since_ns: When it was said at the earliest, nanoseconds since 1970, UTC.
            until_ns: Before when it was said.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            StoreError: The cursor belongs to another query.
        """
        listing = Listing(since_ns=since_ns, until_ns=until_ns, after=after, limit=limit)
        with self._read() as connection:
            return alerts.notices(connection, {"monitor": monitor}, listing)

    def runs(
        self,
        *,
        project: str | None = None,
        name: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: str | None = None,
        limit: int | None = 50,
    ) -> Rows[StoredRun]:
        """Return one line an evaluation run, the newest first.

        Args:
            project: Only this project.
            name: Only of the evaluation with this name.
            since_ns: When they began at the earliest, nanoseconds since 1970, UTC.
            until_ns: Before when they began.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            StoreError: The project is not known, or the cursor belongs to another query.
        """
        listing = Listing(since_ns=since_ns, until_ns=until_ns, after=after, limit=limit)
        with self._read() as connection:
            return run_queries.runs(connection, {"project": project, "name": name}, listing)

    def run(self, run_id: str, *, project: str | None = None) -> StoredRun:
        """Return one evaluation run.

        Args:
            run_id: The id, or at least its first 4 characters if no other run begins so.
            project: Where to look.

        Raises:
            StoreError: No run has this id, or several begin so.
        """
        with self._read() as connection:
            return run_queries.run(connection, run_id, project=project)

    def unpriced_models(self, *, since_ns: int = 0) -> tuple[UnpricedModel, ...]:
        """Return the models that were called, reported what they are billed by, and have no cost; most called first.

        Args:
            since_ns: Only calls that began since then; nanoseconds since 1970, UTC.
        """
        with self._read() as connection:
            return unpriced_models(connection, since_ns=since_ns)

    def reprice(
        self,
        prices: Mapping[str, Mapping[str, float]] | Path | None = None,
        *,
        since_ns: int,
        project: str | None = None,
        dry_run: bool = False,
    ) -> tuple[RepricedModel, ...]:
        """Compute the costs of model calls anew, with the price list that is installed now.

        What was recorded stays: `StoredSpan.otlp`, `recorded_cost_usd`, and the attributes
        `tracelm.cost.recorded.*` beside those of the cost that is in force. Doing it again changes nothing.

        Args:
            prices: Prices of your own that come first, as for `tracelm.init`, or a TOML or JSON file of them. Costs by
                a price of your own are only computed anew by one of these.
            since_ns: Only calls that began since then; nanoseconds since 1970, UTC.
            project: Only this project.
            dry_run: Say what would change, and change nothing.

        Returns:
            One line a model, the one with the most changes first.

        Raises:
            ConfigError: The prices cannot be used.
            StoreError: The project is not known, or the store cannot be written.
        """
        table = PriceTable.from_file(prices) if isinstance(prices, Path) else PriceTable.from_user(prices)
        with self._read() as connection:
            check_project(connection, project)
        return reprice(
            self._database, table, since_ns=since_ns, until_ns=time.time_ns(), project=project, dry_run=dry_run
        )

    def trials(
        self, run_id: str, *, project: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Rows[StoredTrial]:
        """Return what became of each row and trial of a run, in the order of the dataset.

        Args:
            run_id: The id, or at least its first 4 characters if no other run begins so.
            project: Where to look.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            StoreError: No run has this id, or several begin so; the cursor belongs to another query.
        """
        with self._read() as connection:
            found = run_queries.run(connection, run_id, project=project)
            return run_queries.trials(connection, found.run_id, project=found.project, after=after, limit=limit)

    def run_scores(
        self, run_id: str, *, project: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Rows[StoredScore]:
        """Return the scores of a run that count, the earliest first: one verdict of a scorer a row and trial.

        Args:
            run_id: The id, or at least its first 4 characters if no other run begins so.
            project: Where to look.
            after: `Rows.next` of the page before, for the page behind it.
            limit: How many; `None` for all.

        Raises:
            StoreError: No run has this id, or several begin so; the cursor belongs to another query.
        """
        with self._read() as connection:
            found = run_queries.run(connection, run_id, project=project)
            return run_queries.run_scores(connection, found.run_id, project=found.project, after=after, limit=limit)

    def known_outputs(self, task_version: str, *, project: str) -> dict[tuple[str, int], tuple[str, Any]]:
        """Return exact outputs of a version of a task, with the traces they stand in, by row digest and trial."""
        with self._read() as connection:
            return run_queries.known_outputs(connection, task_version, project=project)

    @property
    def maintenance(self) -> "Maintenance":
        """What looks after this store: size, integrity, retention, export and import."""
        from tracelm.store.maintenance import Maintenance

        return Maintenance(self, self._database)
