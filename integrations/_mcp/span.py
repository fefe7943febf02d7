"""One request of the Model Context Protocol as one span, seen by the side that asks or by the one that answers."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import field as default
from typing import Any, Final, cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue
from pydantic import BaseModel

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.integrations._fields import field, items, text
from tracelm.integrations._parts import blob_part
from tracelm.trace import runtime
from tracelm.trace.context import AS_IT_IS, detach
from tracelm.trace.propagation import extract
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report, safely
from tracelm.trace.spans import end_safely, record_failure

TOOL_ERROR: Final = "tool_error"
_CALL: Final = "tools/call"
_FAULTS_OF_THE_CLIENT: Final = frozenset({-32700, -32600, -32601, -32602, -32002})
"""Answers by which a server says that what it was asked made no sense. It has not failed."""
_MEDIA: Final = frozenset({"image", "audio"})


@frozen
class Message:
    """A request of the protocol.

    Attributes:
        method: `tools/call`.
        params: Its parameters, JSON or an object of the library.
        request_id: Its number.
        protocol_version: What both sides have agreed on, if it is known.
        carrier: In what the asking side hands its trace on: the `_meta` of the parameters.
        network: Attributes that say how it travels, as far as that is known.
    """

    method: str
    params: object = None
    request_id: object = None
    protocol_version: str | None = None
    carrier: Mapping[str, object] = default(default_factory=dict[str, object])
    network: Mapping[str, AttributeValue] = default(default_factory=dict[str, AttributeValue])

    @property
    def target(self) -> str | None:
        """What it works on, where its name is one of few."""
        return text(field(self.params, "name")) if self.method in {_CALL, "prompts/get"} else None

    @property
    def name(self) -> str:
        """The name of the span."""
        return f"{self.method} {self.target}" if self.target else self.method

    def attributes(self) -> dict[str, AttributeValue]:
        """Return what is known before the answer, without content."""
        found: dict[str, AttributeValue] = {semconv.MCP_METHOD: self.method, **self.network}
        if self.method == _CALL:
            found[semconv.OPERATION_NAME] = "execute_tool"
        if self.target:
            found[semconv.TOOL_NAME if self.method == _CALL else semconv.PROMPT_NAME] = self.target
        if self.request_id is not None:
            found[semconv.JSONRPC_REQUEST_ID] = str(self.request_id)
        if self.protocol_version:
            found[semconv.MCP_PROTOCOL_VERSION] = self.protocol_version
        address = field(self.params, "uri")
        if address is not None:
            found[semconv.MCP_RESOURCE_URI] = str(address)
        return found


class Exchange:
    """A request that is being recorded."""

    __slots__ = ("_active", "_is_server", "_message", "_span")

    def __init__(self, active: Runtime, span: Span, message: Message, *, is_server: bool) -> None:
        self._active = active
        self._span = span
        self._message = message
        self._is_server = is_server

    def learned(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Take what became known on the way."""
        self._span.set_attributes(attributes)

    def answered(self, result: object) -> None:
        """Take the result, JSON or an object of the library."""
        if self._message.method != _CALL:
            return
        with safely("record the result of a tool"):
            result = field(result, "root") or result
            if field(result, "isError") is True or field(result, "is_error") is True:
                self._span.set_attribute(semconv.ERROR_TYPE, TOOL_ERROR)
                self._span.set_status(Status(StatusCode.ERROR, TOOL_ERROR))
            if self._captures:
                self._span.set_attribute(semconv.TOOL_RESULT, self._active.encode(_shown(result)))

    def refused(self, error: object) -> None:
        """Take an error of the protocol: its code and message."""
        with safely("record an error of the Model Context Protocol"):
            code, said = field(error, "code"), text(field(error, "message")) or ""
            self._span.set_attribute(semconv.RPC_STATUS_CODE, str(code))
            if self._is_server and code in _FAULTS_OF_THE_CLIENT:
                return
            self._span.set_attribute(semconv.ERROR_TYPE, str(code))
            content = self._active.settings.capture_content
            self._span.set_status(
                Status(StatusCode.ERROR, self._active.redactor.string(said[:1_000]) if content else str(code))
            )

    def failed(self, error: BaseException) -> None:
        """Take what was raised."""
        refusal = field(error, "error")
        if refusal is not None and isinstance(field(refusal, "code"), int):
            self.refused(refusal)
        elif isinstance(error, Exception):
            with safely("record the failure of a request"):
                record_failure(self._span, error)
        else:  # a cancellation, or an interrupt: the program's own wish
            self._span.set_attribute(semconv.ERROR_TYPE, type(error).__qualname__)

    def arguments(self) -> None:
        """Record what a tool is called with."""
        given = field(self._message.params, "arguments") if self._message.method == _CALL else None
        if given is not None and self._captures:
            with safely("record the arguments of a tool"):
                self._span.set_attribute(semconv.TOOL_ARGUMENTS, self._active.encode(given))

    @property
    def _captures(self) -> bool:
        return self._active.settings.capture_content and self._span.is_recording()


@contextmanager
def recorded(message: Message, *, is_server: bool) -> Generator[Exchange | None]:
    """Record what happens in the block, as one span that is current there.

    Yields:
        What takes the answer; `None` where the request is left out.
    """
    if not is_server:
        with _exchange(message, links=(), is_server=False) as exchange:
            yield exchange
        return
    around = trace.get_current_span().get_span_context()
    carried = {name: each for name, each in message.carrier.items() if isinstance(each, str)}
    with extract(carried):
        parent = trace.get_current_span().get_span_context()
        # The trace goes on where the request was made; the one that carried it here is told by a link.
        links = (around,) if around.is_valid and parent != around else ()
        with _exchange(message, links=links, is_server=True) as exchange:
            yield exchange


@contextmanager
def _exchange(message: Message, *, links: tuple[SpanContext, ...], is_server: bool) -> Generator[Exchange | None]:
    active = runtime.active
    left_out = AS_IT_IS if active is None else active.tracer.leaves_out(None)
    exchange = span = None
    if active is not None and left_out is None:
        try:
            span = active.tracer.start_span(
                message.name,
                kind=SpanKind.SERVER if is_server else SpanKind.CLIENT,
                attributes=message.attributes(),
                links=[Link(each) for each in links],
                drawn=True,
            )
            exchange = Exchange(active, span, message, is_server=is_server)
            exchange.arguments()
        except Exception as error:
            report("record a request of the Model Context Protocol", error)
    inside = trace.set_span_in_context(span) if span is not None else left_out
    token = None if inside is None or inside is AS_IT_IS else otel_context.attach(inside)
    try:
        yield exchange
    except BaseException as error:
        if exchange is not None:
            exchange.failed(error)
        raise
    finally:
        detach(token)
        if span is not None:
            end_safely(span)


def _shown(result: object) -> object:
    """Return a result as it is recorded: images and sounds where they can be found as such."""
    plain = (
        result.model_dump(by_alias=True, mode="json", exclude_none=True) if isinstance(result, BaseModel) else result
    )
    if not isinstance(plain, dict):
        return plain
    shown = cast("dict[str, Any]", plain)
    content = [_content(each) for each in items(shown.get("content"))]
    kept = {name: each for name, each in shown.items() if name != "_meta"}
    return kept | {"content": content} if content else kept


def _content(part: object) -> object:
    kind = text(field(part, "type"))
    if kind in _MEDIA:
        return blob_part(kind, text(field(part, "mimeType")), text(field(part, "data")) or "")
    return part
