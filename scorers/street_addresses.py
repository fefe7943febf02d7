"""Street addresses that can be told by their form: a house number beside a word that names a street, a flat, a box."""

from typing import Final

import re2

from tracelm.scorers.folding import Span
from tracelm.scorers.standing import spans

_WORD: Final = r"\p{Lu}[\p{Latin}'’.-]*"
_NUMBER: Final = r"[0-9]{1,5}[A-Za-z]?"
_FORMS: Final = (
    # 12 Old Mill Road
    rf"\b{_NUMBER},? (?:{_WORD} ){{1,4}}(?:(?i:street|avenue|road|lane|drive|boulevard|court|square|terrace|crescent"
    r"|parkway|highway)\b|(?:St|Ave|Rd|Ln|Dr|Blvd|Ct|Sq|Pkwy|Hwy)\b\.?)",
    # Via Roma 131
    r"\b(?:Rue|rue|Via|Viale|Vicolo|Piazza|Calle|Avenida|Avda\.|Paseo|Rua|ul\.|Ulica|Chemin) "
    rf"{_WORD}(?: {_WORD}){{0,3}},? {_NUMBER}\b",
    # 106 Rue Ettatawer
    rf"\b{_NUMBER},? (?:Rue|rue|Avenue|avenue|Boulevard|boulevard|Chemin|chemin) {_WORD}(?: {_WORD}){{0,3}}",
    # Hauptstraße 5, Koskikatu 25
    r"\b\p{Lu}[\p{Latin}-]*(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|straat|laan|gatan|vägen|gade|vej|veien|gata|katu"
    rf"|tie|kuja|polku|stræti|straeti) {_NUMBER}\b",
    # Wesselényi u. 94
    rf"\b{_WORD} (?:u\.|út|utca) {_NUMBER}\b",
    r"\b(?i:apt|apartment|suite|flat)\.? ?#?[0-9]{1,5}[A-Za-z]?\b",
    r"\b(?i:p\. ?o\. ?box|po box|postfach) [0-9]{1,6}\b",
)
_forms: Final = tuple(map(re2.compile, _FORMS))


def street_addresses(text: str) -> list[Span]:
    """Return where street addresses, flats and boxes stand in a text; they may overlap."""
    return [span for form in _forms for span in spans(form, text)]
