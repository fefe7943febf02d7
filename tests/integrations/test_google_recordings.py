"""What Gemini and Vertex AI were recorded to answer stands on the span, whole, and comes through as without tracing."""

import json
from collections.abc import Mapping
from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from genai_prices import extract_usage
from google.genai.errors import APIError
from inline_snapshot import external_file

import tracelm
from tests.integrations.answering import brief
from tests.recordings.google import GoogleRecorded
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)

_LONGEST = 60
_PLACES: Mapping[str, tuple[str, ...]] = {
    "gen_ai.usage.input_tokens": ("promptTokenCount", "toolUsePromptTokenCount"),
    "gen_ai.usage.output_tokens": ("candidatesTokenCount", "thoughtsTokenCount"),
    "gen_ai.usage.cache_read.input_tokens": ("cachedContentTokenCount",),
    "gen_ai.usage.reasoning.output_tokens": ("thoughtsTokenCount",),
}


def test_each_recording_has_its_span(google: GoogleRecorded, spans: Spans) -> None:
    ask(google)
    assert [shortened(each) for each in brief(spans)] == external_file(
        f"google_spans/{google.recording['id']}.json", format=".json"
    )


def test_the_asynchronous_client_records_the_same(google: GoogleRecorded, spans: Spans) -> None:
    ask(google)
    anyio.run(aask, google)
    first, second = brief(spans)
    assert first == second


def test_the_answer_is_the_one_without_tracing(google: GoogleRecorded, spans: Spans) -> None:
    traced = ask(google)
    assert len(spans.all()) == 1
    tracelm.shutdown()
    assert traced == ask(google)


def test_words_and_tokens_are_those_of_the_recorded_body(google: GoogleRecorded, spans: Spans) -> None:
    ask(google)
    if google.fails:
        return
    span = spans.one()
    assert _tokens_on(span) == _tokens_in(google.answers)
    if "gen_ai.output.messages" in span.attributes:
        assert _words_on(span) == _words_in(google.answers)
    else:
        assert google.recording["endpoint"] in {"batchEmbedContents", "countTokens"}


def test_the_cost_is_the_one_that_genai_prices_reads_from_the_body(google: GoogleRecorded, spans: Spans) -> None:
    ask(google)
    last = google.answers[-1]
    if "modelVersion" in last and not google.fails:
        cost = spans.one().attributes["gen_ai.usage.cost.amount"]
        assert cost == pytest.approx(float(extract_usage(last, provider_id="google").calc_price().total_price))
    else:
        assert google.fails or google.recording["endpoint"] in {"batchEmbedContents", "countTokens"}


def test_messages_fit_the_conventions_schemas(google: GoogleRecorded, spans: Spans, schemas: dict[str, Any]) -> None:
    ask(google)
    said = [(key, span.attributes[key]) for span in spans.all() for key in schemas if key in span.attributes]
    assert said or google.recording["endpoint"] in {"batchEmbedContents", "countTokens"}
    for key, value in said:
        jsonschema.validate(json.loads(str(value)), schemas[key])


def ask(google: GoogleRecorded) -> Any:
    """Ask, and return what came as plain data."""
    client = google.client()
    if google.fails:
        with pytest.raises(APIError) as caught:
            google.ask(client)
        return str(caught.value)
    return google.ask(client)


async def aask(google: GoogleRecorded) -> None:
    """Ask with the asynchronous client."""
    client = google.client()
    if google.fails:
        with pytest.raises(APIError):
            await google.aask(client)
    else:
        await google.aask(client)


def shortened(value: Any) -> Any:
    """Return a value with its longer texts cut: what they say is compared with the recording itself."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value)})"
    if isinstance(value, dict):
        return {name: shortened(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return [shortened(each) for each in value] if isinstance(value, list | tuple) else value  # pyright: ignore[reportUnknownVariableType]


def _tokens_on(span: SpanRecord) -> dict[str, object]:
    return {key: span.attributes[key] for key in _PLACES if key in span.attributes}


def _tokens_in(answers: list[dict[str, Any]]) -> dict[str, int]:
    reported = [each["usageMetadata"] for each in answers if "usageMetadata" in each]
    last: dict[str, int] = {}
    for each in reported:
        last |= each
    return {
        key: sum(last.get(name, 0) for name in names)
        for key, names in _PLACES.items()
        if any(name in last for name in names)
    }


def _words_on(span: SpanRecord) -> str:
    messages = json.loads(str(span.attributes["gen_ai.output.messages"]))
    parts = [part for message in messages for part in message["parts"]]
    return "".join(part["content"] for part in parts if part["type"] in {"text", "reasoning"})


def _words_in(answers: list[dict[str, Any]]) -> str:
    contents = [candidate.get("content", {}) for each in answers for candidate in each.get("candidates", [])]
    return "".join(part.get("text", "") for content in contents for part in content.get("parts", []))
