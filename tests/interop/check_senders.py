"""Real senders, as they are installed today, tell what the recorded calls said (`make interop`)."""

import pytest

from tests.interop.senders import SENDERS, send
from tests.otlp_bodies import told
from tracelm.otlp.dialects import which


@pytest.mark.parametrize("sender", SENDERS)
def test_a_real_sender_tells_what_the_calls_said(sender: str) -> None:
    spans = [span for body in send(sender) for span in told.read(body.data, body.encoding)]
    calls = told.calls_of_a_model(spans)
    assert [told.told(span) for span in calls] == [told.expected(sender, number) for number in range(len(calls))]
    assert len(calls) == (1 if sender == "js" else len(told.CALLS))
    assert {which(span) for span in calls} == {told.DIALECT_OF[sender]}
