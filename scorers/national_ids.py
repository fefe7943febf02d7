"""Where national identity numbers and birth dates stand in a text.

`python-stdnum` knows the check digits. One digit in eleven passes many of them by chance, so that a run of digits is
only an id where the words before it say so; two forms tell by themselves.
"""

import importlib
from collections.abc import Iterator
from typing import Final

import re2

from tracelm.scorers.folding import Span
from tracelm.scorers.standing import spans, stands_alone

_JOIN: Final = r"(?i:[ _-]?(?:number|no\.?|nr\.?|id|code))?(?i: is| was)?[\"':=# .()]{1,5}"
_TOLD: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (r"nhs", r"[0-9](?:[ -]?[0-9]){9}", ("gb.nhs",)),
    (r"aadhaa?r|uidai", r"[2-9](?:[ -]?[0-9]){11}", ("in_.aadhaar",)),
    (r"cpf", r"[0-9](?:[ .-]?[0-9]){10}", ("br.cpf",)),
    (r"n\.?i\.?r\.?|s[ée]curit[ée] sociale|num[ée]ro de s[ée]cu", r"[12](?:[ .]?[0-9AB]){14}", ("fr.nir",)),
    (r"steuer-?id(?:entifikationsnummer)?|idnr|german tax", r"[1-9](?:[ ]?[0-9]){10}", ("de.idnr",)),
    (r"bsn|burgerservicenummer", r"[0-9](?:[ .]?[0-9]){7,8}", ("nl.bsn",)),
    (r"pesel", r"[0-9]{11}", ("pl.pesel",)),
    (r"sin|social insurance", r"[1-9][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}", ("ca.sin",)),
    (r"ahv(?:-nr)?|avs", r"756(?:[. ]?[0-9]){10}", ("ch.ssn",)),
    (r"dni|nif|nie", r"[0-9XYZxyz][0-9]{7}[ -]?[A-Za-z]", ("es.dni", "es.nie")),
)
"""The word that must stand before, the form, and the modules of stdnum that may accept it."""
_told: Final = tuple((re2.compile(rf"(?i:\b(?:{word})){_JOIN}({form})"), modules) for word, form, modules in _TOLD)
_words: Final = re2.compile("(?i)" + "|".join(word for word, _, _ in _TOLD))
_BY_FORM: Final[tuple[tuple[str, str], ...]] = (
    (
        r"[A-Za-z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRSTabcdehlmprst][0-9LMNPQRSTUV]{2}[A-Za-z][0-9LMNPQRSTUV]{3}[A-Za-z]",
        "it.codicefiscale",
    ),
    (r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "br.cpf"),
)
_by_form: Final = tuple((re2.compile(form), module) for form, module in _BY_FORM)

_MONTH: Final = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_YEAR: Final = r"(?:19|20)[0-9]{2}"
_birth_date: Final = re2.compile(
    r"(?i:\b(?:date of birth|birth[ -]?date|birthday|dob|d\.o\.b\.?|born))(?i: is| was| on)?[\"':=, ()]{1,5}(?i:on )?"
    rf"({_YEAR}[./-][0-9]{{1,2}}[./-][0-9]{{1,2}}|[0-9]{{1,2}}[./-][0-9]{{1,2}}[./-](?:{_YEAR}|[0-9]{{2}})"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)?[ -]{_MONTH},?[ -]{_YEAR}|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? {_YEAR})"
)


def national_ids(text: str) -> Iterator[Span]:
    """Yield where identity numbers stand whose check digits are right."""
    if _words.search(text):
        for pattern, modules in _told:
            for start, end in spans(pattern, text, 1):
                if stands_alone(text, start, end) and any(_is_valid(each, text[start:end]) for each in modules):
                    yield start, end
    for pattern, module in _by_form:
        for start, end in spans(pattern, text):
            if stands_alone(text, start, end) and _is_valid(module, text[start:end]):
                yield start, end


def birth_dates(text: str) -> Iterator[Span]:
    """Yield where a date stands behind a word that makes it a date of birth."""
    return ((start, end) for start, end in spans(_birth_date, text, 1) if stands_alone(text, start, end))


def _is_valid(module: str, number: str) -> bool:
    return bool(importlib.import_module(f"stdnum.{module}").is_valid(number))
