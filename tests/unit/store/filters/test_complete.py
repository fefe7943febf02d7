"""What is offered where somebody types a filter."""

from collections.abc import Iterable

import pytest

from tracelm.store.filters import complete


def known(field: str, begins: str) -> Iterable[str]:
    found = {"model": ["gpt-4o", "gpt 5"], "score": ["pii", "my score"], "attr": ["customer.tier"]}.get(field, [])
    return [each for each in found if each.startswith(begins)]


def offered(text: str) -> list[str]:
    """Return the filter as it is with each of what is offered; the cursor stands at `|`."""
    position = text.index("|")
    text = text.replace("|", "")
    return [text[: each.start] + each.text + text[each.end :] for each in complete(text, position, values=known)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sta|", ["status", "state"]),
        ("op:x lat|", ["op:x latency"]),
        ("op:x lat| b", ["op:x latency b"]),
        ("(op:x OR env|", ["(op:x OR environment"]),
        ("-pro|", ["-provider", "-project"]),
        ("status|", ["status:", "status!="]),
        ("latency|", ["latency:", "latency!=", "latency>", "latency>=", "latency<", "latency<="]),
        ("status:|", ["status:unset", "status:ok", "status:error"]),
        ("status:e|", ["status:error"]),
        ("status:(ok, e|", ["status:(ok, error"]),
        ("state:in|", ['state:"in flight"']),
        ("is:|", ["is:root"]),
        ("has:sc|", ["has:score"]),
        ("model:gpt|", ["model:gpt-4o", 'model:"gpt 5"']),
        ("model!=gpt-|", ["model!=gpt-4o"]),
        ("score.|", ["score.pii", 'score."my score"']),
        (
            "attr.cu|",
            ["attr.customer.tier", "attr.cu:", "attr.cu!=", *(f"attr.cu{each}" for each in (">", ">=", "<", "<="))],
        ),
        ("scor|", ["score."]),
        ('"sta|', []),
        ("latency>|", []),
        ("nothing:|", []),
    ],
)
def test_what_is_offered(text: str, found: list[str]) -> None:
    assert offered(text) == found


def test_at_the_beginning_every_field_is_offered_with_its_meaning() -> None:
    found = complete("", 0)
    assert {"op", "latency", "score.", "has"} <= {each.text for each in found}
    assert all(each.meaning for each in found)
