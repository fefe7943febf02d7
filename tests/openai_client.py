"""The client that is installed: its version, the HTTP library that it sends with, clients that answer themselves."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import openai

VERSION = tuple(int(part) for part in openai.__version__.split(".")[:2])

if TYPE_CHECKING or VERSION >= (3, 0):
    import httpx2 as http
else:
    import httpx as http

__all__ = ["ASK", "VERSION", "answering", "client_of", "http"]

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Really?"}]}


def answering(*bodies: Mapping[str, Any], status: int = 200) -> http.MockTransport:
    """Answer each request with the next body, then with the last one again."""
    left = list(bodies)

    def answer(_request: http.Request) -> http.Response:
        body = left.pop(0) if len(left) > 1 else left[0]
        return http.Response(body.get("status", status), json=body, headers={"retry-after-ms": "1"})

    return http.MockTransport(answer)


def client_of(base_url: str, *bodies: Mapping[str, Any], max_retries: int = 0) -> Any:
    """Return a client that sends to an address, and is answered with the next body each time."""
    http_client = http.Client(transport=answering(*bodies))
    return openai.OpenAI(base_url=base_url, api_key="test", max_retries=max_retries, http_client=http_client)
