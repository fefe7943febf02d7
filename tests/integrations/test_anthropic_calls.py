"""Every way to ask Claude through Anthropic's client becomes one span with the same facts; nothing else is touched."""

import gc
import json
from collections.abc import Callable
from typing import Any

import anthropic
import anyio
import pydantic
import pytest
from anthropic.lib.bedrock import AnthropicBedrock
from anthropic.lib.vertex import AnthropicVertex

import tracelm
from tests.integrations.answering_claude import ASK, EVENTS, REPLY, Provider
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)

FACTS = {
    "gen_ai.request.model": "claude-haiku-4-5",
    "gen_ai.response.id": "msg_1",
    "gen_ai.response.model": "claude-haiku-4-5-20251001",
    "gen_ai.response.finish_reasons": ["end_turn"],
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 2,
}


def _streamed(client: Any) -> None:
    with client.messages.create(**ASK, stream=True) as stream:
        assert [each.type for each in stream] == [each["type"] for each in EVENTS]


def _helped(client: Any) -> None:
    with client.messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == "Yes."
        assert stream.get_final_message().id == "msg_1"


def _helped_without_reading(client: Any) -> None:
    with client.messages.stream(**ASK) as stream:
        assert stream.get_final_message().content[0].text == "Yes."


def _raw(client: Any) -> None:
    assert client.messages.with_raw_response.create(**ASK).parse().id == "msg_1"


def _raw_stream(client: Any) -> None:
    response = client.messages.with_raw_response.create(**ASK, stream=True)
    assert len(list(response.parse())) == len(EVENTS)


def _read_in_pieces(client: Any) -> None:
    with client.messages.with_streaming_response.create(**ASK) as response:
        assert response.parse().id == "msg_1"


def _raw_lines(client: Any) -> None:
    with client.messages.with_streaming_response.create(**ASK) as response:
        assert "msg_1" in "".join(response.iter_text())


WAYS: dict[str, tuple[object, Callable[[Any], object]]] = {
    "create": (REPLY, lambda client: client.messages.create(**ASK)),
    "create-beta": (REPLY, lambda client: client.beta.messages.create(**ASK)),
    "create-of-a-copy": (REPLY, lambda client: client.with_options(timeout=9).messages.create(**ASK)),
    "streamed": (EVENTS, _streamed),
    "helped": (EVENTS, _helped),
    "helped-without-reading": (EVENTS, _helped_without_reading),
    "raw": (REPLY, _raw),
    "raw-stream": (EVENTS, _raw_stream),
    "in-pieces": (REPLY, _read_in_pieces),
    "raw-lines": (REPLY, _raw_lines),
}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_way_to_ask_is_one_span_with_the_same_facts(way: str, spans: Spans) -> None:
    body, ask = WAYS[way]
    ask(Provider(body).client())
    span = spans.one()
    assert (span.name, span.scope.name, span.status) == ("chat claude-haiku-4-5", "tracelm", "unset")
    assert {key: span.attributes.get(key) for key in FACTS} == FACTS
    assert json.loads(str(span.attributes["gen_ai.output.messages"])) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Yes."}], "finish_reason": "stop"}
    ]
    assert "tracelm.stream.outcome" not in span.attributes


def test_a_stream_of_the_async_helper_is_one_span(spans: Spans) -> None:
    async def run() -> str:
        async with Provider(EVENTS).async_client().messages.stream(**ASK) as stream:
            return "".join([each async for each in stream.text_stream])

    assert anyio.run(run) == "Yes."
    assert {key: spans.one().attributes.get(key) for key in FACTS} == FACTS


class _Place(pydantic.BaseModel):
    city: str


@pytest.mark.anthropic(1, 0)
def test_a_parsed_answer_is_one_span_and_asks_for_json(spans: Spans) -> None:
    reply = {**REPLY, "content": [{"type": "text", "text": '{"city": "Paris"}'}]}
    parsed = Provider(reply).client().messages.parse(**ASK, output_format=_Place)
    assert parsed.parsed_output == _Place(city="Paris")
    attributes = spans.one().attributes
    assert attributes["gen_ai.output.type"] == "json"
    assert attributes["gen_ai.usage.output_tokens"] == 2


def test_retries_are_inside_of_the_one_span_with_their_number(spans: Spans) -> None:
    busy = {"status": 529, "type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    provider = Provider(busy, busy, REPLY)
    provider.client(max_retries=2).messages.create(**ASK)
    assert len(provider.asked) == 3
    assert spans.one().attributes["http.request.resend_count"] == 2


def test_a_refusal_has_the_status_as_its_type(spans: Spans) -> None:
    busy = {"status": 429, "type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}
    with pytest.raises(anthropic.RateLimitError):
        Provider(busy).client().messages.create(**ASK)
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "429")


def test_an_error_in_a_stream_has_the_providers_type_and_keeps_what_came(spans: Spans) -> None:
    broken = [*EVENTS[:3], {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}]
    with pytest.raises(anthropic.APIStatusError), Provider(broken).client().messages.stream(**ASK) as stream:
        stream.until_done()
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "overloaded_error")
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]
    assert "Yes." in str(span.attributes["gen_ai.output.messages"])


def test_of_a_stream_left_early_what_went_in_is_known_and_what_came_out_is_not(spans: Spans) -> None:
    with Provider(EVENTS).client().messages.create(**ASK, stream=True) as stream:
        next(iter(stream))
    attributes = spans.one().attributes
    assert attributes["tracelm.stream.outcome"] == "closed_early"
    assert attributes["gen_ai.usage.input_tokens"] == 10
    assert "gen_ai.usage.output_tokens" not in attributes


def test_a_helper_left_early_says_so(spans: Spans) -> None:
    with Provider(EVENTS).client().messages.stream(**ASK) as stream:
        assert next(iter(stream.text_stream)) == "Yes."
    assert spans.one().attributes["tracelm.stream.outcome"] == "closed_early"


def test_a_stream_that_is_forgotten_ends_its_span_with_the_garbage_collection(spans: Spans) -> None:
    def forget() -> None:
        next(iter(Provider(EVENTS).client().messages.create(**ASK, stream=True)))

    forget()
    gc.collect()
    assert spans.one().attributes["tracelm.stream.outcome"] == "closed_early"


def test_a_stream_is_of_the_clients_own_class_and_so_are_its_events(spans: Spans) -> None:
    stream: Any = Provider(EVENTS).client().messages.create(**ASK, stream=True)
    traced: list[Any] = list(stream)
    assert type(stream) is anthropic.Stream
    tracelm.shutdown()
    plain = list(Provider(EVENTS).client().messages.create(**ASK, stream=True))
    assert [type(each) for each in traced] == [type(each) for each in plain]
    assert traced == plain


@pytest.mark.anthropic(1, 0)
def test_counted_tokens_are_no_usage(spans: Spans) -> None:
    asked = {key: value for key, value in ASK.items() if key != "max_tokens"}
    assert Provider({"input_tokens": 14}).client().messages.count_tokens(**asked).input_tokens == 14
    span = spans.one()
    assert span.name == "count_tokens claude-haiku-4-5"
    assert json.loads(str(span.attributes["output.value"])) == {"input_tokens": 14}
    assert not {"gen_ai.operation.name", "gen_ai.usage.input_tokens"} & set(span.attributes)


def test_batches_and_models_are_left_alone(spans: Spans) -> None:
    client = Provider({"data": [], "has_more": False, "first_id": None, "last_id": None}).client()
    client.beta.messages.batches.list()
    client.get("/v1/models", cast_to=object)
    assert [span for span in spans.all() if span.scope.name == "tracelm"] == []


# --- the clouds ---------------------------------------------------------------------------------------------
def _bedrock(provider: Provider) -> Any:
    keys = {"aws_access_key": "a", "aws_secret_key": "b", "aws_region": "us-east-1"}
    return provider.client(AnthropicBedrock, **keys)


def _vertex(provider: Provider) -> Any:
    return provider.client(AnthropicVertex, region="us-east5", project_id="p", access_token="t")


@pytest.mark.parametrize(
    ("make", "name", "address"),
    [
        (_bedrock, "aws.bedrock", "bedrock-runtime.us-east-1.amazonaws.com"),
        (_vertex, "gcp.vertex_ai", "us-east5-aiplatform.googleapis.com"),
    ],
)
def test_a_client_of_a_cloud_is_one_span_of_that_provider(
    make: Callable[[Provider], Any], name: str, address: str, spans: Spans
) -> None:
    assert make(Provider(REPLY)).messages.create(**ASK).id == "msg_1"
    span = spans.one()
    assert span.name == "chat claude-haiku-4-5"
    assert (span.attributes["gen_ai.provider.name"], span.attributes["server.address"]) == (name, address)
    assert span.attributes["gen_ai.usage.output_tokens"] == 2


def test_another_who_speaks_claudes_interface_is_told_by_the_address(spans: Spans) -> None:
    Provider(REPLY).client(base_url="https://api.deepseek.com/anthropic").messages.create(**ASK)
    assert spans.one().attributes["gen_ai.provider.name"] == "deepseek"
