"""What `PII` finds, what it leaves alone, and how well it does on other people's texts."""

import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.scorers import PII
from tracelm.scorers.personal_data import ENTITIES


def found(text: str) -> list[tuple[str, str]]:
    """Return type and text of each finding."""
    spans = PII().score(output=text).details.get("spans", [])
    return [(each["type"], text[each["start"] : each["end"]]) for each in spans]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("EMAIL", "ana@example.com"),
        ("EMAIL", "first.last+tag@sub.example.co.uk"),
        ("EMAIL", "jürgen@müller.de"),
        ("CARD", "4111111111111111"),
        ("CARD", "4111 1111 1111 1111"),
        ("CARD", "5555-5555-5555-4444"),
        ("CARD", "3782 822463 10005"),
        ("CARD", "6011000990139424"),
        ("IBAN", "DE89370400440532013000"),
        ("IBAN", "GB29 NWBK 6016 1331 9268 19"),
        ("IBAN", "nl91abna0417164300"),
        ("US_SSN", "536-22-1234"),
        ("IP_ADDRESS", "8.8.4.4"),
        ("IP_ADDRESS", "2001:db8::8a2e:370:7334"),
        ("IP_ADDRESS", "::ffff:93.184.216.34"),
        ("IP_ADDRESS", "1:2:3:4:5:6:7:8"),
        ("IP_ADDRESS", "fe80::1"),
        ("PHONE", "+49 30 901820"),
        ("PHONE", "+41 (0)44 668 18 00"),
        ("PHONE", "+14155552671"),
        ("PHONE", "(415) 555-2671"),
        ("PHONE", "415-555-2671"),
        ("PHONE", "1-415-555-2671 x204"),
        ("PHONE", "001-518-640-0854"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "It is {}.", "({})", "é🙂 {}, and more", "是{}。", '"{}"', "a: {}\nb"])
def test_personal_data_is_found_exactly_wherever_it_stands(kind: str, value: str, around: str) -> None:
    assert found(around.format(value)) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # wrong check digit
        "order 9999999999999995",  # check digit right, no issuer
        "0.4111111111111111",  # a decimal
        "a4111111111111111f",  # a hash
        "DE89370400440532013001",  # wrong check digits
        "XX89370400440532013000",  # no such country
        "000-22-1234, 666-22-1234, 936-22-1234, 536-00-1234, 536-22-0000",  # never assigned
        "1-536-22-1234",
        "256.1.1.1 and 1.2.3.4.5 and v1.2.3.4",
        "127.0.0.1, ::1, 0.0.0.0, 255.255.255.0",  # nobody's
        "odds = items[1::2]; evens = items[::2]",
        "12:30:45 and 00:1b:44:11:3a:b7 and std::vector",
        "not@domain, @handle, a@b",
        "1,234,567,890 or 2024-05-06 or 1700000000",
        "Call me on 2024-05-06 at 10:30",
        "115-555-2671",  # no such area code
        "The answer is 42. Section 3.1.4, pages 100-200.",
    ],
)
def test_what_only_looks_like_personal_data_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Phone: 0490 75 40 81", "0490 75 40 81"),
        ("tel. 451 5986", "451 5986"),
        ("you can reach me at 9472 7916, any time", "9472 7916"),
        ("My SSN is 536 22 1234", "536 22 1234"),
        ('{"ssn": "536221234"}', "536221234"),
    ],
)
def test_the_words_before_a_number_can_tell(text: str, value: str) -> None:
    assert [each for _, each in found(text)] == [value]


FULL_WIDTH = "".join(chr(ord(digit) + 0xFEE0) for digit in "4111111111111111")
NO_BREAK_SPACES = "4111\u00a01111\u00a01111\u00a01111"
NO_BREAK_HYPHENS = "4111\u20111111\u20111111\u20111111"


@pytest.mark.parametrize("text", [FULL_WIDTH, NO_BREAK_SPACES, NO_BREAK_HYPHENS])
def test_digits_blanks_and_dashes_of_other_widths_are_read(text: str) -> None:
    assert found(text) == [("CARD", text)]


def test_a_card_among_other_numbers_is_found_alone() -> None:
    assert found("No 17 4111 1111 1111 1111 12/27") == [("CARD", "4111 1111 1111 1111")]


def test_an_address_behind_a_label_with_a_colon_is_found() -> None:
    assert found("[IPv6:2001:db8::1]: ok") == [("IP_ADDRESS", "2001:db8::1")]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("BIRTH_DATE", "Date of birth: 1985-03-03.", "1985-03-03"),
        ("BIRTH_DATE", "She was born on 3 March 1985", "3 March 1985"),
        ("BIRTH_DATE", "DOB 03/04/85", "03/04/85"),
        ("BIRTH_DATE", "My birthday is March 3rd, 1985", "March 3rd, 1985"),
        ("NATIONAL_ID", "NHS number: 943 476 5870", "943 476 5870"),
        ("NATIONAL_ID", "DNI 54362315K", "54362315K"),
        ("NATIONAL_ID", "codice RCCMNL83S18D969H", "RCCMNL83S18D969H"),
        ("NATIONAL_ID", "CPF 39053344705", "39053344705"),
        ("NATIONAL_ID", "paga 390.533.447-05", "390.533.447-05"),
        ("NATIONAL_ID", "Aadhaar: 2341 2341 2346", "2341 2341 2346"),
        ("NATIONAL_ID", "BSN 111222333", "111222333"),
        ("NATIONAL_ID", "PESEL: 44051401359", "44051401359"),
        ("NATIONAL_ID", "my SIN is 123-456-782", "123-456-782"),
        ("NATIONAL_ID", "Steuer-ID 36574261809", "36574261809"),
        ("NATIONAL_ID", "AHV-Nr. 756.9217.0769.85", "756.9217.0769.85"),
        ("NATIONAL_ID", "NIR 2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
        ("PHONE", "416 60 039 office", "416 60 039"),
        ("CARD", "4111 1111\n1111 1111", "4111 1111\n1111 1111"),
        ("CARD", "4111\u200b1111\u200b1111\u200b1111", "4111\u200b1111\u200b1111\u200b1111"),
        ("IBAN", "AB12 DE89370400440532013000", "DE89370400440532013000"),
        ("CARD", "0@0.AA4111 1111 1111 1111", "4111 1111 1111 1111"),
    ],
)
def test_more_is_found_where_a_word_or_a_check_digit_tells(kind: str, text: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "NHS number: 9434765871",  # wrong check digit
        "order 9434765870, item 39053344705, lot 111222333",  # right ones, and nothing says what they are
        "The bridge was built on 1985-03-03; version 3/4/85",
        "Born in 1985",
        "+999 30 901820",  # no such country code
        "4111\n1111\n1111\n1111",  # a column
    ],
)
def test_what_no_word_and_no_check_digit_tells_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_national_phone_numbers_are_found_in_the_given_regions() -> None:
    text = "Ring 020 7946 0018 or 030 901820, not 2024-05-06 10:30"
    spans = PII(regions=("GB", "DE")).score(output=text).details["spans"]
    assert [text[each["start"] : each["end"]] for each in spans] == ["020 7946 0018", "030 901820"]
    assert found(text) == []


def test_overlapping_findings_become_one_that_covers_both() -> None:
    assert found("phone 536-22-1234 x12") == [("US_SSN", "536-22-1234 x12")]


def test_numbers_one_after_the_other_are_told_apart() -> None:
    assert found("+41 44 668 18 00 4111 1111 1111 1111") == [
        ("PHONE", "+41 44 668 18 00"),
        ("CARD", "4111 1111 1111 1111"),
    ]


def test_the_verdict_counts_types_and_never_repeats_the_text() -> None:
    score = PII().score(output="ana@example.com, bo@example.com, 4111111111111111")
    assert (score.value, score.passed) == (False, False)
    assert score.explanation == "found 2 EMAIL, 1 CARD"
    assert "example" not in repr(score)
    assert "4111" not in repr(score)


def test_a_clean_output_passes() -> None:
    assert PII().score(output="Nothing personal.") == tracelm.Score(value=True)


def test_only_the_chosen_entities_are_looked_for() -> None:
    text = "ana@example.com pays with 4111111111111111"
    assert [each["type"] for each in PII(entities=("CARD",)).score(output=text).details["spans"]] == ["CARD"]


@pytest.mark.parametrize("entities", [(), ("NAME",), ("EMAIL", "email")])
def test_unknown_entities_are_refused(entities: Any) -> None:
    with pytest.raises(tracelm.ConfigError, match="choose from EMAIL"):
        PII(entities=entities)


@dataclass
class Reply:
    to: str


class Plain:
    def __init__(self, to: str) -> None:
        self.to = to


@pytest.mark.parametrize(
    "output",
    [
        {"to": "ana@example.com"},
        {"ana@example.com": 1},
        ["x", ("y", {"ana@example.com"})],
        {"text": "Mail:\nana@example.com"},
        Reply("ana@example.com"),
        Plain("ana@example.com"),
        b"ana@example.com",
        ValueError("ana@example.com"),
        {"big": 2**80, "to": "ana@example.com"},
        {"odd": "\ud800", "to": "ana@example.com"},
    ],
)
def test_outputs_that_are_no_text_are_looked_through(output: object) -> None:
    assert PII().score(output=output).passed is False


def test_a_line_break_in_a_value_does_not_hide_the_number_behind_it() -> None:
    assert PII().score(output={"text": "card\n4111111111111111\nthanks"}).explanation == "found 1 CARD"


def test_a_value_that_holds_itself_is_looked_through() -> None:
    cycle: dict[str, Any] = {"to": "ana@example.com"}
    cycle["self"] = cycle
    assert PII().score(output=cycle).passed is False


@given(st.text())
def test_any_text_is_judged_and_its_spans_lie_inside_in_order(text: str) -> None:
    done = 0
    for each in PII().score(output=text).details.get("spans", []):
        assert done <= each["start"] < each["end"] <= len(text)
        done = each["end"]


@given(before=st.text(alphabet="ab1 .-:é日🙂\n", max_size=20), after=st.text(alphabet=" .,é日🙂\n", max_size=20))
def test_an_address_is_covered_whatever_stands_around_it(before: str, after: str) -> None:
    start = len(before)
    spans = PII().score(output=f"{before}ana@example.com{after}").details["spans"]
    assert any(each["start"] <= start + 3 and each["end"] >= start + 15 for each in spans)


@pytest.mark.parametrize("piece", ["a@a.", "4111 ", "1.", "a:", "ab12 ", "+1 ", "(", "0x", "@"])
def test_time_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    def processor_time_s(repeats: int) -> float:
        text = piece * repeats
        times: list[float] = []
        for _ in range(3):
            begin = time.process_time()
            PII().score(output=text)
            times.append(time.process_time() - begin)
        return min(times)

    assert processor_time_s(16_000) < 40 * processor_time_s(1_000) + 0.01


FLOORS = {"EMAIL": 1.0, "IBAN": 1.0, "IP_ADDRESS": 1.0, "CARD": 0.99, "PHONE": 0.95}
LABELS = {
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP_ADDRESS",
    "CREDIT_CARD": "CARD",
    "PHONE_NUMBER": "PHONE",
}


def test_recall_and_precision_on_presidios_texts(shared: Path) -> None:
    lines = (shared / "datasets" / "pii_presidio_synth.jsonl").read_text(encoding="utf-8").splitlines()
    labelled, covered, false = Counter[str](), Counter[str](), Counter[str]()
    for row in map(json.loads, lines):
        spans = PII().score(output=row["text"]).details.get("spans", [])
        wanted = [each for each in row["spans"] if each["type"] in LABELS]
        for label in wanted:
            kind = LABELS[label["type"]]
            labelled[kind] += 1
            covered[kind] += any(
                each["type"] == kind and each["start"] <= label["start"] and each["end"] >= label["end"]
                for each in spans
            )
        for each in spans:
            false[each["type"]] += not any(
                label["start"] < each["end"] and each["start"] < label["end"] for label in wanted
            )
    recall = {kind: covered[kind] / labelled[kind] for kind in FLOORS}
    assert {kind: recall[kind] >= floor for kind, floor in FLOORS.items()} == dict.fromkeys(FLOORS, True), recall
    assert {kind: false[kind] for kind in ENTITIES} == dict.fromkeys(ENTITIES, 0)
