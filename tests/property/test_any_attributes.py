"""Whatever attributes are encoded together, the line says of them what it says when each is encoded by itself."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tracelm.otlp.encode import CleanText, LineEncoder
from tracelm.trace.redact import Redactor

SECRET = "sk-" + "a" * 24
NAMES = st.sampled_from(("gen_ai.request.model", "server.port", "50%", "é", "api_key", "a", "b", "c"))
TEXTS = st.text(max_size=20) | st.sampled_from((SECRET, f"the key is {SECRET}", "%d", "stop"))
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from((1, 1.0, 0.1, 2**63))
PLAIN = TEXTS | NUMBERS | st.booleans() | st.lists(TEXTS, max_size=6).map(tuple)
REDACTOR = Redactor()
ENCODER = LineEncoder(REDACTOR.may_hold_secret, REDACTOR.line)
"""One for all examples: what it keeps of one must not show in another."""


def read(pieces: list[bytes]) -> list[Any]:
    """Return the attributes that pieces hold, in the form of OTLP/JSON."""
    return list(orjson.loads(b"[%b]" % b",".join(pieces)))


def by_itself(attributes: dict[str, Any]) -> list[Any]:
    """Return what an encoder that has seen nothing writes of each."""
    return read(LineEncoder(REDACTOR.may_hold_secret, REDACTOR.line).attributes(attributes))


def key_of(facts: dict[str, Any]) -> tuple[object, ...]:
    """Return what facts are kept by: themselves, and their classes."""
    return (*facts.items(), *map(type, facts.values()))


def alike(facts: dict[str, Any], numbers: dict[str, Any], texts: dict[str, Any]) -> list[bytes] | None:
    """Encode attributes together."""
    return ENCODER.alike(ENCODER.phrase(key_of(facts), lambda: facts), numbers, texts)


@given(
    st.dictionaries(NAMES, PLAIN | st.lists(TEXTS) | st.lists(NUMBERS | st.booleans()).map(tuple), max_size=4),
    st.dictionaries(NAMES, NUMBERS | st.booleans(), max_size=4),
    st.dictionaries(NAMES, TEXTS | TEXTS.map(REDACTOR.string).map(CleanText) | NUMBERS, max_size=2),
)
def test_together_is_as_each_by_itself(facts: dict[str, Any], numbers: dict[str, Any], texts: dict[str, Any]) -> None:
    # 0.0 and -0.0 are equal and of one class: they are kept as one.
    facts = {name: 0.0 if value == 0 and isinstance(value, float) else value for name, value in facts.items()}
    for _ in range(2):  # the second time from what was kept
        pieces = alike(facts, numbers, texts)
        if pieces is not None:
            assert SECRET.encode() not in b"".join(pieces)
            assert repr(read(pieces)) == repr(by_itself(facts) + by_itself(numbers) + by_itself(texts))


@given(
    st.dictionaries(NAMES.filter(lambda name: name != "api_key"), st.integers(0, 9) | st.floats(0, 1), min_size=1),
    st.dictionaries(NAMES, PLAIN, max_size=4),
)
def test_plain_numbers_and_texts_are_encoded_together(numbers: dict[str, Any], facts: dict[str, Any]) -> None:
    assert alike(facts, numbers, {"id": "chatcmpl-1"}) is not None


def test_equal_values_of_other_classes_are_told_apart() -> None:
    for value, said in ((1, {"intValue": "1"}), (1.0, {"doubleValue": 1.0}), (True, {"boolValue": True})):
        for kept, alone in ((value, said), ((value,), {"arrayValue": {"values": [said]}})):
            for _ in range(2):
                assert read(alike({"kept": kept}, {}, {}) or []) == [{"key": "kept", "value": alone}]


def test_what_holds_a_secret_is_redacted_and_not_kept() -> None:
    made: list[str] = []

    def facts() -> dict[str, str]:
        made.append("once more")
        return {"said": SECRET}

    for _ in range(2):
        assert read([ENCODER.phrase("holds a secret", facts).piece]) == [
            {"key": "said", "value": {"stringValue": "[redacted]"}}
        ]
    assert len(made) == 2
    assert alike({}, {"api_key": 1}, {}) is None
    assert read(alike({}, {}, {"said": SECRET}) or []) == [{"key": "said", "value": {"stringValue": "[redacted]"}}]


def test_a_phrase_is_made_once() -> None:
    made: list[str] = []

    def facts() -> dict[str, str]:
        made.append("once more")
        return {"said": "often"}

    assert ENCODER.phrase("said often", facts) is ENCODER.phrase("said often", facts)
    assert len(made) == 1
