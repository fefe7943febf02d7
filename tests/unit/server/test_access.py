"""Who is let in where: every route, with every kind of key, for every project."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from tests.serving import Reply, Serving, make_key, serving, trace_request
from tracelm.server.access.caller import RIGHTS, Right
from tracelm.server.access.failures import Failures
from tracelm.server.access.hosts import Hosts
from tracelm.server.access.rule import Reader, Sender, check_rules, rules_of
from tracelm.server.app import create_app
from tracelm.store.open import open_store

MINE, OTHERS = b"m" * 16, b"o" * 16
ROUTES = [
    (method, route)
    for route in create_app(None).routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
SAMPLES = {
    "trace_id": OTHERS.hex(),
    "span_id": (1).to_bytes(8, "big").hex(),
    "run_id": "abcd1234",
    "baseline_id": "abcd1235",
    "name": "no-such",
    "version": "v0",
    "key_id": "0" * 12,
    "path": "some/page",
}
QUERIES: dict[str, dict[str, object]] = {
    "/api/v1/sessions": {"since_ns": 0},
    "/api/v1/values": {"column": "name"},
    "/api/v1/complete": {"text": "name:", "position": 5},
    "/api/v1/traces/{trace_id}/spans/{span_id}/value": {"key": "secret"},
    "/api/v1/agreement": {"name": "score of others", "judge": "judge"},
    "/api/v1/export/spans.jsonl": {"trace": OTHERS.hex()},
    "/api/v1/traces/{trace_id}/lines": {"span": (1).to_bytes(8, "big").hex()},
    "/api/v1/stats/scores": {"since_ns": 0},
    "/api/v1/spans/otlp": {"span": f"{OTHERS.hex()}:{(1).to_bytes(8, 'big').hex()}"},
}


@dataclass(frozen=True)
class Guarded:
    """A server with data of two projects, and a key of each kind."""

    server: Serving
    keys: dict[str, str]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("home")
    rights: dict[str, tuple[Right, ...]] = {right: (right,) for right in RIGHTS}
    keys = {name: make_key(home, *may) for name, may in rights.items()}
    keys |= {f"{name} of mine": make_key(home, *may, projects=("mine",)) for name, may in rights.items()}
    keys["two"] = make_key(home, "read", projects=("mine", "third"))
    with serving(home) as server:
        for project, trace in (("mine", MINE), ("others", OTHERS)):
            request = trace_request(2, trace=trace, project=project, name=f"span of {project}")
            for span in request.resource_spans[0].scope_spans[0].spans:
                for key in ("secret", "session.id", "user.id", "tracelm.op.name"):
                    attribute = span.attributes.add()
                    attribute.key, attribute.value.string_value = key, f"{key} of {project}"
            assert server.send(request.SerializeToString(), key=keys["ingest"]).body == b""
            score = {"trace_id": trace.hex(), "name": f"score of {project}", "value": True}
            assert server.post("/scores", score, key=keys["ingest"]).status == 201
        yield Guarded(server, keys)


def asked(guarded: Guarded, method: str, route: APIRoute, key: str | None, **query: object) -> Reply:
    path = route.path_format.format(**SAMPLES)
    return ask_unread(guarded.server, method, path, key, {**QUERIES.get(route.path_format, {}), **query})


def ask_unread(server: Serving, method: str, path: str, key: str | None, query: dict[str, object]) -> Reply:
    """Send a request, and read the answer as far as it has an end."""
    if path.endswith("/live"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        asked_for = "&".join(f"{name}={value}" for name, value in query.items())
        connection.request(method, f"{path}?{asked_for}", headers=headers)
        answer = connection.getresponse()
        body = answer.fp.readline() if answer.status == 200 else answer.read()
        connection.close()
        return Reply(answer.status, {}, body)
    return server.ask(method, path, b"{}" if method == "POST" else None, key=key, query=query)


def test_every_route_has_exactly_one_rule() -> None:
    check_rules(route for _, route in ROUTES)
    assert len(ROUTES) > 30


def test_an_app_with_a_route_without_a_rule_cannot_be_made() -> None:
    router = APIRouter()

    @router.get("/lawless")
    def lawless() -> None: ...

    @router.get("/twice")
    def twice(one: Reader, two: Sender) -> None: ...

    with pytest.raises(RuntimeError, match=r"no access rule, or two: /lawless, /twice"):
        check_rules(router.routes)


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[f"{method} {route.path}" for method, route in ROUTES])
def test_a_route_lets_in_who_has_its_right_and_nobody_else(guarded: Guarded, method: str, route: APIRoute) -> None:
    [rule] = rules_of(route)
    without = asked(guarded, method, route, None)
    assert (without.status == 401) == (rule is not None)
    for right in RIGHTS:
        reply = asked(guarded, method, route, guarded.keys[right])
        if rule is None or rule == right:
            assert reply.status not in {401, 403}, reply.body
        else:
            assert (reply.status, right in reply.body.decode() or rule in reply.body.decode()) == (403, True)
    if rule is not None:
        wrong = asked(guarded, method, route, "tlm_" + "0" * 12 + "_" + "A" * 43)
        assert wrong.status in {401, 429}


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[f"{method} {route.path}" for method, route in ROUTES])
def test_a_key_for_one_project_never_sees_another_one(guarded: Guarded, method: str, route: APIRoute) -> None:
    [rule] = rules_of(route)
    if rule is None or method != "GET":
        return
    key = guarded.keys[f"{rule} of mine"]
    for query in ({}, {"project": "mine"}, {"project": "others"}, {"project": "no-such"}):
        reply = asked(guarded, method, route, key, **query)
        assert reply.status != 500
        assert b"others" not in reply.body, reply.body
    if "project" in {each.name for each in route.dependant.query_params}:
        assert asked(guarded, method, route, key, project="others").status == 403
    full = asked(guarded, method, route, guarded.keys[rule])
    told = {
        "/api/v1/traces",
        "/api/v1/spans",
        "/api/v1/spans/otlp",
        "/api/v1/traces/{trace_id}/lines",
        "/api/v1/traces/{trace_id}/outline",
        "/api/v1/stats/scores",
        "/api/v1/scores",
        "/api/v1/scores/names",
        "/api/v1/export/spans.jsonl",
        "/api/v1/projects",
        "/api/v1/sessions",
    }
    assert (b"others" in full.body) >= (route.path in told)  # else the test above would prove nothing


def test_an_error_names_no_project_that_the_key_is_not_for(guarded: Guarded) -> None:
    for method, route in ROUTES:
        if method == "GET" and rules_of(route) == ["read"] and not route.path.endswith("/live"):
            reply = asked(guarded, method, route, guarded.keys["two"], project="third")  # where nothing is recorded yet
            assert reply.status != 500
            assert b"others" not in reply.body, reply.body
    told = guarded.server.get("/traces", key=guarded.keys["read"], project="third")
    assert (told.status, "others" in told.json["detail"]) == (400, True)  # who sees all is helped


def test_a_key_for_one_project_reads_its_own(guarded: Guarded) -> None:
    key = guarded.keys["read of mine"]
    assert guarded.server.get(f"/traces/{MINE.hex()}", key=key).json["trace"]["project"] == "mine"
    assert guarded.server.get(f"/traces/{OTHERS.hex()}", key=key).status == 404
    assert [each["name"] for each in guarded.server.get("/projects", key=key).json["items"]] == ["mine"]


def test_a_key_for_two_projects_names_the_one_it_asks_about(guarded: Guarded) -> None:
    assert guarded.server.get("/traces", key=guarded.keys["two"]).status == 400
    assert guarded.server.get("/traces", key=guarded.keys["two"], project="mine").status == 200


def test_a_key_for_one_project_cannot_score_in_another_one(guarded: Guarded) -> None:
    key = guarded.keys["ingest of mine"]
    score = {"trace_id": OTHERS.hex(), "name": "x", "value": 1.0}
    assert guarded.server.post("/scores", score, key=key).status == 404
    assert guarded.server.post("/scores", score | {"project": "others"}, key=key).status == 403
    assert guarded.server.post("/scores", score | {"trace_id": MINE.hex()}, key=key).status == 201


def test_a_key_for_one_project_cannot_make_keys(guarded: Guarded) -> None:
    new = {"name": "x", "rights": ["admin"]}
    assert guarded.server.post("/keys", new, key=guarded.keys["admin of mine"]).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:4318"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost@evil.example"},
        {"host": ""},
        {"host": "localhost:port"},
        {"host": "[::1"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    ],
    ids=str,
)
def test_no_route_answers_a_page_of_another_site_or_a_name_that_leads_here(
    guarded: Guarded, headers: dict[str, str]
) -> None:
    for method, route in ROUTES:
        path = route.path_format.format(**SAMPLES)
        body = b"{}" if method == "POST" else None
        sent = {"content-type": "text/plain"} | headers
        reply = guarded.server.ask(method, path, body, key=guarded.keys["read"], headers=sent)
        assert reply.status == (421 if "host" in headers else 403), path


def test_names_and_origins_of_the_server_itself_are_let_in(guarded: Guarded) -> None:
    port = guarded.server.port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", "localhost", f"[::1]:{port}", f"LOCALHOST:{port}"):
        headers = {"host": host, "origin": f"http://{host.lower()}"}
        assert guarded.server.ask("GET", "/healthz", headers=headers).status == 200
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}  # a link that somebody clicked
    assert guarded.server.ask("GET", "/", headers=headers).status == 200


def test_only_the_names_that_are_allowed_are_the_servers_own() -> None:
    hosts = Hosts(("traces.example",))
    assert hosts.refusal({"host": "Traces.Example:443", "origin": "https://traces.example:443"}) is None
    refused = hosts.refusal({"host": "evil.example"})
    assert refused is not None
    assert "--allow-host" in refused.why


def test_every_answer_carries_the_headers_that_keep_a_browser_safe(guarded: Guarded) -> None:
    for path in ("/", "/api/v1/session", "/api/v1/traces", "/healthz", "/v1/traces", "/api/nothing"):
        headers = guarded.server.ask("GET", path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert "access-control-allow-origin" not in headers


def test_a_browser_logs_in_and_changes_things_with_its_token_only(tmp_path: Path) -> None:
    key = make_key(tmp_path, "read", "admin", name="Ada")
    with serving(tmp_path) as server:
        assert server.get("/session").json["needs_login"]
        assert server.post("/session", {"key": "wrong"}).status == 401
        login = server.post("/session", {"key": key})
        cookie = login.headers["set-cookie"]
        assert {each.strip().partition("=")[0] for each in cookie.split(";")[1:]} >= {"HttpOnly", "SameSite", "Path"}
        assert "SameSite=strict" in cookie
        assert key not in cookie
        assert "Secure" not in cookie
        behind_tls = server.post("/session", {"key": key}, host="127.0.0.1", origin="https://127.0.0.1")
        assert "Secure" in behind_tls.headers["set-cookie"]
        sent = {"cookie": cookie.partition(";")[0], "content-type": "application/json"}
        seen = server.ask("GET", "/api/v1/session", headers=sent).json
        assert (seen["name"], seen["rights"], seen["needs_login"]) == ("Ada", ["admin", "read"], False)
        assert seen["csrf_token"] == login.json["csrf_token"]
        new = b'{"name": "x", "rights": ["read"]}'
        assert server.ask("POST", "/api/v1/keys", new, headers=sent).status == 403
        token = {"x-csrf-token": seen["csrf_token"]}
        assert server.ask("POST", "/api/v1/keys", new, headers=sent | {"x-csrf-token": "0" * 64}).status == 403
        assert server.ask("POST", "/api/v1/keys", new, headers=sent | token).status == 201
        name, _, value = sent["cookie"].partition("=")
        for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), value.replace(".1", ".9", 1), "", "x" * 9_000):
            reply = server.ask("GET", "/api/v1/traces", headers={"cookie": f"{name}={forged}"})
            assert reply.status == 401
        [own] = [
            each["id"]
            for each in server.ask("GET", "/api/v1/keys", headers=sent).json["items"]
            if each["name"] == "Ada"
        ]
        assert server.ask("DELETE", f"/api/v1/keys/{own}", headers=sent | token).json["revoked_ns"] is not None
        while server.ask("GET", "/api/v1/traces", headers=sent).status == 200:
            pass  # a revoked key, and its sessions, end within a second
        assert server.ask("GET", "/api/v1/traces", headers=sent).status == 401


def test_after_the_last_key_is_revoked_nobody_is_let_in(tmp_path: Path) -> None:
    key = make_key(tmp_path, "read")
    with open_store(home=tmp_path) as store, store.writing() as connection:
        from tracelm.server.access.keys import revoke_key

        revoke_key(connection, key)
    with serving(tmp_path) as server:
        assert server.get("/traces").status == 401
        assert server.get("/traces", key=key).status == 401


def test_wrong_keys_are_slowed_down_and_the_right_one_is_let_in_all_the_same(tmp_path: Path) -> None:
    key = make_key(tmp_path, "read")
    with serving(tmp_path) as server:
        replies = [server.get("/traces", key=f"wrong-{number}") for number in range(12)]
        assert [reply.status for reply in replies] == [401] * 10 + [429] * 2
        assert 0 < int(replies[-1].headers["retry-after"]) <= 60
        assert server.get("/traces", key=key).status == 200
        assert server.ask("GET", "/metrics", key=key).body.count(b"tracelm_refused_keys_total 12") == 1


def test_failures_are_forgotten_after_a_minute_and_never_grow_beyond_their_bound() -> None:
    now = 0.0
    failures = Failures(clock=lambda: now)
    assert [failures.add("a") for _ in range(11)][-2:] == [0, 60]
    for number in range(10_000):
        failures.add(f"b{number}")
    assert failures.add("a") == 0  # forgotten for want of room
    for _ in range(20):
        failures.add("c")
    now = 61.0
    assert failures.add("c") == 0


def test_an_address_that_others_can_reach_needs_a_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from tracelm.cli.main import main; main()", "serve", "--host=0.0.0.0"]
    ran = subprocess.run(
        [*command, "--port=0", "--grpc-port=0", f"--home={tmp_path}"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "tracelm keys create" in ran.stderr
    key = make_key(tmp_path, "read")
    with serving(tmp_path, "--host=0.0.0.0") as server:
        assert server.get("/traces").status == 401
        assert server.get("/traces", key=key).status == 200


def test_on_this_machine_without_a_key_one_may_read_and_send_but_not_manage_keys(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.get("/traces").status == 200
        assert server.send(b"").status == 200
        assert server.post("/keys", {"name": "x", "rights": ["read"]}).status == 403
        make_key(tmp_path, "read")
        while server.get("/traces").status == 200:
            pass  # from the first key on, everybody needs one: within a second
        assert server.get("/traces").status == 401
