"""A span that is open for over a second can be seen before it ends, and after its process died without ending it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tracelm
from tests.collector import sink
from tracelm.cli.main import app
from tracelm.trace import pending
from tracelm.trace.segments import list_segments

LONG_OPEN = """
import os, sys, tracelm
tracelm.init("test", home=sys.argv[1])
from tracelm.trace import pending
pending.OPEN_FOR_S = 0

@tracelm.op
def answer(question):
    with tracelm.span("search"):
        pass
    pending.look()
    print("open", flush=True)
    sys.stdin.readline()
    return question.upper()

answer("where are the inputs?")
"""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans count as open for long when they have begun; `pending.look()` stands for the thread's next look."""
    monkeypatch.setattr(pending, "OPEN_FOR_S", 0)


@contextmanager
def program(home: Path) -> Generator["subprocess.Popen[bytes]"]:
    """Run a program up to the middle of its op."""
    with subprocess.Popen(
        [sys.executable, "-c", LONG_OPEN, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        try:
            yield process
        finally:
            process.kill()


def shown(*arguments: str) -> str:
    ran = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_a_span_in_flight_is_shown_with_its_inputs_and_its_end_replaces_it(tmp_path: Path) -> None:
    with program(tmp_path) as process, tracelm.open_store(home=tmp_path) as store:
        spans = {span.name: span for span in store.spans()}
        assert {name: span.state for name, span in spans.items()} == {"answer": "in flight", "search": "ended"}
        assert spans["answer"].input == '{"question":"where are the inputs?"}'
        assert spans["answer"].output is None
        (trace,) = store.traces()
        assert (trace.name, trace.state, trace.span_count) == ("answer", "in flight", 2)
        assert "in flight" in shown("traces", "--home", str(tmp_path))
        assert "in flight" in shown("show", trace.trace_id, "--home", str(tmp_path))
        process.communicate(b"go on\n")
        (span,) = store.spans(op="answer")
        assert (span.state, span.output) == ("ended", '"WHERE ARE THE INPUTS?"')
        assert [(trace.state, trace.span_count) for trace in store.traces()] == [("ended", 2)]
        assert "in flight" not in shown("traces", "--home", str(tmp_path))
    assert list_segments(tmp_path) == []


def test_a_span_whose_process_was_killed_reads_lost_at_a_time_with_its_inputs(tmp_path: Path) -> None:
    with program(tmp_path) as process, tracelm.open_store(home=tmp_path) as store:
        assert store.spans(op="answer")[0].state == "in flight"
        process.send_signal(signal.SIGKILL)
        process.wait()
        (span,) = store.spans(op="answer")
        assert (span.state, span.input) == ("lost", '{"question":"where are the inputs?"}')
        assert span.end_ns >= span.start_ns
        assert store.traces()[0].state == "lost"
        assert "lost at 20" in shown("traces", "--home", str(tmp_path))
        assert "lost at 20" in shown("show", span.trace_id, "--home", str(tmp_path))
        assert store.spans(op="answer")[0].state == "lost"
        assert store.spans().to_pandas()["state"].tolist().count("lost") == 1
    assert list_segments(tmp_path) == []


def test_a_span_that_was_never_seen_in_flight_is_lost_all_the_same(tmp_path: Path) -> None:
    with program(tmp_path) as process:
        process.kill()
        process.wait()
    with tracelm.open_store(home=tmp_path) as store:
        assert [span.state for span in store.spans(op="answer")] == ["lost"]


@pytest.mark.usefixtures("at_once")
def test_pending_spans_are_neither_exported_nor_counted(tmp_path: Path) -> None:
    with sink() as collector:
        tracelm.init("test", home=tmp_path, endpoint=collector.url)
        with tracelm.span("long"):
            pending.look()
            assert any(segment.size("pending") for segment in list_segments(tmp_path))
            assert tracelm.flush().recorded == 0
            assert collector.requests == []
        report = tracelm.flush()
        assert (report.recorded, report.delivered) == (1, 1)
        assert len(collector.spans()) == 1


@pytest.mark.usefixtures("at_once")
def test_spans_of_the_opentelemetry_sdk_are_seen_in_flight_too(tmp_path: Path) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    from tracelm.trace.provider import JournalSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(JournalSpanProcessor())
    tracelm.init("test", home=tmp_path)
    with provider.get_tracer("program").start_as_current_span("of the SDK"):
        pending.look()
        with tracelm.open_store(home=tmp_path) as store:
            assert [(span.name, span.state) for span in store.spans()] == [("of the SDK", "in flight")]
    with tracelm.open_store(home=tmp_path) as store:
        assert [(span.name, span.state) for span in store.spans()] == [("of the SDK", "ended")]


@pytest.mark.usefixtures("at_once")
def test_a_secret_in_an_open_span_does_not_reach_the_disk(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path)
    with tracelm.span("long", inputs={"key": "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"}):
        pending.look()
        on_disk = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert b"long" in on_disk
        assert b"abcdefghijklmnop" not in on_disk


@pytest.mark.usefixtures("at_once")
def test_a_forked_child_does_not_take_its_parents_open_spans_with_it(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path)
    with tracelm.span("of the parent"):
        pending.look()
        child = os.fork()
        if child == 0:  # pragma: no cover - runs in the child
            with tracelm.span("of the child"):
                pending.look()
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        with tracelm.open_store(home=tmp_path) as store:
            states = {span.name: span.state for span in store.spans()}
    assert states == {"of the parent": "in flight", "of the child": "lost"}
    with tracelm.open_store(home=tmp_path) as store:
        assert {span.name: span.state for span in store.spans()}["of the parent"] == "ended"


@pytest.mark.usefixtures("at_once")
def test_a_file_of_pending_spans_that_grew_too_large_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "_MAX_BYTES", 0)
    tracelm.init("test", home=tmp_path)
    with tracelm.span("long"), tracelm.open_store(home=tmp_path) as store:
        for _ in range(3):
            pending.look()
            assert [(span.name, span.state) for span in store.spans()] == [("long", "in flight")]
        # The thread looks as well, and for a moment there are both: the new one and the full one.
        assert any(len(list_segments(tmp_path)) == 1 for _ in range(1_000))


def test_the_thread_finds_a_span_that_stays_open(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path)
    nobody = threading.Event()
    with tracelm.span("long"):
        while not any(segment.size("pending") for segment in list_segments(tmp_path)):
            nobody.wait(0.05)
    with tracelm.span("short"):
        pass
    with tracelm.open_store(home=tmp_path) as store:
        assert {span.name: span.state for span in store.spans()} == {"long": "ended", "short": "ended"}
