"""OTLP in: what is acknowledged is in the store, what is not taken is said one by one."""

import gzip
import logging
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import grpc
import orjson
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

import tracelm
from tests.serving import Serving, make_key, serving, trace_request
from tracelm.store.stored import StoredSpan


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for the tests of this file; each uses traces of its own."""
    with serving(tmp_path_factory.mktemp("home")) as running:
        yield running


def stored(server: Serving, trace: str) -> list[StoredSpan]:
    with tracelm.open_store(home=server.home) as store:
        return sorted(store.spans(trace_id=trace), key=lambda span: span.span_id)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_span_of_the_real_exporter_is_in_the_store_when_the_exporter_returns(server: Serving, protocol: str) -> None:
    exporter: SpanExporter
    if protocol == "http":
        exporter = HttpExporter(endpoint=f"{server.url}/v1/traces")
    else:
        exporter = GrpcExporter(endpoint=f"http://127.0.0.1:{server.grpc_port}", insecure=True)
    provider = TracerProvider(resource=Resource({"service.name": "real"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test", "1.0").start_as_current_span(protocol, attributes={"deep.key": 1}) as span:
        span.add_event("said", {"word": "hello"})
    provider.shutdown()
    [found] = stored(server, f"{span.get_span_context().trace_id:032x}")
    assert (found.name, found.project, found.state) == (protocol, "real", "ended")
    assert found.attributes == {"deep.key": 1}
    assert [(each.name, each.attributes) for each in found.otlp.events] == [("said", {"word": "hello"})]
    assert found.otlp.scope.version == "1.0"


@pytest.mark.parametrize("compression", ["", "gzip", "deflate", "raw deflate", "gzip in two members"])
def test_a_compressed_request_is_read(server: Serving, compression: str) -> None:
    request = trace_request(3)
    body = request.SerializeToString()
    raw = zlib.compressobj(wbits=-15)
    sent = {
        "": body,
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
        "gzip in two members": gzip.compress(body[:20]) + gzip.compress(body[20:]),
    }[compression]
    encoding = "gzip" if compression.startswith("gzip") else "deflate" if compression else "identity"
    reply = server.send(sent, content_encoding=encoding)
    assert (reply.status, reply.body) == (200, b"")
    assert len(stored(server, request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex())) == 3


def test_json_comes_in_as_protobuf_does(server: Serving) -> None:
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "json", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    body = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    reply = server.send(body, content_type="application/json; charset=utf-8")
    assert (reply.status, reply.json) == (200, {})
    assert [(each.name, each.project) for each in stored(server, "a" * 32)] == [("json", "unknown_service")]


def test_a_request_that_comes_twice_changes_nothing(server: Serving) -> None:
    request = trace_request(2)
    trace = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
    for _ in range(3):
        assert server.send(request.SerializeToString()).status == 200
    assert len(stored(server, trace)) == 2
    with tracelm.open_store(home=server.home) as store:
        assert store.trace(trace).summary.span_count == 2


def test_bad_spans_are_rejected_one_by_one_and_the_good_ones_kept(server: Serving) -> None:
    request = trace_request(4)
    spans = request.resource_spans[0].scope_spans[0].spans
    spans[1].span_id = b"short"
    spans[2].start_time_unix_nano = 2**63
    reply = server.send(request.SerializeToString())
    said = ExportTraceServiceResponse.FromString(reply.body).partial_success
    assert (reply.status, said.rejected_spans) == (200, 2)
    assert "spanId" in said.error_message
    assert len(stored(server, spans[0].trace_id.hex())) == 2


def test_a_log_record_and_a_score_come_in(server: Serving) -> None:
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    record = of_resource.scope_logs.add().log_records.add()
    record.trace_id, record.span_id, record.event_name = b"t" * 16, b"s" * 8, "gen_ai.evaluation.result"
    record.time_unix_nano = 5
    for key, value in (("gen_ai.evaluation.name", "helpful"), ("gen_ai.evaluation.score.label", "yes")):
        attribute = record.attributes.add()
        attribute.key, attribute.value.string_value = key, value
    reply = server.send(request.SerializeToString(), signal="logs")
    assert (reply.status, ExportLogsServiceResponse.FromString(reply.body)) == (200, ExportLogsServiceResponse())
    with tracelm.open_store(home=server.home) as store:
        [score] = store.scores(trace_id=(b"t" * 16).hex())
    assert (score.name, score.label) == ("helpful", "yes")


def test_metrics_are_answered_with_a_partial_success_that_says_they_are_not_kept(server: Serving) -> None:
    reply = server.send(ExportMetricsServiceRequest().SerializeToString(), signal="metrics")
    said = ExportMetricsServiceResponse.FromString(reply.body).partial_success
    assert reply.status == 200
    assert "not kept" in said.error_message
    over_grpc = ExportMetricsServiceResponse.FromString(server.export(b"", service="metrics.v1.Metrics"))
    assert "not kept" in over_grpc.partial_success.error_message


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", {}, 400),
        (b"{", {"content_type": "application/json"}, 400),
        (b"[1]", {"content_type": "application/json"}, 400),
        (b"", {"content_type": "text/plain"}, 415),
        (b"", {"content_type": "application/x-www-form-urlencoded"}, 415),
        (b"x", {"content_encoding": "br"}, 415),
        (b"no gzip", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b"x" * 1000)[:-9], {"content_encoding": "gzip"}, 400),
        (zlib.compress(b"x" * 1000)[:-5], {"content_encoding": "deflate"}, 400),
        (gzip.compress(bytes(40_000_000)), {"content_encoding": "gzip"}, 413),
        (gzip.compress(gzip.compress(bytes(40_000_000))) * 3, {"content_encoding": "gzip"}, 400),
        (b"".join([gzip.compress(bytes(5_000_000))] * 8), {"content_encoding": "gzip"}, 413),
        (bytes(33_000_000), {}, 413),
    ],
    ids=range(13),
)  # fmt: skip
def test_a_hostile_body_is_refused_with_a_reason(
    server: Serving, body: bytes, headers: dict[str, str], status: int
) -> None:
    try:
        reply = server.send(body, **headers)
    except (BrokenPipeError, ConnectionResetError):  # told before all of it was sent
        assert status == 413
        return
    assert reply.status == status
    if reply.headers["content-type"] == "application/x-protobuf":
        assert Status.FromString(reply.body).message
    else:
        assert reply.json["message"]
    assert server.ask("GET", "/healthz").status == 200


def test_a_gzip_bomb_over_grpc_is_refused(server: Serving) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        server.export(bytes(40_000_000), compression=grpc.Compression.Gzip)
    error: grpc.RpcError = refused.value
    assert isinstance(error, grpc.Call)
    assert error.code() in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT}
    assert server.metric("tracelm_waiting_requests") == 0


def test_a_caller_of_grpc_who_is_not_let_in_is_refused_before_his_message_is_read(tmp_path: Path) -> None:
    make_key(tmp_path, "ingest")
    reader = make_key(tmp_path, "read")
    too_large = bytes(40_000_000)  # were it read, the answer would be RESOURCE_EXHAUSTED
    with serving(tmp_path) as server:
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            server.export(too_large)
        with pytest.raises(grpc.RpcError, match="PERMISSION_DENIED"):
            server.export(too_large, key=reader)
        with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
            server.export(b"", service="none.v1.None")


def test_hostile_keys_and_values_are_data_and_nothing_more(server: Serving) -> None:
    request = trace_request(1, name="<script>alert(1)</script>\u202e")
    [span] = request.resource_spans[0].scope_spans[0].spans
    keys = ["__proto__", "", "a.b.c", "constructor", "'; DROP TABLE spans; --", "../../etc/passwd", "\x00", "k" * 4_000]
    for key in keys:
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = key, "http://169.254.169.254/{{7*7}}"
    assert server.send(request.SerializeToString()).body == b""
    reply = server.get(f"/traces/{span.trace_id.hex()}/spans/{span.span_id.hex()}")
    assert reply.json["name"] == "<script>alert(1)</script>\u202e"
    assert list(reply.json["attributes"]) == keys
    assert set(reply.json["attributes"].values()) == {"http://169.254.169.254/{{7*7}}"}


def test_bytes_and_numbers_that_are_none_have_a_form_in_json(server: Serving) -> None:
    request = trace_request(1)
    [span] = request.resource_spans[0].scope_spans[0].spans
    for key, value in (("raw", b"\x00\xff"), ("nan", math.nan), ("least", -math.inf)):
        attribute = span.attributes.add()
        attribute.key = key
        if isinstance(value, bytes):
            attribute.value.bytes_value = value
        else:
            attribute.value.double_value = value
    assert server.send(request.SerializeToString()).body == b""
    found = server.get(f"/traces/{span.trace_id.hex()}/spans/{span.span_id.hex()}").json["attributes"]
    assert found == {"raw": {"base64": "AP8="}, "nan": "NaN", "least": "-Infinity"}


def test_a_record_belongs_to_the_project_it_names_else_to_its_service(server: Serving) -> None:
    request = trace_request(1, project="service")
    trace = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
    named = request.resource_spans[0].resource.attributes.add()
    named.key, named.value.string_value = "tracelm.project", "named"
    server.send(request.SerializeToString())
    assert [each.project for each in stored(server, trace)] == ["named"]


def test_a_project_whose_name_cannot_be_one_is_rejected(server: Serving) -> None:
    reply = server.send(trace_request(2, project="x" * 201).SerializeToString())
    said = ExportTraceServiceResponse.FromString(reply.body).partial_success
    assert (said.rejected_spans, "128 characters" in said.error_message) == (2, True)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_key_writes_into_its_projects_only(tmp_path: Path, protocol: str) -> None:
    key = make_key(tmp_path, "ingest", projects=("mine",))
    mixed = trace_request(1, project="mine")
    mixed.MergeFrom(trace_request(1, project="others", trace=b"o" * 16))
    body = mixed.SerializeToString()
    with serving(tmp_path) as server:
        answer = server.send(body, key=key).body if protocol == "http" else server.export(body, key=key)
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            server.export(body)
        assert server.send(body).status == 401
    said = ExportTraceServiceResponse.FromString(answer).partial_success
    assert (said.rejected_spans, said.error_message) == (1, "this API key may not write into project 'others'")
    with tracelm.open_store(home=tmp_path) as store:
        assert [each.name for each in store.projects()] == ["mine"]


def test_a_key_for_one_project_gives_it_to_records_that_name_none(tmp_path: Path) -> None:
    key = make_key(tmp_path, "ingest", projects=("mine",))
    request = trace_request(1)
    request.resource_spans[0].ClearField("resource")
    with serving(tmp_path) as server:
        assert server.send(request.SerializeToString(), key=key).body == b""
    with tracelm.open_store(home=tmp_path) as store:
        assert [each.name for each in store.projects()] == ["mine"]


def test_tracelm_itself_exports_to_the_server(
    tmp_path: Path, server: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    @tracelm.op
    def step(text: str) -> str:
        return text.upper()

    with caplog.at_level(logging.WARNING, "tracelm"):
        tracelm.init("exported", endpoint=server.url)
        step("hello")
        report = tracelm.flush(30)
        tracelm.shutdown()
    assert (report.delivered, report.pending, report.lost, caplog.records) == (1, 0, 0, [])
    with tracelm.open_store(home=server.home) as store:
        [span] = store.spans(project="exported")
    assert (span.op is not None, span.output) == (True, '"HELLO"')
