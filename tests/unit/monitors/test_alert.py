"""What an alert may say, and what is refused with the place and the remedy."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from inline_snapshot import snapshot

import tracelm
from tracelm.monitors.alerts.condition import parse_condition
from tracelm.monitors.duration import seconds_of
from tracelm.monitors.monitor import Monitor

WORDS = st.sampled_from(
    ["pass_rate", "mean", "n", "burn_rate", "falls", "rises", "by", "<", ">=", "0.9", "95%", "1e999"]
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("pass_rate < 0.95", "pass_rate < 0.95"),
        ("  pass_rate<95%  ", "pass_rate < 0.95"),
        ("mean >= -1.5e0", "mean >= -1.5"),
        ("error_rate > 1%", "error_rate > 0.01"),
        ("n < 10", "n < 10"),
        ("burn_rate > 14.4", "burn_rate > 14.4"),
        ("pass_rate falls", "pass_rate falls"),
        ("error_rate rises by 2%", "error_rate rises by 0.02"),
    ],
)
def test_a_condition_is_read(text: str, read: str) -> None:
    assert str(parse_condition(text)) == read
    assert parse_condition(read) == parse_condition(text)


def test_an_error_shows_the_place_and_what_helps() -> None:
    def said(text: str) -> str:
        with pytest.raises(tracelm.ConfigError) as caught:
            parse_condition(text)
        return str(caught.value)

    assert said("passrate < 0.95") == snapshot("""\
a condition begins with a figure: write pass_rate or true_rate or mean or error_rate or n or burn_rate
  passrate < 0.95
  ^^^^^^^^\
""")
    assert said("pass_rate < 95") == snapshot("""\
this is no share: write a number from 0 to 1, such as 0.95 or 95%
  pass_rate < 95
              ^^\
""")
    assert said("pass_rate < 0.9 or mean < 1") == snapshot("""\
a condition ends here: give each condition an alert of its own
  pass_rate < 0.9 or mean < 1
                  ^^\
""")
    assert "a comparison is missing" in said("mean = 3")
    assert "a number is missing" in said("mean <")
    assert "write falls or rises" in said("pass_rate drops")
    assert "a condition begins with a figure" in said("__import__('os')")
    assert "too long" in said("n < 1" + " " * 300)


@given(st.lists(WORDS | st.text(max_size=5), max_size=6).map(" ".join))
def test_any_text_is_a_condition_or_a_config_error(text: str) -> None:
    try:
        found = parse_condition(text)
    except tracelm.ConfigError:
        return
    assert parse_condition(str(found)) is not None


@pytest.mark.parametrize(
    ("condition", "options", "message"),
    [
        ("pass_rate < 0.9", {"window": "soon"}, "write 15m, 1h or 1d"),
        ("pass_rate < 0.9", {"min_n": 0}, "whole number from 1 up"),
        ("pass_rate < 0.9", {"severity": "urgent"}, "use one of warning, critical"),
        ("pass_rate < 0.9", {"no_data": "panic"}, "use one of ok, alert, keep"),
        ("pass_rate < 0.9", {"level": 95}, "number between 0 and 1"),
        ("pass_rate < 0.9", {"objective": 0.9}, "belong to a burn rate"),
        ("pass_rate < 0.9", {"baseline": 0.9}, "belongs to a change"),
        ("pass_rate < 0.9", {"to": ["me@example.com"]}, "is no sink"),
        ("burn_rate > 10", {}, "needs an objective"),
        ("burn_rate > 10", {"objective": 0.8}, "can never be"),
        ("burn_rate > 2", {"objective": 0.8, "short_window": "2h"}, "must be shorter"),
        ("pass_rate falls", {}, "needs a baseline"),
        ("pass_rate falls by 0.5", {"baseline": 0.4}, "can never be"),
        ("n < 5", {"no_data": "alert"}, "always known"),
    ],
)
def test_what_cannot_work_is_refused(condition: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(tracelm.ConfigError, match=message):
        tracelm.Alert(condition, **options)


def test_two_alerts_of_a_monitor_have_two_names() -> None:
    def make(*alerts: object) -> Monitor:
        found: Any = list(alerts)
        return Monitor(name="m", scorers=[len], where="op:a", alerts=found)

    slow = tracelm.Alert("pass_rate < 0.9", window="1d")
    with pytest.raises(tracelm.ConfigError, match=r"two alerts are called 'pass_rate < 0.9'"):
        make(tracelm.Alert("pass_rate < 0.9"), slow)
    make(tracelm.Alert("pass_rate < 0.9", name="fast"), slow)
    with pytest.raises(tracelm.ConfigError, match=r"give a list of tracelm.Alert"):
        make("pass_rate < 0.9")


def test_a_length_of_time_is_read() -> None:
    assert [seconds_of(each, option="x") for each in ("30s", "15m", "1h", "2d")] == [30, 900, 3600, 172_800]
    for wrong in ("", "0h", "1w", "1.5h", "-1h", 60, None):
        with pytest.raises(tracelm.ConfigError, match=r"x=.* is no length of time"):
            seconds_of(wrong, option="x")
