"""Events: scores as tracelm records them, details of a call, exceptions, and what has been given up."""

import pytest

import tracelm
from tests.unit.testing.conformance.records import CHAT, log
from tracelm.otlp.records import LogRecord
from tracelm.testing import Spans
from tracelm.testing.conformance import Finding, check_log

DETAILS = "gen_ai.client.inference.operation.details"
EVALUATION = "gen_ai.evaluation.result"
EXCEPTION = "gen_ai.client.operation.exception"
SCORE = {
    "gen_ai.evaluation.name": "relevance",
    "gen_ai.evaluation.score.value": 0.5,
    "gen_ai.evaluation.explanation": "half of it",
}
MESSAGES = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]


def brief(record: LogRecord) -> list[tuple[str, str, str]]:
    return [(each.level, each.rule, each.subject) for each in check_log(record)]


def test_scores_as_tracelm_records_them_conform(spans: Spans) -> None:
    with tracelm.span("turn") as turn:
        for value in (True, 0.5, "good"):
            tracelm.score(turn, name="helpful", value=value, explanation="why", author="ada")
    records = spans.logs(EVALUATION)
    assert [check_log(each) for each in records] == [[], [], []]


def test_a_score_has_a_name_and_a_value() -> None:
    assert brief(log(EVALUATION, SCORE)) == []
    assert brief(log(EVALUATION, SCORE, gen_ai__evaluation__name=None)) == [
        ("violation", "required", "gen_ai.evaluation.name")
    ]
    assert brief(log(EVALUATION, SCORE, gen_ai__evaluation__score__value=1)) == [
        ("violation", "type", "gen_ai.evaluation.score.value")
    ]
    without = log(EVALUATION, SCORE, gen_ai__evaluation__score__value=None)
    assert brief(without) == [("improvement", "recommended", "gen_ai.evaluation.score.value")]
    for instead in ({"gen_ai.evaluation.score.label": "good"}, {"error.type": "ValueError"}):
        assert brief(log(EVALUATION, {**SCORE, **instead}, gen_ai__evaluation__score__value=None)) == []


def test_a_score_belongs_to_a_span_or_to_a_response() -> None:
    assert brief(log(EVALUATION, SCORE, in_span=False)) == [("improvement", "event", EVALUATION)]
    assert brief(log(EVALUATION, SCORE, in_span=False, gen_ai__response__id="r1")) == []


def test_an_explanation_is_recommended() -> None:
    assert brief(log(EVALUATION, SCORE, gen_ai__evaluation__explanation=None)) == [
        ("improvement", "recommended", "gen_ai.evaluation.explanation")
    ]


def test_the_details_of_a_call_are_structured() -> None:
    assert check_log(log(DETAILS, CHAT, severity=5, gen_ai__input__messages=MESSAGES)) == []
    as_text = log(DETAILS, CHAT, severity=5, gen_ai__input__messages='[{"role":"user","parts":[]}]')
    assert check_log(as_text) == [
        Finding("content", "gen_ai.input.messages", "write the structured value: a JSON text is for spans only")
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"gen_ai.operation.name": None}, ("violation", "required", "gen_ai.operation.name")),
        ({"gen_ai.provider.name": None}, ("violation", "required", "gen_ai.provider.name")),
        ({"server.port": None}, ("violation", "required", "server.port")),
        ({"server.address": None, "server.port": None}, ("improvement", "recommended", "server.address")),
        ({"gen_ai.response.id": None}, ("improvement", "recommended", "gen_ai.response.id")),
        ({"gen_ai.request.model": None}, ("violation", "required", "gen_ai.request.model")),
        ({"gen_ai.request.colour": "red"}, ("violation", "unknown", "gen_ai.request.colour")),
        ({"gen_ai.usage.output_tokens": 3.0}, ("violation", "type", "gen_ai.usage.output_tokens")),
    ],
)
def test_the_details_of_a_call_follow_the_rules_of_attributes(
    changed: dict[str, object], expected: tuple[str, str, str]
) -> None:
    attributes = {key: value for key, value in {**CHAT, **changed}.items() if value is not None}
    assert brief(log(DETAILS, attributes, severity=5)) == [expected]


def test_the_details_of_a_call_belong_to_its_span() -> None:
    assert brief(log(DETAILS, CHAT, severity=5, in_span=False)) == [("improvement", "event", DETAILS)]


@pytest.mark.parametrize("operation", ["embeddings", "execute_tool"])
def test_there_are_details_of_inferences_only(operation: str) -> None:
    found = check_log(log(DETAILS, CHAT, severity=5, gen_ai__operation__name=operation))
    message = f"it is not for {operation}, but for chat, generate_content, text_completion"
    assert found == [Finding("misplaced", DETAILS, message)]


@pytest.mark.parametrize(("operation", "rule"), [("rerank", "operation"), (["chat"], "type")])
def test_details_of_an_operation_that_is_none_are_one_violation(operation: object, rule: str) -> None:
    found = brief(log(DETAILS, CHAT, severity=5, gen_ai__operation__name=operation))
    assert found == [("violation", rule, "gen_ai.operation.name")]


def test_an_event_has_its_severity() -> None:
    assert brief(log(DETAILS, CHAT, severity=9)) == [("improvement", "event", DETAILS)]
    assert brief(log(EXCEPTION, {"exception.type": "ValueError"}, severity=13)) == []
    assert brief(log(EXCEPTION, {"exception.type": "ValueError"}, severity=17)) == [("improvement", "event", EXCEPTION)]


def test_an_exception_has_a_type_or_a_message() -> None:
    assert brief(log(EXCEPTION, {"exception.message": "no"}, severity=13)) == []
    assert brief(log(EXCEPTION, {}, severity=13)) == [("violation", "required", "exception.type")]


def test_an_event_for_each_message_is_deprecated() -> None:
    assert brief(log("gen_ai.user.message", {"content": "Hi"})) == [("violation", "deprecated", "gen_ai.user.message")]


def test_an_event_that_nobody_knows_is_a_violation_only_in_the_namespace() -> None:
    assert brief(log("gen_ai.made.up", {})) == [("violation", "unknown", "gen_ai.made.up")]
    assert check_log(log("tracelm.guardrail.decision", {"gen_ai.made.up": 1})) == []
    assert check_log(log("", {})) == []
