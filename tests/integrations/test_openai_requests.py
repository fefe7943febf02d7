"""Requests of any make: nothing that a program may hand to the client does harm."""

import enum
import json
from typing import Any

import openai
import pydantic
import pytest

import tracelm
from tests.integrations.answering import REPLY, RESPONSE, Server
from tests.openai_client import http
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)


class _Role(enum.StrEnum):
    USER = "user"


class _OldRole(str, enum.Enum):  # noqa: UP042 - what many programs have
    USER = "user"


class _Input(pydantic.BaseModel):
    role: str
    content: str


class _Dict(dict[str, Any]):
    """A dictionary of the program's own class."""


@pytest.mark.openai(3, 0)
@pytest.mark.parametrize(
    "message",
    [
        {"role": _Role.USER, "content": "Really?"},
        {"role": _OldRole.USER, "content": "Really?"},
        _Input(role="user", content="Really?"),
        _Dict(role="user", content="Really?"),
    ],
    ids=["StrEnum", "str and Enum", "pydantic", "subclass of dict"],
)
def test_messages_of_any_make_reach_the_model_and_the_span(message: Any, spans: Spans) -> None:
    server = Server(RESPONSE)
    before = tracelm.flush().failures
    with server.client() as client:
        client.responses.create(model="gpt-4o", input=[message])
        client.chat.completions.create(model="gpt-4o", messages=[message])
    assert tracelm.flush().failures == before
    for span in spans.all():
        assert json.loads(str(span.attributes["gen_ai.input.messages"])) == [
            {"role": "user", "parts": [{"type": "text", "content": "Really?"}]}
        ]
    assert json.loads(server.asked[0].content)["input"] == [{"role": "user", "content": "Really?"}]


@pytest.mark.openai(3, 0)
def test_what_is_not_given_is_not_recorded(spans: Spans) -> None:
    with Server(RESPONSE).client() as client:
        client.responses.create(model="gpt-4o", input="Hi", temperature=openai.NOT_GIVEN, top_p=openai.omit)
    assert [key for key in spans.one().attributes if "request" in key] == ["gen_ai.request.model"]


def test_the_deployment_in_an_address_of_azure_is_the_model(spans: Spans) -> None:
    transport = http.MockTransport(lambda _request: http.Response(200, json={"created": 1, "data": []}))
    with openai.AzureOpenAI(
        azure_endpoint="https://me.openai.azure.com",
        azure_deployment="drawing",
        api_version="2025-04-01",
        api_key="test",
        http_client=http.Client(transport=transport),
    ) as client:
        client.images.generate(prompt="A sun")
    attributes = spans.one("generate_content drawing").attributes
    assert attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert attributes["azure.resource_provider.namespace"] == "Microsoft.CognitiveServices"


_WEIGHED: dict[str, Any] = {
    "content": [{"token": "Yes.", "logprob": -0.25, "bytes": [89], "top_logprobs": [{"token": "No.", "logprob": -1.5}]}]
}


def test_logprobs_reach_the_program_and_are_not_recorded(spans: Spans) -> None:
    [choice] = REPLY["choices"]
    server = Server({**REPLY, "choices": [{**choice, "logprobs": _WEIGHED}]})
    reply = server.client().chat.completions.create(model="m", messages=[], logprobs=True, top_logprobs=1)
    assert reply.choices[0].logprobs.content[0].top_logprobs[0].logprob == -1.5
    assert _told(spans) == ("Yes.", 2, False)


def test_logprobs_of_a_stream_reach_the_program_chunk_by_chunk_and_are_not_recorded(spans: Spans) -> None:
    def chunk(choices: list[object], **more: object) -> str:
        body = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}
        return f"data: {json.dumps(body)}\n\n"

    pieces: list[dict[str, Any]] = [
        {"index": 0, "delta": {"content": piece}, "logprobs": _WEIGHED} for piece in ("Ye", "s", ".")
    ]
    end: dict[str, Any] = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    said = [*(chunk([each]) for each in [*pieces, end]), chunk([], usage=REPLY["usage"]), "data: [DONE]\n\n"]
    server = Server("".join(said).encode(), content_type="text/event-stream")
    chunks = list(server.client().chat.completions.create(model="m", messages=[], logprobs=True, stream=True))
    weighed = [each.logprobs.content[0].logprob for got in chunks for each in got.choices if each.logprobs is not None]
    assert weighed == [-0.25, -0.25, -0.25]
    assert _told(spans) == ("Yes.", 2, False)


def _told(spans: Spans) -> tuple[object, object, bool]:
    """Return the text and the tokens of the only span, and whether it holds any probability."""
    attributes = spans.one().attributes
    [message] = json.loads(str(attributes["gen_ai.output.messages"]))
    [part] = message["parts"]
    text = json.dumps(dict(attributes), default=str)
    return part["content"], attributes["gen_ai.usage.output_tokens"], "logprob" in text or "0.25" in text
