"""Records what is asked of models through Amazon's own client (botocore, which boto3 stands on).

Every call of every service passes one method; those of Bedrock that ask a model become one span each.
"""

import functools
import types
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._base import begin
from tracelm.integrations._bedrock.endpoints import (
    CONVERSE,
    InvokeEvents,
    counted_by,
    endpoint_for,
    invoked,
    kind_of,
    with_tokens,
)
from tracelm.integrations._bodies import BodyRecord
from tracelm.integrations._call import Call
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import count, field, fields, text
from tracelm.integrations._patches import patch
from tracelm.integrations._stream import StreamRecord
from tracelm.integrations._watching import end_watched, watch
from tracelm.pricing.listed import load_in_background
from tracelm.trace import runtime
from tracelm.trace.safely import report, safely

_SERVICE: Final = "bedrock-runtime"
_STREAMS: Final = {
    "Converse": None,
    "ConverseStream": "stream",
    "InvokeModel": None,
    "InvokeModelWithResponseStream": "body",
}
"""The operations that ask a model, and where the answer holds its stream."""
_MAX_BODY_BYTES: Final = 50_000_000
"""Of a larger body nothing is kept."""


class BedrockInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each call of a model as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the client are known to work."""
        return ("botocore >= 1.37",)

    def _instrument(self, **_options: Any) -> None:
        from botocore.client import BaseClient  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

        load_in_background()
        self._undo = patch(BaseClient, "_make_api_call", _recording)

    def _uninstrument(self, **_options: Any) -> None:
        self._undo()
        end_watched()


def _recording(method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(client: Any, /, operation_name: str, api_params: Any) -> Any:
        asks = operation_name in _STREAMS and runtime.active is not None and is_on()
        recorded = _begin(client, operation_name, api_params) if asks else None
        if recorded is None:
            return method(client, operation_name, api_params)
        try:
            with recorded.call.current():
                answer = method(client, operation_name, api_params)
        except BaseException as error:
            recorded.failed(error)
            raise
        recorded.received(answer)
        return answer

    return call


def _begin(client: Any, operation: str, params: Mapping[str, object]) -> "_Recorded | None":
    try:
        if client.meta.service_model.service_name != _SERVICE:
            return None
        is_converse = operation.startswith("Converse")
        body = params if is_converse else invoked(params)
        endpoint = CONVERSE if is_converse else endpoint_for(body)
        asked: list[Asked] = []

        def describe() -> Request:
            guard = None if is_converse else text(params.get("guardrailIdentifier"))
            asked.append(
                Asked(
                    path=operation,
                    body=body,
                    provider="aws.bedrock",
                    server=_server(client.meta.endpoint_url, guard),
                    streams=_STREAMS[operation] is not None,
                )
            )
            return endpoint.describe(asked[0])

        call = begin(describe, kind="chat" if is_converse else kind_of(body), asks_itself=True)
        return None if call is None else _Recorded(call, endpoint, asked[0] if asked else None)
    except Exception as error:
        report("read the request to a model", error)
        return None


def _server(address: str, guard: str | None) -> dict[str, AttributeValue]:
    parts = urlsplit(address)
    found: dict[str, AttributeValue] = {
        semconv.SERVER_ADDRESS: parts.hostname or "",
        semconv.SERVER_PORT: parts.port or (80 if parts.scheme == "http" else 443),
    }
    return found | {semconv.AWS_BEDROCK_GUARDRAIL_ID: guard} if guard else found


class _Recorded:
    """One request that is being recorded, and what becomes of it. `asked` is missing where it is left out."""

    __slots__ = ("_asked", "_endpoint", "call")

    def __init__(self, call: Call, endpoint: Endpoint, asked: Asked | None) -> None:
        self.call = call
        self._endpoint = endpoint
        self._asked = asked

    def failed(self, error: BaseException) -> None:
        """End the span of a call that raised."""
        self._attempts(field(error, "response"))
        self.call.end(error=error)

    def received(self, answer: object) -> None:
        """End the span of a call that came back, or leave that to what is still to be read."""
        self._attempts(answer)
        asked = self._asked
        if asked is None:
            return
        try:
            held = _STREAMS[asked.path]
            if held is not None:
                self._follow(asked, field(answer, held))
            elif asked.path == "Converse":
                self.call.end(self._endpoint.read(asked, answer))
            else:
                self._follow_body(asked, answer)
        except Exception as error:
            report("record the reply of a model", error)
            self.call.end()

    def _attempts(self, answer: object) -> None:
        with safely("count the attempts of a call"):
            again = count(field(field(answer, "ResponseMetadata"), "RetryAttempts")) or 0
            for _ in range(again + 1):
                self.call.sent()

    def _follow(self, asked: Asked, stream: Any) -> None:
        chunks = self._endpoint.collect(asked, keep_content=self.call.captures_content)
        record = StreamRecord(self.call, chunks if asked.path == "ConverseStream" else InvokeEvents(chunks))
        stream.__class__ = _recording_class(stream.__class__)
        stream.__dict__[_RECORD] = record
        watch(stream, record.closed)

    def _follow_body(self, asked: Asked, answer: object) -> None:
        counted = counted_by(fields(field(field(answer, "ResponseMetadata"), "HTTPHeaders")))

        def read(body: object) -> Reply:
            return with_tokens(self._endpoint.read(asked, body), counted)

        record = BodyRecord(self.call, read, max_bytes=_MAX_BODY_BYTES)
        body: Any = field(answer, "body")
        length = text(getattr(body, "_content_length", None))
        _follow_raw(body._raw_stream, record, int(length) if length and length.isdecimal() else None)


def _follow_raw(raw: Any, record: BodyRecord, length: int | None) -> None:
    """Record what is read of a body, whether through the client's object or past it."""
    original = raw.read
    left = length

    def read(amt: int | None = None, *args: Any, **kwargs: Any) -> bytes:
        nonlocal left
        record.is_waiting = True
        try:
            piece = cast("bytes", original(amt, *args, **kwargs))
        except BaseException as error:
            record.failed(error)
            raise
        finally:
            record.is_waiting = False
        with safely("record the reply of a model"):
            record.got(piece)
            left = None if left is None else left - len(piece)
            if amt is None or left == 0 or (not piece and amt > 0):
                record.exhausted()
        return piece

    watch(raw, record.closed, read=read)


_RECORD: Final = "_tracelm_record"


@functools.lru_cache(maxsize=8)
def _recording_class(kind: Any) -> Any:
    """Return a subclass of the client's class of event streams whose events are recorded."""

    def __iter__(self: Any) -> Any:  # noqa: N807
        record = cast("StreamRecord", self.__dict__[_RECORD])
        return cast("Any", record.read(kind.__iter__(self)))

    names = {"__iter__": __iter__, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return types.new_class(kind.__name__, (kind,), exec_body=lambda namespace: namespace.update(names))
