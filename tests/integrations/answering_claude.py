"""A provider that answers Anthropic's client as a test says, and what it is asked and answers."""

import json
from collections.abc import Mapping
from typing import Any

import anthropic

from tests.anthropic_client import http

ASK: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 30,
    "messages": [{"role": "user", "content": "Really?"}],
}
REPLY: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "Yes."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 2},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**REPLY, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 2},
    },
    {"type": "message_stop"},
]


class Provider:
    """Answers as a test says, and keeps what it was asked."""

    def __init__(self, *bodies: object) -> None:
        self._left = list(bodies)
        self.asked: list[http.Request] = []

    def __call__(self, request: http.Request) -> http.Response:
        request.read()
        self.asked.append(request)
        body = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(body, list):
            said = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in body)  # pyright: ignore[reportUnknownVariableType]
            return http.Response(200, content=said.encode(), headers={"content-type": "text/event-stream"})
        fields: Mapping[str, Any] = body  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        return http.Response(fields.get("status", 200), json=fields, headers={"retry-after-ms": "1"})

    def client(self, kind: Any = anthropic.Anthropic, *, transport: Any = None, **options: Any) -> Any:
        """Return a real client that asks here.

        Args:
            kind: Its class.
            transport: What stands in front of this.
            options: Of the client.
        """
        http_client = http.Client(transport=http.MockTransport(transport or self))
        given: dict[str, Any] = {"http_client": http_client, "max_retries": 0, **options}
        if kind is anthropic.Anthropic:
            given = {"api_key": "test", "base_url": "https://api.anthropic.com", **given}
        return kind(**given)

    def async_client(self) -> Any:
        """Return a real asynchronous client that asks here."""
        http_client = http.AsyncClient(transport=http.MockTransport(self))
        return anthropic.AsyncAnthropic(api_key="test", http_client=http_client, max_retries=0)
