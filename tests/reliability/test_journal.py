"""A record that ended is on disk before the call returns, whatever happens next."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import tracelm
from tracelm.otlp.decode import decode_spans
from tracelm.trace.journal import Journal
from tracelm.trace.segments import create_segment, list_segments, locked

PROGRAM = """
import os, signal, sys, tracelm
tracelm.init("test", home=sys.argv[1])

@tracelm.op
def step(number):
    return number

for number in range(int(sys.argv[2])):
    step(number)
{ending}
"""

ENDINGS = {
    "normal exit": "",
    "sys.exit": "sys.exit(3)",
    "unhandled exception": "raise ValueError('boom')",
    "os._exit": "os._exit(1)",
    "kill -9": "os.kill(os.getpid(), signal.SIGKILL)",
    "abort": "os.abort()",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "SIGINT": "os.kill(os.getpid(), signal.SIGINT)",
}


def names(home: Path) -> list[str]:
    return [
        record.name
        for segment in list_segments(home)
        for line in segment.read("spans", max_bytes=segment.size("spans") + 1).lines
        for record in decode_spans(line).records
    ]


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_no_end_of_the_process_loses_a_record_that_ended(tmp_path: Path, ending: str) -> None:
    program = PROGRAM.format(ending=ending)
    subprocess.run([sys.executable, "-c", program, str(tmp_path), "1000"], capture_output=True, check=False)
    assert len(names(tmp_path)) == 1000
    assert all(segment.is_closed() for segment in list_segments(tmp_path))


def test_a_forked_child_writes_a_segment_of_its_own_and_leaves_the_parents_locked(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path)
    with tracelm.span("parent before"):
        pass
    (parents,) = list_segments(tmp_path)
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child
        with tracelm.span("child"):
            pass
        os._exit(0 if tracelm.flush().recorded == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not parents.is_closed()
    with tracelm.span("parent after"):
        pass
    assert len(list_segments(tmp_path)) == 2
    assert sorted(names(tmp_path)) == ["child", "parent after", "parent before"]


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path)

    def work(thread: int) -> None:
        for number in range(50):
            with tracelm.span(f"{thread}-{number}", inputs={"text": "x" * (100_000 if number % 10 == 0 else 10)}):
                pass

    threads = [threading.Thread(target=work, args=(each,)) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(tmp_path)) == sorted(f"{thread}-{number}" for thread in range(8) for number in range(50))


def test_a_full_disk_warns_once_with_the_remedy_counts_the_loss_and_recovers(tmp_path: Path) -> None:
    program = """
import resource, signal, sys, tracelm
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file size limit stands for the full disk
tracelm.init("test", home=sys.argv[1])
def step(name):
    with tracelm.span(name, inputs={"text": "x" * 2000}): pass
for i in range(10): step(f"before {i}")
resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, resource.RLIM_INFINITY))
for i in range(10): step(f"during {i}")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
from tracelm.trace import runtime
runtime.active.journal._retry_at = 0  # instead of waiting for a second
for i in range(10): step(f"after {i}")
print(tracelm.flush())
"""
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    written = names(tmp_path)
    assert [name for name in written if "before" in name] == [f"before {i}" for i in range(10)]
    assert [name for name in written if "after" in name] == [f"after {i}" for i in range(10)]
    lost = 30 - len(written)
    assert f"recorded=30, delivered={len(written)}, pending=0, lost={lost}" in ran.stdout
    assert ran.stderr.count("could not write the journal") <= 1


def test_a_home_that_cannot_be_written_warns_with_the_remedy_and_the_program_goes_on(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("no folder")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(ending="print(tracelm.flush())"), str(blocked / "home"), "3"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "recorded=3, delivered=0, pending=0, lost=3" in ran.stdout
    assert ran.stderr.count("TRACELM_HOME") == 1


def test_files_are_for_the_user_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tracelm.init("test", home=home)
    with tracelm.span("step"):
        pass
    for path in [home, *home.rglob("*")]:
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == allowed, path


def test_a_torn_line_is_passed_over_and_its_neighbours_are_read(tmp_path: Path) -> None:
    segment, descriptor = create_segment(tmp_path, project="p", destinations=())
    segment.file("spans").write_bytes(b'{"whole": 1}\n{"whole": 2}\n{"torn')
    batch = segment.read("spans")
    assert batch.lines == [b'{"whole": 1}', b'{"whole": 2}']
    assert segment.read("spans", batch.end).lines == []
    os.close(descriptor)


def test_a_segment_in_use_cannot_be_adopted_and_a_dead_one_can(tmp_path: Path) -> None:
    segment, descriptor = create_segment(tmp_path, project="p", destinations=["d"])
    with locked(segment.path) as free:
        assert not free
    os.close(descriptor)
    with locked(segment.path) as free:
        assert free
    assert (segment.project, segment.destinations) == ("p", ("d",))


def test_a_reader_takes_lines_in_batches_and_never_half_a_line(tmp_path: Path) -> None:
    segment, descriptor = create_segment(tmp_path, project="p", destinations=())
    lines = [json.dumps({"number": number, "text": "x" * number}).encode() for number in range(300)]
    segment.file("spans").write_bytes(b"".join(line + b"\n" for line in lines))
    found: list[bytes] = []
    offset = 0
    while (batch := segment.read("spans", offset, max_bytes=700)).lines:
        found += batch.lines
        offset = batch.end
    assert found == lines
    os.close(descriptor)


def test_a_full_segment_is_closed_and_the_next_one_begun(tmp_path: Path) -> None:
    closed: list[int] = []
    journal = Journal(tmp_path, project="p", segment_max_bytes=1_000, on_closed=lambda: closed.append(1))
    for _ in range(22):
        assert journal.append("spans", b"x" * 99)
    segments = list_segments(tmp_path)
    assert len(segments) == 2 == len(closed)
    assert [segment.is_closed() for segment in segments] == [True, True]
    assert journal.append("spans", b"x")
    assert [segment.is_closed() for segment in list_segments(tmp_path)] == [True, True, False]
    assert (journal.written, journal.lost) == (23, 0)
    journal.close()
    assert not journal.append("spans", b"late")


def test_a_process_that_records_nothing_leaves_no_trace(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path / "home")
    tracelm.shutdown()
    assert not (tmp_path / "home").exists()
