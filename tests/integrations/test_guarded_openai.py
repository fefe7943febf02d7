"""Guardrails on the streams of OpenAI's client: the real client, over recorded and made traffic and the local model."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

import tracelm
from tests.conftest import SHARED
from tests.integrations.answering import Server
from tests.recordings.foreign import speaking_openai
from tests.recordings.recorded import Recorded
from tracelm.local_model import LocalModel
from tracelm.scorers import PII, Secrets
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.anyio

mask_pii = tracelm.Guardrail(PII(), action="replace")
block_pii = tracelm.Guardrail(PII())
SORRY = tracelm.Guardrail(PII(), action="replace", replacement="I cannot say that.")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def chunk(*choices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    known = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "service_tier": "default"}
    return {**known, "choices": list(choices), **fields}


def says(delta: dict[str, Any], index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": None, "logprobs": None, **fields}


def streamed(*chunks: dict[str, Any]) -> Server:
    lines = [f"data: {json.dumps(each)}\n\n" for each in chunks]
    return Server("".join([*lines, "data: [DONE]\n\n"]).encode(), content_type="text/event-stream")


@tracelm.guard(mask_pii)
def masked(client: Any) -> Any:
    return client.chat.completions.create(model="m", messages=[], stream=True)


def texts(chunks: list[Any], field: str = "content", index: int = 0) -> str:
    deltas = [each.delta for chunk in chunks for each in chunk.choices if each.index == index]
    return "".join(getattr(delta, field, None) or "" for delta in deltas)


SPLIT = ["Write to ana", "@example", ".com to", "day."]


def test_a_guarded_stream_is_still_the_clients_own_and_masked_across_chunks() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}
    chunks = [
        chunk(says({"role": "assistant", "content": ""})),
        *(chunk(says({"content": text})) for text in SPLIT),
        chunk(says({}, finish_reason="stop")),
        chunk(usage=usage),
    ]
    with streamed(*chunks).client() as client:
        stream = masked(client)
        assert isinstance(stream, openai.Stream)
        with stream:
            got: list[Any] = list(stream)  # pyright: ignore[reportUnknownArgumentType]
    assert texts(got) == "Write to [EMAIL] today."
    assert got[0].choices[0].delta.role == "assistant"
    assert [each.choices[0].finish_reason for each in got if each.choices][-1] == "stop"
    assert got[-1].usage.total_tokens == 12
    assert {(each.id, each.model, each.service_tier) for each in got} == {("c1", "m", "default")}


def test_choices_and_fields_are_streams_of_their_own() -> None:
    chunks = [
        chunk(says({"content": "a 4111 1111 "}), says({"reasoning_content": "mail bob@ex"}, 1)),
        chunk(says({"content": "1111 1111 b"}), says({"reasoning_content": "ample.com now"}, 1)),
        chunk(says({"content": "clean"}, 1, finish_reason="stop")),
        chunk(says({}, finish_reason="length")),
    ]
    with streamed(*chunks).client() as client:
        got = list(masked(client))
    assert texts(got) == "a [CARD] b"
    assert texts(got, "reasoning_content", 1) == "mail [EMAIL] now"
    assert texts(got, index=1) == "clean"
    finished = [(each.index, each.finish_reason) for chunk in got for each in chunk.choices if each.finish_reason]
    assert finished == [(1, "stop"), (0, "length")]


def test_arguments_of_tool_calls_are_judged_whole_and_come_before_the_end() -> None:
    def call(arguments: str, index: int = 0, **fields: Any) -> dict[str, Any]:
        return {"index": index, "function": {"arguments": arguments, **fields.pop("function", {})}, **fields}

    first = call("", id="call_1", type="function", function={"name": "send"})
    second = call('{"to":"', 1, id="call_2", type="function", function={"name": "send"})
    chunks = [
        chunk(says({"role": "assistant", "content": None, "tool_calls": [first]})),
        chunk(says({"tool_calls": [call('{"to":"ana@ex')]})),
        chunk(says({"tool_calls": [call('ample.com"}')]})),
        chunk(says({"tool_calls": [second]})),
        chunk(says({"tool_calls": [call('bob\\u0040example.com"}', 1)]})),
        chunk(says({}, finish_reason="tool_calls")),
    ]
    with streamed(*chunks).client() as client:
        got = list(masked(client))
    arguments: dict[int, str] = {}
    names: list[tuple[str, str]] = []
    for each in got:
        parts: list[Any] = each.choices[0].delta.tool_calls or []
        for part in parts:
            arguments[part.index] = arguments.get(part.index, "") + (part.function.arguments or "")
            if part.function.name:
                names.append((part.id, part.function.name))
    assert arguments == {0: '{"to":"[EMAIL]"}', 1: '"[REDACTED]"'}
    assert names == [("call_1", "send"), ("call_2", "send")]
    assert got[-1].choices[0].finish_reason == "tool_calls"


def test_a_call_that_comes_whole_with_the_end_is_judged_in_place() -> None:
    whole = {"index": 0, "id": "c", "type": "function", "function": {"name": "send", "arguments": '{"to":"a@b.com"}'}}
    chunks = [chunk(says({"tool_calls": [whole]}, finish_reason="tool_calls"))]
    with streamed(*chunks).client() as client:
        [got] = list(masked(client))
    [call] = got.choices[0].delta.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("c", "send", '{"to":"[EMAIL]"}')


def test_logprobs_of_a_text_that_is_held_are_left_out() -> None:
    logprobs: dict[str, Any] = {
        "content": [{"token": "ana@example.com", "logprob": -1.0, "bytes": None, "top_logprobs": []}]
    }
    chunks = [
        chunk(says({"content": "so "}, logprobs={"content": []})),
        chunk(says({"role": "assistant", "content": "ana@example.com"}, logprobs=logprobs)),
        chunk(says({}, finish_reason="stop")),
    ]
    with streamed(*chunks).client() as client:
        got = list(masked(client))
    assert "ana@" not in "".join(each.to_json() for each in got)
    assert texts(got) == "so [EMAIL]"


def test_a_refused_choice_ends_with_the_safe_words_and_a_content_filter(spans: Spans) -> None:
    chunks = [
        chunk(says({"role": "assistant", "content": "Hello "})),
        chunk(says({"content": "ana@example.com "})),
        chunk(says({"content": "and more"})),
        chunk(says({}, finish_reason="stop")),
    ]

    @tracelm.guard(SORRY)
    def answer(client: Any) -> Any:
        return client.chat.completions.create(model="m", messages=[], stream=True)

    with streamed(*chunks).client() as client:
        got = list(answer(client))
    assert texts(got).replace(" ", "") == "HelloIcannotsaythat."
    assert got[-1].choices[0].finish_reason == "content_filter"
    assert "more" not in texts(got)


def test_a_blocked_stream_closes_the_response(spans: Spans) -> None:
    tracelm_client = streamed(*(chunk(says({"content": text})) for text in [*SPLIT, *["more "] * 50])).client()

    @tracelm.guard(block_pii)
    @tracelm.op(name="answer")
    def answer(client: Any) -> Any:
        return client.chat.completions.create(model="m", messages=[], stream=True)

    with tracelm_client as client:
        stream = answer(client)
        with pytest.raises(tracelm.GuardrailTripped):
            list(stream)
        assert stream.response.is_closed
    assert spans.one("answer").attributes["error.type"] == "tracelm.errors.GuardrailTripped"


async def test_an_async_stream_is_masked_and_stays_the_clients_own() -> None:
    @tracelm.guard(mask_pii)
    async def answer(client: Any) -> Any:
        return await client.chat.completions.create(model="m", messages=[], stream=True)

    chunks = [*(chunk(says({"content": text})) for text in SPLIT), chunk(says({}, finish_reason="stop"))]
    async with streamed(*chunks).async_client() as client:
        stream = await answer(client)
        assert isinstance(stream, openai.AsyncStream)
        got: list[Any] = [each async for each in stream]  # pyright: ignore[reportUnknownVariableType]
        assert stream.response.is_closed
    assert texts(got) == "Write to [EMAIL] today."


async def test_an_async_stream_that_is_left_early_is_closed() -> None:
    @tracelm.guard(mask_pii)
    async def answer(client: Any) -> Any:
        return await client.chat.completions.create(model="m", messages=[], stream=True)

    async with streamed(*(chunk(says({"content": "word "})) for _ in range(50))).async_client() as client:
        async with await answer(client) as stream:
            async for _ in stream:
                break
        assert stream.response.is_closed


def test_speech_and_custom_tools_are_not_released() -> None:
    for delta in (
        {"audio": {"transcript": "ana@example.com"}},
        {"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "x", "input": "y"}}]},
    ):
        with streamed(chunk(says(delta))).client() as client, pytest.raises(tracelm.GuardrailBroken):
            list(masked(client))


FOREIGN = {
    name: recording
    for name, recording in speaking_openai(SHARED / "recordings").items()
    if "sse" in recording["response"] and recording["endpoint"] in {"chat.completions", "completions"}
}


@pytest.mark.parametrize("name", sorted(FOREIGN))
@pytest.mark.parametrize(
    "guardrail", [mask_pii, tracelm.Guardrail(Secrets(), action="replace")], ids=["pii", "secrets"]
)
def test_a_recorded_stream_without_findings_says_the_same_under_guard(
    name: str, guardrail: tracelm.Guardrail, foreign_url: str
) -> None:
    foreign = Recorded(FOREIGN[name], foreign_url)

    def answer(client: Any) -> Any:
        return foreign.ask(client)

    with foreign.client() as client:
        if foreign.fails:
            with pytest.raises(openai.APIError):
                list(tracelm.guard(guardrail)(answer)(client))
            return
        got = list(tracelm.guard(guardrail)(answer)(client))
    assert put_together([each.to_dict(warnings=False) for each in got]) == put_together(foreign.chunks)


def put_together(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a stream says, however it is cut: each text, each call of a tool, how it ended, what it used."""
    said: dict[str, Any] = {}
    for each in chunks:
        if each.get("usage"):
            said["usage"] = {key: value for key, value in each["usage"].items() if isinstance(value, int)}
        for choice in each["choices"]:
            index = choice["index"]
            if choice.get("finish_reason"):
                said[f"{index}.finish_reason"] = choice["finish_reason"]
            delta = choice.get("delta", choice)
            for field in ("content", "reasoning", "reasoning_content", "refusal", "text"):
                if isinstance(delta.get(field), str) and delta[field]:
                    said[f"{index}.{field}"] = said.get(f"{index}.{field}", "") + delta[field]
            calls: list[dict[str, Any]] = delta.get("tool_calls") or []
            for call in calls:
                key = f"{index}.call {call.get('index', call.get('id'))}"
                function: dict[str, Any] = call.get("function") or {}
                before = said.get(key, [None, None, ""])
                said[key] = [
                    before[0] or call.get("id"),
                    before[1] or function.get("name"),
                    before[2] + (function.get("arguments") or ""),
                ]
    return said


# --- the real model -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    with LocalModel() as running:
        yield running


@pytest.mark.real_model
def test_the_stream_of_a_real_model_is_guarded(model: LocalModel, spans: Spans) -> None:
    def answer(client: Any) -> Any:
        return client.chat.completions.create(
            model=model.name,
            messages=[{"role": "user", "content": "Repeat exactly: my mail is ana@example.com"}],
            max_tokens=32,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )

    with openai.OpenAI(base_url=model.base_url, api_key="local") as client:
        plain = texts(list(answer(client)))
        got = list(tracelm.guard(mask_pii)(answer)(client))
    found = PII().score(output=plain).details.get("spans", [])
    expected = plain
    for span in sorted(found, key=lambda each: -int(each["start"])):
        expected = f"{expected[: span['start']]}[{span['type']}]{expected[span['end'] :]}"
    assert texts(got) == expected
    assert got[-1].usage is not None
    [decision] = spans.logs("tracelm.guardrail.decision")
    assert json.loads(str(decision.attributes.get("tracelm.guardrail.spans", "[]"))) == found
