"""`RemoteStore`: the questions of a store, asked over the API of the server that has it."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from tracelm.errors import StoreError
from tracelm.store.alert_notice import AlertNotice
from tracelm.store.checks import check_limit, check_page_limit, check_prefix, no_such_id
from tracelm.store.database import Database
from tracelm.store.index import IndexReport
from tracelm.store.objects import ObjectVersion
from tracelm.store.projects import refuse_project
from tracelm.store.remote import datasets, records
from tracelm.store.remote.connection import ApiConnection
from tracelm.store.remote.records import Line
from tracelm.store.results import Record, Rows
from tracelm.store.store import Store
from tracelm.store.stored import StoredProject, StoredRun, StoredSpan, StoredTrace
from tracelm.store.stored_trial import StoredTrial
from tracelm.store.tree import PlacedSpan, TracePage, TraceTree
from tracelm.store.unpriced import UnpricedModel
from tracelm.store.verdicts import StoredDecision, StoredScore

if TYPE_CHECKING:
    from tracelm.store.maintenance import Maintenance

_PAGE: Final = 1_000  # the most that the API sends at once
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")

_T = TypeVar("_T", bound=Record)


class RemoteStore(Store):
    """A store that a server has. Its queries are those of `Store`; what needs the database raises `StoreError`.

    `limit=None` reads page after page: unlike in a store of this machine, what comes in meanwhile may be among it.
    """

    def __init__(self, address: str, *, key: str | None = None) -> None:
        """Ask the server at `address`; use `open_store` instead.

        Args:
            address: As `tracelm serve` prints it.
            key: An API key with the right `read`, where the server wants one.

        Raises:
            ConfigError: The address or the key cannot be one.
            StoreError: No tracelm server answers there, or it does not let us in.
        """
        self._api = ApiConnection(address, key=key)
        super().__init__(_Elsewhere(self._api.place), Path(), owned=False)
        about = self._api.get("session")
        with self._api.understood():
            if about["needs_login"]:
                raise self._api.no_key()
            if "read" not in about["rights"]:
                raise StoreError(
                    f"the key {about['name']!r} may not read: `tracelm keys create --name ME --read`, where the server "
                    f"{self.place} runs, makes one that may"
                )

    @property
    def home(self) -> Path:  # noqa: D102 - as in Store
        return self._elsewhere("the journal")

    @property
    def maintenance(self) -> "Maintenance":  # noqa: D102
        return self._elsewhere("maintenance")

    def close(self) -> None:  # noqa: D102
        super().close()
        self._api.close()

    def index(self) -> IndexReport:
        """Do nothing: the server reads the journal of its machine by itself.

        Raises:
            StoreError: The store is closed.
        """
        self._check_open()
        return IndexReport()

    def check_project(self, project: str | None) -> None:  # noqa: D102
        known = self.projects()
        if project is not None and all(each.name != project for each in known):
            refuse_project(project, known)

    def projects(self) -> Rows[StoredProject]:  # noqa: D102
        self._check_open()
        told = self._api.get("projects")
        with self._api.understood():
            return Rows(StoredProject, records.projects(self._api, told["items"]))

    def traces(  # noqa: D102
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
        window = {"since_ns": since_ns, "until_ns": until_ns, "order_by": order_by}
        asked = {"where": where, "project": project, **window}
        return self._list(StoredTrace, records.traces, "traces", after=after, limit=limit, asked=asked)

    def trace(self, trace_id: str, *, project: str | None = None) -> TraceTree:  # noqa: D102
        summary, spans, _ = self._tree(trace_id, project, after=None, limit=None)
        of_trace = {"trace_id": summary.trace_id, "project": project}
        with self._api.understood():
            found = records.spans(self._api, spans)
        scores = self._list(StoredScore, records.scores, "scores", after=None, limit=None, asked=of_trace)
        decisions = self._list(StoredDecision, records.decisions, "decisions", after=None, limit=None, asked=of_trace)
        return TraceTree.build(summary, found, tuple(reversed(scores)), tuple(reversed(decisions)))

    def trace_page(  # noqa: D102
        self, trace_id: str, *, project: str | None = None, after: str | None = None, limit: int = 200
    ) -> TracePage:
        check_page_limit(limit)
        summary, spans, following = self._tree(trace_id, project, after=after, limit=limit)
        with self._api.understood():
            placed = [
                PlacedSpan(span=span, depth=line["depth"], child_count=line["child_count"])
                for span, line in zip(records.spans(self._api, spans), spans, strict=True)
            ]
        return TracePage(summary=summary, spans=tuple(placed), next=following)

    def spans(  # noqa: D102
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
        equal = {"project": project, "trace_id": trace_id, "op": op, "name": name, "run_id": run_id}
        window = {"since_ns": since_ns, "until_ns": until_ns, "order_by": order_by}
        asked = {"where": where, **equal, **window}
        return self._list(StoredSpan, records.spans, "spans", after=after, limit=limit, asked=asked)

    def span(self, trace_id: str, span_id: str, *, project: str | None = None) -> StoredSpan:  # noqa: D102
        self._check_open()
        path = ("traces", _segment(trace_id, "trace"), "spans", _segment(span_id, "span"))
        line = self._api.get(*path, project=project)
        with self._api.understood():
            return records.spans(self._api, [line])[0]

    def linked(  # noqa: D102
        self, trace_id: str, *, project: str | None = None, after: str | None = None, limit: int | None = 1000
    ) -> Rows[StoredSpan]:
        path = ("traces", _segment(trace_id.lower(), "trace"), "linked")
        return self._list(StoredSpan, records.spans, *path, after=after, limit=limit, asked={"project": project})

    def scores(  # noqa: D102
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
        equal = {"project": project, "trace_id": trace_id, "run_id": run_id, "name": name, "source": source}
        asked = {**equal, "since_ns": since_ns, "until_ns": until_ns}
        return self._list(StoredScore, records.scores, "scores", after=after, limit=limit, asked=asked)

    def decisions(  # noqa: D102
        self,
        *,
        project: str | None = None,
        trace_id: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: str | None = None,
        limit: int | None = 1000,
    ) -> Rows[StoredDecision]:
        asked = {"project": project, "trace_id": trace_id, "since_ns": since_ns, "until_ns": until_ns}
        return self._list(StoredDecision, records.decisions, "decisions", after=after, limit=limit, asked=asked)

    def alerts(  # noqa: D102
        self,
        *,
        monitor: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: str | None = None,
        limit: int | None = 1000,
    ) -> Rows[AlertNotice]:
        asked = {"monitor": monitor, "since_ns": since_ns, "until_ns": until_ns}
        return self._list(AlertNotice, records.alerts, "alerts", after=after, limit=limit, asked=asked)

    def runs(  # noqa: D102
        self,
        *,
        project: str | None = None,
        name: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after: str | None = None,
        limit: int | None = 50,
    ) -> Rows[StoredRun]:
        asked = {"project": project, "name": name, "since_ns": since_ns, "until_ns": until_ns}
        return self._list(StoredRun, records.runs, "runs", after=after, limit=limit, asked=asked)

    def run(self, run_id: str, *, project: str | None = None) -> StoredRun:  # noqa: D102
        self._check_open()
        line = self._api.get("runs", _segment(run_id, "evaluation run"), project=project)
        with self._api.understood():
            return records.runs(self._api, [line])[0]

    def trials(  # noqa: D102
        self, run_id: str, *, project: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Rows[StoredTrial]:
        path = ("runs", _segment(run_id, "evaluation run"), "trials")
        return self._list(StoredTrial, records.trials, *path, after=after, limit=limit, asked={"project": project})

    def run_scores(  # noqa: D102
        self, run_id: str, *, project: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Rows[StoredScore]:
        path = ("runs", _segment(run_id, "evaluation run"), "scores")
        return self._list(StoredScore, records.scores, *path, after=after, limit=limit, asked={"project": project})

    def unpriced_models(self, *, since_ns: int = 0) -> tuple[UnpricedModel, ...]:  # noqa: D102
        self._check_open()
        told = self._api.get("unpriced", since_ns=since_ns)
        with self._api.understood():
            return tuple(
                UnpricedModel(
                    provider=each["provider"],
                    model=each["model"],
                    calls=each["calls"],
                    last_start_ns=int(each["last_start_ns"]),
                    why=each.get("why", "unlisted"),
                )
                for each in told["items"]
            )

    def known_outputs(self, task_version: str, *, project: str) -> dict[tuple[str, int], tuple[str, Any]]:  # noqa: D102
        runs = self.runs(project=project, limit=None)
        of_task = [each for each in runs if each.task_version == task_version]
        exact = [each for run in of_task for each in self.trials(run.run_id, project=project) if each.is_exact]
        exact.sort(key=lambda each: each.end_ns)
        return {(each.row_digest or "", each.trial): (each.trace_id, each.output) for each in exact}

    def dataset(
        self, name: str, *, version: str | None = None
    ) -> tuple[ObjectVersion, Sequence[str], Sequence[Mapping[str, Any]]]:
        """Return a version of a published dataset, its columns, and its rows as they are kept.

        Args:
            name: What it is called.
            version: `v0`, `v1`, ..., or an alias; left out, the newest.

        Raises:
            StoreError: There is none of this name or version, or the server does not let us see it.
        """
        self._check_open()
        return datasets.load(self._api, name, version=version)

    def dataset_versions(self, name: str) -> Sequence[ObjectVersion]:
        """Return all versions of a published dataset, the newest first.

        Raises:
            StoreError: There is none of this name, or the server does not let us see it.
        """
        self._check_open()
        return datasets.versions(self._api, name)

    def publish_dataset(
        self,
        name: str,
        *,
        columns: Sequence[str],
        rows: Sequence[tuple[str, bytes]],
        aliases: Sequence[str] = (),
        note: str | None = None,
    ) -> ObjectVersion:
        """Publish a version of a dataset; content that equals the newest version's is that version.

        Args:
            name: What it is called.
            columns: Its columns.
            rows: Its rows, each with its digest, as they are kept.
            aliases: Names that point at this version from now on.
            note: What there is to say about it.

        Raises:
            StoreError: The server does not take it; the message says why.
        """
        self._check_open()
        return datasets.publish(self._api, name, columns=columns, rows=rows, aliases=aliases, note=note)

    def set_dataset_alias(self, name: str, alias: str, *, version: str) -> None:
        """Let an alias of a published dataset point at a version.

        Raises:
            StoreError: There is no such dataset or version, or the server does not let us write.
        """
        self._check_open()
        datasets.set_alias(self._api, name, alias, version=version)

    def _list(
        self,
        kind: type[_T],
        read: Callable[[ApiConnection, Sequence[Line]], list[_T]],
        *path: str,
        after: str | None,
        limit: int | None,
        asked: Mapping[str, object],
    ) -> Rows[_T]:
        """Ask for a list, in as many pages as it takes."""
        check_limit(limit)
        _, lines, following = self._pages(*path, items="items", after=after, limit=limit, asked=asked)
        with self._api.understood():
            return Rows(kind, read(self._api, lines), next=following)

    def _tree(
        self, trace_id: str, project: str | None, *, after: str | None, limit: int | None
    ) -> tuple[StoredTrace, list[Line], str | None]:
        path = ("traces", _segment(trace_id.lower(), "trace"))
        asked = {"project": project}
        first, found, following = self._pages(*path, items="spans", after=after, limit=limit, asked=asked)
        with self._api.understood():
            return records.traces(self._api, [first["trace"]])[0], found, following

    def _pages(
        self, *path: str, items: str, after: str | None, limit: int | None, asked: Mapping[str, object]
    ) -> tuple[Line, list[Line], str | None]:
        """Return the first page, the lines of all, and the cursor behind them."""
        self._check_open()
        first: Line | None = None
        lines: list[Line] = []
        while True:
            size = _PAGE if limit is None else min(_PAGE, limit - len(lines))
            page: Any = self._api.get(*path, **asked, after=after, limit=size)
            with self._api.understood():
                found, after = list(page[items]), page["next"]
            first = first or page
            lines += found
            if after is None or not found or len(lines) == limit:
                return first or page, lines, after

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("this store is closed: call tracelm.open_store() again")

    def _elsewhere(self, what: str) -> NoReturn:
        raise _not_here(self.place, what)


class _Elsewhere(Database):
    """The database of a server: whatever would use it says that it is not here."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # what Python itself looks for
            raise AttributeError(name)
        raise _not_here(self.place, "this")

    def close(self) -> None:
        """Do nothing: it has no connection of its own."""

    def read(self) -> NoReturn:
        raise _not_here(self.place, "this")

    def write(self) -> NoReturn:
        raise _not_here(self.place, "writing")

    def kept_open(self) -> AbstractContextManager[None]:
        raise _not_here(self.place, "this")

    def compact(self) -> None:
        raise _not_here(self.place, "this")

    def damages(self) -> list[str]:
        raise _not_here(self.place, "this")

    def size_bytes(self) -> int:
        raise _not_here(self.place, "this")

    def _alone(self) -> AbstractContextManager[None]:
        raise _not_here(self.place, "this")


def _not_here(place: str, what: str) -> StoreError:
    return StoreError(
        f"{what} needs the store itself, and {place} is a server that has it: do it where the server runs, with its "
        "home or store, and without TRACELM_URL"
    )


def _segment(given: str, what: str) -> str:
    """Return an id, or its beginning, as it may stand in a path.

    Raises:
        StoreError: No id can begin so.
    """
    prefix = check_prefix(given)
    if not _ID.fullmatch(prefix):
        raise no_such_id(given, what)
    return prefix
