"""A server that is killed, stopped, locked out of its database, or overwhelmed: what it acknowledged is there."""

import functools
import http.client
import os
import sqlite3
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import tracelm
from tests.serving import Reply, Serving, serving, trace_request
from tests.small_disk import on_a_disk_of
from tracelm.store.open import open_store

PROTOBUF = {"content-type": "application/x-protobuf"}


def ids_of(home: Path) -> set[tuple[str, str]]:
    with tracelm.open_store(home=home) as store:
        return {(span.trace_id, span.span_id) for span in store.spans(limit=None)}


def ids_in(request: ExportTraceServiceRequest) -> set[tuple[str, str]]:
    spans = request.resource_spans[0].scope_spans[0].spans
    return {(span.trace_id.hex(), span.span_id.hex()) for span in spans}


def large_request(millions: int) -> bytes:
    """Return a request of so many million bytes."""
    request = trace_request(1)
    [span] = request.resource_spans[0].scope_spans[0].spans
    for number in range(millions):
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = f"k{number}", "x" * 1_000_000
    return request.SerializeToString()


@contextmanager
def locked(home: Path) -> Generator[sqlite3.Connection]:
    """Hold the lock of the database against all other writers, until the end of the block or a commit."""
    connection = sqlite3.connect(home / "tracelm.db", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")
        connection.close()


def wait_until_waiting(server: Serving, count: int) -> None:
    """Return once so many requests wait to be written."""
    while server.metric("tracelm_waiting_requests") < count:
        assert server.process.poll() is None


def test_kill_minus_9_under_load_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: set[tuple[str, str]] = set()
    enough = threading.Event()

    def send(server: Serving) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        while True:
            request = trace_request(50)
            try:
                connection.request("POST", "/v1/traces", request.SerializeToString(), PROTOBUF)
                is_taken = connection.getresponse().read() == b""
            except (OSError, http.client.HTTPException):
                return
            if is_taken:
                acknowledged.update(ids_in(request))
            if len(acknowledged) > 3_000:
                enough.set()

    for _ in range(3):
        enough.clear()
        with serving(tmp_path) as server:
            threads = [threading.Thread(target=send, args=(server,)) for _ in range(4)]
            for each in threads:
                each.start()
            assert enough.wait(60)
            server.process.kill()
            for each in threads:
                each.join()
        assert acknowledged <= ids_of(tmp_path)
        acknowledged.clear()


def test_two_hundred_senders_at_once_are_all_answered(tmp_path: Path) -> None:
    requests = [trace_request(20) for _ in range(200)]
    begin = threading.Barrier(200)

    def send(server: Serving, request: ExportTraceServiceRequest) -> Reply:
        begin.wait()
        return server.send(request.SerializeToString())

    with serving(tmp_path) as server, ThreadPoolExecutor(200) as pool:
        replies = list(pool.map(functools.partial(send, server), requests))
        assert {reply.status for reply in replies} == {200}
        commits = server.metric("tracelm_commits_total")
    assert ids_of(tmp_path) == set[tuple[str, str]]().union(*map(ids_in, requests))
    assert commits < 200  # they shared transactions


def test_a_full_queue_refuses_and_says_when_to_come_again_and_keeps_what_it_took(tmp_path: Path) -> None:
    body = large_request(25)
    with serving(tmp_path) as server, ThreadPoolExecutor(2) as pool:
        with locked(tmp_path):
            taken = [pool.submit(server.send, body) for _ in range(2)]
            wait_until_waiting(server, 2)
            refused = server.send(body)
            with pytest.raises(grpc.RpcError) as over_grpc:
                server.export(large_request(15))
            small = pool.submit(server.send, trace_request(1).SerializeToString())
        assert [each.result().status for each in taken] == [200, 200]
        assert small.result().status == 200
        assert server.metric("tracelm_waiting_bytes") == 0
        assert server.metric("tracelm_refused_requests_total") == 2
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    error: grpc.RpcError = over_grpc.value
    assert isinstance(error, grpc.Call)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    trailing: Any = error.trailing_metadata()  # pyright: ignore[reportUnknownMemberType]
    details = dict(trailing)["grpc-status-details-bin"]
    info = RetryInfo()
    assert Status.FromString(details).details[0].Unpack(info)
    assert info.retry_delay.seconds == 1


def test_a_request_waits_for_a_database_that_somebody_else_has_locked(tmp_path: Path) -> None:
    request = trace_request(3)
    with serving(tmp_path) as server, ThreadPoolExecutor(1) as pool:
        with locked(tmp_path):
            waiting = pool.submit(server.send, request.SerializeToString())
            wait_until_waiting(server, 1)
            assert server.get("/traces").status == 200  # readers go on
            assert not waiting.done()
        assert waiting.result().status == 200
    assert ids_of(tmp_path) == ids_in(request)


def test_a_stopping_server_answers_what_it_has_accepted(tmp_path: Path) -> None:
    request = trace_request(3)
    with serving(tmp_path) as server, ThreadPoolExecutor(3) as pool:
        watching = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        watching.request("GET", "/api/v1/live")
        stream = watching.getresponse()
        with locked(tmp_path):
            waiting = pool.submit(server.send, request.SerializeToString())
            wait_until_waiting(server, 1)
            server.process.terminate()
            stream.read()  # ends, though nobody closed it here
            assert not waiting.done()
        assert waiting.result().status == 200
        assert server.process.wait(timeout=60) == 0
    assert ids_of(tmp_path) == ids_in(request)


def test_a_record_that_the_database_does_not_take_is_rejected_alone(tmp_path: Path) -> None:
    with open_store(home=tmp_path) as store, store.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE INSERT ON spans WHEN NEW.name = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    good = [trace_request(5) for _ in range(3)]
    good[1].resource_spans[0].scope_spans[0].spans[2].name = "poison"
    with serving(tmp_path) as server, ThreadPoolExecutor(3) as pool:
        with locked(tmp_path):  # so that they are one group
            waiting = [pool.submit(server.send, each.SerializeToString()) for each in good]
            wait_until_waiting(server, 3)
        replies = [each.result() for each in waiting]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert [b"the store does not take it" in reply.body for reply in replies] == [False, True, False]
    assert len(ids_of(tmp_path)) == 14


@pytest.mark.small_disk
def test_a_full_disk_refuses_and_what_was_acknowledged_can_still_be_read(tmp_path: Path) -> None:
    acknowledged: set[tuple[str, str]] = set()
    with serving(tmp_path, command=tuple(on_a_disk_of("4m", tmp_path))) as server:
        while True:
            request = trace_request(100)
            for span in request.resource_spans[0].scope_spans[0].spans:
                attribute = span.attributes.add()
                attribute.key, attribute.value.string_value = "noise", os.urandom(500).hex()
            reply = server.send(request.SerializeToString())
            if reply.status != 200:
                break
            acknowledged |= ids_in(request)
        assert (reply.status, "retry-after" in reply.headers) == (503, True)
        found: set[tuple[str, str]] = set()
        after: dict[str, Any] = {}
        while True:
            page = server.get("/spans", limit=1000, **after).json
            found |= {(each["trace_id"], each["span_id"]) for each in page["items"]}
            if page["next"] is None:
                break
            after = {"after": page["next"]}
    assert acknowledged
    assert found == acknowledged
