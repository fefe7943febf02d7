"""A report for machines: JSON, and JUnit XML as continuous integration reads it."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, cast
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from tracelm.evals.report import Report
    from tracelm.evals.summary import Line

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document_of(report: "Report") -> dict[str, Any]:
    """Return the report as plain data: what `to_json` writes."""
    found: dict[str, Any] = {
        "title": report.title,
        "facts": list(report.facts),
        "summary": [_line(each) for each in report.lines],
        "failures": list(report.failures),
    }
    if report.comparison is not None:
        found["comparison"] = {
            "run_id": report.comparison.run.run_id,
            "baseline_run_id": report.comparison.baseline.run_id,
            "pairs": len(report.comparison.pairs),
            "only_in_run": list(report.comparison.only_in_run),
            "only_in_baseline": list(report.comparison.only_in_baseline),
            "left_out": dict(report.comparison.left_out),
            "scores": [asdict(each) for each in report.differences],
        }
    if report.checks is not None:
        found["answer"] = report.checks.answer
        found["conditions"] = [asdict(each) for each in report.checks.results]
    if report.slices:
        found["slices"] = {
            column: {name: [_line(each) for each in lines] for name, lines in slices.items()}
            for column, slices in report.slices.items()
        }
    if report.slice_differences:
        found["slice_differences"] = {
            column: {name: [asdict(each) for each in differences] for name, differences in slices.items()}
            for column, slices in report.slice_differences.items()
        }
    found["worst_rows"] = [
        {
            "row": each.row,
            "trial": each.trial,
            "outcome": each.outcome,
            "inputs": dict(each.inputs),
            "output": each.output,
            "error": each.error,
            "trace_id": each.trace_id,
            "difference": each.difference,
            "scores": {name: {"value": value, "explanation": why} for name, (value, why) in each.scores.items()},
        }
        for each in report.worst
    ]
    return found


def json_of(report: "Report") -> str:
    """Return the report as one JSON document; what JSON cannot hold is written as text."""
    import orjson

    return encoded(document_of(report), option=orjson.OPT_INDENT_2).decode()


def encoded(value: object, *, option: int = 0) -> bytes:
    """Return any value as JSON; what JSON cannot hold is written as text.

    Args:
        value: What a task returned, or something that holds such values.
        option: Of orjson.
    """
    import orjson

    options = option | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, default=repr, option=options)
    except TypeError:
        # A lone surrogate, or a number beyond 64 bits, in what a task returned.
        return orjson.dumps(_tame(value), default=repr, option=options)


def junit_of(report: "Report") -> str:
    """Return the report as JUnit XML.

    A test case for each condition: failed, or an error where it is underpowered, so that no tool takes it for passed.
    Without conditions, one for each compared score ("worse" fails), else one for each score (nothing scored fails).
    """
    cases = _cases(report)
    failures = sum(kind == "failure" for _, kind, _ in cases)
    errors = sum(kind == "error" for _, kind, _ in cases)
    name = quoteattr(_clean(report.title))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'
    lines += [f"<testsuites {counts}>", f"  <testsuite name={name} {counts}>"]
    for case, kind, why in cases:
        head = f"    <testcase classname={name} name={quoteattr(_clean(case))}"
        if kind is None:
            lines.append(f"{head}><system-out>{escape(_clean(why))}</system-out></testcase>")
        else:
            detail = escape(_clean("\n".join((why, *report.failures[:20]))))
            lines.append(f"{head}><{kind} message={quoteattr(_clean(why))}>{detail}</{kind}></testcase>")
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""])


def _cases(report: "Report") -> Sequence[tuple[str, str | None, str]]:
    if report.checks is not None:
        kinds = {"passed": None, "failed": "failure", "underpowered": "error"}
        return [(each.condition, kinds[each.answer], f"{each.answer}: {each.why}") for each in report.checks.results]
    if report.comparison is not None:
        return [
            (each.name, "failure" if each.verdict == "worse" else None, f"{each.verdict}: {each.why}")
            for each in report.differences
        ]
    return [
        (
            each.name,
            None if each.scored else "failure",
            f"{each.scored} of {each.n} scored, {each.errors} errors"
            + ("" if each.interval is None else f", mean {each.interval.mean:.4g}"),
        )
        for each in report.lines
    ]


def _line(line: "Line") -> dict[str, Any]:
    interval = {name: getattr(line.interval, name, None) for name in ("mean", "se", "low", "high")}
    bounds = dict(zip(("if_failed_is_0", "if_failed_is_1"), line.bounds or (None, None), strict=True))
    return {"score": line.name, "n": line.n, "scored": line.scored, "errors": line.errors} | interval | bounds


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _tame(value: object) -> object:
    match value:
        case dict():
            items = cast("dict[object, object]", value)
            return {_clean(str(key)): _tame(each) for key, each in items.items()}
        case list() | tuple():
            return [_tame(each) for each in cast("Sequence[object]", value)]
        case str():
            return _clean(value)
        case bool() | None:
            return value
        case int() if abs(value) < 2**63:
            return value
        case float() if math.isfinite(value):
            return value
        case _:
            return _clean(repr(value))
