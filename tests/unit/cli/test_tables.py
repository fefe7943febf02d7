"""How numbers and texts look in a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelm.cli.tables import clean, cost, duration, failure, moment, one_line, tokens


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, "-"),
        (0.0, "$0"),
        (0.0000123, "$0.0000123"),
        (0.00012, "$0.000120"),
        (0.5, "$0.500"),
        (1.234, "$1.23"),
        (1234.5, "$1,234.50"),
        (1e-15, "$1.00e-15"),
    ],
)
def test_a_cost_shows_three_digits_that_say_something(usd: float | None, shown: str) -> None:
    assert cost(usd) == shown


@pytest.mark.parametrize(
    ("ns", "shown"),
    [
        (0, "0.00 ms"),
        (12_345, "0.01 ms"),
        (1_234_567, "1.23 ms"),
        (123_456_789, "123 ms"),
        (3_400_000_000, "3.4 s"),
        (99_400_000_000, "99.4 s"),
        (125_000_000_000, "2 min 5 s"),
        (3_725_000_000_000, "1 h 2 min"),
    ],
)
def test_a_duration_has_the_unit_that_fits(ns: int, shown: str) -> None:
    assert duration(ns) == shown


def test_tokens_that_nobody_counted_are_not_zero() -> None:
    assert (tokens(None, None), tokens(0, None), tokens(1200, 3)) == ("-", "0 in", "1,200 in, 3 out")


def test_a_time_that_no_calendar_has_is_shown_as_it_is() -> None:
    assert moment(2**63 - 1).startswith("2262-")
    assert moment(10**30) == f"{10**30} ns"


@pytest.mark.parametrize(
    ("error_type", "message", "shown"),
    [
        ("ValueError", "ValueError: bad", "ValueError: bad"),
        ("shop.errors.Broken", "Broken: bad", "Broken: bad"),
        ("ValueError", "bad", "ValueError: bad"),
        ("ValueError", None, "ValueError"),
        (None, "bad", "bad"),
        (None, None, ""),
    ],
)
def test_an_error_names_its_class_once(error_type: str | None, message: str | None, shown: str) -> None:
    assert failure(error_type, message) == shown


@given(st.text())
def test_no_control_character_passes(text: str) -> None:
    assert all(char.isprintable() or char in "\t\n" or ord(char) >= 0xA0 for char in clean(text))
    assert "\n" not in one_line(text)


@given(st.text(), st.integers(2, 80))
def test_one_line_is_at_most_so_long(text: str, limit: int) -> None:
    assert len(one_line(text, limit)) <= limit
