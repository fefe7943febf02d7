"""What real senders sent reads as the calls that they made."""

import json

import pytest

from tests.otlp_bodies import told
from tracelm import semconv
from tracelm.otlp.dialects import canonical, which
from tracelm.store.preview import preview_of
from tracelm.store.rows import span_row

SENDERS = sorted(told.DIALECT_OF)


@pytest.mark.parametrize("sender", SENDERS)
def test_each_call_tells_what_was_recorded(sender: str) -> None:
    calls = told.calls_of_a_model(told.kept(sender))
    assert [told.told(span) for span in calls] == [told.expected(sender, number) for number in range(len(calls))]
    assert len(calls) == (1 if sender == "js" else len(told.CALLS))
    assert {which(span) for span in calls} == {told.DIALECT_OF[sender]}


@pytest.mark.parametrize("sender", SENDERS)
def test_the_tools_that_a_model_was_offered_have_one_shape(sender: str) -> None:
    calls = told.calls_of_a_model(told.kept(sender))
    offered = [canonical(span).get(semconv.TOOL_DEFINITIONS) for span in calls]
    names = [[tool["name"] for tool in json.loads(str(each))] if each else [] for each in offered]
    assert names == [[], ["scrape_website"], ["get_weather", "get_time"], []][: len(calls)]


@pytest.mark.parametrize("sender", sorted(told.WITH_SESSION))
def test_session_user_and_tags_are_found(sender: str) -> None:
    rows = [span_row(span, "shop") for span in told.kept(sender)]
    found = {(row["session_id"], row["user_id"], row["tags"]) for row in rows}
    assert found == {("s-1", "u-1", '["first","second"]')}


def test_traceloop_tells_session_user_workflow_and_task() -> None:
    rows = [span_row(span, "shop") for span in told.kept("traceloop")]
    assert {(row["session_id"], row["user_id"]) for row in rows} == {("s-1", "u-1")}
    assert {(row["op"], row["operation"]) for row in rows} == {(None, "chat"), ("ask", None), (None, "invoke_workflow")}
    (workflow,) = (span for span in told.kept("traceloop") if span.name == "answer.workflow")
    assert preview_of(workflow) == ('{"args": ["What is 2 + 2?"], "kwargs": {}}', '"done: What is 2 + 2?"')


def test_langfuse_tells_release_and_environment() -> None:
    rows = [span_row(span, "shop") for span in told.kept("langfuse")]
    assert {(row["release"], row["environment"]) for row in rows} == {("r-1", "staging")}


def test_tokens_of_the_loop_around_a_call_do_not_count_twice() -> None:
    rows = [span_row(span, "shop") for span in told.kept("vercel")]
    counted = [row["input_tokens"] for row in rows if row["operation"] in semconv.MODEL_OPERATIONS]
    assert sorted(map(str, counted)) == ["18", "235", "9", "94"]
    assert {row["operation"] for row in rows} == {"chat", "invoke_agent"}


def test_a_stream_that_logfire_tells_by_two_spans_counts_once() -> None:
    spans = [span for span in told.kept("logfire") if "gpt-3.5" in str(span.attributes.get(semconv.REQUEST_MODEL))]
    assert sorted(str(span_row(span, "shop")["input_tokens"]) for span in spans) == ["18", "None"]


def test_what_was_sent_stays_in_the_record() -> None:
    for sender in SENDERS:
        for span in told.kept(sender):
            shown = canonical(span)
            corrected = {semconv.RESPONSE_FINISH_REASONS, semconv.TOOL_DEFINITIONS}
            assert {key: shown[key] for key in span.attributes if key not in corrected} == {
                key: value for key, value in span.attributes.items() if key not in corrected
            }
