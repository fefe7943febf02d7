"""The server as a process: what it says of itself, the pages it sends, its log, and its command line."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Serving, serving, trace_request
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.server.options import ServerOptions
from tracelm.server.pages import find_file
from tracelm.server.run import listen

COMMAND = [sys.executable, "-c", "from tracelm.cli.main import main; main()"]


def tracelm_command(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments, f"--home={home}"], capture_output=True, text=True, check=False, timeout=60
    )


def test_it_says_that_it_lives_is_ready_and_how_it_does(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.ask("GET", "/healthz").body == b"ok\n"
        assert server.ask("GET", "/readyz").body == b"ready\n"
        server.send(trace_request(3).SerializeToString())
        server.send(b"\xff")
        assert server.metric("tracelm_received_spans_total") == 3
        assert server.metric("tracelm_committed_spans_total") == 3
        assert server.metric("tracelm_malformed_requests_total") == 1
        assert server.metric("tracelm_waiting_requests") == 0
        assert server.metric("tracelm_disk_free_bytes") > 0
        for line in server.ask("GET", "/metrics").body.decode().splitlines():
            assert line.startswith("# ") or len(line.split()) == 2


def test_texts_are_taken_into_the_index_before_anybody_searches(tmp_path: Path) -> None:
    request = trace_request(1)
    attribute = request.resource_spans[0].scope_spans[0].spans[0].attributes.add()
    attribute.key, attribute.value.string_value = "input.value", "a needle in a haystack, and more hay behind it"
    with serving(tmp_path) as server:
        server.send(request.SerializeToString())
        server.send(trace_request(1).SerializeToString())
        while server.metric("tracelm_indexed_texts_total") == 0:
            assert server.process.poll() is None
        assert len(server.get("/traces", where='"needle in a hay"').json["items"]) == 1


def test_what_is_older_than_it_may_be_is_deleted_when_it_starts(tmp_path: Path) -> None:
    now = time.time_ns()
    old = span_line("old", trace="a" * 32, start=now - 30 * 86_400 * 10**9, end=now - 30 * 86_400 * 10**9)
    write_segment(tmp_path, spans=[old, span_line("new", trace="b" * 32, start=now, end=now)])
    with serving(tmp_path, "--retain=rest 14d") as server:
        while server.metric("tracelm_retired_traces_total") == 0:
            assert server.process.poll() is None
        assert [each["name"] for each in server.get("/traces").json["items"]] == ["new"]
    ran = tracelm_command(tmp_path, "serve", "--retain=everything", "--port=0", "--grpc-port=0")
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)


def test_its_log_is_json_lines_without_anything_that_was_sent(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-level=debug") as server:
        request = trace_request(2, name="secret-name", project="secret-project")
        server.send(request.SerializeToString())
        server.get("/traces", where="secret-filter latency>>1")
        server.ask("GET", "/secret-path/api", headers={"host": "evil.example"})
        server.ask("POST", "/v1/traces", b"secret-body", headers={"content-type": "application/json"})
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["status"] for line in lines if "status" in line] == [400, 421, 400]
    assert {"time", "level", "logger", "message", "method", "route", "took_ms"} <= lines[0].keys()
    assert "secret" not in server.log.read_text()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_answer_does_not_wait_for_the_last_one_to_be_acknowledged() -> None:
    """A client that keeps its connection would else wait 40 ms for each answer (Nagle's algorithm)."""
    found: list[int] = []

    async def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listening = listen(ServerOptions(port=0))
    async with await asyncio.start_server(accepted, sock=listening):
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        await reader.read()
        writer.close()
    assert found != [0]
    assert len(found) == 1


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for option, other in (("--port", "--grpc-port"), ("--grpc-port", "--port")):
            taken = server.port if option == "--port" else server.grpc_port
            ran = tracelm_command(tmp_path, "serve", f"{option}={taken}", f"{other}=0")
            assert (ran.returncode, ran.stdout) == (1, "")
            assert ran.stderr.count("\n") == 1
            assert option in ran.stderr


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "grpc"])
def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path, missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from tracelm.cli.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "serve", f"--home={tmp_path}"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (1, "error: tracelm serve needs: pip install 'tracelm[server]'\n")


def test_ui_is_another_name_for_serve() -> None:
    ran = subprocess.run([*COMMAND, "ui", "--help"], capture_output=True, text=True, check=True)
    assert "--grpc-port" in ran.stdout


def test_open_shows_the_ui_in_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, shown = tmp_path / "browser.py", tmp_path / "shown"
    browser.write_text(f"import sys, pathlib; pathlib.Path({str(shown)!r}).write_text(sys.argv[1])")
    monkeypatch.setenv("BROWSER", f"{sys.executable} {browser} %s")
    with serving(tmp_path / "home", "--open") as server:
        assert server.ask("GET", "/healthz").status == 200
        assert shown.read_text() == server.url


def test_keys_are_made_listed_and_revoked_on_the_command_line(tmp_path: Path) -> None:
    made = tracelm_command(tmp_path, "keys", "create", "--name=ci", "--ingest", "--project=shop")
    key = made.stdout.strip()
    assert (made.returncode, key.startswith("tlm_")) == (0, True)
    [listed] = json.loads(tracelm_command(tmp_path, "keys", "list", "--json").stdout)
    assert (listed["name"], listed["rights"], listed["projects"]) == ("ci", ["ingest"], ["shop"])
    secret = key.rsplit("_", 1)[1]
    assert secret not in json.dumps(listed)
    assert secret.encode() not in (tmp_path / "tracelm.db").read_bytes()
    assert "ci" in tracelm_command(tmp_path, "keys", "list").stdout
    assert "is revoked" in tracelm_command(tmp_path, "keys", "revoke", listed["id"]).stdout
    assert "revoked" in tracelm_command(tmp_path, "keys", "list").stdout
    assert tracelm_command(tmp_path, "keys", "revoke", "none").returncode == 1


@pytest.mark.parametrize("arguments", [("--name=x",), ("--name= ", "--read"), ("--name=x", "--read", "--project= ")])
def test_a_key_that_could_do_nothing_is_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = tracelm_command(tmp_path, "keys", "create", *arguments)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: ")


def test_without_the_built_ui_a_page_says_how_to_build_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        if find_file(Path(__file__).parents[3] / "src/tracelm/server/static", "index.html") is None:
            assert b"make web" in server.ask("GET", "/").body
        for path in ("/", "/traces/abc", "/settings"):
            reply = server.ask("GET", path)
            assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert server.ask("HEAD", "/").status == 200


def test_only_files_of_the_ui_are_sent(tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "assets" / "app.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    (static / "link").symlink_to(tmp_path / "secret")
    assert find_file(static, "assets/app.js") == static / "assets" / "app.js"
    for path in ("../secret", "assets/../../secret", "link", "assets", "", "/etc/passwd", "x\0", "x" * 5_000, "none"):
        assert find_file(static, path) is None


def test_a_path_that_climbs_out_gets_the_ui_and_no_file(server_of_this_file: Serving) -> None:
    for path in (
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
    ):
        reply = server_of_this_file.ask("GET", path)
        assert b"root:" not in reply.body
        assert b"localhost" not in reply.body


@pytest.fixture
def server_of_this_file(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as running:
        yield running
