"""What another instrumentation sent is found, counted and shown in the store as our own spans are."""

import json
from pathlib import Path

import pytest

import tracelm
from tests.otlp_bodies import told
from tests.unit.store.otlp_lines import write_segment
from tracelm import semconv


@pytest.mark.parametrize("sender", ["langfuse", "openinference", "traceloop", "vercel"])
def test_what_others_sent_is_found_and_shown_as_our_own(sender: str, tmp_path: Path) -> None:
    sent = told.kept(sender)
    write_segment(tmp_path, spans=[span.source for span in sent])
    with tracelm.open_store(home=tmp_path) as store:
        spans = {span.span_id: span for span in store.spans("operation:chat")}
        counted = sum(trace.input_tokens or 0 for trace in store.traces())
    calls = told.calls_of_a_model(sent)
    assert spans.keys() == {call.span_id for call in calls}
    assert counted == sum(call["tokens"][0] for call in told.CALLS)
    for number, call in enumerate(calls):
        found = spans[call.span_id]
        messages = json.loads(str(found.attributes[semconv.OUTPUT_MESSAGES]))
        assert [each["parts"] for each in messages] == [each["parts"] for each in told.CALLS[number]["answered"]]
        assert found.session_id == "s-1"
        assert found.otlp.source == call.source
