"""`tracelm.guarded_client`: every chat completion of a client passes guardrails, and the client stays itself."""

import json
from typing import Any

import openai
import pytest

import tracelm
from tests.integrations.answering import Server
from tests.integrations.test_guarded_openai import chunk, says, streamed, texts
from tracelm.scorers import PII
from tracelm.testing import Spans

pytestmark = pytest.mark.anyio
GUARDS = [
    tracelm.Guardrail(PII(), on="input", action="replace"),
    tracelm.Guardrail(PII(), action="replace"),
]
CALL = {"id": "c", "type": "function", "function": {"name": "send", "arguments": '{"to":"bob@example.com"}'}}
MESSAGE = {"role": "assistant", "content": "Write to ana@example.com", "tool_calls": [CALL]}
COMPLETION: dict[str, Any] = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}],
}
MESSAGES: Any = [
    {"role": "system", "content": "Answer as desk@example.com."},
    {"role": "user", "content": [{"type": "text", "text": "I am eve@example.com"}]},
    {"role": "tool", "tool_call_id": "t", "content": "card 4111 1111 1111 1111"},
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_messages_and_replies_are_masked_and_the_callers_own_stay_as_they_are(spans: Spans) -> None:
    server = Server(COMPLETION)
    before = json.dumps(MESSAGES)
    with tracelm.guarded_client(server.client(), guards=GUARDS) as client:
        assert isinstance(client, openai.OpenAI)
        reply = client.chat.completions.create(model="m", messages=MESSAGES)
    sent = json.loads(server.asked[0].content)["messages"]
    assert sent[0]["content"] == "Answer as desk@example.com."
    assert sent[1]["content"] == [{"type": "text", "text": "I am [EMAIL]"}]
    assert sent[2]["content"] == "card [CARD]"
    assert json.dumps(MESSAGES) == before
    message = reply.choices[0].message
    assert message.content == "Write to [EMAIL]"
    assert message.tool_calls is not None
    assert json.loads(message.tool_calls[0].to_json())["function"]["arguments"] == '{"to":"[EMAIL]"}'
    assert reply.id == "1"


def test_a_refused_message_is_never_sent() -> None:
    server = Server(COMPLETION)
    client = tracelm.guarded_client(server.client(), guards=[tracelm.Guardrail(PII(), on="input")])
    with pytest.raises(tracelm.GuardrailTripped):
        client.chat.completions.create(model="m", messages=MESSAGES)
    assert server.asked == []


def test_streams_are_guarded_and_still_the_clients_own() -> None:
    chunks = [chunk(says({"content": "Write to ana@ex"})), chunk(says({"content": "ample.com"}, finish_reason="stop"))]
    client = tracelm.guarded_client(streamed(*chunks).client(), guards=GUARDS)
    stream: Any = client.chat.completions.create(model="m", messages=[], stream=True)
    assert isinstance(stream, openai.Stream)
    got: list[Any] = list(stream)  # pyright: ignore[reportUnknownArgumentType]
    assert texts(got) == "Write to [EMAIL]"


async def test_an_async_client_is_guarded() -> None:
    client = tracelm.guarded_client(Server(COMPLETION).async_client(), guards=GUARDS)
    async with client:
        reply = await client.chat.completions.create(model="m", messages=MESSAGES)
        assert reply.choices[0].message.content == "Write to [EMAIL]"
    chunks = [chunk(says({"content": "Write to ana@ex"})), chunk(says({"content": "ample.com"}, finish_reason="stop"))]
    async with tracelm.guarded_client(streamed(*chunks).async_client(), guards=GUARDS) as client:
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        got: list[Any] = [each async for each in stream]
        assert texts(got) == "Write to [EMAIL]"


def test_a_client_made_of_a_guarded_one_is_guarded_and_ways_around_are_refused() -> None:
    client: Any = tracelm.guarded_client(Server(COMPLETION).client(), guards=GUARDS)
    other = client.with_options(timeout=3)
    assert other.chat.completions.create(model="m", messages=[]).choices[0].message.content == "Write to [EMAIL]"
    assert other.timeout == 3
    for name in ("parse", "stream", "with_raw_response"):
        with pytest.raises(tracelm.ConfigError, match="pass by the guardrails"):
            getattr(client.chat.completions, name)
    assert client.models is not None


def test_a_clean_reply_is_the_very_object() -> None:
    message = {"role": "assistant", "content": "Hi"}
    clean: dict[str, Any] = {**COMPLETION, "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    client = tracelm.guarded_client(Server(clean).client(), guards=GUARDS)
    assert client.chat.completions.create(model="m", messages=[]).choices[0].message.content == "Hi"


@pytest.mark.parametrize(
    ("guards", "why"),
    [
        ([], "guard takes guardrails"),
        ([tracelm.Guardrail(PII(), action="retry")], "falls back"),
        ([tracelm.Guardrail(PII(), on="input", argument="x")], "names an argument"),
    ],
)
def test_what_cannot_work_on_a_client_is_refused(guards: list[tracelm.Guardrail], why: str) -> None:
    with pytest.raises(tracelm.ConfigError, match=why):
        tracelm.guarded_client(Server(COMPLETION).client(), guards=guards)
    with pytest.raises(tracelm.ConfigError, match=r"no chat\.completions"):
        tracelm.guarded_client(object(), guards=GUARDS)
