"""Live events: what is new in the store and in the local journal, resumable, and ended when the server ends."""

import http.client
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from tests.serving import Serving, make_key, serving, trace_request
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.server.counters import Counters
from tracelm.server.live import LiveEvents
from tracelm.store.open import open_store

PROGRAM = """
import sys, tracelm
tracelm.init("program", patch=False)
@tracelm.op
def slow() -> None:
    sys.stdin.readline()
slow()
print("ended", flush=True)
sys.stdin.readline()
"""


class Stream:
    """A connection that reads events."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer

    def next(self) -> tuple[str, str, dict[str, str]] | None:
        """Return kind, id and data of the next event; `None` when the stream ended."""
        fields: dict[str, str] = {}
        while True:
            line = self.answer.readline().decode()
            if not line:
                return None
            if line == "\n" and "event" in fields:
                return fields["event"], fields["id"], orjson.loads(fields["data"])
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value

    def until(self, **wanted: str) -> str:
        """Read on to the event with these members; returns its id."""
        while True:
            event = self.next()
            assert event is not None
            if wanted.items() <= ({"kind": event[0]} | event[2]).items():
                return event[1]


@contextmanager
def watching(server: Serving, query: str = "", *, headers: Mapping[str, str] | None = None) -> Generator[Stream]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"/api/v1/live{query}", headers=dict(headers or {}))
    answer = connection.getresponse()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    answer.readline()  # by then it watches
    try:
        yield Stream(answer)
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("home")) as running:
        yield running


def test_a_span_and_a_score_that_come_in_are_told(server: Serving) -> None:
    request = trace_request(1, project="told", name="new")
    trace = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
    with watching(server) as stream:
        server.send(request.SerializeToString())
        assert stream.until(kind="span", project="told", trace_id=trace, name="new", state="ended")
        server.post("/scores", {"trace_id": trace, "name": "helpful", "value": True})
        assert stream.until(kind="score", project="told", trace_id=trace, name="helpful")


def test_a_connection_that_broke_goes_on_behind_the_event_it_saw_last(server: Serving) -> None:
    with watching(server) as stream:
        server.send(trace_request(1, name="one").SerializeToString())
        seen = stream.until(name="one")
    server.send(trace_request(1, name="two").SerializeToString())
    server.send(trace_request(1, name="three").SerializeToString())
    with watching(server, headers={"last-event-id": seen}) as stream:
        event = stream.next()
        assert event is not None
        assert (event[0], event[2]["name"]) == ("span", "two")
        stream.until(name="three")


@pytest.mark.parametrize("last", ["0123abcd-5", "x", "", "-1"])
def test_a_place_that_is_not_known_means_load_anew(server: Serving, last: str) -> None:
    with watching(server, headers={"last-event-id": last}) as stream:
        event = stream.next()
    assert event is not None
    assert event[0] == "reset"


def test_one_project_is_told_of_its_own_only(server: Serving) -> None:
    with watching(server, "?project=mine") as stream:
        server.send(trace_request(1, project="others", name="no").SerializeToString())
        server.send(trace_request(1, project="mine", name="yes").SerializeToString())
        event = stream.next()
    assert event is not None
    assert event[2]["name"] == "yes"


def test_a_span_of_a_local_program_is_told_in_flight_and_when_it_ends(server: Serving) -> None:
    with (
        watching(server, "?project=program") as stream,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"TRACELM_HOME": str(server.home)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as program,
    ):  # fmt: skip
        assert program.stdin is not None
        stream.until(kind="span", state="in flight")
        program.stdin.write("\n")
        program.stdin.flush()
        stream.until(kind="span", state="ended")
        program.stdin.write("\n")


def test_the_stream_ends_when_the_server_does(tmp_path: Path) -> None:
    with serving(tmp_path) as server, watching(server) as stream:
        server.process.terminate()
        assert stream.next() is None
        assert server.process.wait(timeout=60) == 0


def test_too_much_at_once_is_one_event_that_says_load_anew(server: Serving) -> None:
    with watching(server) as stream:
        server.send(trace_request(1_500, name="many").SerializeToString())
        event = stream.next()
    assert event is not None
    assert (event[0], event[2]) == ("reset", {})


def test_a_watcher_that_is_too_slow_is_told_to_load_anew_and_memory_stays_bounded(tmp_path: Path) -> None:
    with open_store(home=tmp_path) as store:
        live = LiveEvents(store, Counters())
        live.start()
        told: list[int] = []
        live.watch(lambda: told.append(live.last))
        for batch in range(7):
            lines = [span_line(span=f"{batch * 1_000 + n + 1:016x}", start=1, end=2) for n in range(900)]
            _, lock = write_segment(tmp_path, spans=lines)
            os.close(lock)
            live.changed()
            while live.last < 900 * (batch + 1):
                pass
        assert [event.kind for event in live.after(0, limit=10)] == ["reset"]
        newest = live.after(live.last - 3, limit=10)
        assert [event.number for event in newest] == [live.last - 2, live.last - 1, live.last]
        assert live.after(live.last, limit=10) == []
        live.close()
        live.join()
    assert told


def test_a_key_that_is_for_one_project_watches_that_one(tmp_path: Path) -> None:
    key = make_key(tmp_path, "read", "ingest", projects=("mine",))
    everything = make_key(tmp_path, "ingest")
    with serving(tmp_path) as server, watching(server, headers={"authorization": f"Bearer {key}"}) as stream:
        server.send(trace_request(1, project="others", name="no").SerializeToString(), key=everything)
        server.send(trace_request(1, project="mine", name="yes").SerializeToString(), key=key)
        event = stream.next()
    assert event is not None
    assert event[2]["name"] == "yes"
