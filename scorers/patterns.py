"""A scorer that looks for a pattern."""

import functools
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from tracelm.errors import ConfigError
from tracelm.scorers.values import text_of
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

Where: TypeAlias = Literal["anywhere", "whole"]

_MOST_SPANS = 1_000


@dataclass(frozen=True, kw_only=True)
class Matches(Scorer):
    r"""True when a regular expression matches the output.

    The engine is RE2: time grows with the length of the text and never beyond, whatever the pattern. It knows no
    look-around and no back references. `details["spans"]` says where the pattern matched, at most 1,000 times.

    Args:
        pattern: A regular expression in RE2's syntax; `(?i)` in front ignores case.
        where: `anywhere` in the output, or as the `whole` of it, without the blanks around it.

    Raises:
        ConfigError: RE2 does not take the pattern.

    Example:
        >>> Matches(pattern=r"\d{4}-\d{2}-\d{2}", where="whole").score(output="2026-11-26").value
        True
    """

    pattern: str
    where: Where = "anywhere"
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        if self.where not in get_args(Where):
            raise ConfigError(f"where={self.where!r} is not known: use 'anywhere' or 'whole'")
        compiled(self.pattern)

    def score(self, *, output: object) -> Score:
        """Look for the pattern in `output`, or in its `str`."""
        engine, text = compiled(self.pattern), text_of(output).encode("utf-8", "replace").decode()
        if self.where == "whole":
            same = engine.fullmatch(text.strip()) is not None
            return Score(value=same, explanation=None if same else f"{self.pattern} does not match the whole output")
        spans: list[dict[str, Any]] = []
        for found in engine.finditer(text):
            spans.append({"start": found.start(), "end": found.end(), "type": "MATCH"})
            if len(spans) == _MOST_SPANS:
                break
        if not spans:
            return Score(value=False, explanation=f"{self.pattern} matches nowhere")
        return Score(value=True, details={"spans": spans})


@functools.lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """Return a pattern, compiled by RE2.

    Raises:
        ConfigError: RE2 does not take it.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, TypeError) as error:
        raise ConfigError(
            f"pattern={pattern!r} is no regular expression that RE2 takes (it has no look-around and no back "
            f"references): {error}"
        ) from None
