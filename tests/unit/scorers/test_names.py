"""Names and addresses: what is told by form, here; what the model tells, in `tests/interop/check_names.py`."""

from typing import Any

import pytest

import tracelm
from tracelm.scorers import NamesAndAddresses

by_form = NamesAndAddresses(entities=("ADDRESS",))

ADDRESSES = [
    "12 Old Mill Road",
    "221B Baker Street",
    "1600 Pennsylvania Ave.",
    "Via Roma 131",
    "ul. Jesionowa 127",
    "Avenida Generalísimo Franco 6",
    "106 Rue Ettatawer",
    "Hauptstraße 5",
    "Koskikatu 25",
    "Wesselényi u. 94",
    "Apt. 117",
    "Suite 741",
    "P.O. Box 211",
]
ORDINARY = [
    "Turn right after the road.",
    "In 2024 the street was closed.",
    "She bought 12 apples and 3 pears, 5 of them on Monday.",
    "It runs via Rome in 131 minutes.",
    "Windows 11, Boeing 747, Chapter 12, March 12",
    "the boxes 4 and 5 of the suite are ready",
    "I went to court 3 times.",
    "We agree 100 % on the way of 5 steps.",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_found_by_its_form_and_nothing_beside_it(address: str) -> None:
    text = f"Please send it to {address}, and thanks."
    score = by_form.score(output=text)
    (found,) = score.details["spans"]
    assert text[found["start"] : found["end"]] == address
    assert (score.passed, found["type"], score.explanation) == (False, "ADDRESS", "found 1 ADDRESS")


@pytest.mark.parametrize("text", ORDINARY)
def test_what_is_no_address_is_left_alone(text: str) -> None:
    assert by_form.score(output=text).passed is True


def test_a_long_text_is_searched_in_part_and_does_not_pass() -> None:
    score = by_form.score(output="word " * 30_000)
    assert score.value is None
    assert "the first 100,000 were searched" in str(score.explanation)


@pytest.mark.parametrize("given", [{"entities": ()}, {"entities": ("NAME",)}, {"model": " "}])
def test_what_cannot_work_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(tracelm.ConfigError):
        NamesAndAddresses(**given)


def test_a_guardrail_without_presidio_is_broken_and_blocks() -> None:
    @tracelm.guard(tracelm.Guardrail(NamesAndAddresses()))
    def answer() -> str:
        return "Ask Ana."

    with pytest.raises(tracelm.GuardrailBroken, match="MissingExtraError"):
        answer()
