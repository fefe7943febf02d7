"""`tracelm traces` and `tracelm show`."""

from typing import Annotated

import typer

from tracelm.cli.output import AsJson, Home, Limit, Project, as_dict, open_home, print_json


def traces(project: Project = None, limit: Limit = 20, as_json: AsJson = False, home: Home = None) -> None:
    """List traces, the newest first."""
    with open_home(home) as store:
        found = store.traces(project=project, limit=limit)
    if as_json:
        print_json([as_dict(each, "input", "output") for each in found])
        return
    from tracelm.cli import tables

    out = tables.console()
    if not found:
        out.print(f'no traces yet in {store.place}: call tracelm.init("my-project") and a function under @tracelm.op')
        return
    out.print(tables.trace_table(found))
    out.print("tracelm show TRACE shows one as a tree; the first characters of its id are enough", style="dim")


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
