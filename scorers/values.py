"""What scorers of text read: any output as text, bounded where the work grows faster than the text."""

import orjson

from tracelm.scoring.score import Score


def text_of(value: object) -> str:
    """Return a str as it is, and anything else as its `str`."""
    return value if isinstance(value, str) else str(value)


def folded(text: str, *, ignore_case: bool) -> str:
    """Return the text to compare."""
    return text.casefold() if ignore_case else text


def shown(value: object, *, limit: int = 80) -> str:
    """Return a value as it stands in an explanation: its JSON where it has one, cut after `limit` characters."""
    try:
        text = orjson.dumps(value, default=str).decode()
    except (TypeError, ValueError):  # a cycle, a lone surrogate
        text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def too_long(limit: int, **texts: str) -> Score | None:
    """Return a refusal to score when one of the texts has more characters than `limit`."""
    for name, text in texts.items():
        if len(text) > limit:
            return refused(f"{name} has {len(text):,} characters, more than {limit:,}")
    return None


def refused(reason: str) -> Score:
    """Return "not scored", and why."""
    return Score(value=None, explanation=f"refused to score: {reason}")
