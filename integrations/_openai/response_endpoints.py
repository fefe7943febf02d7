"""The endpoints of the Responses API: a new response, one that is fetched again, a conversation made shorter."""

from dataclasses import replace

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import count, field, text
from tracelm.integrations._openai.response_events import ResponseEvents
from tracelm.integrations._openai.responses import (
    input_messages,
    instructions,
    prompt_variables,
    read_compaction,
    read_response,
    response_attributes,
    tool_definitions,
)
from tracelm.pricing.cost import Usage


class ResponsesEndpoint(Endpoint):
    """`responses`: a new response."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation="chat",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes={**asked.server, **response_attributes(body)},
            messages=lambda: input_messages(body),
            tools=lambda: tool_definitions(body),
            instructions=lambda: instructions(body),
            content=prompt_variables(body) if "prompt" in body else {},
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a response."""
        return read_response(answer)

    def collect(self, asked: Asked, *, keep_content: bool) -> ResponseEvents:
        """Return what puts the events together."""
        return ResponseEvents(keep_content=keep_content)


class CompactEndpoint(ResponsesEndpoint):
    """`responses/compact`: a conversation made shorter, by a model."""

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read what it was made to."""
        return read_compaction(answer)


class FetchEndpoint(Endpoint):
    """`responses/ID`: a response that was made before. Its tokens were counted when it was made."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        attributes: dict[str, AttributeValue] = {
            **asked.server,
            semconv.OPENAI_API_TYPE: "responses",
            semconv.RESPONSE_ID: asked.path.rpartition("/")[2],
        }
        if asked.streams:
            attributes[semconv.REQUEST_STREAM] = True
        cursor = count(asked.query.get("starting_after"))
        if cursor is not None:
            attributes[semconv.REQUEST_STREAM_CURSOR] = str(cursor)
        return Request(operation="fetch_response", provider=asked.provider, model=None, attributes=attributes)

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a response."""
        return _fetched(read_response(answer), answer)

    def collect(self, asked: Asked, *, keep_content: bool) -> "FetchedEvents":
        """Return what puts the events together."""
        return FetchedEvents(keep_content=keep_content)


class FetchedEvents(ResponseEvents):
    """The events of a response that is fetched."""

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        return _fetched(super().reply(), self._response)


def _fetched(reply: Reply, response: object) -> Reply:
    attributes = dict(reply.attributes)
    status = text(field(response, "status"))
    if status:
        attributes[semconv.RESPONSE_STATUS] = status
    # That the model failed then is no failure of fetching now.
    return replace(reply, usage=Usage(), failure=None, attributes=attributes)
