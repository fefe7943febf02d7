"""The Model Context Protocol: client and server are one trace, over stdio and HTTP; a request is one span a side."""

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import anyio
import mcp
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from opentelemetry.instrumentation.utils import suppress_instrumentation

import tracelm
from tests.integrations.answering import media
from tests.integrations.mcp_server import PNG, build
from tracelm.integrations.mcp import MCPInstrumentor
from tracelm.otlp.records import SpanRecord
from tracelm.settings import Settings
from tracelm.startup import start
from tracelm.testing import Spans
from tracelm.trace import patching, runtime
from tracelm.trace.provider import RandomIds

_http: Any = importlib.import_module("mcp.client.streamable_http")
IS_FIRST = not hasattr(_http, "streamable_http_client") or not hasattr(ClientSession, "discover")
Use = Callable[[Any], Awaitable[Any]]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "TRACELM_HOME": str(home)}


@contextlib.asynccontextmanager
async def over_stdio(home: Path) -> AsyncGenerator[Any]:
    """Yield a session with a server that is a process of its own."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "tests.integrations.mcp_server", "stdio"], env=_environment(home)
    )
    async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        yield session


@contextlib.contextmanager
def serving(home: Path) -> Generator[str]:
    """Yield the address of a server that is a process of its own."""
    command = [sys.executable, "-m", "tests.integrations.mcp_server", "http"]
    with subprocess.Popen(command, env=_environment(home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def over_http(home: Path) -> AsyncGenerator[Any]:
    """Yield a session with a server that is reached over HTTP."""
    connect = getattr(_http, "streamable_http_client", None) or _http.streamablehttp_client
    with serving(home) as url:
        async with connect(url) as (read, write, *_), ClientSession(read, write) as session:
            await session.initialize()
            yield session


WAYS = {"stdio": over_stdio, "http": over_http}


@pytest.fixture(params=sorted(WAYS))
def way(request: pytest.FixtureRequest) -> Any:
    return WAYS[request.param]


def run(way: Any, home: Path, use: Use) -> Any:
    """Do something with a session."""

    async def running() -> Any:
        async with way(home) as session:
            return await use(session)

    return anyio.run(running)


def add(session: Any) -> Awaitable[Any]:
    return session.call_tool("add", {"a": 2, "b": 3})  # type: ignore[no-any-return]


def both(spans: Spans, name: str) -> tuple[SpanRecord, SpanRecord]:
    """Return the spans of one request: that of the client, that of the server."""
    found = {span.kind: span for span in spans.all() if span.name == name}
    return found["client"], found["server"]


def test_a_tool_is_called_in_one_trace_from_the_caller_to_what_the_tool_does(way: Any, spans: Spans) -> None:
    with tracelm.span("turn"):
        run(way, spans.home, add)
    turn = spans.one("turn")
    client, server = both(spans, "tools/call add")
    inside = spans.one("inside")
    assert {each.trace_id for each in (turn, client, server, inside)} == {turn.trace_id}
    assert (client.parent_span_id, server.parent_span_id) == (turn.span_id, client.span_id)
    assert inside.parent_span_id == server.span_id
    assert sum(span.name.endswith("tools/call add") for span in spans.all()) == 2


def test_what_is_recorded_of_a_call_of_a_tool(way: Any, spans: Spans) -> None:
    run(way, spans.home, add)
    client, server = both(spans, "tools/call add")
    shared = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "mcp.method.name": "tools/call",
        "gen_ai.tool.call.arguments": '{"a":2,"b":3}',
    }
    for span in (client, server):
        assert shared.items() <= span.attributes.items()
        assert "5" in str(span.attributes["gen_ai.tool.call.result"])
        assert (span.status, "error.type" in span.attributes) == ("unset", False)
        assert span.attributes["mcp.protocol.version"]
    assert client.attributes["jsonrpc.request.id"] == server.attributes["jsonrpc.request.id"]


def test_over_http_the_other_side_is_told(spans: Spans) -> None:
    run(over_http, spans.home, add)
    client, server = both(spans, "tools/call add")
    for span in (client, server):
        assert (span.attributes["network.transport"], span.attributes["network.protocol.name"]) == ("tcp", "http")
    assert client.attributes["server.address"] == server.attributes["client.address"] == "127.0.0.1"
    assert isinstance(client.attributes["server.port"], int)
    assert isinstance(server.attributes["client.port"], int)
    assert client.attributes["mcp.session.id"] == server.attributes["mcp.session.id"]


def test_a_tool_that_fails_is_an_error_on_both_sides(way: Any, spans: Spans) -> None:
    run(way, spans.home, lambda session: session.call_tool("fail", {"reason": "no stock"}))
    for span in both(spans, "tools/call fail"):
        assert (span.status, span.attributes["error.type"]) == ("error", "tool_error")
        assert "Error executing tool fail" in str(span.attributes["gen_ai.tool.call.result"])


def test_prompts_and_resources_are_named_by_what_they_are(way: Any, spans: Spans) -> None:
    async def use(session: Any) -> None:
        await session.list_tools()
        await session.get_prompt("greet", {"name": "Ada"})
        await session.read_resource("memo://today" if not IS_FIRST else _url("memo://today"))

    run(way, spans.home, use)
    for span in both(spans, "prompts/get greet"):
        assert span.attributes["gen_ai.prompt.name"] == "greet"
        assert "gen_ai.operation.name" not in span.attributes
    for span in both(spans, "resources/read"):
        assert span.attributes["mcp.resource.uri"] == "memo://today"
    client, server = both(spans, "tools/list")
    assert client.trace_id == server.trace_id


def test_an_image_that_a_tool_answers_is_kept(spans: Spans) -> None:
    run(over_stdio, spans.home, lambda session: session.call_tool("draw", {}))
    client, _ = both(spans, "tools/call draw")
    [part] = json.loads(str(client.attributes["gen_ai.tool.call.result"]))["content"]
    assert media(spans, part["uri"]) == PNG


def test_what_a_server_does_not_have_is_the_clients_error_and_not_its_own(way: Any, spans: Spans) -> None:
    async def use(session: Any) -> None:
        prompt = mcp.types.PromptReference(type="ref/prompt", name="greet")
        with pytest.raises(Exception, match="not found"):
            await session.complete(prompt, {"name": "name", "value": "A"})

    run(way, spans.home, use)
    client, server = both(spans, "completion/complete")
    assert (client.status, client.attributes["error.type"]) == ("error", "-32601")
    assert (server.status, "error.type" in server.attributes) == ("unset", False)
    for span in (client, server):
        assert span.attributes["rpc.response.status_code"] == "-32601"


def test_a_session_of_the_program_reaches_the_server(spans: Spans) -> None:
    with tracelm.session("c-7", user_id="ada"):
        run(over_stdio, spans.home, add)
    for span in both(spans, "tools/call add"):
        assert (span.attributes["gen_ai.conversation.id"], span.attributes["user.id"]) == ("c-7", "ada")


def test_without_content_neither_arguments_nor_result_are_recorded(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tracelm.init("silent", home=tmp_path, capture_content=False)
    run(
        over_stdio, tmp_path_factory.mktemp("server"), lambda session: session.call_tool("fail", {"reason": "no stock"})
    )
    client = Spans(tmp_path).one("tools/call fail")
    assert client.status == "error"
    assert "gen_ai.tool.call.arguments" not in client.attributes
    written = b"".join(path.read_bytes() for path in (tmp_path / "journal").rglob("*.jsonl"))
    assert b"no stock" not in written


def test_suppressed_requests_leave_no_span(spans: Spans) -> None:
    async def use(session: Any) -> Any:
        with suppress_instrumentation():
            return await add(session)

    assert run(over_stdio, spans.home, use)
    assert [span.kind for span in spans.all() if span.name == "tools/call add"] == ["server"]


def test_answers_are_as_without_tracing(way: Any, spans: Spans) -> None:
    traced = run(way, spans.home, add).model_dump()
    assert len([span for span in spans.all() if span.name == "tools/call add"]) == len(("client", "server"))
    tracelm.shutdown()
    assert run(way, spans.home, add).model_dump() == traced


def test_the_patches_are_taken_back(spans: Spans, tmp_path_factory: pytest.TempPathFactory) -> None:
    from mcp.client.streamable_http import StreamableHTTPTransport

    patching.unpatch()
    untouched = vars(StreamableHTTPTransport)["post_writer"]
    instrumentor = MCPInstrumentor()
    instrumentor.instrument()
    assert vars(StreamableHTTPTransport)["post_writer"] is not untouched
    instrumentor.uninstrument()
    assert vars(StreamableHTTPTransport)["post_writer"] is untouched
    run(over_stdio, tmp_path_factory.mktemp("server"), add)
    assert [span.name for span in spans.all() if span.scope.name == "tracelm"] == []  # the library may have its own


def test_requests_at_the_same_time_stay_apart(way: Any, spans: Spans) -> None:
    async def one(session: Any, number: int) -> None:
        with tracelm.span(f"turn {number}"):
            await session.call_tool("add", {"a": number, "b": 0})

    async def use(session: Any) -> None:
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(one, session, number)

    run(way, spans.home, use)
    for number in range(4):
        turn = spans.one(f"turn {number}")
        below = {
            span.kind: span for span in spans.all() if span.trace_id == turn.trace_id and span.name.endswith("add")
        }
        assert below["client"].parent_span_id == turn.span_id
        assert below["server"].parent_span_id == below["client"].span_id
        for span in below.values():
            assert json.loads(str(span.attributes["gen_ai.tool.call.arguments"])) == {"a": number, "b": 0}


def test_in_one_process_the_two_sides_are_one_trace_as_well(spans: Spans) -> None:
    async def running() -> None:
        async with in_memory(build()) as session:
            with tracelm.span("turn"):
                await session.call_tool("add", {"a": 2, "b": 3})

    anyio.run(running)
    client, server = both(spans, "tools/call add")
    assert client.parent_span_id == spans.one("turn").span_id
    assert server.parent_span_id == client.span_id
    assert "network.transport" not in client.attributes


def test_what_a_server_asks_its_client_is_the_servers_span(spans: Spans) -> None:
    async def running() -> None:
        async with over_stdio(spans.home) as session:
            await session.call_tool("ask_back", {})

    anyio.run(running)
    _, server = both(spans, "tools/call ask_back")
    ping = spans.one("ping")
    assert (ping.kind, ping.parent_span_id) == ("client", server.span_id)


def test_a_trace_that_is_not_sampled_is_left_out_on_both_sides(spans: Spans) -> None:
    tracelm.shutdown()
    start(Settings(project="test", home=spans.home, sample_rate=0.0), ids=RandomIds(seed=0))
    with tracelm.span("turn"):
        assert run(over_stdio, spans.home, add)
    assert [span.name for span in spans.all() if "tools" in span.name] == []


def test_our_own_failure_is_not_the_programs(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: object, _value: object) -> str:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(runtime.Runtime, "encode", broken)
    before = tracelm.flush().failures
    assert run(over_stdio, spans.home, add)
    assert tracelm.flush().failures > before
    client, _ = both(spans, "tools/call add")
    assert "gen_ai.tool.call.result" not in client.attributes


@contextlib.asynccontextmanager
async def in_memory(server: Any) -> AsyncGenerator[Any]:
    """Yield a session with a server in the same process."""
    client = getattr(mcp, "Client", None)
    if client is not None:
        async with client(server) as session:
            yield session
        return
    connect = importlib.import_module("mcp.shared.memory").create_connected_server_and_client_session
    async with connect(server._mcp_server) as session:
        yield session


def _url(address: str) -> Any:
    from pydantic import AnyUrl

    return AnyUrl(address)


def test_a_library_that_lacks_a_point_is_not_patched_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp.client.streamable_http import StreamableHTTPTransport

    patching.unpatch()
    place: Any = importlib.import_module("mcp.shared.session" if IS_FIRST else "mcp.shared.jsonrpc_dispatcher")
    sender, name = (place.BaseSession, "send_request") if IS_FIRST else (place.JSONRPCDispatcher, "send_raw_request")
    untouched: object = vars(sender)[name]
    monkeypatch.delattr(StreamableHTTPTransport, "post_writer")
    with pytest.raises(AttributeError, match="post_writer"):
        MCPInstrumentor().instrument()
    assert vars(sender)[name] is untouched
