"""The real client and a real model: what it says and counts stands on the span."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tracelm.local_model import LocalModel
from tracelm.testing import Spans

pytestmark = pytest.mark.real_model
ASKED = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    with LocalModel() as running:
        yield running


@pytest.fixture
def client(model: LocalModel) -> Iterator[Any]:
    with openai.OpenAI(base_url=model.base_url, api_key="local") as client:
        yield client


def _said(spans: Spans) -> str:
    [message] = json.loads(str(spans.one().attributes["gen_ai.output.messages"]))
    return "".join(part["content"] for part in message["parts"])


def _tokens(spans: Spans) -> tuple[Any, Any]:
    attributes = spans.one().attributes
    return attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]


def test_a_chat(client: Any, model: LocalModel, spans: Spans) -> None:
    reply = client.chat.completions.create(model=model.name, messages=ASKED, max_tokens=8)
    assert _said(spans) == reply.choices[0].message.content
    assert _tokens(spans) == (reply.usage.prompt_tokens, reply.usage.completion_tokens)


def test_a_streamed_chat(client: Any, model: LocalModel, spans: Spans) -> None:
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model=model.name, messages=ASKED, max_tokens=8, stream=True, stream_options=options
        )
    )
    assert _said(spans) == "".join(each.delta.content or "" for chunk in chunks for each in chunk.choices)
    assert _tokens(spans) == (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens)


def test_structured_output(client: Any, model: LocalModel, spans: Spans) -> None:
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    # Sampled, the model may fill its tokens with blanks, which the schema allows, and never come to the value.
    client.chat.completions.create(
        model=model.name, messages=ASKED, max_tokens=64, temperature=0, response_format=wanted
    )
    assert isinstance(json.loads(_said(spans))["yes"], bool)
    assert spans.one().attributes["gen_ai.output.type"] == "json"


def test_a_text_completion(client: Any, model: LocalModel, spans: Spans) -> None:
    reply = client.completions.create(model=model.name, prompt="One, two,", max_tokens=5)
    assert _said(spans) == reply.choices[0].text
    assert _tokens(spans) == (reply.usage.prompt_tokens, reply.usage.completion_tokens)


def test_embeddings(client: Any, model: LocalModel, spans: Spans) -> None:
    reply = client.embeddings.create(model=model.name, input=["A card payment.", "A loan."])
    assert spans.one().attributes["gen_ai.embeddings.dimension.count"] == len(reply.data[0].embedding)
    assert spans.one().attributes["gen_ai.usage.input_tokens"] == reply.usage.prompt_tokens


@pytest.mark.openai(3, 0)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_response(streamed: bool, client: Any, model: LocalModel, spans: Spans) -> None:
    reply = client.responses.create(model=model.name, input="Say hello.", max_output_tokens=8, stream=streamed)
    response = list(reply)[-1].response if streamed else reply
    assert _said(spans) == response.output_text
    assert _tokens(spans) == (response.usage.input_tokens, response.usage.output_tokens)
