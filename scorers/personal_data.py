"""Where personal data stands in a text: e-mail addresses, cards, IBANs, phone numbers, SSNs, IP addresses.

A pattern of google-re2 (linear in the length of the text) proposes; what the thing itself can prove decides:
the check digits of a card or an IBAN, the ranges of an SSN, the grammar of an address.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import re2

from tracelm.scorers.payment_numbers import IBAN_LENGTHS, has_iban_check_digits, is_card_number

Entity: TypeAlias = Literal["EMAIL", "IBAN", "CARD", "US_SSN", "IP_ADDRESS", "PHONE"]
ENTITIES: Final[tuple[Entity, ...]] = get_args(Entity)
"""All that can be found. Where two overlap, the whole goes by the name that stands first."""

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of personal data.

    Attributes:
        start: Where it begins, in characters.
        end: Where it ends, in characters, exclusive.
        type: What it is.
    """

    start: int
    end: int
    type: Entity


def find(text: str, entities: Collection[Entity] = ENTITIES) -> list[Finding]:
    """Return what stands in `text`, in order and without overlaps.

    Args:
        text: Any text. Digits, blanks and dashes of other scripts and widths are read as the plain ones.
        entities: What to look for.
    """
    plain = text if text.isascii() else text.translate(_FOLD)
    found = [Finding(*span, entity) for entity in ENTITIES if entity in entities for span in _FINDERS[entity](plain)]
    found.sort(key=lambda each: (each.start, each.end))
    apart: list[Finding] = []
    for each in found:
        if apart and each.start < apart[-1].end:
            last = apart.pop()
            first = last.type if ENTITIES.index(last.type) <= ENTITIES.index(each.type) else each.type
            apart.append(Finding(last.start, max(last.end, each.end), first))
        else:
            apart.append(each)
    return apart


class _Fold(dict[int, str]):
    """Reads characters as their plain ASCII form, one for one, so that offsets stay."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        category = unicodedata.category(char)
        if category == "Nd":
            plain = str(unicodedata.decimal(char))
        elif category == "Zs":
            plain = " "
        elif category in {"Pd", "Cf"}:  # dashes; and characters without a width, which may split a number
            plain = "-"
        elif category == "Cs":  # half of a pair: no encoding takes it
            plain = "?"
        elif 0xFF01 <= point <= 0xFF5E:
            plain = chr(point - 0xFEE0)
        else:
            plain = char
        self[point] = plain
        return plain


_FOLD: Final = _Fold()


def _spans(pattern: "re2.Pattern[str]", text: str, group: int = 0) -> Iterator[Span]:
    return (match.span(group) for match in pattern.finditer(text))


def _is_alphanumeric(text: str, index: int) -> bool:
    # ASCII only: in a text without blanks (Chinese, Japanese) a letter before a number says nothing.
    return 0 <= index < len(text) and text[index].isascii() and text[index].isalnum()


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not _is_alphanumeric(text, start - 1) and not _is_alphanumeric(text, end)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


# --- e-mail -------------------------------------------------------------------------------------------------
_WORD: Final = r"\p{Latin}\p{Greek}\p{Cyrillic}0-9"
_email: Final = re2.compile(
    rf"[{_WORD}_][{_WORD}_.!#$%&'*+/=?^`{{|}}~-]*@(?:[{_WORD}][{_WORD}-]*\.)+"
    r"(?:xn--[A-Za-z0-9-]{2,}|[\p{Latin}\p{Greek}\p{Cyrillic}]{2,})"
)


def _emails(text: str) -> Iterator[Span]:
    # Most texts hold none, and say so fast.
    return _spans(_email, text) if "@" in text else iter(())


# --- payment card -------------------------------------------------------------------------------------------
_long_number: Final = re2.compile(r"[0-9](?:[ ._-]{0,2}[0-9]){11,}")
_group: Final = re.compile(r"[0-9]+")
_CARD_LAYOUTS: Final = frozenset(
    {*((length,) for length in range(12, 20)), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13)}
)
_CARD_GROUPS: Final = tuple(sorted({len(layout) for layout in _CARD_LAYOUTS}, reverse=True))


def _cards(text: str) -> Iterator[Span]:
    for start, end in _spans(_long_number, text):
        groups = [each.span() for each in _group.finditer(text, start, end)]
        at = 0
        while at < len(groups):
            size = next((size for size in _CARD_GROUPS if _is_card(text, groups[at : at + size], size)), 0)
            if size:
                yield groups[at][0], groups[at + size - 1][1]
            at += size or 1


def _is_card(text: str, groups: list[Span], size: int) -> bool:
    if tuple(end - start for start, end in groups) not in _CARD_LAYOUTS or len(groups) != size:
        return False
    start, end = groups[0][0], groups[-1][1]
    if not _stands_alone(text, start, end) or (size == 1 and _is_part_of_a_decimal(text, start, end)):
        return False
    number = _digits(text[start:end])
    return is_card_number(number)


def _is_part_of_a_decimal(text: str, start: int, end: int) -> bool:
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    return (before[-1:] == "." and before[:1].isdigit()) or (after[:1] == "." and after[1:].isdigit())


# --- IBAN ---------------------------------------------------------------------------------------------------
_iban: Final = re2.compile(r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")


def _ibans(text: str) -> Iterator[Span]:
    for start, end in _spans(_iban, text):
        length = IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
        # The pattern runs on into the words behind: the country says where the number ends.
        places = [place for place in range(start, end) if text[place] not in " -"][:length]
        if not length or len(places) < length or not _stands_alone(text, start, places[-1] + 1):
            continue
        if has_iban_check_digits("".join(text[place] for place in places)):
            yield start, places[-1] + 1


# --- US social security number ------------------------------------------------------------------------------
_ssn: Final = re2.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
# Without dashes, nine digits are many things: only the words before them tell.
_told_ssn: Final = re2.compile(
    r"(?i:\bssn|\bsocial security)(?i: number| no\.?)?(?i: is)?[\"':= #]{0,5}"
    r"([0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4})"
)


def _ssns(text: str) -> Iterator[Span]:
    for start, end in _spans(_ssn, text):
        if text[start - 1 : start] != "-" and text[end : end + 1] != "-" and _is_ssn(text, start, end):
            yield start, end
    for start, end in _spans(_told_ssn, text, 1):
        if _is_ssn(text, start, end):
            yield start, end


def _is_ssn(text: str, start: int, end: int) -> bool:
    """Check the ranges that the Social Security Administration never assigns."""
    number = _digits(text[start:end])
    return (
        _stands_alone(text, start, end)
        and number[:3] not in {"000", "666"}
        and number[0] != "9"
        and number[3:5] != "00"
        and number[5:] != "0000"
    )


# --- IP address ---------------------------------------------------------------------------------------------
_ipv4: Final = re2.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_ipv6: Final = re2.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.[0-9]{1,3}){0,3}")


def _ip_addresses(text: str) -> Iterator[Span]:
    for start, end in _spans(_ipv4, text):
        longer = text[start - 1 : start] == "." or (text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit())
        if not longer and _stands_alone(text, start, end) and _is_address(text[start:end]):
            yield start, end
    for start, end in _spans(_ipv6, text):
        for first, last in _without_colons_around(text, start, end):
            if _stands_alone(text, first, last) and _is_ipv6(text[first:last]):
                yield first, last
                break


def _without_colons_around(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the readings of `IPv6:2001:db8::1:`, whose outer colons are not the address's."""
    last = end - 1 if text[end - 1] == ":" and text[end - 2] != ":" else end
    yield start, last
    colon = text.find(":", start, last)
    if text[colon + 1 : colon + 2] != ":":
        yield colon + 1, last


def _is_ipv6(text: str) -> bool:
    # `::2` and `1::2` are addresses too; nearly always they are slices of a Python list.
    groups = text.split(":")
    return (len(groups) == 8 or max(map(len, groups)) >= 3) and _is_address(text)


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # Loopback, "any" and netmasks are nobody's.
    reserved = address.version == 4 and address.is_reserved
    return not (address.is_loopback or address.is_unspecified or reserved)


# --- phone --------------------------------------------------------------------------------------------------
_EXTENSION: Final = r"(?i: ?(?:x|ext\.?) ?[0-9]{1,6})?"
_phones_by_form: Final = (
    re2.compile(r"\+[1-9](?:[ .()/-]{0,3}[0-9]){7,14}" + _EXTENSION),
    re2.compile(r"00[1-9][0-9]{0,2}(?:[ .()/-]{1,3}[0-9]{2,5}){3,5}" + _EXTENSION),
    # North America: neither area nor exchange begins with 0 or 1.
    re2.compile(r"(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}" + _EXTENSION),
)
_told_phone: Final = re2.compile(
    r"(?i:\b(?:phone|telephone|tel|mobile|cell|fax|whatsapp)(?: number| no)?"
    r"|\b(?:call|reach|ring|text) (?:me|us|him|her|them) (?:at|on))"
    r"(?: is)?[\"':=. ]{1,5}(\(?[0-9](?:[ .()/-]{0,2}[0-9]){6,14}" + _EXTENSION + ")"
)
_date: Final = re2.compile(
    r"(?:19|20)[0-9]{2}[./-][0-9]{1,2}[./-][0-9]{1,2}|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)[0-9]{2}"
)


def _phones(text: str) -> Iterator[Span]:
    for pattern in _phones_by_form:
        for start, end in _spans(pattern, text):
            if _stands_alone(text, start, end) and text[start - 1 : start] not in {".", "-", "+"}:
                yield start, end
    for start, end in _spans(_told_phone, text, 1):
        date = next(_spans(_date, text[start:end]), None)
        if not _is_alphanumeric(text, end) and (date is None or date[0] != 0):
            yield start, end


_FINDERS: Final[Mapping[Entity, Callable[[str], Iterator[Span]]]] = {
    "EMAIL": _emails,
    "IBAN": _ibans,
    "CARD": _cards,
    "US_SSN": _ssns,
    "IP_ADDRESS": _ip_addresses,
    "PHONE": _phones,
}
