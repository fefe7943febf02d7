"""A provider that answers as a test says, and what such an answer and its record look like."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai

from tests.openai_client import http
from tests.recordings.recorded import readable
from tracelm.testing import Spans

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40)
MP3 = b"ID3\x04" + bytes(60)
REPLY: dict[str, Any] = {
    "id": "r1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-4o-2024-08-06",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Yes.", "annotations": []}],
        }
    ],
    "usage": {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 25,
    },
    "service_tier": "default",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


class _Pieces(http.SyncByteStream, http.AsyncByteStream):
    """A body that arrives in pieces."""

    def __init__(self, content: bytes) -> None:
        self._pieces = [content[start : start + 25] for start in range(0, len(content), 25)]

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Server:
    """Answers requests with bodies, one after the other, the last for good, and keeps what it was asked."""

    def __init__(self, *bodies: object, content_type: str = "application/json") -> None:
        self.asked: list[http.Request] = []
        self._contents = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in bodies]
        self._content_type = content_type

    def client(self) -> Any:
        http_client = http.Client(transport=http.MockTransport(self._answer))
        return openai.OpenAI(base_url="https://api.openai.com/v1", api_key="test", http_client=http_client)

    def async_client(self) -> Any:
        http_client = http.AsyncClient(transport=http.MockTransport(self._answer))
        return openai.AsyncOpenAI(base_url="https://api.openai.com/v1", api_key="test", http_client=http_client)

    def _answer(self, request: http.Request) -> http.Response:
        request.read()
        content = self._contents[min(len(self.asked), len(self._contents) - 1)]
        self.asked.append(request)
        return http.Response(200, stream=_Pieces(content), headers={"content-type": self._content_type})


def sse(*events: dict[str, Any]) -> bytes:
    """Return events as they are sent."""
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events).encode()


def messages(spans: Spans, key: str) -> Any:
    """Return the messages on the only span."""
    return json.loads(str(spans.one().attributes[key]))


def media(spans: Spans, uri: str) -> bytes:
    """Return what was kept of an image or a sound."""
    digest = uri.removeprefix("tracelm-media:sha256/")
    [path] = (spans.home / "media").glob(f"*/{digest}.*")
    return path.read_bytes()


_COST = ("gen_ai.usage.cost.", "tracelm.cost.")
_RULE = "tracelm.cost.rule"


def brief(spans: Spans) -> list[tuple[str, dict[str, Any]]]:
    """Return names and attributes, with short hashes and without what differs from run to run, or with the price list.

    Of the cost only its rule stays.
    """
    without = ["server.port", "gen_ai.response.time_to_first_chunk"]
    text = json.dumps(readable(spans.brief(without=without)), ensure_ascii=False)
    short = re.sub(r"(sha256/[0-9a-f]{8})[0-9a-f]{56}", r"\1…", text)
    return [
        (name, {key: value for key, value in attributes.items() if key == _RULE or not key.startswith(_COST)})
        for name, attributes in json.loads(short)
    ]
