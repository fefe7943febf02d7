"""Real senders, as they are installed today, tell what the recorded calls said (`make interop`)."""

import json
from pathlib import Path

import pytest

import tracelm
from tests.interop.senders import APART, SENDERS, send, send_to
from tests.otlp_bodies import told
from tests.serving import make_key, serving
from tracelm import semconv
from tracelm.otlp.dialects import which


@pytest.mark.parametrize("sender", SENDERS)
def test_a_real_sender_tells_what_the_calls_said(sender: str) -> None:
    spans = [span for body in send(sender) for span in told.read(body.data, body.encoding)]
    calls = told.calls_of_a_model(spans)
    assert [told.told(span) for span in calls] == [told.expected(sender, number) for number in range(len(calls))]
    assert len(calls) == (1 if sender == "js" else len(told.CALLS))
    assert {which(span) for span in calls} == {told.DIALECT_OF[sender]}


def test_langfuses_sdk_sends_to_a_server_that_wants_a_key(tmp_path: Path) -> None:
    key = make_key(tmp_path / "home", "ingest")
    with serving(tmp_path / "home") as server:
        send_to(server.url, "langfuse", LANGFUSE_SECRET_KEY=key)
        with tracelm.open_store(home=server.home) as store:
            spans = [each.otlp for each in store.spans(limit=None)]
    calls = told.calls_of_a_model(spans)
    assert [told.told(each) for each in calls] == [told.expected("langfuse", number) for number in range(4)]


@pytest.mark.parametrize("sender", APART)
def test_what_was_said_beside_the_spans_is_shown_with_them(sender: str, tmp_path: Path) -> None:
    with serving(tmp_path / "home") as server:
        send_to(server.url, sender)
        with tracelm.open_store(home=server.home) as store:
            shown = [(each.attributes, each.output) for each in store.spans(order_by="start")]
    for (attributes, output), call in zip(shown, told.CALLS, strict=True):
        for text, side in ((attributes[semconv.INPUT_MESSAGES], "asked"), (output, "answered")):
            assert [each["parts"] for each in json.loads(str(text))] == [each["parts"] for each in call[side]]
