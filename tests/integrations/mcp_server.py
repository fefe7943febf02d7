"""A server of the Model Context Protocol, as a process: `python -m tests.integrations.mcp_server stdio|http`.

Over HTTP it takes a port that is free, and prints it.
"""

import base64
import importlib
import socket
import sys
from typing import Any

import tracelm

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def build() -> Any:
    """Return the server, of whichever version of the library is installed."""
    import mcp

    if hasattr(mcp.types, "RequestParamsMeta"):
        server: Any = importlib.import_module("mcp.server.mcpserver").MCPServer("shop")
    else:
        server = importlib.import_module("mcp.server.fastmcp").FastMCP("shop")

    @server.tool()  # type: ignore[untyped-decorator]
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        with tracelm.span("inside"):
            return a + b

    @server.tool()  # type: ignore[untyped-decorator]
    def fail(reason: str) -> str:
        """Fail."""
        raise ValueError(reason)

    @server.tool()  # type: ignore[untyped-decorator]
    def draw() -> Any:
        """Draw."""
        drawn = {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}
        return mcp.types.ImageContent.model_validate(drawn)

    async def ask_back(ctx: Any) -> str:
        """Ask the client whether it is there."""
        await ctx.session.send_ping()
        return "it is"

    ask_back.__annotations__["ctx"] = importlib.import_module(type(server).__module__).Context
    server.tool()(ask_back)

    @server.prompt()  # type: ignore[untyped-decorator]
    def greet(name: str) -> str:
        """Greet somebody."""
        return f"Say hello to {name}."

    @server.resource("memo://today")  # type: ignore[untyped-decorator]
    def memo() -> str:
        """Return the memo of today."""
        return "buy milk"

    assert all((add, fail, draw, greet, memo))
    return server


def main() -> None:
    """Serve until the client leaves."""
    tracelm.init("test")
    server = build()
    if sys.argv[1] == "stdio":
        server.run("stdio")
        return
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
