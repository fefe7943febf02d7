"""Notices in the program's log."""

import logging
from dataclasses import replace

import pytest

from tests.unit.sinks.notices import NOTICE
from tracelm.sinks.log import Log


def test_a_notice_is_as_loud_as_it_is_severe(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tracelm.alerts"):
        Log().send(NOTICE)
        Log().send(replace(NOTICE, severity="warning"))
        Log().send(replace(NOTICE, kind="resolved"))
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING", "INFO"]
    assert "which began 2026-09-21" in caplog.messages[2]
    assert caplog.messages[0] == (
        "critical: answers, polite: pass_rate < 0.95: firing, since 2026-09-21 14:13:20 UTC: "
        "0.8 (0.7 to 0.9) from 120 verdicts"
    )
