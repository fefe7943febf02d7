"""The first look for secrets: it never misses what the engine finds, and spares short text the engine."""

import sys
import threading
from collections.abc import Callable

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.trace.test_redact import SECRETS
from tracelm.trace import forms
from tracelm.trace.forms import Forms
from tracelm.trace.look import UP_TO_BYTES, first_look

OWN_NAMES = ("ssn", "date of birth", "CustomerPIN2")
ORDINARY = (
    '{"question": "Where is my order 4711? It should have come on Monday.", "customer": {"id": 4711, "tier": "gold"}}',
    "The author of the keynote, a passenger with a monkey, passed the tokens on. " * 8
    + "It was late in the evening. " * 8,
    "Bitte prüfen Sie die Lieferung – sie kam beschädigt an. " * 60,
    "订单什么时候到？ " * 100,
)


def _engine_alone(_pattern: str, closer: Callable[[bytes], object]) -> Callable[[bytes], object]:
    return closer


with pytest.MonkeyPatch.context() as patch:  # the engine alone, as it would be asked without a first look
    patch.setattr(forms, "first_look", _engine_alone)
    ENGINE = Forms(OWN_NAMES).may_hold
LOOK = Forms(OWN_NAMES).may_hold


def test_every_known_secret_passes_the_first_look() -> None:
    for secret in SECRETS.values():
        for text in (secret, secret * 3, "The quick brown fox. " * 200 + secret, secret + " jumps over it." * 400):
            data = orjson.dumps(text)
            assert bool(LOOK(data)) == bool(ENGINE(data)), text[:80]


NAMES = st.sampled_from(
    ["api_key", "apiKey", "AUTHORIZATION", "authorisation", "pass phrase", "Passwd", "pwd", "cookies", "credential",
     "secret_access_key", "openai.key", "ssh key", "token", "tokens", "_auth", "xAuth", ".pass", "ſecret", "toKen",
     "ssn", "Date-Of-Birth", "customer_pin_2", "customerpin2", "dateOfBirth", "api\u00a0key", "K", "pas\u0301s"]
)  # fmt: skip
STARTS = st.sampled_from(
    ["sk-", "pk_live_", "gsk_", "xai-", "hf_", "ghp_", "github_pat_", "glpat-", "xoxb-", "AIza", "AKIA", "ASIA", "eyJ",
     "-----BEGIN PRIVATE KEY-----", "Bearer ", "BASIC  ", "https://u:", "@h", '","type":"blob"', "data:image/png"]
)  # fmt: skip
AFTER = st.sampled_from(
    ["", "s", "_value", "-hash", ".new", " openai", "_123", "\\\\", '"', "'", ":", "=", " : ", "é", "ééé:", "    ", "."]
)
RUNS = st.text("abcXYZ019_-./+=", max_size=40)
PIECES = st.lists(st.one_of(NAMES, STARTS, AFTER, RUNS, st.text(max_size=6)), max_size=12).map("".join)


@given(PIECES, st.integers(0, 3), st.booleans())
@example("date of birth" + "é" * 4 + ":", 2, False)
@example("secret_access_keys_anthropic" + "é" * 4 + '\\\\"', 1, True)
def test_whatever_the_engine_finds_the_first_look_finds(text: str, padding: int, nested: bool) -> None:
    text = "lorem ipsum dolor " * (60 * padding) + text
    data = orjson.dumps(orjson.dumps({"value": text}).decode() if nested else {"value": text})
    if ENGINE(data):
        assert LOOK(data)


def test_nothing_is_found_in_ordinary_text() -> None:
    for text in ORDINARY:
        assert not LOOK(orjson.dumps(text))


def test_short_text_is_not_given_to_the_engine() -> None:
    asked: list[bytes] = []
    look = first_look("secret", asked.append)
    assert look(b"a secret")
    assert not look(b"x" * UP_TO_BYTES)
    assert asked == []


def test_long_text_goes_to_the_engine_at_once() -> None:
    asked: list[bytes] = []
    look = first_look("secret", asked.append)
    data = b"x" * (UP_TO_BYTES + 1)
    look(data)
    assert asked == [data]


def test_bytes_that_are_no_text_may_hold_anything() -> None:
    assert LOOK(b"\xff")
    assert LOOK(b'{"password": "\xff"}')


def test_names_beyond_ascii_are_found() -> None:
    assert Forms(("straße",)).may_hold(orjson.dumps({"STRASSE": 1, "Straße": "x"}))


def test_a_pattern_that_is_too_large_is_left_to_the_engine() -> None:
    asked: list[bytes] = []
    look = first_look(r"(?:\w{1000}){1000}", asked.append)
    look(b"x")
    assert asked == [b"x"]


def test_other_threads_do_not_get_their_turn_by_a_look() -> None:
    go, ran = threading.Event(), threading.Event()

    def other() -> None:
        go.wait()
        ran.set()

    thread = threading.Thread(target=other)
    thread.start()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1_000)  # only who gives the lock up loses it
    try:
        data = orjson.dumps("The parcel is on its way. " * 300)
        go.set()
        for _ in range(1_000):
            LOOK(data)
        assert not ran.is_set()
    finally:
        sys.setswitchinterval(interval_s)
        thread.join()
