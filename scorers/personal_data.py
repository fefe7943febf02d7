"""Where personal data stands in a text: e-mail addresses, cards, IBANs, ids, phone numbers, IP addresses, birth dates.

A pattern of google-re2 (linear in the length of the text) proposes; what the thing itself can prove decides:
the check digits of a card or an IBAN, the ranges of an SSN, the grammar of an address.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Final, Literal, TypeAlias, get_args

import re2

from tracelm.scorers.detector import Found
from tracelm.scorers.folding import Span, fold
from tracelm.scorers.national_ids import birth_dates, national_ids
from tracelm.scorers.payment_numbers import IBAN_LENGTHS, has_iban_check_digits, is_card_number
from tracelm.scorers.phone_numbers import phone_numbers, phone_numbers_of
from tracelm.scorers.standing import digits, spans, stands_alone

Entity: TypeAlias = Literal["EMAIL", "IBAN", "CARD", "US_SSN", "NATIONAL_ID", "IP_ADDRESS", "PHONE", "BIRTH_DATE"]
ENTITIES: Final[tuple[Entity, ...]] = get_args(Entity)
"""All that can be found. Where two overlap, the whole goes by the name that stands first."""


def find(text: str, entities: Collection[Entity] = ENTITIES, *, regions: Collection[str] = ()) -> list[Found]:
    """Return what stands in `text`, in order and without overlaps.

    Args:
        text: Any text. Digits, blanks and dashes of other scripts and widths are read as the plain ones, and
            characters without a width as not there.
        entities: What to look for.
        regions: Countries (ISO 3166, two letters) whose phone numbers are known without a word before them.
    """
    folded = fold(text)
    plain = folded.text
    if _any.search(plain) is None:  # most of what is written holds none of what all of it needs
        return []
    found: list[Found] = []
    for _ in range(_MOST_LOOKS):
        new = _look(plain, entities, regions)
        found += new
        # What touched a finding stands alone once that is masked, so it is looked at as it will be then.
        if not any(_touches(plain, each) for each in new):
            break
        plain = _masked(plain, new)
    found.sort()
    return found if folded.places is None else [Found(*folded.span(each.start, each.end), each.type) for each in found]


_any: Final = re2.compile(r"[0-9@:]|[A-Za-z]{16}")
"""A digit, the signs of an address, or an Italian tax code whose digits are all written as letters."""
_MOST_LOOKS: Final = 8


def _look(text: str, entities: Collection[Entity], regions: Collection[str]) -> list[Found]:
    raw = [(*span, entity) for entity in ENTITIES if entity in entities for span in _FINDERS[entity](text)]
    if regions and "PHONE" in entities:
        raw += [(*span, "PHONE") for span in phone_numbers_of(regions, text)]
    raw.sort()
    found: list[Found] = []
    for start, end, entity in raw:
        if found and start < found[-1].end:
            last = found.pop()
            first = min((last.type, entity), key=ENTITIES.index)
            found.append(Found(last.start, max(last.end, end), first))
        else:
            found.append(Found(start, end, entity))
    return found


def _touches(text: str, found: Found) -> bool:
    beside = text[max(found.start - 1, 0) : found.start] + text[found.end : found.end + 1]
    return any(char not in _APART for char in beside)


_APART: Final = frozenset(" \t\r\n,;()[]{}<>\"'!?|")


def _masked(text: str, found: Collection[Found]) -> str:
    pieces: list[str] = []
    done = 0
    for each in found:
        pieces += [text[done : each.start], "]" * (each.end - each.start)]
        done = each.end
    return "".join([*pieces, text[done:]])


# --- e-mail -------------------------------------------------------------------------------------------------
_WORD: Final = r"\p{Latin}\p{Greek}\p{Cyrillic}0-9"
_email: Final = re2.compile(
    rf"[{_WORD}_][{_WORD}_.!#$%&'*+/=?^`{{|}}~-]*@(?:[{_WORD}][{_WORD}-]*\.)+"
    r"(?:xn--[A-Za-z0-9-]{2,}|[\p{Latin}\p{Greek}\p{Cyrillic}]{2,})"
)


def _emails(text: str) -> Iterator[Span]:
    # Most texts hold none, and say so fast.
    return spans(_email, text) if "@" in text else iter(())


# --- payment card -------------------------------------------------------------------------------------------
# A line may have been wrapped inside of a number, once: more line breaks are a column of numbers.
_long_number: Final = re2.compile(r"[0-9](?:(?:[ ._-]{0,2}| ?\r?\n ?)[0-9]){11,}")
_group: Final = re.compile(r"[0-9]+")
_CARD_LAYOUTS: Final = frozenset(
    {*((length,) for length in range(12, 20)), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13)}
)
_CARD_GROUPS: Final = tuple(sorted({len(layout) for layout in _CARD_LAYOUTS}, reverse=True))


def _cards(text: str) -> Iterator[Span]:
    for first, last in spans(_long_number, text):
        groups = [each.span() for each in _group.finditer(text, first, last)]
        lengths = tuple(end - start for start, end in groups)
        at = 0
        while at < len(groups):
            for size in _CARD_GROUPS:
                if lengths[at : at + size] in _CARD_LAYOUTS and at + size <= len(groups):
                    start, end = groups[at][0], groups[at + size - 1][1]
                    if _is_card(text, start, end, is_whole=size == 1):
                        yield start, end
                        at += size
                        break
            else:
                at += 1


def _is_card(text: str, start: int, end: int, *, is_whole: bool) -> bool:
    if text.count("\n", start, end) > 1:
        return False
    if not stands_alone(text, start, end) or (is_whole and _is_part_of_a_decimal(text, start, end)):
        return False
    return is_card_number(digits(text[start:end]))


def _is_part_of_a_decimal(text: str, start: int, end: int) -> bool:
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    return (before[-1:] == "." and before[:1].isdigit()) or (after[:1] == "." and after[1:].isdigit())


# --- IBAN ---------------------------------------------------------------------------------------------------
_iban_head: Final = re2.compile(r"[A-Za-z]{2}[0-9]{2}")


def _ibans(text: str) -> Iterator[Span]:
    done = 0
    for start, _ in spans(_iban_head, text):
        length = IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
        if start < done or not length:
            continue
        # What stands behind may run on into the next words: the country says where the number ends.
        number = _iban_of(length).match(text, start)
        if number is None or not stands_alone(text, start, number.end()):
            continue
        if has_iban_check_digits(number.group().replace(" ", "").replace("-", "")):
            done = number.end()
            yield start, done


@cache
def _iban_of(length: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){{{length - 1}}}")


# --- US social security number ------------------------------------------------------------------------------
_ssn: Final = re2.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
# Without dashes, nine digits are many things: only the words before them tell.
_told_ssn: Final = re2.compile(
    r"(?i:\bssn|\bsocial security)(?i: number| no\.?)?(?i: is)?[\"':= #]{0,5}"
    r"([0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4})"
)


def _ssns(text: str) -> Iterator[Span]:
    for start, end in spans(_ssn, text):
        if text[start - 1 : start] != "-" and text[end : end + 1] != "-" and _is_ssn(text, start, end):
            yield start, end
    for start, end in spans(_told_ssn, text, 1):
        if _is_ssn(text, start, end):
            yield start, end


def _is_ssn(text: str, start: int, end: int) -> bool:
    """Check the ranges that the Social Security Administration never assigns."""
    number = digits(text[start:end])
    return (
        stands_alone(text, start, end)
        and number[:3] not in {"000", "666"}
        and number[0] != "9"
        and number[3:5] != "00"
        and number[5:] != "0000"
    )


# --- IP address ---------------------------------------------------------------------------------------------
_ipv4: Final = re2.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_ipv6: Final = re2.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.[0-9]{1,3}){0,3}")


def _ip_addresses(text: str) -> Iterator[Span]:
    for start, end in spans(_ipv4, text):
        longer = text[start - 1 : start] == "." or (text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit())
        if not longer and stands_alone(text, start, end) and _is_address(text[start:end]):
            yield start, end
    for start, end in spans(_ipv6, text):
        for first, last in _without_colons_around(text, start, end):
            if stands_alone(text, first, last) and _is_ipv6(text[first:last]):
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


_FINDERS: Final[Mapping[Entity, Callable[[str], Iterator[Span]]]] = {
    "EMAIL": _emails,
    "IBAN": _ibans,
    "CARD": _cards,
    "US_SSN": _ssns,
    "NATIONAL_ID": national_ids,
    "IP_ADDRESS": _ip_addresses,
    "PHONE": phone_numbers,
    "BIRTH_DATE": birth_dates,
}
