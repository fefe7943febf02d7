"""Every way to ask for a chat completion becomes one span with the same facts; nothing else is touched."""

import gc
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest
from inline_snapshot import snapshot
from opentelemetry.instrumentation.utils import suppress_instrumentation

import tracelm
from tests.integrations.answering import REPLY, Server
from tests.openai_client import ASK, answering, client_of, http
from tests.recordings.recorded import Recorded, readable
from tests.recordings.server import load
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Place(pydantic.BaseModel):
    city: str
    country: str


def test_the_whole_span_of_a_reply(own_url: str, spans: Spans) -> None:
    reply = Recorded(load()["local-chat-completions-sync-truncated"], own_url)
    with reply.client() as client:
        client.chat.completions.create(**reply.arguments())
    assert readable(spans.brief(without=["server.port"])) == snapshot(
        [
            (
                "chat smollm2-135m",
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "smollm2-135m",
                    "openai.api.type": "chat_completions",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.temperature": 0.0,
                    "gen_ai.request.max_tokens": 4,
                    "gen_ai.request.seed": 7,
                    "gen_ai.input.messages": [
                        {"role": "system", "parts": [{"type": "text", "content": "Answer in one short sentence."}]},
                        {"role": "user", "parts": [{"type": "text", "content": "What is a card payment?"}]},
                    ],
                    "openai.response.system_fingerprint": "b0-unknown",
                    "gen_ai.usage.input_tokens": 26,
                    "gen_ai.usage.output_tokens": 4,
                    "gen_ai.usage.cache_read.input_tokens": 25,
                    "gen_ai.response.id": "chatcmpl-KYDDa0aNbNgxF0zLRsSOweke2axOCAFW",
                    "gen_ai.response.model": "smollm2-135m",
                    "gen_ai.response.finish_reasons": ["length"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [{"type": "text", "content": "A card payment is"}],
                            "finish_reason": "length",
                        }
                    ],
                },
            )
        ]
    )


def test_the_whole_span_of_a_refused_request(failure: Recorded, spans: Spans) -> None:
    with failure.client() as client, pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**failure.arguments())
    assert readable(spans.brief(without=["server.port"])) == snapshot(
        [
            (
                "chat smollm2-135m",
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "smollm2-135m",
                    "openai.api.type": "chat_completions",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.temperature": 0.0,
                    "gen_ai.request.seed": 7,
                    "gen_ai.request.choice.count": 9,
                    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}],
                    "error.type": "400",
                },
            )
        ]
    )
    span = spans.one()
    assert (span.status, [event.name for event in span.events]) == ("error", ["exception"])


@pytest.mark.openai(2, 0)
def test_parse_returns_the_parsed_object(own_url: str, spans: Spans) -> None:
    recorded = Recorded(load()["local-chat-completions-sync-structured-output"], own_url)
    arguments = recorded.arguments() | {"response_format": _Place}
    with recorded.client() as client:
        parsed = client.chat.completions.parse(**arguments)
    assert parsed.choices[0].message.parsed == _Place(city="Paris", country="FRANCE")
    attributes = spans.one().attributes
    assert attributes["gen_ai.output.type"] == "json"
    assert attributes["gen_ai.usage.input_tokens"] == 39


@pytest.mark.openai(2, 0)
def test_a_reply_cut_short_that_cannot_be_parsed_keeps_its_tokens(spans: Spans) -> None:
    cut = {**REPLY["choices"][0], "finish_reason": "length", "message": {"role": "assistant", "content": '{"ci'}}
    with (
        client_of("http://h/v1", {**REPLY, "choices": [cut]}) as client,
        pytest.raises(openai.LengthFinishReasonError),
    ):
        client.chat.completions.parse(**ASK, response_format=_Place)
    span = spans.one()
    assert span.status == "error"
    assert span.attributes["gen_ai.usage.output_tokens"] == 2
    assert span.attributes["gen_ai.response.finish_reasons"] == ["length"]


@pytest.mark.openai(2, 0)
@pytest.mark.parametrize("said", ["{bad", "Sure! {}"])
def test_a_reply_that_does_not_keep_to_its_schema_is_recorded_with_the_error(said: str, spans: Spans) -> None:
    odd = {**REPLY["choices"][0], "message": {"role": "assistant", "content": said}}
    with client_of("http://h/v1", {**REPLY, "choices": [odd]}) as client, pytest.raises(pydantic.ValidationError):
        client.chat.completions.parse(**ASK, response_format=_Place)
    span = spans.one()
    assert (span.status, span.attributes["gen_ai.usage.output_tokens"]) == ("error", 2)
    assert json.loads(str(span.attributes["gen_ai.output.messages"]))[0]["parts"][0]["content"] == said


@pytest.mark.openai(2, 0)
def test_what_is_parsed_for_the_program_leaves_nothing_to_the_garbage_collector(spans: Spans) -> None:
    parsed = {**REPLY["choices"][0], "message": {"role": "assistant", "content": '{"city": "a", "country": "b"}'}}

    def left_behind() -> int:
        with client_of("http://h/v1", {**REPLY, "choices": [parsed]}) as client:
            client.chat.completions.parse(**ASK, response_format=_Place)
            gc.collect()
            gc.disable()
            try:
                for _ in range(10):
                    client.chat.completions.parse(**ASK, response_format=_Place)
                return gc.collect()
            finally:
                gc.enable()

    with suppress_instrumentation():
        without = left_behind()
    assert left_behind() == without
    assert len(spans.all()) == 11


@pytest.mark.parametrize("kind", ["with_raw_response", "with_streaming_response"])
def test_blank_lines_in_front_of_a_reply_hide_nothing_of_it(kind: str, spans: Spans) -> None:
    with Server(b"\n \r\n" + json.dumps(REPLY).encode()).client() as client:
        raw = getattr(client.chat.completions, kind).create(**ASK)
        if kind == "with_raw_response":
            raw.parse()
        else:
            with raw as response:
                response.parse()
    assert spans.one().attributes["gen_ai.usage.input_tokens"] == 10


@pytest.mark.parametrize("kept", [False, True], ids=["forgotten", "held to the end"])
def test_a_body_that_is_left_with_its_last_piece_is_recorded(kept: bool, tmp_path: Path) -> None:
    # The HTTP client closes the response before it gives the last piece away.
    program = f"""
        import json, tracelm
        from tests.integrations.answering import REPLY, Server
        from tests.openai_client import ASK
        tracelm.init("last", home={str(tmp_path)!r})
        client = Server(REPLY).client()
        with client.chat.completions.with_streaming_response.create(**ASK) as response:
            pieces = response.iter_bytes(4096)
            assert json.loads(next(pieces)) == REPLY
        if not {kept}:
            del pieces
            from tracelm.testing import Spans
            assert Spans(tracelm.trace.runtime.active.journal.home).one()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, cwd=ROOT)
    span = Spans(tmp_path).one()
    assert ("tracelm.stream.outcome" in span.attributes, span.attributes["gen_ai.usage.output_tokens"]) == (False, 2)


def test_a_method_that_a_class_of_the_program_puts_in_between_is_called(spans: Spans) -> None:
    asked: list[str] = []

    base: Any = openai.OpenAI.__mro__[1]

    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append("between")
        return base.request(self, *args, **kwargs)

    between: Any = type("Between", (base,), {"request": request})
    mixed: Any = type("Mixed", (openai.OpenAI, between), {})
    with mixed(base_url="http://h/v1", api_key="k", http_client=http.Client(transport=answering(REPLY))) as client:
        client.chat.completions.create(**ASK)
    assert (asked, len(spans.all())) == (["between"], 1)


def test_a_module_whose_address_changes_is_recorded_with_the_address_of_each_call(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "_client", None)  # not the one of another test
    monkeypatch.setattr(openai, "api_key", "k")
    monkeypatch.setattr(openai, "http_client", http.Client(transport=answering(REPLY)))
    for port in (8001, 8002):
        monkeypatch.setattr(openai, "base_url", f"http://h:{port}/v1")
        openai.chat.completions.create(**ASK)
    assert [span.attributes["server.port"] for span in spans.all()] == [8001, 8002]


def test_a_raw_response_is_as_without_tracing(reply: Recorded, spans: Spans) -> None:
    with reply.client() as client:
        raw = client.chat.completions.with_raw_response.create(**reply.arguments())
        assert len(spans.all()) == 1  # before anything is parsed
        assert raw.status_code == 200
        assert json.loads(raw.text) == reply.completion
        assert raw.parse().id == reply.completion["id"]
    assert spans.one().attributes["gen_ai.response.id"] == reply.completion["id"]


async def test_an_async_raw_response_is_as_without_tracing(reply: Recorded, spans: Spans) -> None:
    async with reply.async_client() as client:
        raw = await client.chat.completions.with_raw_response.create(**reply.arguments())
        assert raw.parse().id == reply.completion["id"]
    assert spans.one().attributes["gen_ai.response.id"] == reply.completion["id"]


@pytest.mark.parametrize("read", ["parse", "json", "read", "text"])
def test_a_streaming_response_is_recorded_once_read(read: str, reply: Recorded, spans: Spans) -> None:
    with (
        reply.client() as client,
        client.chat.completions.with_streaming_response.create(**reply.arguments()) as raw,
    ):
        assert spans.all() == []
        getattr(raw, read)()
    assert spans.one().attributes["gen_ai.response.id"] == reply.completion["id"]


async def test_an_async_streaming_response_is_recorded_once_read(reply: Recorded, spans: Spans) -> None:
    async with (
        reply.async_client() as client,
        client.chat.completions.with_streaming_response.create(**reply.arguments()) as raw,
    ):
        await raw.parse()
    assert spans.one().attributes["gen_ai.response.id"] == reply.completion["id"]


def test_a_streaming_response_that_nobody_reads_ends_with_its_block(reply: Recorded, spans: Spans) -> None:
    with reply.client() as client, client.chat.completions.with_streaming_response.create(**reply.arguments()):
        pass
    assert "gen_ai.output.messages" not in spans.one().attributes


def test_a_wrapper_made_before_patching_is_recorded_too(reply: Recorded, spans: Spans) -> None:
    from tracelm.trace import patching

    patching.unpatch()
    with reply.client() as client:
        early = client.chat.completions.with_raw_response
        patching.patch()
        early.create(**reply.arguments())
        patching.unpatch()
        early.create(**reply.arguments())
    assert len(spans.all()) == 1


def test_the_module_level_client_is_recorded(reply: Recorded, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "api_key", "test")
    monkeypatch.setattr(openai, "base_url", f"{reply.url}/v1/")
    openai.chat.completions.create(**reply.arguments())
    assert spans.one().name == "chat smollm2-135m"


def test_a_plain_post_is_recorded(reply: Recorded, spans: Spans) -> None:
    with reply.client() as client:
        body = client.post("/chat/completions", cast_to=dict[str, Any], body=reply.request)
    assert body["id"] == reply.completion["id"]
    assert spans.one().attributes["gen_ai.response.id"] == reply.completion["id"]


@pytest.mark.openai(3, 0)
def test_other_endpoints_pass_untouched(spans: Spans) -> None:
    with client_of("http://h/v1", {"object": "list", "data": []}) as client:
        assert client.models.list().data == []
        assert client.chat.completions.list().data == []
        assert client.files.list().data == []
        assert client.responses.input_items.list("r1").data == []
        client.batches.create(completion_window="24h", endpoint="/v1/chat/completions", input_file_id="f1")
        client.responses.input_tokens.count(model="m", input="x")
        client.responses.cancel("r1")
        client.responses.delete("r1")
        client.beta.threads.create()
        client.vector_stores.create(name="v")
    assert spans.all() == []


def test_a_call_with_retries_is_one_span(spans: Spans) -> None:
    busy = {"status": 503, "error": {"message": "busy"}}
    with client_of("http://h/v1", busy, busy, REPLY, max_retries=2) as client:
        client.chat.completions.create(**ASK)
    span = spans.one()
    assert (span.status, span.attributes["http.request.resend_count"]) == ("unset", 2)


async def test_retries_of_the_async_client_are_counted(spans: Spans) -> None:
    busy = {"status": 503, "error": {"message": "busy"}}
    http_client = http.AsyncClient(transport=answering(busy, REPLY))
    async with openai.AsyncOpenAI(api_key="test", max_retries=1, http_client=http_client) as client:
        await client.chat.completions.create(**ASK)
    assert spans.one().attributes["http.request.resend_count"] == 1


def test_retries_in_vain_are_counted(spans: Spans) -> None:
    busy = {"status": 503, "error": {"message": "busy"}}
    with client_of("http://h/v1", busy, max_retries=1) as client, pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**ASK)
    assert spans.one().attributes["http.request.resend_count"] == 1


def test_a_server_that_is_not_there(spans: Spans) -> None:
    def refuse(request: http.Request) -> http.Response:
        raise http.ConnectError("refused", request=request)

    http_client = http.Client(transport=http.MockTransport(refuse))
    with (
        openai.OpenAI(api_key="test", max_retries=0, http_client=http_client) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.chat.completions.create(**ASK)
    assert spans.one().attributes["error.type"] == "openai.APIConnectionError"


@pytest.mark.openai(2, 0)
def test_request_parameters(spans: Spans) -> None:
    with client_of("http://h/v1", REPLY) as client:
        client.chat.completions.create(
            **ASK,
            temperature=0,
            top_p=0.5,
            frequency_penalty=1,
            presence_penalty=-1,
            max_completion_tokens=9,
            seed=4,
            n=2,
            stop="END",
            reasoning_effort="low",
            service_tier="flex",
            modalities=["text", "audio"],
        )
    found = {k: v for k, v in spans.one().attributes.items() if "request" in k or "output.type" in k}
    assert found == {
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.frequency_penalty": 1.0,
        "gen_ai.request.presence_penalty": -1.0,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 4,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.reasoning.level": "low",
        "openai.request.service_tier": "flex",
        "gen_ai.output.type": "speech",
    }


def test_what_is_not_given_is_not_recorded(spans: Spans) -> None:
    with client_of("http://h/v1", REPLY) as client:
        client.chat.completions.create(**ASK, n=1, service_tier="auto", stop=None)
    assert [key for key in spans.one().attributes if "request" in key] == ["gen_ai.request.model"]


def test_extra_body_counts_as_the_request(spans: Spans) -> None:
    with client_of("http://h/v1", REPLY) as client:
        client.chat.completions.create(**ASK, extra_body={"model": "other", "seed": 3})
    assert spans.one().name == "chat other"
    assert spans.one().attributes["gen_ai.request.seed"] == 3


def test_top_k_of_servers_that_speak_as_openai_does_is_recorded(spans: Spans) -> None:
    with client_of("http://localhost:8000/v1", REPLY) as client:
        client.chat.completions.create(**ASK, extra_body={"top_k": 40})
    assert spans.one().attributes["gen_ai.request.top_k"] == 40


def test_messages_from_a_generator_reach_the_model_and_the_span(spans: Spans) -> None:
    seen: list[Any] = []

    def answer(request: http.Request) -> http.Response:
        seen.extend(json.loads(request.content)["messages"])
        return http.Response(200, json=REPLY)

    http_client = http.Client(transport=http.MockTransport(answer))
    with openai.OpenAI(api_key="test", http_client=http_client) as client:
        client.chat.completions.create(model="m", messages=(each for each in ASK["messages"]))
    assert seen == ASK["messages"]
    assert "Really?" in str(spans.one().attributes["gen_ai.input.messages"])


def test_an_answer_given_back_as_an_object_is_recorded(spans: Spans) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    first = {**REPLY, "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]}
    with client_of("http://h/v1", first, REPLY) as client:
        answer = client.chat.completions.create(**ASK).choices[0].message
        result: Any = {"role": "tool", "tool_call_id": "c1", "content": "a bird"}
        client.chat.completions.create(model="m", messages=[*ASK["messages"], answer, result])
    assert json.loads(str(spans.all()[1].attributes["gen_ai.input.messages"])) == [
        {"role": "user", "parts": [{"type": "text", "content": "Really?"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "look", "id": "c1", "arguments": {"at": 1}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "a bird", "id": "c1"}]},
    ]


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, "many"])
def test_a_reply_without_usable_usage_has_no_tokens_and_no_cost(usage: object, spans: Spans) -> None:
    with client_of("http://h/v1", {**REPLY, "usage": usage, "model": "gpt-4o"}) as client:
        assert client.chat.completions.create(**ASK).id == "r1"
    assert [key for key in spans.one().attributes if "usage" in key or "cost" in key] == []


def test_a_count_that_is_none_is_named_and_leaves_no_cost(spans: Spans) -> None:
    with client_of("http://h/v1", {**REPLY, "usage": {"prompt_tokens": "3"}, "model": "gpt-4o"}) as client:
        client.chat.completions.create(**ASK)
    found = {key: each for key, each in spans.one().attributes.items() if "usage" in key or "cost" in key}
    assert found == {"tracelm.usage.not_counted": "input_tokens"}


@pytest.mark.parametrize("body", ["{}", '{"choices": null}', '{"choices": [{}]}', '{"choices": [{"message": null}]}'])
def test_a_malformed_reply_is_passed_on_and_recorded(body: str, spans: Spans) -> None:
    before = tracelm.flush().failures
    with client_of("http://h/v1", json.loads(body)) as client:
        client.chat.completions.create(**ASK)
    assert spans.one().status == "unset"
    assert tracelm.flush().failures == before


def test_a_patch_on_top_of_ours_survives_and_ours_falls_silent(
    reply: Recorded, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracelm.trace import patching

    calls: list[str] = []
    ours: Any = openai.OpenAI.request

    def other(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append("other")
        return ours(self, *args, **kwargs)

    monkeypatch.setattr(openai.OpenAI, "request", other)
    with reply.client() as client:
        client.chat.completions.create(**reply.arguments())
        patching.unpatch()
        client.chat.completions.create(**reply.arguments())
    assert calls == ["other", "other"]
    assert len(spans.all()) == 1
    assert vars(openai.OpenAI)["request"] is other
    monkeypatch.delattr(openai.OpenAI, "request")
