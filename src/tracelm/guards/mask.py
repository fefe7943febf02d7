"""Taking exactly the found spans out of a text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from tracelm.scoring.score import Score

_TYPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_UNNAMED: Final = "REDACTED"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where something was found in a text.

    Attributes:
        start: Where it begins, in characters.
        end: Where it ends, in characters, exclusive.
        type: What it is; never the text itself.
    """

    start: int
    end: int
    type: str


def spans_of(score: Score) -> list[Span]:
    """Return what the score's `details["spans"]` say; nothing when it has none.

    Raises:
        ValueError: They are not a list of `{"start", "end", "type"}` with `0 <= start < end`.
    """
    details = cast("object", score.details)  # a scorer may have put anything there
    listed = cast("Mapping[str, object]", details).get("spans", ()) if isinstance(details, Mapping) else ()
    if isinstance(listed, str) or not isinstance(listed, Sequence):
        raise ValueError('details["spans"] is no list')
    return [_span(each) for each in cast("Sequence[object]", listed)]


def mask(text: str, spans: Sequence[Span]) -> str:
    """Return `text` with each span replaced by its type in brackets; spans that overlap become one.

    Args:
        text: The text.
        spans: What to take out, sorted.

    Raises:
        ValueError: A span does not lie inside of `text`.
    """
    pieces: list[str] = []
    done = 0
    for span in spans:
        if span.end > len(text):
            raise ValueError(f"a span ends at {span.end}, behind the end of the text ({len(text)} characters)")
        if span.start < done:
            done = max(done, span.end)
            continue
        pieces += [text[done : span.start], f"[{span.type}]"]
        done = span.end
    return "".join([*pieces, text[done:]])


def _span(given: object) -> Span:
    fields = cast("Mapping[str, object]", given if isinstance(given, Mapping) else {})
    start, end, kind = fields.get("start"), fields.get("end"), fields.get("type")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end:
        raise ValueError('details["spans"] needs {"start", "end", "type"} with 0 <= start < end')
    # A scorer that puts the found text here would have us print it.
    return Span(start, end, kind if isinstance(kind, str) and _TYPE.fullmatch(kind) else _UNNAMED)
