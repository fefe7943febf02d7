"""How the exporter behaves towards an endpoint: patient, on time, discreet, and as OpenTelemetry's variables say."""

import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import tracelm
from tests.collector import silence, sink
from tracelm.settings import Settings
from tracelm.trace.destination import find_destination
from tracelm.trace.segments import create_segment, list_segments, remove_leftovers


@tracelm.op
def step(text: str = "") -> str:
    return text


@contextmanager
def grpc_collector(
    answer: Callable[[bytes, grpc.ServicerContext], bytes], credentials: grpc.ServerCredentials | None = None
) -> Generator[int]:
    """Run a gRPC endpoint of raw bytes; yields its port."""

    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
            handler: Any = grpc.unary_unary_rpc_method_handler(answer)  # pyright: ignore[reportUnknownVariableType]
            return handler

    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Handler()])
    port = (
        server.add_insecure_port("127.0.0.1:0")
        if credentials is None
        else server.add_secure_port("127.0.0.1:0", credentials)
    )
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate for localhost that is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


def test_flush_and_shutdown_keep_their_word_while_a_request_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600")  # who waits for the request waits for an hour
    with silence() as endpoint:
        tracelm.init("test", home=tmp_path, endpoint=endpoint, shutdown_timeout_s=0.2)
        step()
        report = tracelm.flush(0.3)
        assert (report.recorded, report.delivered, report.pending, report.lost) == (1, 0, 1, 0)
        assert tracelm.shutdown().pending == 1


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_request_that_hangs_does_not_keep_the_process_from_ending(tmp_path: Path, protocol: str) -> None:
    with silence() as endpoint:
        program = (
            "import sys, tracelm\n"
            "tracelm.init('test', home=sys.argv[1], endpoint=sys.argv[2], protocol=sys.argv[3], shutdown_timeout_s=1)\n"
            "with tracelm.span('step'): pass\n"
            "print(tracelm.flush(0.5))\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), endpoint, protocol],
            env={"OTEL_EXPORTER_OTLP_TIMEOUT": "3600", "PATH": "/usr/bin:/bin", **_pythonpath()},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert "recorded=1, delivered=0, pending=1, lost=0" in ran.stdout


def _pythonpath() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PYTHONPATH", "HOME") if name in os.environ}


def test_an_endpoint_that_is_down_is_not_hammered_however_impatient_the_program_is(tmp_path: Path) -> None:
    with sink(lambda _path, _body: (503, b"", {})) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url, shutdown_timeout_s=0)
        for _ in range(100):
            step()
            tracelm.flush(0.01)
        assert 1 <= collector.asked <= 8


def test_an_endpoint_that_asks_for_time_gets_it(tmp_path: Path) -> None:
    with sink(lambda _path, _body: (429, b"", {"retry-after": "3600"})) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url, shutdown_timeout_s=0)
        step()
        for _ in range(5):
            tracelm.flush(0.2)
        assert collector.asked == 1


def test_a_connection_that_the_endpoint_closed_in_between_is_no_failure(tmp_path: Path) -> None:
    with sink(keep_alive=False) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        before = tracelm.flush().failures
        for delivered in range(1, 20):
            step()
            report = tracelm.flush(30)
            assert (report.delivered, report.failures) == (delivered, before)


@pytest.mark.parametrize("asked_s", [0, 3600])
def test_grpc_resource_exhausted_with_a_time_to_wait_is_waited_for_not_split(tmp_path: Path, asked_s: int) -> None:
    sizes: list[int] = []

    def respond(body: bytes, context: grpc.ServicerContext) -> bytes:
        sizes.append(len(body))
        if len(sizes) == 1:
            detail = AnyMessage()
            detail.Pack(RetryInfo(retry_delay=Duration(seconds=asked_s)))
            status = Status(code=8, message="slow down", details=[detail])
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down")
        return b""

    with grpc_collector(respond) as port:
        tracelm.init("test", home=tmp_path, endpoint=f"http://127.0.0.1:{port}", protocol="grpc", shutdown_timeout_s=0)
        with tracelm.span("a"), tracelm.span("b"):
            pass
        report = tracelm.flush(1 if asked_s else 30)
        assert report.lost == 0
        assert report.delivered == (0 if asked_s else 2)
        assert len(sizes) == 1 if asked_s else sizes[1] >= sizes[0]


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_requests_are_compressed_as_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str, protocol: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", compression)
    if protocol == "grpc":
        with grpc_collector(lambda body, _context: b"" if b"step" in body else b"\xff") as port:
            tracelm.init("test", home=tmp_path, endpoint=f"http://127.0.0.1:{port}", protocol=protocol)
            step()
            assert tracelm.flush(30).delivered == 1
        return
    with sink() as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        step()
        assert tracelm.flush(30).delivered == 1
        ((_, headers, _),) = collector.requests
        assert headers.get("content-encoding", "none") == compression


def test_grpc_over_tls_trusts_the_authority_of_the_variable_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path]
) -> None:
    key, chain = certificate
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
    seen: list[dict[str, Any]] = []

    def respond(_body: bytes, context: grpc.ServicerContext) -> bytes:
        seen.append(dict(context.invocation_metadata()))
        return b""

    with grpc_collector(respond, credentials) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"localhost:{port}")  # no scheme: secure unless told
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=acme")
        tracelm.init("test", home=tmp_path, shutdown_timeout_s=0)
        step()
        assert tracelm.flush(1).pending == 1
        tracelm.shutdown()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(chain))
        tracelm.init("test", home=tmp_path)
        step()
        assert tracelm.flush(30).delivered == 1
        assert seen[0]["x-tenant"] == "acme"


def test_http_over_tls_trusts_the_authority_of_the_variable_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path]
) -> None:
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with sink(tls=context) as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url, shutdown_timeout_s=0)
        step()
        assert tracelm.flush(1).pending == 1
        tracelm.shutdown()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(chain))
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        step()
        assert tracelm.flush(30).delivered == 1


def find(**env: str) -> dict[str, str]:
    found = find_destination(Settings(project="p"), env=env)
    return {} if found is None else {signal: each.url for signal, each in found.endpoints.items()}


def test_the_variables_of_one_signal_beat_those_for_all() -> None:
    everywhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4318/base/"}
    assert find(**everywhere) == {"spans": "http://all:4318/base/v1/traces", "logs": "http://all:4318/base/v1/logs"}
    one = everywhere | {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs/as-it-is"}
    assert find(**one)["logs"] == "http://logs/as-it-is"
    assert find(**everywhere, OTEL_TRACES_EXPORTER="none") == {"logs": "http://all:4318/base/v1/logs"}
    assert find(**everywhere, OTEL_LOGS_EXPORTER="none") == {"spans": "http://all:4318/base/v1/traces"}
    assert find(**everywhere, OTEL_TRACES_EXPORTER="none", OTEL_LOGS_EXPORTER="none") == {}


def test_grpc_takes_an_endpoint_without_a_scheme_and_the_insecure_variable_says_how() -> None:
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}
    assert find(**env)["spans"] == "https://collector:4317"
    assert find(**env, OTEL_EXPORTER_OTLP_INSECURE="true")["spans"] == "http://collector:4317"
    one = find(**env, OTEL_EXPORTER_OTLP_LOGS_INSECURE="true")
    assert one == {"spans": "https://collector:4317", "logs": "http://collector:4317"}


@pytest.mark.parametrize(
    "endpoint", ["localhost:4318", "ftp://host", "http://", "host", "http://h:port", "http://[::1"]
)
@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_an_endpoint_that_cannot_work_is_refused_at_init_by_the_name_of_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, variable: str
) -> None:
    monkeypatch.setenv(variable, endpoint)
    with pytest.raises(tracelm.ConfigError, match=variable):
        tracelm.init("test", home=tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("TIMEOUT", "soon"), ("COMPRESSION", "brotli"), ("PROTOCOL", "http/json"), ("CERTIFICATE", "/no")],
)
def test_a_variable_that_cannot_work_is_refused_by_its_name(name: str, value: str) -> None:
    variable = f"OTEL_EXPORTER_OTLP_LOGS_{name}"
    with pytest.raises(tracelm.ConfigError, match=variable):
        find(OTEL_EXPORTER_OTLP_ENDPOINT="http://all", **{variable: value})


def test_credentials_in_an_endpoint_are_used_and_never_shown_nor_part_of_its_identity(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = {
        destination.id
        for secret in ("one", "two")
        if (destination := find_destination(Settings(project="p", endpoint=f"http://u:{secret}@h:1/?key={secret}")))
    }
    assert len(ids) == 1
    with sink() as collector:
        host = collector.url.removeprefix("http://")
        tracelm.init("test", home=tmp_path, endpoint=f"http://user:PASSWORD@{host}/base?key=QUERY")
        step()
        assert tracelm.shutdown().delivered == 1
        ((path, headers, _),) = collector.requests
        assert path == "/base/v1/traces?key=QUERY"
        assert headers["Authorization"].startswith("Basic ")
    tracelm.init("test", home=tmp_path, endpoint=f"http://user:PASSWORD@{host}/base?key=QUERY", shutdown_timeout_s=0)
    step()
    assert tracelm.flush(0.5).pending == 1
    tracelm.shutdown()
    on_disk = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()).decode(errors="replace")
    for secret in ("PASSWORD", "QUERY"):
        assert secret not in caplog.text
        assert secret not in on_disk


def test_what_a_process_left_when_it_died_while_making_a_segment_is_cleaned_up(tmp_path: Path) -> None:
    _, lock = create_segment(tmp_path, project="p", destinations=())
    journal = tmp_path / "journal"
    (journal / ".new-00000000000000000001-999999999-abcdef01").mkdir()
    living = journal / f".new-00000000000000000002-{os.getpid()}-abcdef02"
    living.mkdir()
    remove_leftovers(tmp_path)
    assert sorted(each.name for each in journal.iterdir()) == sorted([living.name, list_segments(tmp_path)[0].name])
    os.close(lock)


def test_forked_workers_export_over_grpc_while_their_parent_does(tmp_path: Path) -> None:
    arrived: list[bytes] = []

    def respond(body: bytes, _context: grpc.ServicerContext) -> bytes:
        arrived.append(body)
        return b""

    program = """
import os, sys, tracelm
tracelm.init("test", home=sys.argv[1], endpoint=sys.argv[2], protocol="grpc")
def record(count):
    for _ in range(count):
        with tracelm.span("step"): pass
record(100)
assert tracelm.flush(30).delivered == 100  # the channel of the parent is in use when it forks
children = []
for worker in range(3):
    child = os.fork()
    if child == 0:
        record(200)
        report = tracelm.flush(30)
        os._exit((report.recorded, report.delivered) != (200, 200))
    children.append(child)
record(100)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
assert tracelm.flush(30).delivered == 200
"""
    with grpc_collector(respond) as port:
        ran = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), f"http://127.0.0.1:{port}"],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
    spans = [
        span.span_id
        for body in arrived
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert len(spans) == len(set(spans)) == 800
