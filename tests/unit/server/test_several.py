"""Several servers on one PostgreSQL database answer as one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.postgres import new_database
from tests.serving import Reply, Serving, serving, trace_request
from tests.unit.server.test_live import watching
from tracelm.errors import ConfigError
from tracelm.server.access.keys import create_key, revoke_key
from tracelm.server.options import ServerOptions
from tracelm.store.open import open_store

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def url() -> str:
    return new_database()


def make_key(url: str, home: Path) -> str:
    with open_store(url, home=home) as store, store.writing() as connection:
        return create_key(connection, name="x", rights=["read", "ingest"], projects=None)[1]


def ask(server: Serving, cookie: str, token: str = "", *, method: str = "GET", body: bytes | None = None) -> Reply:
    headers = {"cookie": cookie, "x-csrf-token": token, "content-type": "application/json"}
    return server.ask(method, "/api/v1/scores", body, headers=headers)


def test_a_login_at_one_is_good_at_the_other_until_its_key_is_revoked(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACELM_SESSION_SECRET", SECRET)
    key = make_key(url, tmp_path / "a")
    with serving(tmp_path / "a", f"--store={url}") as one, serving(tmp_path / "b", f"--store={url}") as other:
        trace = trace_request(1)
        assert one.send(trace.SerializeToString(), key=key).status == 200
        login = one.post("/session", {"key": key})
        cookie, token = login.headers["set-cookie"].partition(";")[0], login.json["csrf_token"]
        assert ask(other, cookie).status == 200
        trace_id = trace.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
        score = b'{"trace_id":"%b","name":"helpful","value":true}' % trace_id.encode()
        assert ask(other, cookie, "wrong", method="POST", body=score).status == 403
        assert ask(other, cookie, token, method="POST", body=score).status == 201
        assert [each["name"] for each in ask(one, cookie).json["items"]] == ["helpful"]
        with open_store(url, home=tmp_path / "a") as store, store.writing() as connection:
            revoke_key(connection, key)
        while ask(other, cookie).status != 401:  # within a second
            pass
        while ask(one, cookie).status != 401:
            pass
    assert SECRET not in (tmp_path / "a" / "serve.log").read_text() + (tmp_path / "b" / "serve.log").read_text()


def test_without_a_secret_in_common_a_login_is_good_where_it_was_made_only(url: str, tmp_path: Path) -> None:
    key = make_key(url, tmp_path / "a")
    with serving(tmp_path / "a", f"--store={url}") as one, serving(tmp_path / "b", f"--store={url}") as other:
        cookie = one.post("/session", {"key": key}).headers["set-cookie"].partition(";")[0]
        assert (ask(one, cookie).status, ask(other, cookie).status) == (200, 401)


def test_what_one_takes_is_told_live_by_the_other(url: str, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "a", f"--store={url}") as one,
        serving(tmp_path / "b", f"--store={url}") as other,
        watching(one) as of_one,
        watching(other) as of_other,
    ):
        for server, name in ((one, "from one"), (other, "from the other")):
            server.send(trace_request(1, name=name).SerializeToString())
            told = [stream.until(kind="span", name=name) for stream in (of_one, of_other)]
            assert all(told)


def test_two_that_start_at_once_on_an_empty_database_both_serve(url: str, tmp_path: Path) -> None:
    def served(name: str) -> int:
        with serving(tmp_path / name, f"--store={url}") as server:
            return server.send(trace_request(1).SerializeToString()).status

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(served, ("a", "b"))) == [200, 200]


def test_parts_of_one_trace_that_come_to_both_at_once_add_up(url: str, tmp_path: Path) -> None:
    trace = b"t" * 16
    with serving(tmp_path / "a", f"--store={url}") as one, serving(tmp_path / "b", f"--store={url}") as other:

        def send(number: int) -> int:
            request = trace_request(10, trace=trace, first=10 * number + 1)
            return (one, other)[number % 2].send(request.SerializeToString()).status

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(send, [*range(16), *range(16)])) == {200}  # each of them twice
        [line] = other.get("/traces").json["items"]
        assert (line["span_count"], line["trace_id"]) == (160, trace.hex())
        assert one.get(f"/traces/{trace.hex()}", limit=5000).json["next"] is None


def test_a_secret_that_is_none_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="TRACELM_SESSION_SECRET is too short") as refused:
        ServerOptions(session_secret="secret")
    assert "'secret'" not in str(refused.value)
    assert SECRET not in repr(ServerOptions(session_secret=SECRET))
