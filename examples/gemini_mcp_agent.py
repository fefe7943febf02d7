"""An agent: Gemini calls a tool of a real server of the Model Context Protocol, and one line traces all of it.

    python examples/gemini_mcp_agent.py "Is the blue lamp in stock?"

With GEMINI_API_KEY it asks Gemini. Without, a stand-in on this machine answers in its place: it calls the tool, then
repeats what the tool said. Needs: pip install google-genai mcp
"""

import asyncio
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import tracelm

tracelm.init("shop-agent")  # the one line; the server below, a process of its own, has it as well


def serve_tools() -> None:
    """Run the server: what the model may call."""
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("shop")

    @server.tool()
    def stock(article: str) -> str:
        """Say how many of an article are in stock."""
        return f"{article}: 3 in stock"

    assert callable(stock)
    server.run("stdio")


@tracelm.op(kind="agent", name="shop")
async def answer(question: str) -> str:
    """Answer a question; the client of Google calls tools until the model is done."""
    import mcp  # before Google's client, which takes sessions as tools only if it finds them then
    from google import genai
    from mcp.client.stdio import stdio_client

    command = mcp.StdioServerParameters(command=sys.executable, args=[__file__, "--tools"], env=dict(os.environ))
    async with stdio_client(command) as (read, write), mcp.ClientSession(read, write) as session:
        await session.initialize()
        reply = await genai.Client().aio.models.generate_content(
            model="gemini-2.5-flash", contents=question, config={"tools": [session]}
        )
    return reply.text or ""


def main(question: str) -> None:
    """Ask, and print what was recorded."""
    if "GEMINI_API_KEY" not in os.environ:
        stand_in()
    print(asyncio.run(answer(question)))
    tracelm.flush()
    with tracelm.open_store() as store:
        show(store.trace(store.spans(op="shop")[0].trace_id).spans)


def show(spans: Any, parent: str | None = None, depth: int = 0) -> None:
    """Print spans as a tree."""
    for span in sorted(spans, key=lambda each: each.start_ns):
        if span.parent_span_id == parent:
            print(f"{'  ' * depth}{span.name} ({span.kind})")
            show(spans, span.span_id, depth + 1)


class StandIn(BaseHTTPRequestHandler):
    """Answers as Gemini might: first with a call of the tool, then with what the tool said."""

    def do_POST(self) -> None:
        """Answer a request."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        last = asked["contents"][-1]["parts"][0]
        if "functionResponse" in last:
            said = last["functionResponse"]["response"]["result"]["content"][0]["text"]
            part: dict[str, Any] = {"text": f"I looked: {said}."}
        else:
            part = {"functionCall": {"name": "stock", "args": {"article": "blue lamp"}}}
        usage = {"promptTokenCount": 40, "candidatesTokenCount": 10, "totalTokenCount": 50}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
        body = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


def stand_in() -> None:
    """Let a server on this machine answer in the place of Gemini."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["GEMINI_API_KEY"] = "none"
    os.environ["GOOGLE_GEMINI_BASE_URL"] = f"http://127.0.0.1:{server.server_port}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--tools"]:
        serve_tools()
    else:
        main(" ".join(sys.argv[1:]) or "Is the blue lamp in stock?")
