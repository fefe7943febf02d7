"""What the server has of which a store is asked from elsewhere."""

import math
from dataclasses import replace
from pathlib import Path

import tracelm
from tests.unit.evals.saved import run_of
from tests.unit.sinks.notices import NOTICE
from tests.unit.store.otlp_lines import log_line, span_line, write_segment
from tracelm.store import alerts
from tracelm.store.store import Store

BEGAN = 1_795_000_000_000_000_000
TREE, SHARED, CALLS, APART, OPS = "b" * 32, "c" * 32, "d" * 32, "a" * 32, "9" * 32
CALL: dict[str, object] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.output_tokens": 100,
}
MODEL = "gen_ai.request.model"
OP: dict[str, object] = {"input.value": '{"text":"a"}', "output.value": '"b"'}
OLD_CALL: dict[str, object] = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"}
HOSTILE: dict[str, object] = {
    "input.value": '{"question": "Грüße 你好 \\u0000 <script>"}',
    "output.value": "x" * 100_000,
    "endless": math.inf,
    "yes": True,
    "many": ["a", 1, 2.5],
    "exact": 2**62 + 1,
    "__proto__": "data",
    "": "empty",
    "tracelm.tags": ["ä", "b"],
    "session.id": "s1",
    "user.id": "u1",
}


def numbered(number: int) -> str:
    return f"{number:016x}"


def record(home: Path) -> None:
    """Record traces of two projects, a repriced call, a large tree, scores, decisions, and evaluation runs."""
    spans = [
        span_line("answer", trace=f"{n:032x}", start=BEGAN + n, end=BEGAN + n * 10**9, status=2 * (n == 3), message="ß")
        for n in range(1, 8)
    ]
    spans.append(span_line("hostile", trace=SHARED, span=numbered(1), start=BEGAN, end=BEGAN + 9, attributes=HOSTILE))
    spans.append(
        span_line("of another", trace=SHARED, span=numbered(2), parent=numbered(1), start=BEGAN + 1, project="other")
    )
    spans.append(span_line("chat gpt-4o", trace=CALLS, start=BEGAN, end=BEGAN + 5, attributes=CALL))
    spans += [
        span_line("step", trace=TREE, span=numbered(n), parent=numbered(n // 2) if n > 1 else None, start=BEGAN + n)
        for n in range(1, 2_301)
    ]
    score = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.5, "tracelm.score.source": "sdk"}
    details = {"tracelm.score.details": '{"spans": [{"start": 0, "end": 3, "type": "pii"}]}'}
    decision = {"tracelm.guardrail.name": "pii", "tracelm.guardrail.action.taken": "block", "odd": math.inf}
    logs = [
        log_line(
            "gen_ai.evaluation.result", score | details | {"log.record.uid": f"u{n}"}, trace=SHARED, time=BEGAN + n
        )
        for n in range(1_050)
    ]
    logs += [
        log_line("tracelm.guardrail.decision", decision | {"log.record.uid": f"d/{n}"}, trace=SHARED, time=BEGAN + n)
        for n in range(3)
    ]
    spans += [
        span_line(name, trace=OPS, span=numbered(n), start=BEGAN + n, attributes=OP | {"tracelm.op.name": name})
        for n, name in enumerate(["checkout", "refund", "checkout"], 1)
    ]
    spans.append(span_line("chat new", trace=OPS, span=numbered(9), start=BEGAN, attributes=CALL | {MODEL: "unknown"}))
    logs.append(
        log_line("tracelm.guardrail.decision", decision | {"log.record.uid": "d/op"}, trace=OPS, span=numbered(3))
    )
    asked = {"stringValue": "told apart from its span"}
    logs.append(log_line("gen_ai.user.message", {"event.name": "gen_ai.user.message"}, trace=APART, body=asked))
    spans.append(span_line("chat apart", trace=APART, start=BEGAN, attributes=OLD_CALL))
    write_segment(home, project="shop", spans=spans, logs=logs)
    tracelm.init("evals", home=home, patch=False)
    run_of([True] * 15 + [False] * 5, trials=2)
    run_of([False] * 4 + [ValueError("no")])
    tracelm.shutdown()
    with tracelm.open_store(home=home) as store:
        notices = [replace(NOTICE, uid=f"n{n}", time_ns=BEGAN + n) for n in range(4)]
        with store.writing() as connection:
            assert alerts.keep(connection, "answers", [], [], [*notices, replace(NOTICE, monitor="m", value=None)])
        prices = {"gpt-4o": {"input_usd_per_mtok": 5.0, "output_usd_per_mtok": 20.0}}
        assert sum(each.changed for each in store.reprice(prices, since_ns=0)) == 1


def run_id(store: Store) -> str:
    return store.runs(project="evals")[-1].run_id
