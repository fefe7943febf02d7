"""Google's client: functions that it calls for a model, chats, retries, streams that end early, images, embeddings."""

import asyncio
import base64
import contextlib
import gc
import inspect
import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import google.genai as genai
import pytest
from google.genai import types
from google.genai._api_client import BaseApiClient
from google.genai.errors import APIError, ServerError
from inline_snapshot import snapshot
from opentelemetry import trace

import tracelm
from tests.integrations.answering import PNG, brief, media, messages
from tests.recordings.google import GoogleRecorded
from tests.recordings.made_google import GOOGLE
from tests.recordings.server import serve
from tracelm.integrations._endpoint import Asked
from tracelm.integrations._google.content import ContentEndpoint
from tracelm.integrations.google_genai import GoogleGenAIInstrumentor
from tracelm.testing import Spans
from tracelm.trace import patching

pytest_plugins = ("tests.recordings.fixtures",)

MODEL = "gemini-2.5-flash"
OUTCOME = "tracelm.stream.outcome"


def get_weather(city: str, days: int = 1) -> dict[str, Any]:
    """Return the weather of a city."""
    if city == "Atlantis":
        raise LookupError("it has sunk")
    return {"city": city, "days": days, "sky": trace.get_current_span().is_recording()}


async def get_tide(city: str) -> str:
    """Return the tide of a city."""
    await asyncio.sleep(0)
    return f"low in {city}"


def _says(*parts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5},
        "modelVersion": MODEL,
    }


def _calls(name: str, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}}


DONE = _says({"text": "It is fine."})


@contextlib.contextmanager
def answering(*answers: Mapping[str, Any], status: Sequence[int] = (), **options: Any) -> Generator[Any]:
    """Yield a client (untyped, as its chats are) that gets these answers one after the other, in the way it asks."""
    recordings: dict[str, dict[str, Any]] = {}
    for number, answer in enumerate(answers):
        code = status[number] if number < len(status) else 200
        recordings[f"{number}-json"] = {
            "response": {
                "status": code,
                "headers": {"content-type": "application/json"},
                "body": json.dumps(answer),
            }
        }
        recordings[f"{number}-sse"] = {
            "response": {
                "status": 200,
                "headers": {"content-type": "text/event-stream"},
                "sse": f"data: {json.dumps(answer)}\n\n",
            }
        }
    asked: list[str] = []

    def choose(path: str, _body: Mapping[str, Any]) -> str:
        asked.append(path)
        return f"{len(asked) - 1}-{'sse' if 'stream' in path else 'json'}"

    with serve(recordings, choose=choose) as url:
        yield genai.Client(api_key="test", http_options=types.HttpOptions(base_url=url, **options))


@contextlib.contextmanager
def vertex(answer: Mapping[str, Any]) -> Generator[Any]:
    """Yield a client of Vertex AI that gets this answer."""
    response = {"status": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
    with serve({"made-google-answer": {"response": response}}) as url:
        yield GoogleRecorded(GOOGLE["made-google-answer"] | {"provider": "google_vertex"}, url).client()


# --- functions ----------------------------------------------------------------------------------------------


def test_a_function_that_the_client_calls_is_a_tool_in_the_trace(spans: Spans) -> None:
    with answering(_says(_calls("get_weather", city="Rome", days=2.0)), DONE) as client, tracelm.span("turn"):
        reply = client.models.generate_content(
            model=MODEL, contents="How is Rome?", config=types.GenerateContentConfig(tools=[get_weather])
        )
    assert reply.text == "It is fine."
    turn = spans.one("turn")
    assert [(span.name, span.kind, span.parent_span_id == turn.span_id) for span in spans.all()] == [
        (f"generate_content {MODEL}", "client", True),
        ("execute_tool get_weather", "internal", True),
        (f"generate_content {MODEL}", "client", True),
        ("turn", "internal", False),
    ]
    tool = spans.one("execute_tool get_weather").attributes
    assert json.loads(str(tool["input.value"])) == {"city": "Rome", "days": 2}
    assert json.loads(str(tool["output.value"])) == {"city": "Rome", "days": 2, "sky": True}
    assert {key: tool[key] for key in ("gen_ai.operation.name", "gen_ai.tool.name")} == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
    }
    asked, answered = json.loads(str(spans.all()[2].attributes["gen_ai.input.messages"]))[1:]
    assert (asked["role"], answered["role"]) == ("assistant", "tool")
    assert answered["parts"][0]["response"] == {"result": {"city": "Rome", "days": 2, "sky": True}}


@pytest.mark.parametrize("way", ["whole", "stream", "chat", "chat stream"])
def test_every_way_to_ask_synchronously_records_the_function(way: str, spans: Spans) -> None:
    config = types.GenerateContentConfig(tools=[get_weather])
    with answering(_says(_calls("get_weather", city="Rome")), DONE) as client:
        if way == "whole":
            client.models.generate_content(model=MODEL, contents="Rome?", config=config)
        elif way == "stream":
            list(client.models.generate_content_stream(model=MODEL, contents="Rome?", config=config))
        elif way == "chat":
            client.chats.create(model=MODEL, config=config).send_message("Rome?")
        else:
            list(client.chats.create(model=MODEL, config=config).send_message_stream("Rome?"))
    # A stream goes on while the function runs.
    assert sorted(_names(spans)) == ["execute_tool get_weather", *[f"generate_content {MODEL}"] * 2]


@pytest.mark.parametrize("way", ["whole", "stream", "chat", "chat stream"])
def test_every_way_to_ask_asynchronously_records_the_functions(way: str, spans: Spans) -> None:
    config = types.GenerateContentConfig(tools=[get_weather, get_tide])
    turn = _says(_calls("get_weather", city="Rome"), _calls("get_tide", city="Rome"))

    async def run(client: Any) -> None:
        if way == "whole":
            await client.aio.models.generate_content(model=MODEL, contents="Rome?", config=config)
        elif way == "stream":
            stream = await client.aio.models.generate_content_stream(model=MODEL, contents="Rome?", config=config)
            assert [each async for each in stream]
        elif way == "chat":
            await client.aio.chats.create(model=MODEL, config=config).send_message("Rome?")
        else:
            stream = await client.aio.chats.create(model=MODEL, config=config).send_message_stream("Rome?")
            assert [each async for each in stream]

    with answering(turn, DONE) as client:
        anyio.run(run, client)
    assert sorted(_names(spans)) == [
        *("execute_tool get_tide", "execute_tool get_weather"),
        *[f"generate_content {MODEL}"] * 2,
    ]
    assert spans.one("execute_tool get_tide").attributes["output.value"] == '"low in Rome"'


def test_what_the_client_sees_of_a_function_is_the_function(spans: Spans) -> None:
    config = types.GenerateContentConfig(tools=[get_weather])
    with answering(_says(_calls("get_weather", city="Rome")), DONE) as client:
        client.models.generate_content(model=MODEL, contents="Rome?", config=config)
        tracelm.shutdown()
    [tool] = config.tools or []
    assert tool is get_weather
    [definition] = json.loads(str(spans.all()[0].attributes["gen_ai.tool.definitions"]))
    assert (definition["name"], definition["description"]) == ("get_weather", inspect.getdoc(get_weather))
    assert "city" in json.dumps(definition["parameters"])


def test_a_function_that_fails_is_an_error_and_its_message_goes_to_the_model(spans: Spans) -> None:
    config = types.GenerateContentConfig(tools=[get_weather])
    with answering(_says(_calls("get_weather", city="Atlantis")), DONE) as client:
        client.models.generate_content(model=MODEL, contents="Atlantis?", config=config)
    tool = spans.one("execute_tool get_weather")
    assert (tool.status, tool.attributes["error.type"]) == ("error", "LookupError")
    assert "it has sunk" in str(spans.all()[2].attributes["gen_ai.input.messages"])


def test_a_function_that_is_an_op_already_is_recorded_once(spans: Spans) -> None:
    config = types.GenerateContentConfig(tools=[tracelm.op(get_weather)])
    with answering(_says(_calls("get_weather", city="Rome")), DONE) as client:
        client.models.generate_content(model=MODEL, contents="Rome?", config=config)
    assert _names(spans) == [f"generate_content {MODEL}", "get_weather", f"generate_content {MODEL}"]


# --- how it can go ------------------------------------------------------------------------------------------


def test_a_refused_prompt_says_why_and_is_no_error(own_url: str, spans: Spans) -> None:
    recorded = GoogleRecorded(GOOGLE["made-google-blocked"], own_url)
    recorded.ask(recorded.client())
    span = spans.one()
    assert span.status == "unset"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["prohibited_content"]
    assert "gen_ai.output.messages" not in span.attributes
    assert span.attributes["gen_ai.usage.input_tokens"] == 9


def test_an_error_inside_a_stream_keeps_what_had_come(own_url: str, spans: Spans) -> None:
    recorded = GoogleRecorded(GOOGLE["made-google-error-in-stream"], own_url)
    client = recorded.client()
    with contextlib.suppress(APIError):  # old clients pass it on as an answer
        list(recorded.stream(client))
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "503")
    assert messages(spans, "gen_ai.output.messages") == [
        {"role": "assistant", "parts": [{"type": "text", "content": "One, two, "}], "finish_reason": "error"}
    ]
    assert span.attributes["gen_ai.response.finish_reasons"] == ["error"]


def test_a_stream_that_nobody_reads_sends_nothing_and_records_nothing(own_url: str, spans: Spans) -> None:
    recorded = GoogleRecorded(GOOGLE["made-google-stream"], own_url)
    client = recorded.client()
    recorded.stream(client)
    gc.collect()
    assert spans.all() == []


@pytest.mark.parametrize("way", ["close", "forget"])
def test_a_stream_left_by_any_way_ends_its_span_at_once(way: str, own_url: str, spans: Spans) -> None:
    recorded = GoogleRecorded(GOOGLE["made-google-stream"], own_url)
    client = recorded.client()
    stream: Any = recorded.stream(client)
    next(stream)
    assert spans.all() == []
    if way == "close":
        stream.close()
    del stream
    assert spans.one().attributes[OUTCOME] == "closed_early"


def test_an_asynchronous_stream_that_is_closed_ends_its_span(own_url: str, spans: Spans) -> None:
    recorded = GoogleRecorded(GOOGLE["made-google-stream"], own_url)

    async def run() -> None:
        client = recorded.client()
        stream: Any = await recorded.astream(client)
        await anext(stream)
        assert spans.all() == []
        await stream.aclose()  # those below it are closed by the event loop

    anyio.run(run)
    assert spans.one().attributes[OUTCOME] == "closed_early"


def test_a_stream_that_is_held_ends_with_the_recording(own_url: str, tmp_path: Path) -> None:
    tracelm.init("held", home=tmp_path)
    recorded = GoogleRecorded(GOOGLE["made-google-stream"], own_url)
    client = recorded.client()
    stream = iter(recorded.stream(client))
    next(stream)
    tracelm.shutdown()
    assert Spans(tmp_path).one().attributes[OUTCOME] == "closed_early"
    assert len(list(stream)) == 6


def test_the_requests_own_span_stands_below_the_streams(own_url: str, spans: Spans, monkeypatch: Any) -> None:
    from tracelm.integrations._call import Call

    sent = Call.sent

    def looking(self: Call) -> None:
        with tracelm.span("request"):
            sent(self)

    monkeypatch.setattr(Call, "sent", looking)
    recorded = GoogleRecorded(GOOGLE["made-google-stream"], own_url)
    client = recorded.client()
    list(recorded.stream(client))
    request, stream = spans.all()
    assert (request.name, request.parent_span_id) == ("request", stream.span_id)


def test_what_the_client_repeats_by_itself_is_inside_the_one_span(spans: Spans) -> None:
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.0, max_delay=0.0, jitter=0.0)
    with answering({}, {}, DONE, status=[503, 503], retry_options=retry) as client:
        client.models.generate_content(model=MODEL, contents="Hi")
    span = spans.one()
    assert (span.status, span.attributes["http.request.resend_count"]) == ("unset", 2)


def test_what_fails_after_its_repeats_is_one_error(spans: Spans) -> None:
    retry = types.HttpRetryOptions(attempts=2, initial_delay=0.0, max_delay=0.0, jitter=0.0)
    with answering({}, {}, status=[503, 503], retry_options=retry) as client, pytest.raises(ServerError):
        client.models.generate_content(model=MODEL, contents="Hi")
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "503")
    assert span.attributes["http.request.resend_count"] == 1


# --- what is asked ------------------------------------------------------------------------------------------


def test_a_request_with_everything(spans: Spans) -> None:
    config = types.GenerateContentConfig(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        max_output_tokens=100,
        candidate_count=2,
        seed=7,
        stop_sequences=["END"],
        presence_penalty=0.1,
        frequency_penalty=0.2,
        response_mime_type="application/json",
        system_instruction="Be brief.",
        tools=[types.Tool(google_search=types.GoogleSearch())],
    )
    image = types.Part.from_bytes(data=PNG, mime_type="image/png")
    with answering(DONE) as client:
        client.models.generate_content(
            model=f"models/{MODEL}",
            contents=types.Content(role="user", parts=[types.Part(text="What is this?"), image]),
            config=config,
        )
    [uri] = [each["uri"] for each in messages(spans, "gen_ai.input.messages")[0]["parts"] if each["type"] == "uri"]
    assert media(spans, uri) == PNG
    assert brief(spans) == snapshot(
        [
            (
                "generate_content gemini-2.5-flash",
                {
                    "gen_ai.operation.name": "generate_content",
                    "gen_ai.provider.name": "gcp.gemini",
                    "gen_ai.request.model": "gemini-2.5-flash",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.temperature": 0.5,
                    "gen_ai.request.top_p": 0.9,
                    "gen_ai.request.frequency_penalty": 0.2,
                    "gen_ai.request.presence_penalty": 0.1,
                    "gen_ai.request.max_tokens": 100,
                    "gen_ai.request.seed": 7,
                    "gen_ai.request.top_k": 40,
                    "gen_ai.request.choice.count": 2,
                    "gen_ai.request.stop_sequences": ["END"],
                    "gen_ai.output.type": "json",
                    "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
                    "gen_ai.input.messages": [
                        {
                            "role": "user",
                            "parts": [
                                {"type": "text", "content": "What is this?"},
                                {
                                    "type": "uri",
                                    "uri": "tracelm-media:sha256/93497ee4…",
                                    "mime_type": "image/png",
                                    "bytes": 48,
                                    "modality": "image",
                                },
                            ],
                        }
                    ],
                    "gen_ai.tool.definitions": [{"type": "googleSearch", "name": "googleSearch"}],
                    "gen_ai.usage.input_tokens": 10,
                    "gen_ai.usage.output_tokens": 5,
                    "gen_ai.response.model": "gemini-2.5-flash",
                    "gen_ai.response.finish_reasons": ["stop"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [{"type": "text", "content": "It is fine."}],
                            "finish_reason": "stop",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:google/gemini-2.5-flash",
                },
            )
        ]
    )


def test_how_much_is_thought_is_the_level_of_reasoning() -> None:
    body = {"contents": "Hi", "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}
    asked = Asked(path=f"models/{MODEL}:generateContent", body=body, provider="gcp.gemini")
    assert ContentEndpoint().describe(asked).attributes == {"gen_ai.request.reasoning.level": "low"}


def test_images_are_kept_and_counted(spans: Spans) -> None:
    drawn = {"bytesBase64Encoded": base64.b64encode(PNG).decode(), "mimeType": "image/png", "prompt": "A red cube"}
    filtered = {"raiFilteredReason": "Unable to show the image."}
    with vertex({"predictions": [drawn, filtered]}) as client:
        config = types.GenerateImagesConfig(number_of_images=2, include_rai_reason=True)
        client.models.generate_images(model="imagen-4.0-generate-001", prompt="A cube", config=config)
    assert brief(spans) == snapshot(
        [
            (
                "generate_content imagen-4.0-generate-001",
                {
                    "gen_ai.operation.name": "generate_content",
                    "gen_ai.provider.name": "gcp.vertex_ai",
                    "gen_ai.request.model": "imagen-4.0-generate-001",
                    "server.address": "127.0.0.1",
                    "gen_ai.output.type": "image",
                    "gen_ai.request.choice.count": 2,
                    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "A cube"}]}],
                    "tracelm.usage.images": 1,
                    "gen_ai.response.finish_reasons": ["stop", "content_filter"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "uri",
                                    "uri": "tracelm-media:sha256/93497ee4…",
                                    "mime_type": "image/png",
                                    "bytes": 48,
                                    "modality": "image",
                                    "revised_prompt": "A red cube",
                                }
                            ],
                            "finish_reason": "stop",
                        },
                        {"role": "assistant", "parts": [], "finish_reason": "content_filter"},
                    ],
                },
            )
        ]
    )


def test_embeddings_of_vertex_say_their_size_and_tokens(spans: Spans) -> None:
    vector = {"values": [0.1, 0.2, 0.3], "statistics": {"token_count": 4, "truncated": False}}
    with vertex({"predictions": [{"embeddings": vector}] * 2}) as client:
        client.models.embed_content(
            model="text-embedding-005", contents=[types.Content(parts=[types.Part(text=each)]) for each in "ab"]
        )
    assert brief(spans) == snapshot(
        [
            (
                "embeddings text-embedding-005",
                {
                    "gen_ai.operation.name": "embeddings",
                    "gen_ai.provider.name": "gcp.vertex_ai",
                    "gen_ai.request.model": "text-embedding-005",
                    "server.address": "127.0.0.1",
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]}
                    ],
                    "gen_ai.embeddings.dimension.count": 3,
                    "gen_ai.usage.input_tokens": 8,
                },
            )
        ]
    )


def test_counted_tokens_are_no_usage(spans: Spans) -> None:
    with answering({"totalTokens": 3}) as client:
        client.models.count_tokens(model=MODEL, contents="Hi")
    span = spans.one(f"count_tokens {MODEL}")
    assert span.attributes["output.value"] == '{"total_tokens":3}'
    assert not [key for key in span.attributes if key.startswith(("gen_ai.usage.", "gen_ai.operation"))]


def test_what_asks_no_model_is_left_alone(spans: Spans) -> None:
    with answering({"name": "cachedContents/1"}) as client:
        client.caches.create(model=MODEL, config=types.CreateCachedContentConfig(contents="Hi"))
    assert spans.all() == []


def _names(spans: Spans) -> list[str]:
    return [span.name for span in spans.all()]


def test_a_client_that_lacks_a_point_is_not_patched_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    patching.unpatch()
    untouched = BaseApiClient.request
    monkeypatch.delattr(BaseApiClient, "request_streamed")
    with pytest.raises(AttributeError, match="request_streamed"):
        GoogleGenAIInstrumentor().instrument()
    assert BaseApiClient.request is untouched
