"""The endpoint `chat/completions`."""

from tracelm import semconv
from tracelm.integrations._chat import input_messages, read_reply, request_attributes, tool_definitions
from tracelm.integrations._chunks import ChatChunks
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import count, field, text


class ChatEndpoint(Endpoint):
    """Chat completions."""

    says_usage_if_asked = True

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation="chat",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes={semconv.OPENAI_API_TYPE: "chat_completions", **asked.server, **request_attributes(body)},
            messages=lambda: input_messages(body),
            tools=(lambda: tool_definitions(body)) if "tools" in body or "functions" in body else tuple,
            reports_usage=not asked.streams or field(body.get("stream_options"), "include_usage") is True,
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a completion."""
        return read_reply(answer, provider=asked.provider)

    def collect(self, asked: Asked, *, keep_content: bool) -> ChatChunks:
        """Return what puts the chunks together."""
        expected = count(asked.body.get("n")) or 1
        return ChatChunks(expected=expected, keep_content=keep_content, provider=asked.provider)
