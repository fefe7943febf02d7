"""What `PII` works out itself, as it is on the way of each streamed chunk, beside those that it has it from."""

import phonenumbers
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from tracelm.scorers.payment_numbers import has_iban_check_digits, is_card_number
from tracelm.scorers.personal_data_ends import WINDOW, begins_at
from tracelm.scorers.phone_numbers import is_possible

codes = st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)) | st.integers(1, 999)
separators = st.sampled_from(["", "", " ", "-", ".", " (", ") ", "/"])
behind = st.lists(st.tuples(separators, st.sampled_from("0123456789")), min_size=5, max_size=14)
extensions = st.sampled_from(["", "", "", " x12", " ext. 3"])


@given(codes, behind, extensions)
@example(44, [("", digit) for digit in "02079460958"], "")
@example(54, [("", digit) for digit in "91123456789"], "")
def test_a_phone_number_is_possible_where_libphonenumber_says_so(
    code: int, behind: list[tuple[str, str]], extension: str
) -> None:
    number = f"+{code}{''.join(separator + digit for separator, digit in behind)}{extension}"
    try:
        expected = phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        expected = False
    assert is_possible(number) is expected


@given(st.text("0123456789", min_size=15, max_size=15))
def test_of_ten_numbers_of_an_issuer_the_one_that_passes_luhns_check_is_a_card(digits: str) -> None:
    number = "4" + digits[1:]
    cards = [number + last for last in "0123456789" if is_card_number(number + last)]
    assert cards == [number + luhn.calc_check_digit(number)]


@given(st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Za-z0-9]{11,30}", fullmatch=True))
def test_check_digits_of_an_iban_are_those_of_iso_7064(text: str) -> None:
    turned = (text[4:] + text[:2]).upper()
    right = f"{text[:2]}{mod_97_10.calc_check_digits(turned)}{text[4:]}"
    assert has_iban_check_digits(right)
    assert has_iban_check_digits(right.lower())
    assert has_iban_check_digits(text) == mod_97_10.is_valid(text[4:].upper() + text[:4])


words = st.lists(
    st.sampled_from(
        ["and", "of", "May", "3rd", "+1", "212", "ab12", "(020)", "...", "x", "12,", "WEST", "GB82", "basket"]
    ),
    max_size=60,
)
ENDS_ALL = "she had 7 apples in a basket that nobody could take for the end of a number, and so"


@given(words, words)
@example(["GB82"], ["4111"])
def test_where_the_last_number_begins_is_told_by_what_stands_behind_the_last_plain_words(
    before: list[str], after: list[str]
) -> None:
    tail = " ".join([ENDS_ALL, *after])
    text = " ".join([*before, tail])
    assert len(text) - begins_at(text) == len(tail) - begins_at(tail)


@given(st.lists(st.sampled_from(["and", "WEST", "no", "1234"]), max_size=12))
def test_words_within_an_iban_do_not_end_it(inside: list[str]) -> None:
    text = "please pay to GB82 " + " ".join(inside)
    begin = text.index("GB82")
    assert begins_at(text) == begin or len(text) - begin > 48


def test_of_a_long_row_of_numbers_as_much_is_held_as_the_longest_finding_has() -> None:
    text = "plain words, then " + "4111 " * 60
    assert begins_at(text) == len(text) - WINDOW
