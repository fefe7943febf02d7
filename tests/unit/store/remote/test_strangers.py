"""What is no such server, or one of another age, is told so with the remedy."""

import socket
from collections.abc import Callable
from typing import Any

import orjson
import pytest

import tracelm
from tests.serving import Serving
from tests.unit.store.remote.recorded import run_id
from tests.unit.store.remote.relays import Answer, relayed


def test_a_server_that_is_not_there_is_named_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(tracelm.StoreError, match=f"{url} cannot be reached .*refused.*: start it with"):
            tracelm.open_store(url)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "text/html", b"<html>hello</html>"),
        Answer(404, "application/json", b'{"detail":"Not Found"}'),
        Answer(502, "text/html", b"<html>bad gateway</html>"),
        Answer(200, "application/json", b"no JSON"),
        Answer(200, "application/json", b"[]"),
        Answer(200, "application/json", b"null"),
        Answer(401, "application/problem+json", b"[]"),
    ],
    ids=str,
)
def test_what_is_no_tracelm_server_is_told_so(answer: Answer) -> None:
    with (
        relayed(None, lambda _path, _reply: answer) as relay,
        pytest.raises(tracelm.StoreError, match="as no tracelm server does"),
    ):
        tracelm.open_store(relay.url)


def test_a_redirect_is_not_followed_and_the_key_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELM_API_KEY", "tlm_key")
    with (
        relayed(None, lambda _path, reply: reply) as other,
        relayed(None, lambda _path, _reply: Answer(307, "text/plain", b"", other.url)) as relay,
    ):
        with pytest.raises(tracelm.StoreError, match=r"answers 307 .* Redirects are not followed"):
            tracelm.open_store(relay.url)
        assert (relay.keys, other.asked) == (["Bearer tlm_key"], [])


def without(*members: str) -> Callable[[str, Answer], Answer]:
    """Make an answer that an older server would give: without some members of the lines of lists."""

    def change(path: str, answer: Answer) -> Answer:
        if "/spans" not in path:
            return answer
        told = orjson.loads(answer.body)
        for line in told["items"]:
            for member in members:
                del line[member]
        return Answer(answer.status, answer.kind, orjson.dumps(told))

    return change


def test_a_server_that_is_too_old_is_told_so(server: Serving) -> None:
    with (
        relayed(server, without("repricings")) as relay,
        tracelm.open_store(relay.url) as store,
        pytest.raises(tracelm.StoreError, match=r"does not tell 'repricings': .* Upgrade it"),
    ):
        store.spans(limit=1)
    unknown = server.ask("GET", "/api/v1/nothing")
    has_not = Answer(unknown.status, unknown.headers["content-type"], unknown.body)
    with (
        relayed(server, lambda path, reply: has_not if "/trials" in path else reply) as relay,
        tracelm.open_store(relay.url) as store,
        pytest.raises(tracelm.StoreError, match="cannot answer this: it runs an older tracelm"),
    ):
        store.trials(run_id(store))


def test_a_server_that_is_newer_may_tell_more(server: Serving) -> None:
    def more(path: str, answer: Answer) -> Answer:
        told: dict[str, Any] = orjson.loads(answer.body)
        lines: list[dict[str, Any]] = told.get("items", []) if "/traces" in path else []
        for line in lines:
            line["new"] = 1
        return Answer(answer.status, answer.kind, orjson.dumps(told))

    with relayed(server, more) as relay, tracelm.open_store(relay.url) as store:
        assert len(store.traces(project="shop")) == 12


def test_an_answer_that_makes_no_sense_is_told_so(server: Serving) -> None:
    def senseless(path: str, answer: Answer) -> Answer:
        body = answer.body.replace(b'"start_ns":"', b'"start_ns":"x') if "/spans" in path else answer.body
        return Answer(answer.status, answer.kind, body.replace(b'"otlp":"{', b'"otlp":"{}'))

    with relayed(server, senseless) as relay, tracelm.open_store(relay.url) as store:
        with pytest.raises(tracelm.StoreError, match="answers in an unknown form"):
            store.spans(limit=1)
        with pytest.raises(tracelm.StoreError, match="sends what is no OTLP"):
            _ = store.traces(project="shop")[0].root


def test_a_server_below_a_path_is_found(server: Serving) -> None:
    """As behind a proxy that has other programs beside it."""
    asked: list[str] = []

    def below(path: str, answer: Answer) -> Answer:
        asked.append(path)
        inner = server.ask("GET", path.removeprefix("/tracelm"))
        return (
            Answer(inner.status, inner.headers["content-type"], inner.body) if path.startswith("/tracelm") else answer
        )

    with relayed(None, below) as relay, tracelm.open_store(f"{relay.url}/tracelm/") as store:
        assert len(store.traces(project="shop")) == 12
    assert asked[0] == "/tracelm/api/v1/session"
