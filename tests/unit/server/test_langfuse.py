"""Langfuse's SDK sends where it always does, with a key of ours in the place of its secret one."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

import tracelm
from tests.otlp_bodies.told import FOLDER
from tests.serving import Reply, Serving, make_key, serving, trace_request

PATH = "/api/public/otel/v1/traces"
BODY = (FOLDER / "langfuse.bin").read_bytes()


@dataclass(frozen=True)
class Guarded:
    """A server that wants a key, and some."""

    server: Serving
    ingest: str
    mine: str
    read: str


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("home")
    keys = make_key(home, "ingest"), make_key(home, "ingest", projects=("mine",)), make_key(home, "read")
    with serving(home) as running:
        yield Guarded(running, *keys)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def sent(server: Serving, authorization: str | None, body: bytes = BODY, *, path: str = PATH) -> Reply:
    headers = {"content-type": "application/x-protobuf"}
    headers |= {} if authorization is None else {"authorization": authorization}
    return server.ask("POST", path, body, headers=headers)


def test_what_langfuses_sdk_sends_is_kept_with_a_key_as_the_password(guarded: Guarded) -> None:
    reply = sent(guarded.server, basic("pk-lf-any", guarded.ingest))
    assert (reply.status, reply.body) == (200, b"")
    ids = {
        span.span_id.hex()
        for of_resource in ExportTraceServiceRequest.FromString(BODY).resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    }
    with tracelm.open_store(home=guarded.server.home) as store:
        found = {span.span_id: span for span in store.spans() if span.span_id in ids}
    assert set(found) == ids
    assert {span.session_id for span in found.values() if span.operation == "chat"} == {"s-1"}


@pytest.mark.parametrize("form", ["Bearer {key}", "bearer {key}"])
def test_the_usual_form_of_a_key_does_too(guarded: Guarded, form: str) -> None:
    assert sent(guarded.server, form.format(key=guarded.ingest)).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        basic("pk-lf-any", "sk-lf-any"),
        basic("pk-lf-any", ""),
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
    ],
    ids=repr,
)
def test_who_shows_no_key_of_ours_is_refused_in_the_form_of_otlp(guarded: Guarded, authorization: str | None) -> None:
    reply = sent(guarded.server, authorization)
    assert (reply.status, reply.headers["content-type"]) == (401, "application/x-protobuf")
    assert Status.FromString(reply.body).code == 16


def test_a_key_opens_there_what_it_opens_elsewhere(guarded: Guarded) -> None:
    assert sent(guarded.server, basic("any", guarded.read)).status == 403
    others = trace_request(2, project="others").SerializeToString()
    reply = sent(guarded.server, basic("any", guarded.mine), others)
    told = ExportTraceServiceResponse.FromString(reply.body).partial_success
    assert (reply.status, told.rejected_spans) == (200, 2)


def test_a_password_is_looked_at_nowhere_else(guarded: Guarded) -> None:
    assert sent(guarded.server, basic("any", guarded.ingest), path="/v1/traces").status == 401
    reply = guarded.server.ask("GET", "/api/v1/traces", headers={"authorization": basic("any", guarded.read)})
    assert reply.status == 401


def test_where_no_key_is_needed_those_of_langfuse_do_not_matter(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as running:
        assert sent(running, basic("pk-lf-test", "sk-lf-test")).status == 200
        assert running.metric("tracelm_refused_keys_total") == 0


def test_a_large_batch_in_pieces_is_taken_as_at_the_other_path(guarded: Guarded) -> None:
    body = trace_request(9_000, project="large", name="x" * 100).SerializeToString()
    assert len(body) > 1_000_000
    assert sent(guarded.server, basic("any", guarded.ingest), body).status == 200
