"""What each kind of call besides chat completions records: one whole span of each."""

import base64

import pytest
from inline_snapshot import snapshot

from tests.integrations.answering import MP3, PNG, RESPONSE, WAV, Server, brief
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)


def test_the_whole_span_of_a_stream(own_url: str, spans: Spans) -> None:
    recorded = Recorded(load()["local-chat-completions-stream-usage"], own_url)
    with recorded.client() as client:
        list(recorded.ask(client))
    assert brief(spans) == snapshot(
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
                    "gen_ai.request.max_tokens": 30,
                    "gen_ai.request.seed": 7,
                    "gen_ai.request.stream": True,
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "Count from one to five."}]}
                    ],
                    "openai.response.system_fingerprint": "b0-unknown",
                    "gen_ai.usage.input_tokens": 36,
                    "gen_ai.usage.output_tokens": 25,
                    "gen_ai.usage.cache_read.input_tokens": 35,
                    "gen_ai.response.id": "chatcmpl-XDSRRIxQ000eVLMMWCLqDBSz5yHaBZKk",
                    "gen_ai.response.model": "smollm2-135m",
                    "gen_ai.response.finish_reasons": ["stop"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "text",
                                    "content": """\
1. 1
2. 2
3. 3
4. 4
5. 5\
""",
                                }
                            ],
                            "finish_reason": "stop",
                        }
                    ],
                },
            )
        ]
    )


def test_the_whole_span_of_a_text_completion(own_url: str, spans: Spans) -> None:
    recorded = Recorded(load()["local-completions-sync-basic"], own_url)
    with recorded.client() as client:
        recorded.ask(client)
    assert brief(spans) == snapshot(
        [
            (
                "text_completion smollm2-135m",
                {
                    "gen_ai.operation.name": "text_completion",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "smollm2-135m",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.temperature": 0.0,
                    "gen_ai.request.max_tokens": 12,
                    "gen_ai.request.seed": 7,
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "The colours of the rainbow are"}]}
                    ],
                    "openai.response.system_fingerprint": "b0-unknown",
                    "gen_ai.usage.input_tokens": 6,
                    "gen_ai.usage.output_tokens": 12,
                    "gen_ai.usage.cache_read.input_tokens": 0,
                    "gen_ai.response.id": "chatcmpl-zDyktWxmoNavHsoBOehcwIbxk9jdhtVH",
                    "gen_ai.response.model": "smollm2-135m",
                    "gen_ai.response.finish_reasons": ["length"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "text",
                                    "content": " a metaphor for the harmony and balance of opposites. The rainbow",
                                }
                            ],
                            "finish_reason": "length",
                        }
                    ],
                },
            )
        ]
    )


@pytest.mark.openai(3, 0)
def test_the_whole_span_of_a_response(spans: Spans) -> None:
    with Server(RESPONSE).client() as client:
        client.responses.create(
            model="gpt-4o",
            instructions="Be brief.",
            input=[
                {"role": "user", "content": [{"type": "input_text", "text": "Really?"}]},
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"at": 1}'},
                {"type": "function_call_output", "call_id": "c1", "output": "a bird"},
            ],
            previous_response_id="resp_0",
            max_output_tokens=50,
            reasoning={"effort": "low"},
            text={"format": {"type": "json_object"}},
            tools=[{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True}],
            service_tier="flex",
        )
    assert brief(spans) == snapshot(
        [
            (
                "chat gpt-4o",
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o",
                    "server.address": "api.openai.com",
                    "openai.api.type": "responses",
                    "gen_ai.request.max_tokens": 50,
                    "gen_ai.request.reasoning.level": "low",
                    "gen_ai.output.type": "json",
                    "openai.request.service_tier": "flex",
                    "gen_ai.request.previous_response.id": "resp_0",
                    "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "Really?"}]},
                        {
                            "role": "assistant",
                            "parts": [{"type": "tool_call", "name": "look", "id": "c1", "arguments": {"at": 1}}],
                        },
                        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "a bird", "id": "c1"}]},
                    ],
                    "gen_ai.tool.definitions": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
                    "openai.response.service_tier": "default",
                    "gen_ai.usage.input_tokens": 20,
                    "gen_ai.usage.output_tokens": 5,
                    "gen_ai.usage.cache_read.input_tokens": 8,
                    "gen_ai.usage.cache_write.input_tokens": 2,
                    "gen_ai.usage.reasoning.output_tokens": 3,
                    "gen_ai.response.id": "resp_1",
                    "gen_ai.response.model": "gpt-4o-2024-08-06",
                    "gen_ai.response.finish_reasons": ["stop"],
                    "gen_ai.output.messages": [
                        {"role": "assistant", "parts": [{"type": "text", "content": "Yes."}], "finish_reason": "stop"}
                    ],
                    "tracelm.cost.rule": "genai-prices:openai/gpt-4o",
                },
            )
        ]
    )


@pytest.mark.openai(3, 0)
def test_the_whole_span_of_a_response_that_is_fetched(spans: Spans) -> None:
    with Server(RESPONSE).client() as client:
        assert client.responses.retrieve("resp_1").id == "resp_1"
    assert brief(spans) == snapshot(
        [
            (
                "fetch_response",
                {
                    "gen_ai.operation.name": "fetch_response",
                    "gen_ai.provider.name": "openai",
                    "server.address": "api.openai.com",
                    "openai.api.type": "responses",
                    "gen_ai.response.id": "resp_1",
                    "openai.response.service_tier": "default",
                    "gen_ai.response.status": "completed",
                    "gen_ai.response.model": "gpt-4o-2024-08-06",
                    "gen_ai.response.finish_reasons": ["stop"],
                    "gen_ai.output.messages": [
                        {"role": "assistant", "parts": [{"type": "text", "content": "Yes."}], "finish_reason": "stop"}
                    ],
                },
            )
        ]
    )


def test_the_whole_span_of_embeddings(own_url: str, spans: Spans) -> None:
    recorded = Recorded(load()["local-embeddings-sync-basic"], own_url)
    with recorded.client() as client:
        assert len(recorded.ask(client).data[0].embedding) == 576
    assert brief(spans) == snapshot(
        [
            (
                "embeddings smollm2-135m",
                {
                    "gen_ai.operation.name": "embeddings",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "smollm2-135m",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.encoding_formats": ["float"],
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "A card payment."}]}
                    ],
                    "gen_ai.embeddings.dimension.count": 576,
                    "gen_ai.usage.input_tokens": 4,
                    "gen_ai.response.model": "smollm2-135m",
                },
            )
        ]
    )


def test_the_whole_span_of_an_image(spans: Spans) -> None:
    drawn = {"b64_json": base64.b64encode(PNG).decode()}
    usage = {
        "input_tokens": 50,
        "input_tokens_details": {"image_tokens": 40, "text_tokens": 10},
        "output_tokens": 300,
        "total_tokens": 350,
    }
    body = {"created": 1, "data": [drawn], "output_format": "png", "usage": usage}
    with Server(body).client() as client:
        client.images.edit(model="gpt-image-1", image=("sky.png", PNG), prompt="Add a sun", n=1)
    assert brief(spans) == snapshot(
        [
            (
                "generate_content gpt-image-1",
                {
                    "gen_ai.operation.name": "generate_content",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-image-1",
                    "server.address": "api.openai.com",
                    "gen_ai.output.type": "image",
                    "gen_ai.input.messages": [
                        {
                            "role": "user",
                            "parts": [
                                {
                                    "type": "uri",
                                    "uri": "tracelm-media:sha256/93497ee4…",
                                    "mime_type": "image/png",
                                    "bytes": 48,
                                    "modality": "image",
                                    "name": "sky.png",
                                },
                                {"type": "text", "content": "Add a sun"},
                            ],
                        }
                    ],
                    "gen_ai.usage.input_tokens": 50,
                    "gen_ai.usage.output_tokens": 300,
                    "gen_ai.usage.text.input_tokens": 10,
                    "gen_ai.usage.image.input_tokens": 40,
                    "gen_ai.response.finish_reasons": ["stop"],
                    "tracelm.usage.images": 1,
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
                                }
                            ],
                            "finish_reason": "stop",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:openai/gpt-image-1",
                },
            )
        ]
    )


@pytest.mark.openai(2, 0)
def test_the_whole_span_of_speech(spans: Spans) -> None:
    with Server(MP3, content_type="audio/mpeg").client() as client:
        spoken = client.audio.speech.create(model="tts-1", input="Good day.", voice="alloy", instructions="Slowly.")
        assert spoken.content == MP3
    assert brief(spans) == snapshot(
        [
            (
                "generate_content tts-1",
                {
                    "gen_ai.operation.name": "generate_content",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "tts-1",
                    "server.address": "api.openai.com",
                    "gen_ai.output.type": "speech",
                    "gen_ai.system_instructions": [{"type": "text", "content": "Slowly."}],
                    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Good day."}]}],
                    "gen_ai.response.finish_reasons": ["stop"],
                    "tracelm.usage.input_characters": 9,
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "uri",
                                    "uri": "tracelm-media:sha256/c6eca061…",
                                    "mime_type": "audio/mpeg",
                                    "bytes": 64,
                                    "modality": "audio",
                                }
                            ],
                            "finish_reason": "stop",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:openai/tts-1",
                },
            )
        ]
    )


def test_the_whole_span_of_a_transcription(spans: Spans) -> None:
    usage = {
        "type": "tokens",
        "input_tokens": 14,
        "input_token_details": {"audio_tokens": 10, "text_tokens": 4},
        "output_tokens": 3,
        "total_tokens": 17,
    }
    with Server({"text": "Good day.", "usage": usage}).client() as client:
        client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("talk.wav", WAV), prompt="A greeting")
    assert brief(spans) == snapshot(
        [
            (
                "generate_content gpt-4o-transcribe",
                {
                    "gen_ai.operation.name": "generate_content",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o-transcribe",
                    "server.address": "api.openai.com",
                    "gen_ai.output.type": "text",
                    "gen_ai.input.messages": [
                        {
                            "role": "user",
                            "parts": [
                                {
                                    "type": "uri",
                                    "uri": "tracelm-media:sha256/ae3fe704…",
                                    "mime_type": "audio/wav",
                                    "bytes": 56,
                                    "modality": "audio",
                                    "name": "talk.wav",
                                },
                                {"type": "text", "content": "A greeting"},
                            ],
                        }
                    ],
                    "gen_ai.usage.input_tokens": 14,
                    "gen_ai.usage.output_tokens": 3,
                    "gen_ai.usage.text.input_tokens": 4,
                    "gen_ai.usage.audio.input_tokens": 10,
                    "gen_ai.response.finish_reasons": ["stop"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [{"type": "text", "content": "Good day."}],
                            "finish_reason": "stop",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:openai/gpt-4o-transcribe",
                },
            )
        ]
    )


def test_the_whole_span_of_a_moderation(spans: Spans) -> None:
    result = {"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 0.1}}
    body = {"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}
    with Server(body).client() as client:
        client.moderations.create(model="omni-moderation-latest", input="Have a good day")
    assert brief(spans) == snapshot(
        [
            (
                "moderations omni-moderation-latest",
                {
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "omni-moderation-latest",
                    "server.address": "api.openai.com",
                    "input.value": "Have a good day",
                    "gen_ai.response.id": "modr-1",
                    "gen_ai.response.model": "omni-moderation-latest",
                    "output.value": [
                        {"categories": {"hate": False}, "category_scores": {"hate": 0.1}, "flagged": False}
                    ],
                },
            )
        ]
    )
