"""Whatever comes first, and however often: the store has the same in the end."""

import itertools
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracelm
from tests.unit.store.otlp_lines import log_line, span_line, write_segment

_numbers = itertools.count()
_MODEL = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "gen_ai.request.model": "m"}
_RUN = {"tracelm.run.id": "run-1", "tracelm.run.name": "e"}


def _number(number: int) -> str:
    return f"{number:016x}"


PARTS: list[tuple[str, bytes]] = [
    ("spans", span_line("root", span=_number(1), start=1, end=90, attributes={"session.id": "s"})),
    ("spans", span_line("child", span=_number(2), parent=_number(1), start=2, end=80, status=2, message="no")),
    ("spans", span_line("chat m", span=_number(3), parent=_number(2), start=3, end=70, attributes=_MODEL)),
    ("spans", span_line("orphan", span=_number(4), parent=_number(99), start=4, end=60)),
    ("spans", span_line("in another", trace="d" * 32, span=_number(5), start=5, end=6, project="others")),
    ("spans", span_line("evaluate", trace="e" * 32, span=_number(6), start=6, end=7, attributes=_RUN)),
    ("logs", log_line("gen_ai.user.message", {"log.record.uid": "m"}, trace="f" * 32, body={"stringValue": "why?"})),
    (
        "spans",
        span_line("chat apart", trace="f" * 32, attributes={"gen_ai.operation.name": "chat", "gen_ai.system": "x"}),
    ),
    (
        "logs",
        log_line(
            "gen_ai.evaluation.result",
            {"log.record.uid": "u", "gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.5},
            span=_number(3),
        ),
    ),
    ("logs", log_line("tracelm.guardrail.decision", {"log.record.uid": "d", "tracelm.guardrail.name": "pii"})),
]


def held(home: Path) -> dict[str, Any]:
    """Return all that the store tells."""
    with tracelm.open_store(home=home) as store:
        traces = sorted(store.traces(limit=None), key=lambda each: each.trace_id)
        return {
            "traces": traces,
            "trees": [[each.name for each in store.trace(trace.trace_id).spans] for trace in traces],
            "spans": sorted(store.spans(limit=None), key=lambda each: (each.trace_id, each.span_id)),
            "scores": list(store.scores(limit=None)),
            "decisions": list(store.decisions(limit=None)),
            "runs": list(store.runs(limit=None)),
            "projects": sorted(each.name for each in store.projects()),
            "damages": store.maintenance.check(),
        }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
@given(order=st.permutations(PARTS), again=st.lists(st.sampled_from(PARTS), max_size=8), size=st.integers(1, 10))
def test_any_order_and_any_repetition_gives_the_same_store(
    tmp_path: Path, order: list[tuple[str, bytes]], again: list[tuple[str, bytes]], size: int
) -> None:
    expected = tmp_path / "expected"
    if not expected.exists():
        write_segment(
            expected,
            spans=[line for kind, line in PARTS if kind == "spans"],
            logs=[line for kind, line in PARTS if kind == "logs"],
        )
    home = tmp_path / str(next(_numbers))
    told = [*order, *again]
    for some in (told[start : start + size] for start in range(0, len(told), size)):
        write_segment(
            home,
            spans=[line for kind, line in some if kind == "spans"],
            logs=[line for kind, line in some if kind == "logs"],
        )
        with tracelm.open_store(home=home) as store:
            store.index()
    assert held(home) == held(expected)
