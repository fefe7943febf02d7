"""Requests of any make: nothing that a program may hand to the client does harm."""

import enum
import json
from typing import Any

import openai
import pydantic
import pytest

import tracelm
from tests.integrations.answering import RESPONSE, Server
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
