"""Whatever a record says, a text that it has is found by its bytes as it is by its texts."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tracelm.store.record import pack
from tracelm.store.search.texts import fold, may_have, spelled, text_of_record

SAID = st.text(max_size=40) | st.recursive(
    st.text(max_size=12) | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
).map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS).decode())


def blob_of(name: str, said: str) -> bytes:
    body = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "00000000000000a1",
        "name": name,
        "attributes": [{"key": "input.value", "value": {"stringValue": said}}],
    }
    return pack(orjson.dumps(body), [said]).blob


@given(st.text(max_size=20), SAID, st.data())
def test_a_text_that_a_record_has_is_never_ruled_out_by_its_bytes(name: str, said: str, data: st.DataObject) -> None:
    blob = blob_of(name, said)
    whole = text_of_record(blob)
    start = data.draw(st.integers(0, len(whole)))
    part = fold(whole[start : data.draw(st.integers(start, len(whole)))])
    assert part in whole
    assert may_have(blob, spelled(part))


def test_a_record_that_has_a_text_nowhere_is_ruled_out() -> None:
    assert not may_have(blob_of("chat gpt-4o", "What about the order?"), spelled("refund"))
    assert not may_have(blob_of("chat gpt-4o", "订单在哪里"), spelled("退款"))
    assert may_have(blob_of("CHAT", "订单在哪里"), spelled("chat"))
    assert may_have(blob_of("x", "\N{KELVIN SIGN}ey"), spelled("key"))
