"""What an endpoint of a provider is to an integration: how its requests, replies and streams are read."""

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import items
from tracelm.integrations._stream import Chunks, NoChunks


@frozen
class Asked:
    """A request as the client sends it. It is looked at, and never consumed.

    Attributes:
        path: Of the URL, without what stands in front of the endpoint.
        body: The fields of the body.
        query: The fields of the URL.
        files: What is uploaded beside the body, in the form of the HTTP client.
        provider: `gen_ai.provider.name`.
        server: Attributes that say where it goes.
        streams: Whether the reply is to come in chunks.
    """

    path: str
    body: Mapping[str, object]
    query: Mapping[str, object] = field(default_factory=dict[str, object])
    files: object = None
    provider: str
    server: Mapping[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])
    streams: bool = False


class Endpoint(Protocol):
    """One kind of call. An object without a state: it reads, each time anew, and needs no more than it looks at."""

    says_usage_if_asked: bool = False
    """Whether a streamed answer says how many tokens it took only if the request has `stream_options`."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        ...

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a whole answer: a client's object, the JSON value or the text of a body, or its bytes."""
        ...

    def collect(self, asked: Asked, *, keep_content: bool) -> Chunks:
        """Return what puts the chunks of a streamed answer together. Not every endpoint streams."""
        return NoChunks()


def asked_attributes(
    known: Mapping[str, AttributeValue | None], *, stops: object, streams: bool
) -> dict[str, AttributeValue]:
    """Return the attributes of a request without content, of which those that are not set are left out.

    Args:
        known: By their names.
        stops: Texts at which the model is to stop.
        streams: Whether the reply is to come in chunks.
    """
    found: dict[str, AttributeValue] = {key: value for key, value in known.items() if value is not None}
    texts = [each for each in items(stops) if isinstance(each, str)]
    if texts:
        found[semconv.REQUEST_STOP_SEQUENCES] = texts
    if streams:
        found[semconv.REQUEST_STREAM] = True
    return found
