"""The projects of a store, and what to say where one is not known."""

from collections.abc import Iterable
from typing import NoReturn

from sqlalchemy import Connection, func, select

from tracelm.errors import StoreError
from tracelm.store.results import Rows
from tracelm.store.stored import StoredProject
from tracelm.store.tables import PROJECTS, TRACES


def projects(connection: Connection) -> Rows[StoredProject]:
    """Return the projects, the one with the newest trace first."""
    of_project = (
        select(TRACES.c.project, func.count().label("traces"), func.max(TRACES.c.start_ns).label("newest"))
        .group_by(TRACES.c.project)
        .subquery()
    )
    found = connection.execute(
        select(PROJECTS.c.name, func.coalesce(of_project.c.traces, 0), of_project.c.newest)
        .outerjoin(of_project, of_project.c.project == PROJECTS.c.name)
        .order_by(of_project.c.newest.is_(None), of_project.c.newest.desc(), PROJECTS.c.name)
    )
    return Rows(StoredProject, (StoredProject(name=name, traces=n, last_start_ns=newest) for name, n, newest in found))


def check_project(connection: Connection, project: str | None) -> None:
    """Raise `StoreError` when the store does not know the project."""
    if project is None:
        return
    if connection.execute(select(PROJECTS.c.name).where(PROJECTS.c.name == project)).first():
        return
    refuse_project(project, projects(connection))


def refuse_project(project: str, known: Iterable[StoredProject]) -> NoReturn:
    """Raise `StoreError` for a project that is none of those that are known."""
    names = [repr(each.name) for each in known]
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    raise StoreError(
        f"no project {project!r} in this store; it has {shown}"
        if names
        else f"no project {project!r}: nothing is recorded in this store yet"
    )
