"""`tracelm guard`: what guardrails decided, and what a changed policy would have decided."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracelm.cli.output import AsJson, Home, Limit, Project, Since, gate, moment_ns, open_home, print_json

if TYPE_CHECKING:
    from tracelm.guards.replay import Replayed
    from tracelm.store.verdicts import StoredDecision

_PER = 10_000
_LEVEL = 0.95


def audit(
    guardrail: Annotated[str | None, typer.Option(help="Only this guardrail.", show_default=False)] = None,
    policy: Annotated[str | None, typer.Option(help="Only the policy of this name.", show_default=False)] = None,
    outcome: Annotated[
        str | None,
        typer.Option(help="Only enforced, shadow, failed_open or failed_closed.", show_default=False),
    ] = None,
    taken: Annotated[
        str | None,
        typer.Option(help="Only allow, warn, replace, fallback, retry or block.", show_default=False),
    ] = None,
    intended: Annotated[str | None, typer.Option(help="The same for what was asked for.", show_default=False)] = None,
    side: Annotated[str | None, typer.Option(help="Only input or output.", show_default=False)] = None,
    since: Since = None,
    project: Project = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List what guardrails decided, the newest first. Where something was found is told, never what."""
    from itertools import islice

    from tracelm.guards.traffic import decided

    wanted = {
        "guardrail": guardrail,
        "policy": policy,
        "outcome": outcome,
        "taken": taken,
        "intended": intended,
        "side": side,
    }
    since_ns = moment_ns(since, now_ns=time.time_ns())
    with open_home(home) as store:
        every = (_told(each) for each in decided(store, project=project, since_ns=since_ns))
        fits = (each for each in every if all(each[key] == value for key, value in wanted.items() if value is not None))
        found = list(islice(fits, limit))
    if as_json:
        print_json(found)
        return
    from tracelm.cli import guard_tables, tables

    out = tables.console()
    if not found:
        out.print("no decision: guardrails record one for each value that they judge, see tracelm.guard")
        return
    out.print(guard_tables.decisions(found))
    out.print("tracelm show TRACE shows the call", style="dim")


def replay(
    policy: Annotated[Path, typer.Option(help="YAML file of the policy.", exists=True, dir_okay=False)],
    op: Annotated[
        list[str] | None,
        typer.Option(help="Only calls of this op; can be repeated. Default: those that were guarded, else all."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="The score by which people said what is acceptable; default: any.", show_default=False),
    ] = None,
    max_blocks: Annotated[
        float | None, typer.Option(help="No more refusals than so many of 10,000 calls.", show_default=False)
    ] = None,
    max_wrong: Annotated[
        float | None,
        typer.Option(help="No more than this share of the acceptable calls refused, 0 to 1.", show_default=False),
    ] = None,
    min_caught: Annotated[
        float | None,
        typer.Option(help="At least this share of the unacceptable calls refused, 0 to 1.", show_default=False),
    ] = None,
    since: Since = None,
    project: Project = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Judge recorded calls under a policy, and say what would differ. Nothing is recorded.

    With a condition it is a gate: exit code 0 passed, 1 failed, 2 error, 3 the calls cannot tell.
    """
    with gate(OSError):
        from tracelm.guards.policy import Policy
        from tracelm.guards.replay import replay as replayed
        from tracelm.guards.traffic import calls

        since_ns = moment_ns(since, now_ns=time.time_ns())
        read = Policy.from_yaml(policy, fallbacks=_AnyFallback())
        with open_home(home) as store:
            lines = replayed(read, calls(store, project=project, since_ns=since_ns, ops=op or (), label=label))
    figures = [_figures(each) for each in lines]
    answers = _answers(lines[-1], max_blocks=max_blocks, max_wrong=max_wrong, min_caught=min_caught)
    if as_json:
        about = {"name": read.name, "version": read.version, "digest": read.digest}
        print_json({"policy": about, "guardrails": figures, "conditions": answers})
    else:
        from tracelm.cli import guard_tables, tables

        out = tables.console()
        out.print(f"{read.name} {read.version} ({read.digest}) over {lines[-1].judged:,} calls", markup=False)
        out.print(guard_tables.replayed(figures))
        for each in guard_tables.remarks(figures, answers):
            out.print(each, markup=False)
    raise typer.Exit(_exit_code(answers))


class _AnyFallback(dict[str, Any]):
    """Every fallback is known: none is called."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        return _never_called


def _never_called() -> None:
    """Stand for a fallback."""


def _told(decision: "StoredDecision") -> dict[str, Any]:
    import orjson

    from tracelm import semconv

    attributes = decision.attributes
    spans = attributes.get(semconv.GUARDRAIL_SPANS)
    return {
        "time_ns": decision.time_ns,
        "project": decision.project,
        "trace_id": decision.trace_id,
        "span_id": decision.span_id,
        "guardrail": decision.guardrail,
        "side": attributes.get(semconv.GUARDRAIL_SIDE),
        "intended": decision.intended,
        "taken": decision.taken,
        "outcome": decision.outcome,
        "latency_s": decision.latency_s,
        "policy": attributes.get(semconv.POLICY_NAME),
        "policy_version": attributes.get(semconv.POLICY_VERSION),
        "policy_digest": attributes.get(semconv.POLICY_DIGEST),
        "scorer_version": attributes.get(semconv.SCORER_VERSION),
        "attempt": attributes.get(semconv.GUARDRAIL_ATTEMPT, 0),
        "error_type": attributes.get(semconv.ERROR_TYPE),
        "found": attributes.get(semconv.GUARDRAIL_FOUND, 0),
        "spans": orjson.loads(spans) if isinstance(spans, str) else [],
    }


def _figures(line: "Replayed") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        **asdict(line),
        "per_10000": _rate(line.refused, line.judged, per=_PER),
        "wrong": _rate(line.wrongly_refused, line.acceptable),
        "caught_share": _rate(line.caught, line.unacceptable),
    }


def _rate(count: int, of: int, *, per: int = 1) -> dict[str, float] | None:
    """Return a share with Wilson's 95 % interval; `None` of nothing."""
    from tracelm.evals.statistics.interval import wilson

    if of == 0:
        return None
    low, high = wilson(count / of, of, _LEVEL)
    return {"value": count / of * per, "low": low * per, "high": high * per}


def _answers(
    line: "Replayed", *, max_blocks: float | None, max_wrong: float | None, min_caught: float | None
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, limit, rate in (
        ("refusals per 10,000 calls", max_blocks, _rate(line.refused, line.judged, per=_PER)),
        ("share of acceptable calls refused", max_wrong, _rate(line.wrongly_refused, line.acceptable)),
    ):
        if limit is not None:
            passed = rate is not None and rate["high"] <= limit
            failed = rate is not None and rate["low"] > limit
            found.append(_answer(f"{name} <= {limit:g}", passed, failed, rate))
    if min_caught is not None:
        rate = _rate(line.caught, line.unacceptable)
        passed, failed = rate is not None and rate["low"] >= min_caught, rate is not None and rate["high"] < min_caught
        found.append(_answer(f"share of unacceptable calls refused >= {min_caught:g}", passed, failed, rate))
    return found


def _answer(condition: str, passed: bool, failed: bool, rate: dict[str, float] | None) -> dict[str, Any]:
    answer = "passed" if passed else "failed" if failed else "underpowered"
    return {"condition": condition, "answer": answer, "figure": rate}


def _exit_code(answers: list[dict[str, Any]]) -> int:
    from tracelm.evals.gates import FAIL, PASS, UNDERPOWERED

    given = {each["answer"] for each in answers}
    return FAIL if "failed" in given else UNDERPOWERED if "underpowered" in given else PASS
