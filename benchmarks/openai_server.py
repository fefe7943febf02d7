"""An OpenAI-like server on loopback that answers at once: run as a process of its own, it prints its address."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Generator

CHUNKS = 50
"""Chunks with text in a stream; one with the reason of the end and one with the usage follow."""

_USAGE = {"prompt_tokens": 20, "completion_tokens": 50, "total_tokens": 70}
_HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "gpt-4o-mini"}


def whole() -> bytes:
    """Return the body of an answer that comes whole."""
    message = {"role": "assistant", "content": "The parcel is on its way. " * 8, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps(_HEAD | {"object": "chat.completion", "choices": [choice], "usage": _USAGE}).encode()


def events() -> list[bytes]:
    """Return the events of an answer that comes in chunks."""

    def event(choices: list[object], **more: object) -> bytes:
        chunk = _HEAD | {"object": "chat.completion.chunk", "choices": choices} | more
        return b"data: %b\n\n" % json.dumps(chunk).encode()

    def choice(delta: object, reason: str | None = None) -> list[object]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]

    said = [event(choice({"content": f"word{number} "})) for number in range(CHUNKS)]
    return [*said, event(choice({}, "stop")), event([], usage=_USAGE), b"data: [DONE]\n\n"]


_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
_WHOLE = _ANSWER % (b"application/json", len(whole()), whole())
_STREAM = _ANSWER % (b"text/event-stream", len(b"".join(events())), b"".join(events()))


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            body = await reader.readexactly(length)
            writer.write(_STREAM if b'"stream":true' in body.replace(b" ", b"") else _WHOLE)
            await writer.drain()
    writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def openai_server() -> Generator[str]:
    """Run the server for the block; yields the base URL."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_main())
