"""The endpoints of Claude's Messages API: a message, and the count of the tokens that one would take."""

from functools import lru_cache
from typing import Final

from tracelm import semconv
from tracelm.integrations._claude.events import MessageEvents
from tracelm.integrations._claude.messages import (
    input_messages,
    instructions,
    read_message,
    request_attributes,
    tool_definitions,
)
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import count, field, text


class MessagesEndpoint(Endpoint):
    """`messages`: a new message."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation="chat",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes={**asked.server, **request_attributes(body, streams=asked.streams)},
            messages=lambda: input_messages(body),
            tools=lambda: tool_definitions(body),
            instructions=lambda: instructions(body),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a message."""
        return read_message(answer)

    def collect(self, asked: Asked, *, keep_content: bool) -> MessageEvents:
        """Return what puts the events together."""
        return MessageEvents(keep_content=keep_content)


class CountTokensEndpoint(Endpoint):
    """`messages/count_tokens`. No model answers, and nothing is billed: the count is no usage."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation=None,
            title="count_tokens",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes=asked.server,
            messages=lambda: input_messages(body),
            tools=lambda: tool_definitions(body),
            instructions=lambda: instructions(body),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read the count."""
        counted = count(field(answer, "input_tokens"))
        if counted is None:
            return Reply()
        return Reply(content={semconv.OUTPUT_VALUE: lambda: {"input_tokens": counted}})


_MESSAGES: Final[tuple[str, Endpoint]] = ("chat", MessagesEndpoint())
_COUNT: Final[tuple[str, Endpoint]] = ("count_tokens", CountTokensEndpoint())


@lru_cache(maxsize=256)
def find_claude_endpoint(method: str, url: str) -> tuple[str, Endpoint] | None:
    """Return the operation that a request of Anthropic's client is, and the endpoint; `None` for all others.

    Args:
        method: Of HTTP.
        url: The address, whatever stands in front of the endpoint: `/v1/messages?beta=true`.
    """
    if method.lower() != "post":
        return None
    path = url.partition("?")[0].rstrip("/")
    if path.endswith("/messages"):
        return _MESSAGES
    return _COUNT if path.endswith("/messages/count_tokens") else None
