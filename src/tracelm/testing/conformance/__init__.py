"""Checks spans, events and metrics against OpenTelemetry's GenAI conventions.

    from tracelm.testing.conformance import check

    def test_my_spans_conform(spans):
        answer("Why?")
        assert [finding for span in spans.all() for finding in check(span)] == []

`check` takes a span, `check_log` a log record, `check_metrics` what a metric reader of the SDK has collected. Each
gives a list of `Finding`. The tables behind them are those of the conventions' newest state; `RULES` tells what is
looked at.
"""

from tracelm.testing.conformance.events import check_log
from tracelm.testing.conformance.finding import RULES, Finding, Level, Rule
from tracelm.testing.conformance.measurements import check_metrics
from tracelm.testing.conformance.metrics import Dialect
from tracelm.testing.conformance.spans import check

__all__ = ["RULES", "Dialect", "Finding", "Level", "Rule", "check", "check_log", "check_metrics"]
