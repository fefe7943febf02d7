"""Whatever happens: recorded = delivered + pending + lost, and what is pending arrives later, in the store once.

Each program below is a process of its own; `TRACELM_HOME` says where its journal lies.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

import tracelm
from tests.collector import ACCEPTED, RESET, Answer, Sink, free_ports, sink
from tracelm.trace.segments import list_segments

OPS = 10_000
START = r"""
import json, os, signal, sys, threading, time
import tracelm

def account(timeout_s=30):
    report = tracelm.flush(timeout_s)
    counts = [report.recorded, report.delivered, report.pending, report.lost]
    os.write(1, json.dumps(counts).encode() + b"\n")  # in one piece: several processes may write here

@tracelm.op
def step(number):
    return number
"""
ENDINGS = {
    "normal exit": "",
    "sys.exit": "sys.exit(3)",
    "unhandled exception": "raise ValueError('boom')",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "SIGINT": "os.kill(os.getpid(), signal.SIGINT)",
    "kill -9 right after the last return": "os.kill(os.getpid(), signal.SIGKILL)",
    "os._exit": "os._exit(1)",
}


def run(home: Path, program: str, **environment: str) -> list[list[int]]:
    """Run a program; returns the accounts that it printed: recorded, delivered, pending, lost."""
    ran = subprocess.run(
        [sys.executable, "-c", START + program],
        env=os.environ | {"TRACELM_HOME": str(home)} | environment,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    accounts = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("[")]
    for recorded, delivered, pending, lost in accounts:
        assert recorded == delivered + pending + lost, ran.stderr
    return accounts


def in_store(home: Path) -> int:
    """Count the spans in the store, and check that none is there twice."""
    with tracelm.open_store(home=home) as store:
        spans = store.spans(limit=None)
    assert len({span.span_id for span in spans}) == len(spans)
    return len(spans)


def deliver_the_rest(home: Path, collector: Sink) -> None:
    """Be the next process: it records one span of its own and brings what others left to the collector."""
    # The rest comes first: on a busy machine that alone may take the five seconds that a program usually has.
    tracelm.init("test", home=home, endpoint=collector.url, shutdown_timeout_s=60)
    with tracelm.span("next process"):
        pass
    collector.wait_for(lambda: all(each.is_closed() is False or each.is_delivered() for each in list_segments(home)))
    assert tracelm.shutdown().delivered == 1


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_each_end_of_a_process_leaves_every_record_to_the_store_exactly_once(tmp_path: Path, ending: str) -> None:
    program = f"tracelm.init('test')\nfor number in range({OPS}): step(number)\n{ending}"
    run(tmp_path, program)
    assert in_store(tmp_path) == OPS
    assert list_segments(tmp_path) == []


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_each_end_of_a_process_with_the_collector_away_leaves_the_delivery_to_the_next(
    tmp_path: Path, ending: str
) -> None:
    (port,) = free_ports(1)
    program = (
        f"tracelm.init('test', endpoint='http://127.0.0.1:{port}', shutdown_timeout_s=0.2)\n"
        f"for number in range({OPS}): step(number)\naccount(0)\n{ending}"
    )
    assert run(tmp_path, program) == [[OPS, 0, OPS, 0]]
    assert in_store(tmp_path) == OPS
    with sink(port=port) as collector:
        deliver_the_rest(tmp_path, collector)
        assert len(collector.ids()) == OPS + 1
    assert in_store(tmp_path) == OPS + 1
    assert list_segments(tmp_path) == []


def test_kill_9_in_the_middle_of_the_export_delivers_everything_at_least_once(tmp_path: Path) -> None:
    with sink() as collector:
        program = (
            f"tracelm.init('test', endpoint='{collector.url}', segment_max_bytes=100_000)\n"
            f"for number in range({OPS}): step(number)\nos.kill(os.getpid(), signal.SIGKILL)"
        )
        run(tmp_path, program)
        deliver_the_rest(tmp_path, collector)
        assert len(collector.ids()) == OPS + 1
    assert in_store(tmp_path) == OPS + 1


FORKED = """
tracelm.init("test", **json.loads(os.environ["INIT"]))
for number in range(500): step(number)
children = []
for worker in range(3):
    child = os.fork()
    if child == 0:
        for number in range(2_000): step(number)
        account()
        os._exit(0)
    children.append(child)
for number in range(500): step(number)
for child in children: os.waitpid(child, 0)
account()
"""


@pytest.mark.parametrize("with_endpoint", [True, False], ids=["with an endpoint", "without"])
def test_pre_forked_workers_and_their_parent_each_count_and_deliver_their_own(
    tmp_path: Path, with_endpoint: bool
) -> None:
    with sink() as collector:
        init = {"segment_max_bytes": 100_000} | ({"endpoint": collector.url} if with_endpoint else {})
        accounts = run(tmp_path, FORKED, INIT=json.dumps(init))
        assert sorted(accounts) == [[1_000, 1_000, 0, 0], *[[2_000, 2_000, 0, 0]] * 3]
        assert collector.ids().total() == (7_000 if with_endpoint else 0)
        assert len(collector.ids()) == collector.ids().total()
    assert in_store(tmp_path) == 7_000


def test_two_processes_that_export_at_once_send_each_record_once_and_count_exactly(tmp_path: Path) -> None:
    with sink() as collector:
        program = (
            f"tracelm.init('test', endpoint='{collector.url}', segment_max_bytes=500_000)\n"
            f"for number in range({OPS}): step(number)\naccount()"
        )
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", START + program],
                env=os.environ | {"TRACELM_HOME": str(tmp_path)},
                stdout=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        accounts = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
        assert accounts == [[OPS, OPS, 0, 0]] * 2
        assert len(collector.ids()) == collector.ids().total() == 2 * OPS
    assert in_store(tmp_path) == 2 * OPS


def test_a_clock_that_is_set_back_changes_neither_the_account_nor_the_order_of_segments(tmp_path: Path) -> None:
    with sink() as collector:
        program = f"""
real, calls = time.time_ns, [0]
def backwards():
    calls[0] += 1
    return real() - calls[0] * 10**9
time.time_ns = backwards
tracelm.init("test", endpoint="{collector.url}", segment_max_bytes=500_000, shutdown_timeout_s=0)
from tracelm.trace import runtime
names = []
for number in range({OPS}):
    step(number)
    names += [each.segment.name for each in runtime.active.journal.own() if each.segment.name not in names]
assert names == sorted(names) and len(names) > 10
account()
"""
        assert run(tmp_path, program) == [[OPS, OPS, 0, 0]]
        assert len(collector.ids()) == collector.ids().total() == OPS
    assert in_store(tmp_path) == OPS


@pytest.mark.parametrize("with_endpoint", [True, False], ids=["with an endpoint", "without"])
def test_a_full_disk_loses_only_what_it_is_counted_to_lose(tmp_path: Path, with_endpoint: bool) -> None:
    with sink() as collector:
        program = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a limit on the size of files stands for the full disk
tracelm.init("test", **json.loads(os.environ["INIT"]))
from tracelm.trace import runtime
def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
for number in range(1_000): step(number)
limit(20_000)
for number in range(1_000): step(number)
limit(0)  # not even a new segment
runtime.active.journal._retry_at = 0  # instead of waiting for a second
for number in range(1_000): step(number)
limit(resource.RLIM_INFINITY)
runtime.active.journal._retry_at = 0
for number in range(1_000): step(number)
account()
"""
        init = {"endpoint": collector.url} if with_endpoint else {}
        ((recorded, delivered, pending, lost),) = run(tmp_path, program, INIT=json.dumps(init))
        assert (recorded, pending) == (4_000, 0)
        assert 1_000 <= lost <= 2_000
        assert len(collector.ids()) == (delivered if with_endpoint else 0)
    assert in_store(tmp_path) == delivered
    assert [path.name for path in (tmp_path / "journal").iterdir()] == []


def test_a_torn_last_line_neither_stops_the_export_nor_is_destroyed(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    program = (
        f"tracelm.init('test', endpoint='http://127.0.0.1:{port}', shutdown_timeout_s=0)\n"
        f"for number in range({OPS}): step(number)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    run(tmp_path, program)
    (segment,) = list_segments(tmp_path)
    with segment.file("spans").open("ab") as file:
        file.write(b'{"resourceSpans":[{"resou')
    with sink(port=port) as collector:
        deliver_the_rest(tmp_path, collector)
        assert len(collector.ids()) == OPS + 1
    assert in_store(tmp_path) == OPS + 1
    assert list_segments(tmp_path) == []
    (kept,) = (tmp_path / "unreadable").iterdir()
    assert kept.read_bytes() == b'{"resourceSpans":[{"resou'


def spans_in(path: str, body: bytes) -> int:
    if path != "/v1/traces":
        return 0
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


def accept(_path: str, _body: bytes) -> Answer:
    return ACCEPTED


BROKEN: Mapping[str, Answer] = {
    "429": (429, b"", {}),
    "429 with Retry-After": (429, b"", {"retry-after": "0"}),
    "503": (503, b"", {}),
    "a redirect": (302, b"", {"location": "http://127.0.0.1:1/"}),
    "a reset connection": RESET,
    "garbage": (200, b"<html>It works!</html>", {}),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_collector_that_is_broken_for_the_whole_run_loses_nothing(tmp_path: Path, answer: Answer) -> None:
    with sink(lambda _path, _body: answer) as collector:
        program = (
            f"tracelm.init('test', endpoint='{collector.url}', shutdown_timeout_s=0)\n"
            f"for number in range({OPS}): step(number)\naccount(0.3)"
        )
        assert run(tmp_path, program) == [[OPS, 0, OPS, 0]]
        collector.answer = accept
        collector.requests.clear()
        deliver_the_rest(tmp_path, collector)
        assert len(collector.ids()) == collector.ids().total() == OPS + 1
    assert in_store(tmp_path) == OPS + 1


def test_requests_that_are_too_large_are_split_until_they_fit(tmp_path: Path) -> None:
    with sink(lambda path, body: ACCEPTED if spans_in(path, body) <= 300 else (413, b"", {})) as collector:
        program = (
            f"tracelm.init('test', endpoint='{collector.url}')\nfor number in range({OPS}): step(number)\naccount()"
        )
        assert run(tmp_path, program) == [[OPS, OPS, 0, 0]]
        assert len(collector.ids()) == collector.ids().total() == OPS
        refused = collector.asked - len(collector.requests)
        assert refused < len(collector.requests)  # it learned what fits


def test_what_a_partial_success_refuses_is_lost_and_nothing_else(tmp_path: Path) -> None:
    refused = [0]

    def respond(path: str, body: bytes) -> Answer:
        rejected = min(7, spans_in(path, body))
        refused[0] += rejected
        partial = ExportTracePartialSuccess(rejected_spans=rejected, error_message="no thanks")
        return 200, ExportTraceServiceResponse(partial_success=partial).SerializeToString(), {}

    with sink(respond) as collector:
        program = (
            f"tracelm.init('test', endpoint='{collector.url}')\nfor number in range({OPS}): step(number)\naccount()"
        )
        assert run(tmp_path, program) == [[OPS, OPS - refused[0], 0, refused[0]]]
        assert refused[0] > 0


@pytest.mark.parametrize("seed", range(2))
def test_a_collector_of_changing_moods_gets_everything_and_the_account_is_exact(tmp_path: Path, seed: int) -> None:
    moods = random.Random(seed)

    def respond(path: str, body: bytes) -> Answer:
        if b"poison" in body:
            return 400, b"", {}
        if spans_in(path, body) > 150:
            return 413, b"", {}
        return moods.choice([*[ACCEPTED] * 8, *BROKEN.values()])

    with sink(respond) as collector:
        program = f"""
tracelm.init("test", endpoint="{collector.url}", segment_max_bytes=200_000)
for number in range(2_000): step("poison" if number == 1_234 else number)
account(60)
"""
        assert run(tmp_path, program) == [[2_000, 1_999, 0, 1]]
        accepted = [body for _, _, body in collector.requests if not body.startswith(b"<html>")]
        assert sum(spans_in("/v1/traces", body) for body in accepted) >= 1_999
        assert len(collector.ids()) == 1_999
    assert in_store(tmp_path) == 2_000
