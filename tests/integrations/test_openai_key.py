"""The key of a client, of no known form, is not recorded where an error quotes it; other errors keep their words."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openai
import pytest

import tracelm
from tests.integrations.answering import RESPONSE
from tests.openai_client import ASK, answering, http
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.testing import Spans
from tracelm.trace.quoting import hide_quoted, may_quote

pytest_plugins = ("tests.recordings.fixtures",)
KEY = "corporate-key-of-no-known-form"


def client_of(transport: Any) -> Any:
    return openai.OpenAI(base_url="http://h/v1", api_key=KEY, http_client=http.Client(transport=transport))


def refused() -> Any:
    return client_of(answering({"error": {"message": f"Invalid key: {KEY}"}}, status=401))


def on_disk(spans: Spans) -> bytes:
    tracelm.flush()
    return b"".join(path.read_bytes() for path in spans.home.rglob("*") if path.is_file())


def _plain(error: Exception) -> None:
    raise error


def _wrapped(error: Exception) -> None:
    raise RuntimeError(f"no luck: {error}") from error


def _grouped(error: Exception) -> None:
    raise ExceptionGroup("several", [ValueError("one"), error])


@pytest.mark.parametrize("on", [_plain, _wrapped, _grouped])
def test_neither_the_call_nor_an_op_around_it_records_the_key(on: Callable[[Exception], None], spans: Spans) -> None:
    @tracelm.op
    def ask() -> None:
        with refused() as client:
            try:
                client.chat.completions.create(**ASK)
            except openai.AuthenticationError as error:
                on(error)

    with pytest.raises(Exception) as caught:  # noqa: PT011
        ask()
    assert caught.value is not None
    assert [span.status for span in spans.all()] == ["error", "error"]
    assert all("Invalid key: [redacted]" in str(span.events[0].attributes) for span in spans.all())
    assert KEY.encode() not in on_disk(spans)


def test_an_error_that_a_stream_sends_is_recorded_without_the_key(spans: Spans) -> None:
    body = f"data: {json.dumps({'error': {'message': f'Invalid key: {KEY}', 'type': 'auth'}})}\n\n".encode()
    headers = {"content-type": "text/event-stream"}
    transport = http.MockTransport(lambda _request: http.Response(200, content=body, headers=headers))
    with client_of(transport) as client, pytest.raises(openai.APIError):
        list(client.chat.completions.create(**ASK, stream=True))
    assert "Invalid key: [redacted]" in str(spans.one().events[0].attributes)
    assert KEY.encode() not in on_disk(spans)


@pytest.mark.openai(3, 0)
def test_a_response_that_failed_is_recorded_without_the_key(spans: Spans) -> None:
    failure = {"code": "server_error", "message": f"Invalid key: {KEY}"}
    body: dict[str, Any] = {**RESPONSE, "status": "failed", "output": [], "error": failure}
    with client_of(http.MockTransport(lambda _request: http.Response(200, json=body))) as client:
        client.responses.create(model="m", input="Hi")
    assert "Invalid key: [redacted]" in str(spans.one().status_message)
    assert KEY.encode() not in on_disk(spans)


@pytest.fixture
def failed() -> openai.AuthenticationError:
    with refused() as client, pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(**ASK)
    return caught.value


@dataclass
class _Unhashable(Exception):
    code: int


@pytest.mark.parametrize("make", [ValueError, _Unhashable], ids=["Python's own", "unhashable"])
def test_other_errors_keep_their_words_while_such_an_error_is_alive(
    make: Callable[[Any], Exception], spans: Spans, failed: openai.AuthenticationError
) -> None:
    @tracelm.op
    def other() -> None:
        raise make("no such thing")

    with pytest.raises((ValueError, _Unhashable)):
        other()
    event = spans.one("other").events[0].attributes
    assert {"exception.message", "exception.stacktrace"} <= set(event)
    assert failed.status_code == 401


def test_errors_that_come_from_each_other_in_a_circle_are_looked_at_once() -> None:
    first, second = ValueError("a"), openai.OpenAIError("b")
    first.__cause__, second.__cause__ = second, first
    may_quote(second, KEY)
    may_quote(first, KEY)  # Python's own: left alone
    assert hide_quoted(f"it says {KEY}", first) == "it says [redacted]"
    assert hide_quoted(f"it says {KEY}", KeyError()) == f"it says {KEY}"


def test_recordings_of_failures_still_say_what_went_wrong(own_url: str, spans: Spans) -> None:
    recorded = Recorded(load()["local-chat-completions-sync-error-400"], own_url)
    with recorded.client() as client, pytest.raises(openai.BadRequestError):
        recorded.ask(client)
    assert str(spans.one().events[0].attributes["exception.message"]).startswith("Error code: 400")
