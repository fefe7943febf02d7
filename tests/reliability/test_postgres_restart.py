"""PostgreSQL crashes under a server that is being sent to, and comes back: what was acknowledged is there."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import tracelm
from tests.postgres import own_server
from tests.serving import Serving, serving, trace_request


@dataclass
class Sending:
    """What senders were told, as long as they send."""

    acknowledged: set[str] = field(default_factory=set[str])
    refused: set[int] = field(default_factory=set[int])
    ended: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def send_on(self, server: Serving) -> None:
        """Send one trace after the other; a refused one is sent again, as a sender does."""
        while not self.ended.is_set():
            request = trace_request(5)
            trace_id = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
            while not self.ended.is_set():
                status = server.send(request.SerializeToString()).status
                with self.changed:
                    (self.acknowledged.add(trace_id) if status == 200 else self.refused.add(status))
                    self.changed.notify_all()
                if status == 200:
                    break

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout=120)


def test_a_crash_of_the_database_loses_nothing_that_was_acknowledged_and_the_server_goes_on(tmp_path: Path) -> None:
    sending = Sending()
    with own_server() as database, serving(tmp_path, f"--store={database.url}") as server:
        with ThreadPoolExecutor(4) as pool:
            try:
                senders = [pool.submit(sending.send_on, server) for _ in range(4)]
                sending.wait_for(lambda: len(sending.acknowledged) >= 20)
                database.crash()
                sending.wait_for(lambda: bool(sending.refused))
                assert server.ask("GET", "/readyz").status == 503
                assert server.get("/traces").status == 503
                database.start()
                before = len(sending.acknowledged)
                sending.wait_for(lambda: len(sending.acknowledged) >= before + 20)
            finally:
                sending.ended.set()
        assert [each.result() for each in senders] == [None] * 4
        assert sending.refused == {503}  # come again
        assert server.ask("GET", "/readyz").status == 200
        with tracelm.open_store(database.url, home=tmp_path) as store:
            found = {each.trace_id: each.span_count for each in store.traces(limit=None)}
        assert {each: found.get(each) for each in sending.acknowledged} == dict.fromkeys(sending.acknowledged, 5)
