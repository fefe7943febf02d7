"""`init` builds the pipeline or joins the program's, once; `flush` and `shutdown` say where the records are."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tests.collector import sink
from tracelm.otlp.decode import decode_spans
from tracelm.trace.segments import list_segments


@tracelm.op
def step() -> str:
    return "ok"


def recorded(home: Path) -> list[Any]:
    return [
        record
        for segment in list_segments(home)
        for line in segment.read("spans").lines
        for record in decode_spans(line).records
    ]


def run(program: str, *args: object, **env: str) -> str:
    command = [sys.executable, "-c", program, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | env).stdout


def test_the_same_project_twice_is_fine(tmp_path: Path) -> None:
    tracelm.init("one", home=tmp_path)
    tracelm.init("one")
    tracelm.init("one", home=tmp_path)
    step()
    assert tracelm.flush().recorded == 1


def test_another_project_is_a_clear_error_that_names_the_remedy(tmp_path: Path) -> None:
    tracelm.init("one", home=tmp_path)
    with pytest.raises(tracelm.ConfigError, match=r"already records project 'one'.*tracelm.shutdown\(\) before"):
        tracelm.init("two")


def test_a_setting_that_would_be_ignored_is_a_clear_error(tmp_path: Path) -> None:
    tracelm.init("one", home=tmp_path)
    with pytest.raises(tracelm.ConfigError, match="already records with another endpoint"):
        tracelm.init("one", endpoint="http://localhost:4318")


def test_after_shutdown_another_project_can_be_recorded(tmp_path: Path) -> None:
    for project in ("one", "two"):
        tracelm.init(project, home=tmp_path)
        step()
        assert tracelm.shutdown().recorded == 1
    found = recorded(tmp_path)
    assert [each.resource.attributes["tracelm.project"] for each in found] == ["one", "two"]
    assert [each.resource.attributes["service.name"] for each in found] == ["one", "two"]


def test_after_shutdown_an_op_is_a_plain_function_again(tmp_path: Path) -> None:
    tracelm.init("one", home=tmp_path)
    tracelm.shutdown()
    assert step() == "ok"
    assert recorded(tmp_path) == []


@pytest.mark.parametrize("variable", ["TRACELM_DISABLED", "OTEL_SDK_DISABLED"])
def test_recording_can_be_switched_off_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "true")
    tracelm.init("one", home=tmp_path)
    assert step() == "ok"
    assert recorded(tmp_path) == []


def test_without_an_endpoint_what_is_on_disk_counts_as_delivered(tmp_path: Path) -> None:
    tracelm.init("one", home=tmp_path)
    step()
    report = tracelm.flush()
    assert (report.recorded, report.delivered, report.pending, report.lost) == (1, 1, 0, 0)


OWN_PROVIDER = """
import sys, tracelm
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider(resource=Resource.create({"service.name": "checkout"}))
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tracelm.init("one", home=sys.argv[1])

@tracelm.op
def inside(api_key): return "ok"

with trace.get_tracer("the program").start_as_current_span("request"):
    inside("hush")
    tracelm.score(tracelm.current_span(), name="n", value=True)
assert trace.get_tracer_provider() is provider
for span in exporter.get_finished_spans():
    print(span.name, dict(span.attributes).get("input.value"))
print(tracelm.flush())
"""


def test_it_joins_the_provider_that_the_program_already_has(tmp_path: Path) -> None:
    out = run(OWN_PROVIDER, tmp_path)
    assert out.splitlines()[:2] == ['inside {"api_key":"[redacted]"}', "request None"]
    inner, outer = recorded(tmp_path)
    assert inner.parent_span_id == outer.span_id
    assert outer.scope.name == "the program"
    for span in (inner, outer):
        assert span.resource.attributes["tracelm.project"] == "one"
        assert span.resource.attributes["service.name"] == "checkout"


def test_beside_a_provider_of_the_program_only_scores_go_to_the_endpoint_of_the_environment(tmp_path: Path) -> None:
    # The program's own exporter sends the spans there; they must not arrive twice.
    with sink() as collector:
        out = run(OWN_PROVIDER, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        assert "recorded=3, delivered=3" in out
        assert [path for path, _, _ in collector.requests] == ["/v1/logs"]
        assert len(collector.log_records()) == 1


def test_without_a_provider_other_libraries_spans_are_recorded_too(tmp_path: Path) -> None:
    run(
        "import sys, tracelm; from opentelemetry import trace; tracelm.init('one', home=sys.argv[1])\n"
        "with trace.get_tracer('theirs').start_as_current_span('their span'): pass",
        tmp_path,
    )
    assert [each.name for each in recorded(tmp_path)] == ["their span"]


def test_seeding_random_in_the_program_does_not_repeat_ids(tmp_path: Path) -> None:
    program = (
        "import random, sys, tracelm; tracelm.init('one', home=sys.argv[1])\n"
        "for _ in range(3):\n    random.seed(7)\n    with tracelm.span('n'): pass"
    )
    run(program, tmp_path)
    run(program, tmp_path)
    assert len({each.trace_id for each in recorded(tmp_path)}) == 6


def test_tokens_and_cost_of_a_trace_are_tallied_while_it_runs(tmp_path: Path) -> None:
    from tracelm.trace.tally import tally

    tracelm.init("one", home=tmp_path)
    call = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2}
    with tracelm.span("outer") as outer, tally(outer.trace_id) as sums:
        with tracelm.span("chat m", attributes={**call, "gen_ai.usage.cost.amount": 0.25}):
            pass
        with tracelm.span("chat unpriced", attributes=call):
            pass
        with tracelm.span("invoke_agent", attributes={**call, "gen_ai.operation.name": "invoke_agent"}):
            pass  # repeats what its children report
        with tracelm.span("elsewhere", root=True, attributes=call):
            pass
    assert (sums.input_tokens, sums.output_tokens, sums.cost_usd) == (14, 4, 0.25)
