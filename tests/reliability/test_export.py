"""What was recorded arrives at a collector: all of it, unchanged, also when the collector is away for a while."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

import tracelm
from tests.collector import ACCEPTED, Answer, free_ports, rotel, sink
from tracelm.otlp.protobuf import logs_request, trace_request
from tracelm.trace.segments import list_segments


@tracelm.op
def answer(question: str) -> str:
    return question.upper()


def record_everything() -> None:
    """One of each that a record can have: children, links, errors, events, sessions, scores."""
    with tracelm.session("conversation-7", user_id="ada"), tracelm.span("run") as run:
        answer("häß 🙂")
        tracelm.score(run, name="helpful", value=True, explanation="because", author="ada")
        tracelm.score(run, name="tone", value="friendly")
    with tracelm.span("row", root=True, links=[run.context], attributes={"a": [1, 2], "f": 0.5, "b": True}):
        pass
    with pytest.raises(ValueError, match="gone"), tracelm.span("fails"):
        raise ValueError("gone")


def journal(home: Path) -> tuple[list[bytes], list[bytes]]:
    spans: list[bytes] = []
    logs: list[bytes] = []
    for segment in list_segments(home):
        spans += segment.read("spans").lines
        logs += segment.read("logs").lines
    return spans, logs


def by_id(spans: Any) -> dict[bytes, Any]:
    return {each.span_id: each for each in spans}


@pytest.mark.rotel
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_what_a_real_collector_passes_on_equals_what_was_recorded(tmp_path: Path, protocol: str) -> None:
    with sink() as final, rotel(tmp_path, to=final.url) as endpoints:
        tracelm.init("test", home=tmp_path / "home", endpoint=endpoints[protocol], protocol=protocol)
        record_everything()
        report = tracelm.shutdown()
        assert (report.recorded, report.delivered, report.pending, report.lost) == (6, 6, 0, 0)
        final.wait_for(lambda: len(final.spans()) == 4 and len(final.log_records()) == 2)
        span_lines, log_lines = journal(tmp_path / "home")
        request = trace_request(span_lines)
        recorded = request.resource_spans[0].scope_spans[0].spans
        assert by_id(final.spans()) == by_id(recorded)
        recorded_logs = logs_request(log_lines).resource_logs[0].scope_logs[0].log_records
        assert sorted(map(repr, final.log_records())) == sorted(map(repr, recorded_logs))
        arrived = ExportTraceServiceRequest.FromString(
            next(body for path, _, body in final.requests if "trace" in path)
        )
        resource = {each.key: each.value.string_value for each in arrived.resource_spans[0].resource.attributes}
        assert (resource["service.name"], resource["tracelm.project"]) == ("test", "test")


def test_the_standard_environment_variables_say_where_and_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sink() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=acme,authorization=Bearer%20abc")
        tracelm.init("test", home=tmp_path)
        answer("a")
        assert tracelm.flush().delivered == 1
        ((path, headers, _),) = collector.requests
        assert (path, headers["x-tenant"], headers["authorization"]) == ("/v1/traces", "acme", "Bearer abc")
        assert b"Bearer" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_collector_that_is_down_loses_nothing_and_the_next_process_delivers(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    program = (
        "import sys, tracelm\n"
        "tracelm.init('test', home=sys.argv[1], endpoint=sys.argv[2], shutdown_timeout_s=0.1)\n"
        "for i in range(20):\n"
        "    with tracelm.span(f'n{i}'): pass\n"
        "print(tracelm.flush(0.1))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), endpoint], capture_output=True, text=True, check=True
    )
    assert "recorded=20, delivered=0, pending=20, lost=0" in ran.stdout
    segment = list_segments(tmp_path)[0]
    with sink() as collector:
        # The same destination under its own name: what a segment names is where it goes.
        meta = segment.path / "meta.json"
        tracelm.init("test", home=tmp_path / "other", endpoint=collector.url)
        answer("to make a segment that names this collector")
        tracelm.shutdown()
        there = (list_segments(tmp_path / "other")[0].path / "meta.json").read_bytes()
        meta.write_bytes(there)
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        collector.wait_for(lambda: len(collector.spans()) >= 21)
        names = [each.name for each in collector.spans()]
        assert sorted(names) == sorted([*(f"n{i}" for i in range(20)), "answer"])


def test_a_segment_goes_only_to_the_destination_that_it_names(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path)
    answer("for nobody")
    tracelm.shutdown()
    with sink() as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        answer("for the collector")
        assert tracelm.shutdown().delivered == 1
        assert len(collector.spans()) == 1


@pytest.mark.parametrize("status", [429, 500, 503, 302, 401, 404])
def test_an_endpoint_that_cannot_now_gets_the_records_later(tmp_path: Path, status: int) -> None:
    broken = True

    def respond(_path: str, _body: bytes) -> Answer:
        return (status, b"", {}) if broken else ACCEPTED

    with sink(respond) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url, shutdown_timeout_s=0)
        answer("a")
        report = tracelm.flush(0.2)
        assert (report.recorded, report.delivered, report.pending, report.lost) == (1, 0, 1, 0)
        broken = False
        assert tracelm.flush(30).delivered == 1
        assert len(collector.spans()) == 1


def test_an_answer_that_is_no_otlp_is_no_acknowledgement(tmp_path: Path) -> None:
    with sink(lambda _path, _body: (200, b"<html>Welcome to the hotel</html>", {})) as portal:
        tracelm.init("test", home=tmp_path, endpoint=portal.url, shutdown_timeout_s=0)
        answer("a")
        assert tracelm.flush(0.2).pending == 1


def test_a_request_that_is_too_large_is_split(tmp_path: Path) -> None:
    def respond(_path: str, body: bytes) -> Answer:
        return (
            ACCEPTED
            if len(ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans) < 4
            else (413, b"", {})
        )

    with sink(respond) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        for _ in range(10):
            answer("a")
        assert tracelm.flush(30).delivered == 10
        assert len(collector.spans()) == 10


def test_a_partial_success_is_counted_as_lost(tmp_path: Path) -> None:
    partial = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=2, error_message="no thanks")
    )
    with sink(lambda _path, _body: (200, partial.SerializeToString(), {})) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        with tracelm.span("outer"):
            answer("a")
            answer("b")
        # Three spans may leave in more than one request; each refuses two, but never more than it got.
        report = tracelm.flush(30)
        assert report.recorded == 3 == report.delivered + report.lost
        assert report.lost >= 2


def test_a_single_record_that_is_refused_is_lost_and_its_neighbours_are_not(tmp_path: Path) -> None:
    def respond(_path: str, body: bytes) -> Answer:
        return (400, b"", {}) if b"poison" in body else ACCEPTED

    with sink(respond) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        for word in ("one", "poison", "two", "three"):
            answer(word)
        report = tracelm.flush(30)
        assert (report.delivered, report.pending, report.lost) == (3, 0, 1)
        assert len(collector.spans()) == 3


def test_flush_keeps_its_word_about_time(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    tracelm.init("test", home=tmp_path, endpoint=f"http://127.0.0.1:{port}", shutdown_timeout_s=0)
    answer("a")
    assert tracelm.flush(0).pending == 1
