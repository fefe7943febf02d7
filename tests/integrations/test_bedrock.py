"""What is asked of Amazon Bedrock is one span a call, and what the program gets is as it was."""

import gc
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import botocore.exceptions  # type: ignore[import-untyped]
import jsonschema  # type: ignore[import-untyped]
import pytest
from botocore.eventstream import EventStream  # type: ignore[import-untyped]
from botocore.response import StreamingBody  # type: ignore[import-untyped]
from inline_snapshot import snapshot
from opentelemetry.instrumentation.utils import suppress_instrumentation

import tracelm
from tests.integrations.answering import brief
from tests.recordings.bedrock import MADE, BedrockRecorded, shared_bedrock
from tests.recordings.facts import Said, facts_on
from tests.recordings.foreign import replayed
from tracelm.integrations._bedrock.blocks import converse_parts
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)

_SHARED = shared_bedrock()
_GUARDED = "bedrock-converse-sync-guardrail-f8747e55"
_CACHED = "bedrock-invoke-sync-cache-read-f07cc0a2"
_STREAMED = "bedrock-invoke-with-response-stream-stream-tool-results-80ade7f8"


@pytest.fixture(scope="module")
def shared_url(shared: Path) -> Iterator[str]:
    with replayed(shared / "recordings") as url:
        yield url


@pytest.fixture(params=sorted(_SHARED))
def exchange(request: pytest.FixtureRequest, shared_url: str) -> BedrockRecorded:
    return BedrockRecorded(_SHARED[request.param], shared_url)


def _ask(exchange: BedrockRecorded) -> Any:
    if not exchange.fails:
        return exchange.ask()
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        exchange.ask()
    return str(caught.value)


# --- every recording ----------------------------------------------------------------------------------------
def test_a_recorded_exchange_is_one_span_with_its_facts(exchange: BedrockRecorded, spans: Spans) -> None:
    answer = _ask(exchange)
    span = spans.one()
    attributes = span.attributes
    assert (span.name, span.kind) == (f"chat {exchange.model}", "client")
    assert attributes["gen_ai.provider.name"] == "aws.bedrock"
    assert (attributes["server.address"], "server.port" in attributes) == ("127.0.0.1", True)
    assert attributes.get("gen_ai.request.stream", False) == exchange.is_streamed
    asked = [message["role"] for message in exchange.request["messages"]]
    assert [message["role"] for message in json.loads(str(attributes["gen_ai.input.messages"]))] == asked
    if exchange.fails:
        assert (span.status, attributes["error.type"]) == ("error", "400")
        assert "gen_ai.output.messages" not in attributes
        return
    assert span.status == "unset"
    _check(attributes, answer)
    assert float(str(attributes["gen_ai.usage.cost.amount"])) > 0


def test_a_recorded_exchange_is_answered_as_without_tracing(exchange: BedrockRecorded, spans: Spans) -> None:
    traced = _ask(exchange)
    tracelm.shutdown()
    assert traced == _ask(exchange)


def test_the_messages_of_a_recorded_exchange_are_valid(
    exchange: BedrockRecorded, spans: Spans, schemas: Mapping[str, Any]
) -> None:
    _ask(exchange)
    attributes = spans.one().attributes
    said = {key: json.loads(str(attributes[key])) for key in schemas if key in attributes}
    assert said["gen_ai.input.messages"]
    assert exchange.fails or said["gen_ai.output.messages"]
    for key, value in said.items():
        jsonschema.validate(value, schemas[key])


def _check(attributes: Any, answer: Any) -> None:
    """Compare a span with what came, read in the plainest way there is."""
    reason, tokens, said = _told(answer)
    found = facts_on(attributes)
    assert found.reasons == [reason]
    assert (found.tokens["gen_ai.usage.input_tokens"], found.tokens["gen_ai.usage.output_tokens"]) == tokens
    assert found.said == [said]


def _told(answer: Any) -> tuple[str, tuple[int, int], Said]:
    said = Said()
    if isinstance(answer, list):
        came = cast("list[dict[str, Any]]", answer)
        events: list[Any] = [json.loads(each["chunk"]["bytes"]) if "chunk" in each else each for each in came]
        for each in events:
            delta: dict[str, Any] = each.get("delta") or each.get("contentBlockDelta", {}).get("delta") or {}
            said.text += delta.get("text", "")
        if "messageStart" in events[0]:
            reason = next(each["messageStop"]["stopReason"] for each in events if "messageStop" in each)
            usage = events[-1]["metadata"]["usage"]
            begun = [each["contentBlockStart"]["start"]["toolUse"] for each in events if "contentBlockStart" in each]
            given = "".join(
                each["contentBlockDelta"]["delta"].get("toolUse", {}).get("input", "")
                for each in events
                if "contentBlockDelta" in each
            )
            said.calls = [(each["toolUseId"], each["name"], json.loads(given)) for each in begun]
            return reason, (usage["inputTokens"], usage["outputTokens"]), said
        reason = next(each["delta"]["stop_reason"] for each in events if each["type"] == "message_delta")
        usage = events[-1]["amazon-bedrock-invocationMetrics"]
        return reason, (usage["inputTokenCount"], usage["outputTokenCount"]), said
    if "stop_reason" in answer:
        usage = answer["usage"]
        said.text = "".join(block["text"] for block in answer["content"])
        cached = usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
        return answer["stop_reason"], (usage["input_tokens"] + cached, usage["output_tokens"]), said
    for block in answer["output"]["message"]["content"]:
        said.text += block.get("text", "")
        said.reasoning += block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")
        if "toolUse" in block:
            call = block["toolUse"]
            said.calls.append((call["toolUseId"], call["name"], call["input"]))
    return answer["stopReason"], (answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]), said


# --- how answers are read -----------------------------------------------------------------------------------
def _in_pieces(body: Any) -> bytes:
    return b"".join(body.iter_chunks(20))


def _by_with(body: Any) -> bytes:
    with body as raw:
        return bytes(raw.read())


def _exactly(body: Any) -> bytes:
    return bytes(body.read(int(body._content_length)))


def _by_lines(body: Any) -> bytes:
    return b"\n".join(body.iter_lines())


def _into(body: Any) -> bytes:
    room = bytearray(100_000)
    end = 0
    while got := body.readinto(memoryview(room)[end:]):
        end += got
    return bytes(room[:end])


_READS = [_in_pieces, _by_with, _exactly, _by_lines, *([_into] if hasattr(StreamingBody, "readinto") else [])]


@pytest.mark.parametrize("read", _READS)
def test_however_a_body_is_read_its_answer_is_recorded(read: Any, shared_url: str, spans: Spans) -> None:
    exchange = BedrockRecorded(_SHARED[_CACHED], shared_url)
    body = exchange.reply()["body"]
    assert type(body) is StreamingBody
    assert spans.all() == []
    assert json.loads(read(body))["stop_reason"] == "max_tokens"
    attributes = spans.one().attributes
    assert attributes["gen_ai.response.finish_reasons"] == ["max_tokens"]
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 18_131
    assert "tracelm.stream.outcome" not in attributes


def test_a_body_that_nobody_reads_ends_its_span(shared_url: str, spans: Spans) -> None:
    exchange = BedrockRecorded(_SHARED[_CACHED], shared_url)
    exchange.reply()["body"].close()
    exchange.reply()
    gc.collect()
    assert [span.status for span in spans.all()] == ["unset", "unset"]


def test_an_event_stream_stays_one_of_the_clients(own_url: str, spans: Spans) -> None:
    stream: Any = BedrockRecorded(MADE["made-converse-stream"], own_url).reply()["stream"]
    assert len(list(stream)) == 8
    assert type(stream).__name__ == "EventStream"
    assert isinstance(stream, EventStream)
    assert spans.one().attributes["gen_ai.usage.output_tokens"] == 7


def test_an_event_stream_that_is_forgotten_says_so(own_url: str, spans: Spans) -> None:
    next(iter(BedrockRecorded(MADE["made-converse-stream"], own_url).reply()["stream"]))
    gc.collect()
    assert spans.one().attributes["tracelm.stream.outcome"] == "closed_early"


def test_chunks_of_a_model_left_early_keep_what_came(shared_url: str, spans: Spans) -> None:
    stream = BedrockRecorded(_SHARED[_STREAMED], shared_url).reply()["body"]
    for _ in zip(range(8), stream, strict=False):
        pass
    stream.close()
    attributes = spans.one().attributes
    assert attributes["tracelm.stream.outcome"] == "closed_early"
    assert facts_on(attributes).said[0].text
    assert "gen_ai.usage.output_tokens" not in attributes


def test_an_error_in_a_stream_is_the_programs_and_the_spans(own_url: str, spans: Spans) -> None:
    exchange = BedrockRecorded(MADE["made-converse-stream-throttled"], own_url)
    with pytest.raises(botocore.exceptions.EventStreamError, match="Too many requests"):
        exchange.ask()
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "throttlingException")
    assert facts_on(span.attributes).said[0].text == "1, 2, 3"


def test_attempts_that_the_client_repeats_are_one_span(own_url: str, spans: Spans) -> None:
    exchange = BedrockRecorded(MADE["made-converse"], own_url)
    client = exchange.client(max_attempts=2)
    failures = [ConnectionError("reset"), None]

    def sometimes(**_more: Any) -> None:
        failure = failures.pop(0)
        if failure is not None:
            raise botocore.exceptions.EndpointConnectionError(endpoint_url=own_url, error=failure)

    client.meta.events.register("before-send.bedrock-runtime", sometimes)
    exchange.reply(client)
    assert spans.one().attributes["http.request.resend_count"] == 1


# --- what is asked ------------------------------------------------------------------------------------------
def test_the_guardrail_stands_on_the_span(shared_url: str, spans: Spans) -> None:
    BedrockRecorded(_SHARED[_GUARDED], shared_url).ask()
    assert brief(spans) == snapshot(
        [
            (
                "chat amazon.nova-lite-v1:0",
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "aws.bedrock",
                    "gen_ai.request.model": "amazon.nova-lite-v1:0",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.temperature": 0.5,
                    "gen_ai.request.top_k": 10,
                    "aws.bedrock.guardrail.id": "v9kpg6yrwhs2",
                    "gen_ai.system_instructions": [{"type": "text", "content": "You are a helpful assistant"}],
                    "gen_ai.input.messages": [
                        {
                            "role": "user",
                            "parts": [
                                {"type": "text", "content": "Tokyo is the capital of Japan 1234561666."},
                                {"type": "text", "content": "What is the capital of Japan?"},
                            ],
                        }
                    ],
                    "gen_ai.usage.input_tokens": 54,
                    "gen_ai.usage.output_tokens": 18,
                    "gen_ai.response.finish_reasons": ["guardrail_intervened"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [
                                {"type": "text", "content": "{ADDRESS} is the capital of Japan {Account Number}."}
                            ],
                            "finish_reason": "content_filter",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:aws/amazon.nova-lite-v1:0",
                },
            )
        ]
    )


def test_a_body_in_words_that_are_not_known_is_kept_as_it_is(own_url: str, spans: Spans) -> None:
    exchange = BedrockRecorded(MADE["made-titan"], own_url)
    answer = exchange.ask()
    span = spans.one()
    assert span.name == "generate_content amazon.titan-text-express-v1"
    assert json.loads(str(span.attributes["input.value"])) == exchange.request
    assert json.loads(str(span.attributes["output.value"])) == answer


def test_vectors_are_not_kept(own_url: str, spans: Spans) -> None:
    BedrockRecorded(MADE["made-titan-embedding"], own_url).ask()
    span = spans.one()
    assert span.name == "embeddings amazon.titan-embed-text-v2:0"
    assert "0.25" not in str(span.attributes)


def test_other_operations_and_silence_leave_no_span(own_url: str, spans: Spans) -> None:
    exchange = BedrockRecorded(MADE["made-converse"], own_url)
    with suppress_instrumentation():
        exchange.ask()
    with pytest.raises(botocore.exceptions.ParamValidationError):
        exchange.client().apply_guardrail()
    assert spans.all() == []


BLOCKS: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    ({"text": "Hi."}, [{"type": "text", "content": "Hi."}]),
    ({"cachePoint": {"type": "default"}}, []),
    (
        {"image": {"format": "png", "source": {"bytes": b"hi"}}},
        [{"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"}],
    ),
    (
        {"document": {"format": "pdf", "name": "terms", "source": {"s3Location": {"uri": "s3://a/b.pdf"}}}},
        [{"type": "uri", "modality": "document", "uri": "s3://a/b.pdf", "name": "terms"}],
    ),
    (
        {"toolResult": {"toolUseId": "t1", "content": [{"json": {"c": 3}}], "status": "error"}},
        [{"type": "tool_call_response", "response": {"c": 3}, "id": "t1", "is_error": True}],
    ),
    ({"reasoningContent": {"redactedContent": b"x"}}, [{"type": "redacted_thinking"}]),
    (
        {"guardContent": {"text": {"text": "Hi.", "qualifiers": ["query"]}}},
        [{"type": "text", "content": "Hi."}],
    ),
    (
        {"citationsContent": {"content": [{"text": "Yes."}], "citations": [{"title": "Terms"}]}},
        [{"type": "text", "content": "Yes.", "annotations": [{"title": "Terms"}]}],
    ),
    ({"hologram": {"depth": 3}}, [{"depth": 3, "type": "hologram"}]),
]


@pytest.mark.parametrize(("block", "parts"), BLOCKS, ids=[next(iter(block)) for block, _ in BLOCKS])
def test_a_block_becomes_a_part(block: dict[str, Any], parts: list[dict[str, Any]]) -> None:
    assert list(converse_parts([block])) == parts
