"""Where phone numbers stand in a text.

International and North American numbers show by their form; libphonenumber (as `phonenumbers`) rules out country codes
and lengths that do not exist. Other national numbers need a word before them, or a country whose plan they fit.
"""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

import re2

from tracelm.scorers.folding import Span
from tracelm.scorers.standing import digits, is_alphanumeric, spans, stands_alone

_EXTENSION: Final = r"(?i: ?(?:x|ext\.?) ?[0-9]{1,6})?"
_international: Final = re2.compile(r"\+[1-9](?:[ .()/-]{0,3}[0-9]){6,14}" + _EXTENSION)
_by_form: Final = (
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


_word_behind: Final = re2.compile(
    r"((?:\(?[0-9]{1,5}\)?[ .-]?)?[0-9]{2,4}(?:[ .-][0-9]{2,5}){1,4})"
    r"(?i:[ ]?[(\[,-]?[ ]?(?:mobile|cell|phone|fax|office|landline)\b)"
)
_by_plan: Final = re2.compile(r"\(?[0-9](?:[ .()/-]{0,2}[0-9]){6,14}")


def phone_numbers(text: str) -> Iterator[Span]:
    """Yield where numbers stand that show by their form, or by a word beside them."""
    for start, end in spans(_international, text):
        # What stands behind may be the next number: the longest beginning that can be a number is one.
        last = next((last for last in _ends(text, start, end) if is_possible(text[start:last])), start)
        if last > start and _is_free(text, start, last):
            yield start, last
    for pattern in _by_form:
        for start, end in spans(pattern, text):
            if _is_free(text, start, end):
                yield start, end
    for start, end in spans(_told_phone, text, 1):
        if not is_alphanumeric(text, end) and not _is_date(text[start:end]):
            yield start, end
    for start, end in spans(_word_behind, text, 1):
        if _is_free(text, start, end) and not _is_date(text[start:end]) and 7 <= len(digits(text[start:end])) <= 15:
            yield start, end


def phone_numbers_of(regions: Collection[str], text: str) -> Iterator[Span]:
    """Yield where numbers stand that the plans of these countries give out, written as a national number."""
    import phonenumbers

    for start, end in spans(_by_plan, text):
        number = text[start:end]
        if not _is_free(text, start, end) or _is_date(number):
            continue
        for region in regions:
            try:
                parsed = phonenumbers.parse(number, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number_for_region(parsed, region):
                yield start, end
                break


def known_regions() -> Collection[str]:
    """Return the countries whose numbering plans are known, as two letters."""
    import phonenumbers

    return phonenumbers.SUPPORTED_REGIONS


def _ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield where a candidate can end: whole, then without its last groups."""
    yield end
    for place in range(end - 1, start + 7, -1):
        if text[place - 1].isdigit() and text[place] in " .()/-":
            yield place


def _is_free(text: str, start: int, end: int) -> bool:
    return stands_alone(text, start, end) and text[start - 1 : start] not in {".", "-", "+"}


def _is_date(number: str) -> bool:
    date = next(spans(_date, number), None)
    return date is not None and date[0] == 0


def is_possible(number: str) -> bool:
    """Say whether the country code exists and the length is one of its lengths, extension or not."""
    if "x" in number or "X" in number:
        return _is_possible_as_parsed(number)
    number_digits = digits(number)
    plan = next(filter(None, (_plan(number_digits[:length]) for length in (1, 2, 3))), None)
    if plan is None:
        return False
    behind = number_digits[plan.code_length :]
    if plan.prefix is not None and plan.prefix.match(behind):  # what is dialled inside of the country, as in +44 (0)20
        return _is_possible_as_parsed(number)
    return len(behind) in plan.lengths


class _Plan(NamedTuple):
    """What numbers of a country code look like, as far as their length goes."""

    code_length: int
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None


@cache
def _plan(code: str) -> _Plan | None:
    """Return libphonenumber's plan of a country code; `None` where there is none."""
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if regions is None:
        return None
    known: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])
    lengths = frozenset((*known.general_desc.possible_length, *known.general_desc.possible_length_local_only))
    prefix = known.national_prefix_for_parsing
    return _Plan(len(code), lengths, re.compile(prefix) if prefix else None)


def _is_possible_as_parsed(number: str) -> bool:
    """Let libphonenumber say so, which takes ten times as long."""
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
