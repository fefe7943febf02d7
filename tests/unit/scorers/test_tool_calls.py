"""The tool calls that a model asks for, in every shape that they come in."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

import tracelm
from tests.recordings.recorded import Recorded
from tracelm.scorers import ToolCallMatch
from tracelm.scorers.tool_calls import ToolCall, tool_calls_in

pytest_plugins = ("tests.recordings.fixtures",)

WANTED = [{"name": "weather", "arguments": {"city": "Rome", "days": 2}}]
TEXT = '{"days": 2, "city": "Rome"}'
FUNCTION = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": TEXT}}
SHAPES: dict[str, Any] = {
    "openai message": {"role": "assistant", "content": None, "tool_calls": [FUNCTION]},
    "openai completion": {"choices": [{"message": {"role": "assistant", "tool_calls": [FUNCTION]}}]},
    "openai old function": {"role": "assistant", "function_call": {"name": "weather", "arguments": TEXT}},
    "openai responses": {"output": [{"type": "function_call", "call_id": "1", "name": "weather", "arguments": TEXT}]},
    "opentelemetry": [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": "Let me look."},
                {"type": "tool_call", "id": "1", "name": "weather", "arguments": {"city": "Rome", "days": 2}},
            ],
        }
    ],
    "anthropic": {
        "content": [{"type": "tool_use", "id": "1", "name": "weather", "input": {"city": "Rome", "days": 2}}]
    },
    "plain": {"name": "weather", "arguments": TEXT},
    "langchain": {"tool_calls": [{"name": "weather", "args": {"city": "Rome", "days": 2}, "id": "1"}]},
    "a list of calls": [FUNCTION],
    "json": json.dumps([FUNCTION]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_call_is_read_in_every_shape(shape: str) -> None:
    assert tool_calls_in(SHAPES[shape]) == [ToolCall("weather", {"city": "Rome", "days": 2})]
    assert ToolCallMatch().score(output=SHAPES[shape], expected=WANTED).value is True
    assert ToolCallMatch().score(output=WANTED, expected=SHAPES[shape]).value is True


@pytest.mark.parametrize(
    "output",
    [
        None,
        "",
        "I would call weather(city='Rome')",
        3,
        {"name": "Ana"},
        {"role": "user", "name": "ana", "content": "x"},
        [],
    ],
)
def test_what_asks_for_no_call_has_none(output: object) -> None:
    assert tool_calls_in(output) == []
    assert ToolCallMatch().score(output=output, expected=[]).value is True
    assert ToolCallMatch().score(output=output, expected=WANTED).explanation == "weather was not called"


def call(name: str, **arguments: object) -> dict[str, object]:
    return {"name": name, "arguments": arguments}


def test_what_differs_is_told() -> None:
    scorer = ToolCallMatch()
    assert scorer.score(output=[call("weather", city="Oslo", days=2)], expected=WANTED).explanation == (
        'weather /city: "Oslo" instead of "Rome"'
    )
    assert scorer.score(output=[call("news")], expected=WANTED).explanation == (
        "weather was not called; news was not expected"
    )
    assert scorer.score(output=WANTED, expected=[]).explanation == "weather was not expected"
    assert scorer.score(output=WANTED, expected="weather").value is None


def test_arguments_order_and_further_calls_can_be_let_go() -> None:
    more = [call("weather", city="Rome", days=2, unit="C")]
    assert ToolCallMatch().score(output=more, expected=WANTED).value is False
    assert ToolCallMatch(arguments="subset").score(output=more, expected=WANTED).value is True
    assert ToolCallMatch(arguments="ignore").score(output=[call("weather")], expected=WANTED).value is True
    swapped = [call("b"), call("a")], [call("a"), call("b")]
    assert ToolCallMatch().score(output=swapped[0], expected=swapped[1]).value is True
    assert ToolCallMatch(any_order=False).score(output=swapped[0], expected=swapped[1]).explanation == (
        "b was called instead of a; a was called instead of b"
    )
    between = [call("a"), call("x"), call("b")]
    assert ToolCallMatch(any_order=False, extra=True).score(output=between, expected=swapped[1]).value is True
    assert ToolCallMatch(extra=True).score(output=between, expected=swapped[1]).value is True
    assert ToolCallMatch(extra=True).score(output=[call("a")], expected=swapped[1]).value is False


def test_a_near_miss_takes_no_call_that_another_one_needs() -> None:
    output = [call("w", city="Rome"), call("w", city="Oslo")]
    wanted = [call("w", city="Bern"), call("w", city="Rome")]
    assert ToolCallMatch().score(output=output, expected=wanted).explanation == 'w /city: "Oslo" instead of "Bern"'


def test_arguments_that_are_no_json_stay_text_and_match_nothing_else() -> None:
    broken = {"tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": '{"city": '}}]}
    assert tool_calls_in(broken) == [ToolCall("weather", '{"city": ')]
    assert ToolCallMatch().score(output=broken, expected=WANTED).value is False


def test_arguments_that_are_nested_too_deeply_are_no_match_and_no_crash() -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    score = ToolCallMatch().score(output=[call("a", x=deep)], expected=[call("a", x=deep)])
    assert (score.value, score.explanation) == (False, "a: nested more than 200 deep")


def test_more_calls_than_anybody_makes_are_refused_with_a_reason() -> None:
    score = ToolCallMatch().score(output=[call("a")] * 501, expected=[call("a")])
    assert score.explanation == "refused to score: 501 calls are more than 500"


def test_another_way_to_compare_is_refused() -> None:
    with pytest.raises(tracelm.ConfigError, match="arguments="):
        ToolCallMatch(arguments="fuzzy")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_the_calls_of_recorded_answers_are_those_that_the_answer_has(foreign: Recorded) -> None:
    if foreign.is_streamed or foreign.fails or foreign.endpoint != "chat.completions":
        body: Any = {}
    else:
        body = foreign.completion
    messages: list[Any] = [choice["message"] for choice in body.get("choices", [])]
    asked: list[ToolCall] = []
    for message in messages:
        calls: list[Any] = [*(message.get("tool_calls") or []), {"function": message.get("function_call")}]
        for each in calls:
            if each.get("function"):
                asked.append(ToolCall(each["function"]["name"], json.loads(each["function"]["arguments"] or "{}")))
            if each.get("custom"):
                asked.append(ToolCall(each["custom"]["name"], each["custom"]["input"]))
    assert tool_calls_in(body) == asked
    if asked:
        completion = ChatCompletion.model_validate(body)
        assert tool_calls_in(completion) == asked
        assert ToolCallMatch().score(output=completion, expected=body).value is True
