"""Which digits are a payment card's number or an IBAN: issuers, lengths and check digits."""

from collections.abc import Mapping
from string import ascii_letters
from typing import Final

# Issuer prefixes (first, last) and the lengths of their numbers: ISO/IEC 7812 as the networks publish it.
_ISSUERS: Final[tuple[tuple[str, str, frozenset[int]], ...]] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset({14, 16, 19})),  # Diners Club
    ("3095", "3095", frozenset({14, 16, 19})),
    ("36", "36", frozenset({14, 16, 19})),
    ("38", "39", frozenset({14, 16, 19})),
    ("35", "35", frozenset({16, 17, 18, 19})),  # JCB: 3528 to 3589; test numbers also use the rest
    ("1800", "1800", frozenset({15})),
    ("2131", "2131", frozenset({15})),
    ("6011", "6011", frozenset({16, 17, 18, 19})),  # Discover
    ("644", "659", frozenset({16, 17, 18, 19})),
    ("62", "62", frozenset({16, 17, 18, 19})),  # UnionPay
    ("60", "60", frozenset({16})),  # RuPay
    ("81", "82", frozenset({16})),
    ("508", "508", frozenset({16})),
    ("2200", "2204", frozenset({16, 17, 18, 19})),  # Mir
    ("5018", "5018", frozenset(range(12, 20))),  # Maestro
    ("5020", "5020", frozenset(range(12, 20))),
    ("5038", "5038", frozenset(range(12, 20))),
    ("5893", "5893", frozenset(range(12, 20))),
    ("6304", "6304", frozenset(range(12, 20))),
    ("6390", "6390", frozenset(range(12, 20))),
    ("67", "67", frozenset(range(12, 20))),
    ("56", "58", frozenset(range(16, 20))),
)


def is_card_number(number: str) -> bool:
    """Say whether these digits, without blanks, can be the number of a payment card."""
    return _has_issuer(number) and _passes_luhn(number)


_LENGTHS: Final[dict[str, set[int]]] = {}
"""How long the numbers of an issuer are, by the digits that they begin with."""
for _first, _last, _lengths in _ISSUERS:
    for _prefix in range(int(_first), int(_last) + 1):
        _LENGTHS.setdefault(str(_prefix), set()).update(_lengths)


def _has_issuer(number: str) -> bool:
    return any(len(number) in _LENGTHS.get(number[:length], ()) for length in (1, 2, 3, 4))


_DOUBLED: Final = str.maketrans("0123456789", "0246813579")
"""The sum of the digits of twice a digit."""


def _passes_luhn(number: str) -> bool:
    """Check the last digit (ISO/IEC 7812-1, annex B)."""
    return sum(map(int, number[::-2] + number[-2::-2].translate(_DOUBLED))) % 10 == 0


# The IBAN registry (ISO 13616): how many characters a country's numbers have.
IBAN_LENGTHS: Final[Mapping[str, int]] = {
    country: length
    for length, countries in (
        (15, "NO"),
        (16, "BE"),
        (18, "DK FI FK FO GL NL SD"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH HR LI LV"),
        (22, "BG BH CR DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "LY PT ST"),
        (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU YE"),
        (31, "MT SC"),
        (32, "LC"),
        (33, "RU"),
    )
    for country in countries.split()
}


def has_iban_check_digits(iban: str) -> bool:
    """Say whether the two check digits are right (ISO 7064, MOD 97-10).

    Args:
        iban: ASCII letters and digits, without blanks.
    """
    return int((iban[4:] + iban[:4]).translate(_AS_DIGITS)) % 97 == 1


_AS_DIGITS: Final = str.maketrans({char: str(int(char, 36)) for char in ascii_letters})
