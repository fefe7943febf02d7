"""Whatever a record says, a text that it has is found by its bytes as it is by its texts."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tracelm.store.record import pack, with_nulls
from tracelm.store.search.texts import fold, may_have, spelled, text_of_record

SAID = st.text(max_size=40) | st.recursive(
    st.text(max_size=12) | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
).map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS).decode())


def record_of(name: str, said: str) -> bytes:
    record = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "00000000000000a1",
        "name": name,
        "attributes": [{"key": "input.value", "value": {"stringValue": said}}],
    }
    body, _ = with_nulls(pack(orjson.dumps(record), [said]).blob)
    return body


@given(st.text(max_size=20), SAID, st.data())
def test_a_text_that_a_record_has_is_never_ruled_out_by_its_bytes(name: str, said: str, data: st.DataObject) -> None:
    body = record_of(name, said)
    whole = text_of_record(body)
    start = data.draw(st.integers(0, len(whole)))
    part = fold(whole[start : data.draw(st.integers(start, len(whole)))])
    assert part in whole
    assert may_have(body, spelled(part))


def test_a_record_that_has_a_text_nowhere_is_ruled_out() -> None:
    assert not may_have(record_of("chat gpt-4o", "What about the order?"), spelled("refund"))
    assert not may_have(record_of("chat gpt-4o", "订单在哪里"), spelled("退款"))
    assert may_have(record_of("CHAT", "订单在哪里"), spelled("chat"))
    assert may_have(record_of("x", "\N{KELVIN SIGN}ey"), spelled("key"))


def test_the_keys_and_ids_of_a_record_are_no_text_of_it() -> None:
    body = record_of("chat", "What about the order?")
    assert not may_have(body, spelled("input.value"))
    assert not may_have(body, spelled("fff798"))
    assert may_have(record_of("chat", '{"key":"input.value"}'), spelled("input.value"))
