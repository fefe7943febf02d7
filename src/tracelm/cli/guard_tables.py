"""How decisions of guardrails, and the replay of a policy, look in a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tracelm.cli.tables import SHORT_ID, duration, moment, one_line, table


def decisions(found: Iterable[Mapping[str, Any]]) -> Table:
    """Return decisions as a table, one line each."""
    shown = table(("time", "trace", "guardrail", "side", "decision", "outcome"), ("took",), ("found", "policy"))
    for each in found:
        taken, intended = str(each["taken"] or "?"), str(each["intended"] or "?")
        told = taken if taken == intended else f"{taken} (wanted {intended})"
        failure = f" ({each['error_type']})" if each["error_type"] else ""
        policy = f"{each['policy']} {each['policy_version']}" if each["policy"] else "-"
        latency_s = each["latency_s"]
        cells = (
            moment(each["time_ns"]),
            (each["trace_id"] or "-")[:SHORT_ID],
            each["guardrail"] or "?",
            each["side"] or "-",
            told,
            f"{each['outcome']}{failure}",
            duration(round(latency_s * 1e9)) if isinstance(latency_s, float) else "-",
            _places(each["spans"], each["found"]),
            policy,
        )
        shown.add_row(*(Text(one_line(str(cell))) for cell in cells))
    return shown


def replayed(figures: Sequence[Mapping[str, Any]]) -> Table:
    """Return the figures of a replay as a table, one line a guardrail."""
    shown = table(
        ("guardrail", "side", "action"),
        ("judged", "refused", "newly", "per 10,000", "95 %", "wrongly", "caught"),
        (),
    )
    for each in figures:
        rate = each["per_10000"]
        action = each["action"] + (" (shadow)" if each["mode"] == "shadow" else "")
        cells = (
            each["guardrail"],
            each["side"],
            action,
            f"{each['judged']:,}",
            f"{each['refused']:,}",
            f"{each['newly']:,}",
            "-" if rate is None else f"{rate['value']:.1f}",
            "-" if rate is None else f"{rate['low']:.1f} – {rate['high']:.1f}",
            _share(each["wrongly_refused"], each["acceptable"]),
            _share(each["caught"], each["unacceptable"]),
        )
        shown.add_row(*(Text(one_line(str(cell))) for cell in cells))
    return shown


def remarks(figures: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what must be said beside the table: what could not be judged, where to look, what a gate says."""
    for each in figures[:-1]:
        if each["withheld"]:
            yield (
                f"{each['guardrail']}: of {each['withheld']:,} calls the output was stopped or rewritten when they "
                "were made; what it was is not known"
            )
        if each["unreadable"]:
            yield f"{each['guardrail']}: the text of {each['unreadable']:,} calls was not recorded, or cut"
        if each["failed"]:
            yield f"{each['guardrail']}: it failed on {each['failed']:,} calls"
        if each["examples"]:
            yield f"{each['guardrail']}: newly refused, for example {' '.join(t[:SHORT_ID] for t in each['examples'])}"
    for each in answers:
        rate = each["figure"]
        seen = "nothing to tell by" if rate is None else f"{rate['value']:.3g} ({rate['low']:.3g} – {rate['high']:.3g})"
        yield f"{each['answer']}: {each['condition']}; {seen}"


def _places(spans: Sequence[Mapping[str, Any]], count: int) -> str:
    told = ", ".join(f"{each.get('type')} {each.get('start')}–{each.get('end')}" for each in spans[:3])
    return told + (f" and {count - 3} more" if count > 3 else "") or "-"


def _share(count: int, of: int) -> str:
    return f"{count:,} of {of:,}" if of else "-"
