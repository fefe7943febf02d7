"""Guardrails on OpenAI's responses, whole and streamed: the real client, over made and recorded traffic."""

import itertools
import json
from typing import Any, cast

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracelm
from tests.conftest import SHARED
from tests.integrations.answering import Server, sse
from tests.recordings.foreign import speaking_openai
from tests.recordings.recorded import Recorded
from tracelm.scorers import PII

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = [pytest.mark.anyio, pytest.mark.openai(3, 0)]

mask_pii = tracelm.Guardrail(PII(), action="replace")
SORRY = tracelm.Guardrail(PII(), action="replace", replacement="I cannot say that.")
GUARDS = [tracelm.Guardrail(PII(), on="input", action="replace"), mask_pii]
TEXT = ["Write to ana", "@example", ".com to", "day."]
ARGUMENTS = ['{"to":"bob@', 'example.com"}']


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def response(*output: Any, status: str = "completed", **fields: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": "r1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": status,
        "tools": [],
    }
    return {**known, "output": list(output), "parallel_tool_calls": True, "tool_choice": "auto", **fields}


def message(text: str, **fields: Any) -> dict[str, Any]:
    content: list[Any] = [{"type": "output_text", "text": text, "annotations": [], **fields}] if text else []
    return {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": content}


def call(arguments: str) -> dict[str, Any]:
    return {"type": "function_call", "id": "f1", "call_id": "c1", "name": "send", "arguments": arguments}


def reasoning(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "t1", "summary": [{"type": "summary_text", "text": text}]}


def events(pieces: list[str] = TEXT, arguments: list[str] = ARGUMENTS) -> list[dict[str, Any]]:
    """Return what a response says that writes a text and calls a tool."""
    at: dict[str, Any] = {"item_id": "m1", "output_index": 0, "content_index": 0}
    text, whole = "".join(pieces), "".join(arguments)
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    spelled: list[Any] = [{"token": "ana", "logprob": -0.1, "top_logprobs": []}]
    found: list[dict[str, Any]] = [
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": message("")},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **at, "delta": each, "logprobs": spelled, "obfuscation": "x" * 8}
            for each in pieces
        ),
        {"type": "response.output_text.done", **at, "text": text, "logprobs": spelled},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": message(text)},
        {"type": "response.output_item.added", "output_index": 1, "item": call("")},
        *(
            {"type": "response.function_call_arguments.delta", "item_id": "f1", "output_index": 1, "delta": each}
            for each in arguments
        ),
        {
            "type": "response.function_call_arguments.done",
            "item_id": "f1",
            "output_index": 1,
            "name": "send",
            "arguments": whole,
        },
        {"type": "response.output_item.done", "output_index": 1, "item": call(whole)},
        {"type": "response.completed", "response": response(message(text), call(whole))},
    ]
    return [{**each, "sequence_number": number} for number, each in enumerate(found)]


def guarded_events(guardrail: tracelm.Guardrail, *sent: dict[str, Any]) -> list[Any]:
    @tracelm.guard(guardrail)
    def answer(client: Any) -> Any:
        return client.responses.create(model="m", input="x", stream=True)

    with Server(sse(*sent), content_type="text/event-stream").client() as client:
        stream = answer(client)
        assert isinstance(stream, openai.Stream)
        got: list[Any] = list(stream)  # pyright: ignore[reportUnknownArgumentType]
        assert stream.response.is_closed
        return got


def said(got: list[Any], kind: str = "response.output_text") -> str:
    return "".join(each.delta for each in got if each.type == f"{kind}.delta")


def of(got: list[Any], kind: str) -> Any:
    (found,) = [each for each in got if each.type == kind]
    return found


# --- streams ------------------------------------------------------------------------------------------------


def test_a_stream_of_a_response_is_masked_wherever_its_texts_come_again() -> None:
    got = guarded_events(mask_pii, *events())
    everything = json.dumps([each.to_dict(warnings=False) for each in got])
    assert "ana" not in everything
    assert "bob" not in everything
    assert said(got) == of(got, "response.output_text.done").text == "Write to [EMAIL] today."
    assert said(got, "response.function_call_arguments") == '{"to":"[EMAIL]"}'
    assert of(got, "response.content_part.done").part.text == "Write to [EMAIL] today."
    final = of(got, "response.completed").response
    assert (final.output_text, final.output[1].arguments) == ("Write to [EMAIL] today.", '{"to":"[EMAIL]"}')
    assert [each.type for each in got if not each.type.endswith(".delta")] == [
        each["type"] for each in events() if not each["type"].endswith(".delta")
    ]


def test_what_passes_as_it_is_comes_as_it_came() -> None:
    sent = events(["Hello ", "you ", "all."], ["{}"])
    got = guarded_events(mask_pii, *sent)
    assert of(got, "response.completed").to_dict(warnings=False) == sent[-1]
    assert said(got) == "Hello you all."


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 44), max_size=8, unique=True))
def test_however_a_text_is_cut_the_same_goes_on(cuts: list[int]) -> None:
    text = "Write to ana@example.com or 4111 1111 1111 1111."
    places = [0, *sorted(cuts), len(text)]
    got = guarded_events(mask_pii, *events([text[a:b] for a, b in itertools.pairwise(places)]))
    assert said(got) == "Write to [EMAIL] or [CARD]."
    assert of(got, "response.completed").response.output_text == "Write to [EMAIL] or [CARD]."


def test_what_escapes_hide_in_arguments_is_not_released() -> None:
    hidden = '{"to":"bob\\u0040example.com"}'
    got = guarded_events(mask_pii, *events(arguments=[hidden[:12], hidden[12:]]))
    assert "bob" not in json.dumps([each.to_dict(warnings=False) for each in got])
    assert of(got, "response.function_call_arguments.done").arguments == '"[REDACTED]"'


def test_a_refused_text_ends_with_the_safe_words_as_an_incomplete_response() -> None:
    got = guarded_events(SORRY, *events())
    assert said(got) == "Write to I cannot say that."
    last = got[-1]
    assert (last.type, last.response.status, last.response.incomplete_details.reason) == (
        "response.incomplete",
        "incomplete",
        "content_filter",
    )
    assert last.response.output_text == "Write to I cannot say that."
    assert "ana" not in json.dumps([each.to_dict(warnings=False) for each in got])


def test_refused_arguments_are_never_called_with() -> None:
    got = guarded_events(SORRY, *events(["Sending."]))
    assert said(got, "response.function_call_arguments") == ""
    assert said(got) == "Sending.I cannot say that."
    assert got[-1].type == "response.incomplete"


def test_a_blocked_stream_raises_and_closes_the_response() -> None:
    @tracelm.guard(tracelm.Guardrail(PII()))
    def answer(client: Any) -> Any:
        return client.responses.create(model="m", input="x", stream=True)

    got: list[Any] = []
    with Server(sse(*events()), content_type="text/event-stream").client() as client:
        stream = answer(client)
        with pytest.raises(tracelm.GuardrailTripped):
            got.extend(stream)
        assert stream.response.is_closed
    assert "ana" not in said(got)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.audio.delta", "delta": "UklGRg=="},
        {
            "type": "response.image_generation_call.partial_image",
            "item_id": "i1",
            "output_index": 0,
            "partial_image_index": 0,
            "partial_image_b64": "iVBORw0KGgo=",
        },
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {"type": "image_generation_call", "id": "i1", "status": "completed", "result": "iVBORw0KGgo="},
        },
    ],
)
def test_speech_and_pictures_of_a_response_are_not_released(event: dict[str, Any]) -> None:
    with pytest.raises(tracelm.GuardrailBroken):
        guarded_events(mask_pii, events()[0], {**event, "sequence_number": 1})


def test_events_of_another_kind_are_not_released() -> None:
    with pytest.raises(tracelm.GuardrailBroken):
        guarded_events(mask_pii, {"type": "thread.message.delta", "delta": "ana@example.com"})


FOREIGN = {
    name: recording
    for name, recording in speaking_openai(SHARED / "recordings").items()
    if "sse" in recording["response"] and recording["endpoint"] == "responses"
}


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_a_recorded_response_without_findings_says_the_same_under_guard(name: str, foreign_url: str) -> None:
    foreign = Recorded(FOREIGN[name], foreign_url)

    @tracelm.guard(tracelm.Guardrail(PII(entities=("EMAIL",)), action="replace"))
    def answer(client: Any) -> Any:
        return foreign.ask(client)

    with foreign.client() as client:
        got = list(answer(client))
    assert put_together([each.to_dict(warnings=False) for each in got]) == put_together(foreign.chunks)


def put_together(chunks: list[dict[str, Any]]) -> tuple[dict[str, str], list[Any]]:
    """Return what the pieces of a stream say, place by place, and all its other events."""
    texts: dict[str, str] = {}
    others: list[Any] = []
    for each in chunks:
        if each["type"].endswith(".delta"):
            place = f"{each['type']} {each['output_index']} {each.get('content_index')}"
            texts[place] = texts.get(place, "") + each["delta"]
        else:
            others.append(each)
    return texts, others


# --- a client -----------------------------------------------------------------------------------------------

REPLY = response(reasoning("They want ana@example.com."), message("Write to ana@example.com"), call("".join(ARGUMENTS)))
INPUT: Any = [
    {"role": "developer", "content": "Answer as desk@example.com."},
    {"role": "user", "content": [{"type": "input_text", "text": "I am eve@example.com"}]},
    call('{"to":"eve@example.com"}'),
    {"type": "function_call_output", "call_id": "c1", "output": "card 4111 1111 1111 1111"},
]


def test_what_a_response_is_asked_and_says_is_masked_and_the_callers_own_stays_as_it_is() -> None:
    server = Server(REPLY)
    before = json.dumps(INPUT)
    with tracelm.guarded_client(server.client(), guards=GUARDS) as client:
        variables: Any = {"name": "eve@example.com", "note": {"type": "input_text", "text": "card 4111111111111111"}}
        reply = client.responses.create(model="m", input=INPUT, prompt={"id": "p", "variables": variables})
    sent = json.loads(server.asked[0].content)
    assert sent["input"][0]["content"] == "Answer as desk@example.com."
    assert sent["input"][1]["content"] == [{"type": "input_text", "text": "I am [EMAIL]"}]
    assert sent["input"][2]["arguments"] == '{"to":"eve@example.com"}'
    assert sent["input"][3]["output"] == "card [CARD]"
    assert sent["prompt"]["variables"] == {"name": "[EMAIL]", "note": {"type": "input_text", "text": "card [CARD]"}}
    assert json.dumps(INPUT) == before
    assert reply.output_text == "Write to [EMAIL]"
    assert "@" not in json.dumps(reply.to_dict(warnings=False)["output"])


def test_a_plain_text_is_asked_masked_and_a_refused_one_is_never_sent() -> None:
    server = Server(REPLY)
    tracelm.guarded_client(server.client(), guards=GUARDS).responses.create(model="m", input="I am eve@example.com")
    assert json.loads(server.asked[0].content)["input"] == "I am [EMAIL]"
    refusing = tracelm.guarded_client(server.client(), guards=[tracelm.Guardrail(PII(), on="input")])
    with pytest.raises(tracelm.GuardrailTripped):
        refusing.responses.create(model="m", input="I am eve@example.com")
    assert len(server.asked) == 1


async def test_an_async_client_is_guarded_over_responses_too() -> None:
    async with tracelm.guarded_client(Server(REPLY).async_client(), guards=GUARDS) as client:
        assert (await client.responses.create(model="m", input="x")).output_text == "Write to [EMAIL]"
    streaming = Server(sse(*events()), content_type="text/event-stream").async_client()
    async with tracelm.guarded_client(streaming, guards=GUARDS) as client:
        stream = await client.responses.create(model="m", input="x", stream=True)
        assert isinstance(stream, openai.AsyncStream)
        got: list[Any] = [each async for each in cast("Any", stream)]
        assert said(got) == "Write to [EMAIL] today."


def test_a_response_without_findings_is_what_the_client_made_of_it() -> None:
    plain = Server(response(message("Hi"))).client().responses.create(model="m", input="x")
    client = tracelm.guarded_client(Server(response(message("Hi"))).client(), guards=GUARDS)
    assert client.responses.create(model="m", input="x") == plain


def test_a_picture_in_a_response_is_for_the_guardrail_to_allow_or_refuse() -> None:
    drawn = response({"type": "image_generation_call", "id": "i1", "status": "completed", "result": "iVBORw0KGgo="})
    with pytest.raises(tracelm.GuardrailBroken) as caught:
        tracelm.guarded_client(Server(drawn).client(), guards=GUARDS).responses.create(model="m", input="x")
    assert "a picture, into which no scorer can look" in str(caught.value.__cause__)
    allowing = [tracelm.Guardrail(PII(), on_error="allow")]
    reply = tracelm.guarded_client(Server(drawn).client(), guards=allowing).responses.create(model="m", input="x")
    assert reply.output[0].type == "image_generation_call"


def test_logprobs_of_a_text_that_was_masked_are_left_out() -> None:
    spelled: list[Any] = [{"token": "ana", "bytes": [], "logprob": -0.1, "top_logprobs": []}]
    server = Server(response(message("Write to ana@example.com", logprobs=spelled)))
    reply = tracelm.guarded_client(server.client(), guards=GUARDS).responses.create(model="m", input="x")
    assert reply.to_dict(warnings=False)["output"][0]["content"][0]["logprobs"] == []


def test_ways_around_the_guardrails_of_responses_are_refused() -> None:
    client: Any = tracelm.guarded_client(Server(REPLY).client(), guards=GUARDS)
    ways: list[tuple[Any, tuple[str, ...]]] = [
        (client, ("with_raw_response", "with_streaming_response", "completions", "beta", "realtime")),
        (client.responses, ("parse", "stream", "retrieve", "cancel", "compact", "connect", "with_raw_response")),
        (client.chat, ("with_raw_response",)),
    ]
    for owner, names in ways:
        for name in names:
            with pytest.raises(tracelm.ConfigError, match="pass by the guardrails"):
                getattr(owner, name)
    assert client.responses.input_items is not None
    assert client.with_options(timeout=3).responses.create(model="m", input="x").output_text == "Write to [EMAIL]"
