"""`tracelm traces`, `tracelm spans` and `tracelm show`."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tracelm.cli.output import (
    After,
    AsJson,
    Home,
    Limit,
    Project,
    Since,
    Sort,
    Where,
    as_dict,
    moment_ns,
    open_home,
    print_json,
)

if TYPE_CHECKING:
    from tracelm.store.store import Store


def traces(
    where: Where = "",
    project: Project = None,
    since: Since = None,
    sort: Sort = "-start",
    after: After = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List traces, the newest first."""
    with open_home(home) as store:
        found = store.traces(where, project=project, since_ns=_since_ns(since), order_by=sort, after=after, limit=limit)
    if as_json:
        print_json({"traces": [as_dict(each, "input", "output") for each in found], "next": found.next})
        return
    from tracelm.cli import tables

    out = tables.console()
    if not found:
        out.print(_nothing("traces", store, narrowed=bool(where or since or after)))
        return
    out.print(tables.trace_table(found))
    out.print("tracelm show TRACE shows one as a tree; the first characters of its id are enough", style="dim")
    _print_next(found.next)


def spans(
    where: Where = "",
    project: Project = None,
    since: Since = None,
    sort: Sort = "-start",
    after: After = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List spans, the newest first."""
    with open_home(home) as store:
        found = store.spans(where, project=project, since_ns=_since_ns(since), order_by=sort, after=after, limit=limit)
    if as_json:
        print_json({"spans": [as_dict(each, "attributes") for each in found], "next": found.next})
        return
    from tracelm.cli import tables

    out = tables.console()
    if not found:
        out.print(_nothing("spans", store, narrowed=bool(where or since or after)))
        return
    out.print(tables.span_table(found))
    _print_next(found.next)


def _since_ns(since: str | None) -> int | None:
    return None if since is None else moment_ns(since, now_ns=time.time_ns())


def _nothing(what: str, store: "Store", *, narrowed: bool) -> str:
    if narrowed:
        return f"no {what} that fit: leave out a part of the filter, or take a longer time"
    return f'no {what} yet in {store.place}: call tracelm.init("my-project") and a function under @tracelm.op'


def _print_next(cursor: str | None) -> None:
    from tracelm.cli import tables

    if cursor is not None:
        tables.console().print(f"there are more: --after {cursor}", style="dim", soft_wrap=True)


def show(
    trace: Annotated[str, typer.Argument(help="Id of the trace, or its first characters.", show_default=False)],
    full: Annotated[bool, typer.Option("--full", help="Print inputs, outputs and messages whole.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show one trace as a tree, with its scores and guardrail decisions."""
    with open_home(home) as store:
        found = store.trace(trace)
    if as_json:
        spans = [
            as_dict(each, "attributes") | {"events": each.otlp.events, "links": each.otlp.links} for each in found.spans
        ]
        scores = [as_dict(each) for each in found.scores]
        decisions = [
            as_dict(each, "guardrail", "intended", "taken", "outcome", "latency_s", "attributes")
            for each in found.decisions
        ]
        print_json({"trace": as_dict(found.summary), "spans": spans, "scores": scores, "decisions": decisions})
        return
    from tracelm.cli import tables

    tables.console().print(tables.trace_tree(found, full=full))
